"""Invariant 16, the cash part: what lies at the treasury is never below zero where it is kept.

A treasury is played at random by a seed, with two kinds of fund, and beside it a model that is a
cash box for each kind: claims take of it, answers settle them or give them back, refunds bring some
again. Whatever the program accepts or refuses, the model has said so.
"""

from datetime import date
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.money import parse_yuan, yuan
from ledger.reading.loading import read_rows
from payments.clearing.cash import CASH
from payments.clearing.claims import RequestClearing
from payments.clearing.events import Claim
from tests.support.bookkeeper import Bookkeeper, claim_receipt
from tests.support.openings import TREASURY, cash_opened, income

MARCH_2 = date(2026, 3, 2)
KINDS = {"111": "11", "121": "12"}
KINDS_OF_INCOME = {"111": "10101", "121": "10301"}
STEPS = 40

pytestmark = pytest.mark.usefixtures("decided_again")


class Box:
    """What an accountant would have on paper of one kind of fund, in fen."""

    def __init__(self, opening_fen: int) -> None:
        self.lies_there = opening_fen  # at the central bank
        self.claimed = 0  # of it, and not answered
        self.paid = 0  # by the bank, and not claimed
        self.back = 0  # returned to the bank, and not claimed

    @property
    def free(self) -> int:
        return self.lies_there - self.claimed


class Played:
    """The program and the model, a step at a time."""

    def __init__(self, keeper: Bookkeeper, random: Random) -> None:
        self.keeper, self.random, self.serial = keeper, random, 0
        opened = {fund: random.randint(1, 100_000) for fund in KINDS}
        keeper.do(cash_opened(**{f"f{fund}": yuan(fen) for fund, fen in opened.items()}), "a")
        self.boxes = {kind: Box(opened[fund]) for fund, kind in KINDS.items()}
        self.next_day = date(2026, 1, 1)
        self.open: list[tuple[str, Claim]] = []
        self.payments: list[tuple[str, str, int]] = []
        for fund in KINDS:
            keeper.issue(f"B{fund}", "10000000.00", fund_type_code=fund)

    def number(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}-{self.serial}"

    def pay(self) -> None:
        fund, fen = self.random.choice(list(KINDS)), self.random.randint(1, 40_000)
        number = self.number("P")
        self.keeper.pay(number, f"B{fund}", yuan(fen))
        self.payments.append((number, fund, fen))
        self.boxes[KINDS[fund]].paid += fen

    def income(self) -> None:
        """The next day's report; now and then more is returned than lies there."""
        lines = [
            (KINDS_OF_INCOME[fund], fund, yuan(self.random.choice((-90_000, -50, 1, 30_000))))
            for fund in KINDS
        ]
        outcome = self.keeper.ask(income(self.number("R"), self.next_day, *lines), "accountant")
        changes = {KINDS[fund]: parse_yuan(amt, signed=True) for _, fund, amt in lines}
        if any(self.boxes[kind].free + fen < 0 for kind, fen in changes.items() if fen < 0):
            assert outcome.problem is not None, "more is returned than lies there"
            assert outcome.problem.code.text == "insufficient_cash"
            return
        assert outcome.problem is None, str(outcome.problem)
        self.next_day = date.fromordinal(self.next_day.toordinal() + 1)
        for kind, fen in changes.items():
            self.boxes[kind].lies_there += fen

    def refund(self) -> None:
        if self.payments:
            number, fund, fen = self.payments.pop(self.random.randrange(len(self.payments)))
            self.keeper.refund(number, yuan(fen))
            self.boxes[KINDS[fund]].back += fen

    def claim(self) -> None:
        boxes = self.boxes.values()
        clear_no = self.number("QS")
        asked = RequestClearing(clear_no=clear_no, clear_date=MARCH_2, pay_bank_code="102")
        outcome = self.keeper.ask(asked)
        if not any(box.paid or box.back for box in boxes):
            assert outcome.problem is not None
            assert outcome.problem.code.text == "clearing_empty"
            return
        if any(box.paid > box.free for box in boxes):
            assert outcome.problem is not None, "more is claimed than lies there"
            assert outcome.problem.code.text == "insufficient_cash"
            return
        assert outcome.problem is None, str(outcome.problem)
        self.open += [(clear_no, claim) for claim in outcome.subjects[0].requested.claims]
        for box in boxes:
            box.claimed, box.paid, box.back = box.claimed + box.paid, 0, 0

    def answer(self) -> None:
        if not self.open:
            return
        clear_no, claim = self.open.pop(self.random.randrange(len(self.open)))
        fen, box = parse_yuan(claim.pay_amt), self.boxes[KINDS[claim.fund_type_code]]
        answer = claim_receipt(clear_no, claim.voucher_no, claim.pay_amt, MARCH_2)
        rejected = self.random.random() < 0.3
        if rejected:
            answer = msgspec.structs.replace(answer, xpay_fen=0, rejected="库款余额不足")
        self.keeper.do(answer, "pboc")
        if claim.vt_code == "2302":
            box.back += fen if rejected else 0
            box.lies_there += 0 if rejected else fen
            return
        box.claimed -= fen
        box.paid += fen if rejected else 0
        box.lies_there -= 0 if rejected else fen

    def check(self) -> None:
        with self.keeper.pool.connection() as connection:
            rows = read_rows(connection, self.keeper.ledger_id, CASH)
        for kind, box in self.boxes.items():
            row: Any = rows[f"{TREASURY}/{kind}"]
            assert (row.balance, row.claimed, row.free) == (box.lies_there, box.claimed, box.free)
            assert box.free >= 0
        lies_there = sum(box.lies_there for box in self.boxes.values())
        assert self.keeper.books().get("国库存款", "0.00") == yuan(lies_there)


@pytest.mark.parametrize("seed", range(3))
def test_cash_is_what_the_model_has(bookkeeper: Bookkeeper, seed: int) -> None:
    played = Played(bookkeeper, Random(seed))
    for _ in range(STEPS):
        steps = played.pay, played.claim, played.answer, played.refund, played.income
        played.random.choice(steps)()
        played.check()
