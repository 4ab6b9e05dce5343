"""受控余额 of one indicator, as figures on paper; no database."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from budget.balances import BALANCES, NOTHING, Balances
from budget.plans import Plan, check_plan
from ledger.deciding.dated import DatedRow
from ledger.errors import Code, Refusal, RequestError
from ledger.money import AMOUNT_MAX_FEN

DAY = date(2026, 3, 2)
BEFORE = Balances(available=600, frozen=100, occupied=200, paid=100, plan=500)


def moved(before: Balances, changes_fen: Mapping[str, int]) -> Any:
    """The row of the indicator B after a posting."""
    return BALANCES.moved("B", DatedRow(before, DAY), DAY, changes_fen).row


def planned(before: Balances, change_fen: int) -> Any:
    check_plan(Plan("B"), DatedRow(before, DAY), DAY, 3, change_fen)
    return moved(before, {"plan": change_fen})


def refused(code: Code, **extra: str) -> Any:
    due = {**extra, "on": DAY.isoformat()}
    return pytest.raises(Refusal, check=lambda e: e.code is code and e.extra == due)


def test_the_amount_is_what_its_parts_add_up_to() -> None:
    assert BEFORE.amount == 1000
    assert BEFORE.plan_available == 200
    assert NOTHING.amount == NOTHING.plan == 0


def test_a_posting_moves_each_part() -> None:
    after = moved(BEFORE, {"available": -1, "frozen": 2, "occupied": -3, "paid": 4})
    assert after == Balances(available=599, frozen=102, occupied=197, paid=104, plan=500)
    assert moved(BEFORE, {}) == BEFORE


def test_a_part_may_be_used_up_and_no_more() -> None:
    assert moved(BEFORE, {"available": -600}).available == 0
    with refused(
        Code.INSUFFICIENT_INDICATOR, bgt_id="B", available_amt="6.00", requested_amt="6.01"
    ) as short:
        moved(BEFORE, {"available": -601})
    assert short.value.detail == "indicator B has too little available on 2026-03-02"
    assert moved(BEFORE, {"frozen": -100}).frozen == 0
    with refused(
        Code.INSUFFICIENT_INDICATOR, bgt_id="B", available_amt="1.00", requested_amt="1.01"
    ) as short:
        moved(BEFORE, {"frozen": -101})
    assert short.value.detail == "indicator B has too little frozen on 2026-03-02"


def test_a_refusal_names_what_is_short_and_what_there_was() -> None:
    with refused(
        Code.INSUFFICIENT_INDICATOR, bgt_id="B", available_amt="0.00", requested_amt="0.01"
    ) as short:
        moved(NOTHING, {"available": -1})
    assert short.value.detail == "indicator B has too little available on 2026-03-02"
    with refused(
        Code.INSUFFICIENT_INDICATOR, bgt_id="B", available_amt="0.01", requested_amt="0.02"
    ) as short:
        moved(Balances(frozen=1), {"frozen": -2})
    assert short.value.detail == "indicator B has too little frozen on 2026-03-02"


@pytest.mark.parametrize(("part", "has"), [("occupied", 200), ("paid", 100)])
def test_what_is_occupied_or_paid_has_a_floor_too(part: str, has: int) -> None:
    assert getattr(moved(BEFORE, {part: -has}), part) == 0
    with pytest.raises(Refusal):
        moved(BEFORE, {part: -has - 1})


def test_an_indicator_stays_within_what_can_be_written() -> None:
    assert moved(NOTHING, {"available": AMOUNT_MAX_FEN}).amount == AMOUNT_MAX_FEN
    with pytest.raises(RequestError, match=r"indicator B would exceed 9999999999999999\.99") as no:
        moved(NOTHING, {"available": AMOUNT_MAX_FEN + 1})
    assert no.value.code is Code.INVALID_AMOUNT


@pytest.mark.parametrize("part", ["frozen", "occupied", "paid"])
def test_what_is_used_of_an_indicator_counts_in_what_it_may_be(part: str) -> None:
    """Of the largest indicator all but a fen is used in one way: it takes no two fen more."""
    used = Balances(available=1, **{part: AMOUNT_MAX_FEN - 1})
    assert moved(used, {"available": -1}).available == 0
    with pytest.raises(RequestError, match="would exceed"):
        moved(used, {"available": 1})


def test_a_plan_reaches_from_what_is_used_to_what_is_not_frozen() -> None:
    assert planned(BEFORE, -200).plan == 300
    with refused(
        Code.INSUFFICIENT_PLAN, bgt_id="B", available_amt="2.00", requested_amt="2.01"
    ) as low:
        planned(BEFORE, -201)
    assert low.value.detail == "the plan of B cannot fall below what is used of it on 2026-03-02"
    assert planned(BEFORE, 400).plan == 900
    with refused(
        Code.INSUFFICIENT_INDICATOR, bgt_id="B", available_amt="4.00", requested_amt="4.01"
    ) as high:
        planned(BEFORE, 401)
    assert high.value.detail == "the plan of B would exceed its indicator on 2026-03-02"


def test_a_plan_that_nothing_is_left_of_moves_by_nothing() -> None:
    full = Balances(available=0, occupied=100, plan=100)
    with refused(Code.INSUFFICIENT_PLAN, bgt_id="B", available_amt="0.00", requested_amt="0.01"):
        planned(full, -1)
    with refused(
        Code.INSUFFICIENT_INDICATOR, bgt_id="B", available_amt="0.00", requested_amt="0.01"
    ):
        planned(full, 1)


def test_the_figures_are_those_of_an_answer() -> None:
    figures = BEFORE.figures()
    assert (figures.amount, figures.frozen_amt, figures.pay_app_amt) == ("10.00", "1.00", "2.00")
    assert (figures.pay_amt, figures.canuse_amt) == ("1.00", "6.00")
    assert (figures.plan_amt, figures.plan_canuse_amt) == ("5.00", "2.00")
    assert Balances(occupied=5).figures().plan_canuse_amt == "0.00"
