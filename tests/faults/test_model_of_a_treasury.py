"""Concurrent clients over HTTP, real processes, faults by a seed: nothing lost, nothing double.

``GUOKU_MODEL_CYCLES`` (one; with ``make model`` forty) and ``GUOKU_MODEL_SEED`` choose how long and
which. What each cycle breaks is printed; a seed gives the same plan again, in another interleaving.
"""

# ruff: noqa: F401, F811  (pytest finds the fixture `data` by its import)

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.model.cards import (
    PLAIN,
    BankBook,
    Card,
    Figures,
    Line,
    Model,
    Shown,
    strangers,
)
from tests.faults.model.cycles import Treasury
from tests.faults.model.installation import installation_on
from tests.support.running_up import data

CYCLES = int(os.environ.get("GUOKU_MODEL_CYCLES", "1"))
SEED = int(os.environ.get("GUOKU_MODEL_SEED", "1"))
CYCLE_MAX_S = 240

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


@pytest.mark.timeout(120 + CYCLES * CYCLE_MAX_S)
def test_whatever_breaks_everything_ends_as_the_model_says(data: Path) -> None:
    with installation_on(data) as installation:
        treasury = Treasury(installation, SEED)
        for number in range(1, CYCLES + 1):
            treasury.run(number)
        treasury.require_the_whole()


# ---- the model itself can fail


def agreed() -> tuple[Card, Model, dict[str, Shown | None], dict[tuple[str, str], Figures]]:
    """A payment of 30.00, paid, of an indicator of 100.00."""
    card = Card("P1", "L", "B1", (Line(PLAIN + "1", 30_00),))
    card.said |= dict.fromkeys(("apply", "approve", "sign"), "")
    model = Model({"P1": card}, {("L", "B1"): 100_00})
    shown: dict[str, Shown | None] = {"P1": Shown("paid", "V1", 30_00, 0)}
    return card, model, shown, {("L", "B1"): Figures(100_00, 0, 30_00, 70_00)}


BOOK = BankBook({"V1": 30_00}, {}, {"V1": "P1"})


def test_the_central_bank_owes_what_was_paid_less_what_was_sent_back() -> None:
    _, model, _, _ = agreed()
    book = BankBook({"V1": 30_00, "R1": -5_00}, {"V1": 5_00}, {"V1": "P1"})
    assert model.paid_by_ledger(book, ["L", "M"]) == {"L": 25_00, "M": 0}


def test_what_agrees_is_no_finding() -> None:
    _, model, shown, figures = agreed()
    assert model.differences(shown, figures, BOOK) == []
    assert strangers(BOOK, model.cards) == []


@pytest.mark.parametrize(
    ("shown", "figures", "book", "told"),
    [
        (None, None, BOOK, "is lost"),
        (Shown("sent", "V1", 0, 0), None, BOOK, "is sent"),
        (Shown("paid", "V1", 29_00, 0), None, BOOK, "29"),
        (None, Figures(100_00, 30_00, 0, 70_00), BOOK, "indicator"),
        (..., None, BankBook({"V1": 60_00}, {}, {"V1": "P1"}), "the bank paid"),
        (..., None, BankBook({}, {}, {}), "the bank paid"),
        (..., None, BankBook({"V1": 30_00}, {"V1": 1_00}, {"V1": "P1"}), "returned"),
        (
            ...,
            None,
            BankBook({"V1": 30_00, "V2": 30_00}, {}, {"V1": "P1", "V2": "P1"}),
            "as well as by",
        ),
    ],
)
def test_canary_what_is_lost_double_or_left_over_is_found(
    shown: Any, figures: Figures | None, book: BankBook, told: str
) -> None:
    _, model, as_it_is, due = agreed()
    payments = as_it_is if shown is ... else {"P1": shown}
    found = model.differences(payments, {("L", "B1"): figures} if figures else due, book)
    assert any(told in text for text in found), found


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"approve": "", "withdraw": ""}, "both taken"),
        ({"approve": "invalid_state"}, "nothing explains"),
        ({"approve": "", "void": "invalid_state"}, "nothing explains"),
        ({"approve": "", "sign": "", "refund": "invalid_state"}, "nothing explains"),
        ({"apply": "insufficient_plan"}, "nothing explains"),
    ],
)
def test_canary_answers_that_cannot_be_are_found(said: dict[str, str], told: str) -> None:
    card = Card("P1", "L", "B1", (Line(PLAIN + "1", 30_00),), {"apply": "", **said})
    assert any(told in text for text in card.faults_of_answers())


def test_canary_a_payment_that_nobody_asked_for_is_found() -> None:
    assert strangers(BankBook({"V9": 1}, {}, {"V9": "P9"}), ["P1"]) != []
