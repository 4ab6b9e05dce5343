"""Invariant 13: no controlled balance is below its floor at any effective date.

The model knows what was moved on which day and adds it up for every day, nothing else. Whatever
order of dates hypothesis finds, the core accepts what leaves every day at or above zero, refuses
what does not, and has the model's figures on every day.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from psycopg_pool import ConnectionPool

from budget import indicators
from budget.balances import BALANCES, Balances
from ledger.books import load_charts
from ledger.deciding.dated import DatedRow
from ledger.deciding.refolding import Refold
from ledger.money import yuan
from ledger.reading import loading
from payments.application import ApprovePayment, RejectPayment
from payments.clearing.claims import RequestClearing
from payments.clearing.uncleared import UNCLEARED
from payments.payment import Payment
from payments.voiding import VoidPayment
from projections.core.moments import Moment
from projections.core.runner import Runner
from projections.indicator_past import past_indicator
from tests.support.bookkeeper import (
    Bookkeeper,
    claim_receipt,
    payment,
    receipt,
    refund_notice,
    signature,
)
from tests.support.random_histories import run_histories

pytestmark = pytest.mark.usefixtures("decided_again")

BUDGETS = ("甲", "乙", "丙")
FEN = st.integers(min_value=1, max_value=40_00)
# as (month, day); the clock stands on March 2
PAST = ((1, 5), (1, 20), (2, 10), (3, 1), (3, 2))
AHEAD = ((3, 3), (6, 30))
TODAY = (3, 2)
PLACES = st.sampled_from(PAST + AHEAD)
OF_BANK = st.sampled_from([*PAST, *AHEAD, (0, 0)])  # the last is a day of another year

Changes = Mapping[str, int]


@dataclass
class Days:
    """What has moved an indicator on which day."""

    by_plan: bool
    moved: list[tuple[date, Changes]] = field(default_factory=list)

    def on(self, day: date) -> Balances:
        sums: dict[str, int] = defaultdict(int)
        for moved_on, changes in self.moved:
            if moved_on <= day:
                for name, fen in changes.items():
                    sums[name] += fen
        return Balances(**sums)

    def since(self, day: date) -> list[Balances]:
        """As it is on the day, and on each later one on which it has moved."""
        return [self.on(each) for each in sorted({day, *(d for d, _ in self.moved if d > day)})]

    def has_begun(self, day: date) -> bool:
        return any(moved_on <= day for moved_on, _ in self.moved)

    def bears(self, day: date, changes: Changes) -> bool:
        """Whether no day would be below zero that the changes lower."""
        return all(
            getattr(level, name) + fen >= 0
            for level in self.since(day)
            for name, fen in changes.items()
            if fen < 0
        )


@dataclass
class Card:
    """A payment as a clerk's card shows it."""

    bgt_id: str
    fen: int
    day: date
    status: str = "applied"
    refunded: int = 0
    issued: Payment | None = None


class DatedTreasury(RuleBasedStateMachine):
    """Every rule does one dated act to both and compares the answer."""

    pool: ConnectionPool
    years: Iterator[int]

    @initialize(begins=st.lists(PLACES, min_size=3, max_size=3))
    def open(self, begins: list[tuple[int, int]]) -> None:
        self.keeper = Bookkeeper(self.pool, year=next(self.years))
        self.keeper.open()
        self.serial = count(1)
        self.cards: dict[str, Card] = {}
        self.days: dict[str, Days] = {}
        for name, begin in zip(BUDGETS, begins, strict=True):
            day = self.day(begin)
            self.keeper.issue(name, "100.00", is_contrlbyplan=name == "丙", effective_on=day)
            self.days[name] = Days(name == "丙", [(day, {"available": 100_00})])

    def teardown(self) -> None:
        if not hasattr(self, "keeper"):
            return
        for register in (BALANCES, UNCLEARED):
            assert folded(self.keeper, register) == stored(self.keeper, register)
        Runner(self.pool).catch_up()
        with self.pool.connection() as connection:
            for name, days in self.days.items():
                for place in PAST + AHEAD:
                    day = self.day(place)
                    moment = Moment(effective=day)
                    past = past_indicator(connection, self.keeper.ledger_id, name, moment)
                    assert (past.balances if past else Balances()) == days.on(day)
        self.keeper.close()

    def day(self, place: tuple[int, int]) -> date:
        return date(self.keeper.year, *place) if place[0] else date(9999, 12, 31)

    @property
    def today(self) -> date:
        return self.day(TODAY)

    def number(self) -> str:
        return f"n{next(self.serial)}"

    def act(self, command: Any, day: date, *moved: tuple[str, Changes]) -> bool:
        """Asks for what moves these indicators, and compares the answer; whether it was taken."""
        outcome = self.keeper.ask(command)
        code = outcome.problem.code.text if outcome.problem else ""
        if not all(self.days[name].has_begun(day) for name, _ in moved):
            assert code == "indicator_not_executable"
        elif not all(self.days[name].bears(day, changes) for name, changes in moved):
            assert outcome.problem is not None
            assert code == "insufficient_indicator"
            assert date.fromisoformat(outcome.problem.extra["on"]) >= day
        else:
            assert code == ""
            for name, changes in moved:
                self.days[name].moved.append((day, changes))
        return not code

    def take(
        self, command: Any, day: date, name: str, fen: int, *moved: tuple[str, Changes]
    ) -> None:
        """An act that takes so much of an indicator, and with it of its plan what the rest of the
        indicator does not cover on some day."""
        days, above = self.days[name], 0
        bears = all(self.days[n].has_begun(day) and self.days[n].bears(day, c) for n, c in moved)
        if bears and fen > 0:
            levels = days.since(day)
            above = min(fen, max(level.plan + fen - level.amount for level in levels))
            left = min(level.plan_available if days.by_plan else level.plan for level in levels)
            if above > max(0, left):
                assert self.keeper.refusal(command) == "insufficient_plan"
                return
        if self.act(command, day, *moved) and above > 0:
            days.moved.append((day, {"plan": -above}))

    @rule(name=st.sampled_from(BUDGETS), place=PLACES, fen=FEN, up=st.booleans())
    def adjust(self, name: str, place: tuple[int, int], fen: int, up: bool) -> None:
        day, change = self.day(place), fen if up else -fen
        command = indicators.AdjustIndicator(
            bgt_id=name,
            adj_no=self.number(),
            adj_amt=yuan(change),
            reason="调整",
            effective_on=day,
        )
        self.take(command, day, name, -change, (name, {"available": change}))

    @rule(place=PLACES, fen=FEN, pair=st.permutations(BUDGETS))
    def reallocate(self, place: tuple[int, int], fen: int, pair: list[str]) -> None:
        day, (giving, taking, _) = self.day(place), pair
        command = indicators.ReallocateIndicator(
            bgt_id=giving,
            to_bgt_id=taking,
            adj_no=self.number(),
            amt=yuan(fen),
            reason="调剂",
            effective_on=day,
        )
        moved = (giving, {"available": -fen}), (taking, {"available": fen})
        self.take(command, day, giving, fen, *moved)

    @rule(name=st.sampled_from(BUDGETS), place=PLACES, fen=FEN, thaw=st.booleans())
    def freeze(self, name: str, place: tuple[int, int], fen: int, thaw: bool) -> None:
        kind = indicators.UnfreezeIndicator if thaw else indicators.FreezeIndicator
        day, change = self.day(place), -fen if thaw else fen
        command = kind(bgt_id=name, freeze_no=self.number(), amt=yuan(fen), effective_on=day)
        self.act(command, day, (name, {"frozen": change, "available": -change}))

    @rule(name=st.sampled_from(BUDGETS), place=PLACES, fen=FEN, cut=st.booleans())
    def plan(self, name: str, place: tuple[int, int], fen: int, cut: bool) -> None:
        day, days = self.day(place), self.days[name]
        expected, levels = "", days.since(day)
        if not days.has_begun(day):
            expected = "indicator_not_executable"
        elif cut and fen > min(level.plan_available for level in levels):
            expected = "insufficient_plan"
        elif not cut and fen > min(lv.amount - lv.frozen - lv.plan for lv in levels):
            expected = "insufficient_indicator"
        command = indicators.SetPlan(
            bgt_id=name,
            plan_voucher_no=self.number(),
            plan_month=1,
            plan_amt=yuan(-fen if cut else fen),
            effective_on=day,
        )
        assert self.keeper.refusal(command) == expected
        if not expected:
            days.moved.append((day, {"plan": -fen if cut else fen}))

    @rule(name=st.sampled_from(BUDGETS), place=PLACES, fen=FEN)
    def apply(self, name: str, place: tuple[int, int], fen: int) -> None:
        day, days, number = self.day(place), self.days[name], self.number()
        command = payment(number, name, yuan(fen), effective_on=day)
        if day > self.today:
            assert self.keeper.refusal(command) == "future_date"
            return
        least = min(level.plan_available for level in days.since(day))
        if days.by_plan and days.has_begun(day) and fen > least:
            assert self.keeper.refusal(command) == "insufficient_plan"
            return
        if self.act(command, day, (name, {"available": -fen, "occupied": fen})):
            self.cards[number] = Card(name, fen, day)

    def card(self, data: st.DataObject, status: str) -> tuple[str, Card]:
        fitting = sorted(n for n, card in self.cards.items() if card.status == status)
        number = data.draw(st.sampled_from(fitting))
        return number, self.cards[number]

    def any_is(self, status: str) -> bool:
        return any(card.status == status for card in self.cards.values())

    @precondition(lambda self: self.any_is("applied"))
    @rule(data=st.data(), place=st.sampled_from(PAST))
    def reject(self, data: st.DataObject, place: tuple[int, int]) -> None:
        number, card = self.card(data, "applied")
        day = self.day(place)
        changes = {"occupied": -card.fen, "available": card.fen}
        command = RejectPayment(pay_app_no=number, reason="退回", effective_on=day)
        outcome = self.keeper.ask(command, "checker")
        assert (outcome.problem is None) == self.days[card.bgt_id].bears(day, changes)
        if outcome.problem is None:
            card.status = "rejected"
            self.days[card.bgt_id].moved.append((day, changes))

    @precondition(lambda self: self.any_is("applied"))
    @rule(data=st.data(), place=st.sampled_from(PAST), is_signed=st.booleans())
    def void(self, data: st.DataObject, place: tuple[int, int], is_signed: bool) -> None:
        """Approved, perhaps signed, and void with any date."""
        number, card = self.card(data, "applied")
        day = self.day(place)
        changes = {"occupied": -card.fen, "available": card.fen}
        self.keeper.do(ApprovePayment(pay_app_no=number), "checker")
        if is_signed:
            self.keeper.do(signature(number), "signer")
        outcome = self.keeper.ask(VoidPayment(pay_app_no=number, reason="有误", effective_on=day))
        assert (outcome.problem is None) == self.days[card.bgt_id].bears(day, changes)
        card.status = "approved" if outcome.problem else "voided"
        if outcome.problem is None:
            self.days[card.bgt_id].moved.append((day, changes))

    @precondition(lambda self: self.any_is("applied"))
    @rule(data=st.data(), place=OF_BANK, fails=st.booleans())
    def pay(self, data: st.DataObject, place: tuple[int, int], fails: bool) -> None:
        """Whatever day the bank says, what it signed is booked."""
        number, card = self.card(data, "applied")
        approved = self.keeper.do(ApprovePayment(pay_app_no=number), "checker").subjects[0]
        self.keeper.do(signature(number), "signer")
        said = self.day(place)
        failed = ["1"] if fails else []
        paid = self.keeper.do(receipt(approved, *failed, xpay_date=said), "bank").subjects[0]
        card.issued, card.status = paid, "failed" if fails else "paid"
        day = said if card.day <= said <= self.today else self.today
        assert (paid.receipt.xpay_date, paid.booked_on) == (said.isoformat(), day)
        to = "available" if fails else "paid"
        self.days[card.bgt_id].moved.append((day, {"occupied": -card.fen, to: card.fen}))
        card.day = day

    @precondition(lambda self: self.any_is("paid"))
    @rule(data=st.data(), place=OF_BANK, fen=FEN)
    def refund(self, data: st.DataObject, place: tuple[int, int], fen: int) -> None:
        """Whatever day the bank says, what it signed that it took back is booked."""
        _, card = self.card(data, "paid")
        said, too_much = self.day(place), fen > card.fen - card.refunded
        notice = refund_notice(card.issued, [("1", fen)], said, self.number())
        outcome = self.keeper.ask(notice, "bank")
        if too_much:
            assert outcome.problem is not None
            assert outcome.problem.code.text == "refund_exceeds_paid"
            return
        assert outcome.problem is None
        card.refunded += fen
        day = said if card.day <= said <= self.today else self.today
        self.days[card.bgt_id].moved.append((day, {"paid": -fen, "available": fen}))

    @rule(place=PLACES, said=OF_BANK, rejects=st.booleans())
    def clear(self, place: tuple[int, int], said: tuple[int, int], rejects: bool) -> None:
        """Claims what the bank has moved, and has it settled or rejected with any date."""
        number, day = self.number(), self.day(place)
        command = RequestClearing(clear_no=number, clear_date=day, pay_bank_code="102")
        outcome = self.keeper.ask(command)
        if outcome.problem is not None:
            ahead = day > self.today
            assert outcome.problem.code.text == ("future_date" if ahead else "clearing_empty")
            return
        for claim in outcome.subjects[0].requested.claims:
            answer = claim_receipt(number, claim.voucher_no, claim.pay_amt, self.day(said))
            if rejects:
                answer = msgspec.structs.replace(answer, xpay_fen=0, rejected="额度不足")
            self.keeper.do(answer, "pboc")

    @invariant()
    def every_day_is_as_the_model_has_it(self) -> None:
        if not hasattr(self, "days"):
            return
        kept = stored(self.keeper, BALANCES)
        for name, days in self.days.items():
            for place in PAST + AHEAD:
                day = self.day(place)
                assert kept[name].levels(day)[0][1] == days.on(day)
                assert min(msgspec.structs.astuple(days.on(day))) >= 0
        for row in stored(self.keeper, UNCLEARED).values():
            assert min(each.amount for _, each in row.levels(date.min)) >= 0


def stored(keeper: Bookkeeper, register: Any) -> dict[str, DatedRow[Any]]:
    """A register with all its days, as the database has it."""
    with keeper.pool.connection() as connection:
        rows = loading.read_dated_rows(connection, keeper.ledger_id, register)
        days = loading.read_days(connection, keeper.ledger_id, register, list(rows))
    return {key: DatedRow(row.row, row.day, tuple(days[key])) for key, row in rows.items()}


def folded(keeper: Bookkeeper, register: Any) -> dict[str, DatedRow[Any]]:
    """The same as the events make it."""
    refold = Refold(load_charts())
    for position, name, day, payload in keeper.sql(
        "SELECT position, type, effective_on, payload FROM events WHERE ledger_id = %s"
        " ORDER BY position"
    ):
        assert refold.take(name, payload, position, day) == [], "no floor is broken on any day"
    rows = refold.dated_rows(register)
    return {key: row for key, row in rows.items() if register.keeps(row.row)}


def run(pool: ConnectionPool, examples: int, steps: int) -> None:
    run_histories(DatedTreasury, pool, examples, steps, "years")


def test_random_dates_leave_every_day_at_or_above_its_floor(pool: ConnectionPool) -> None:
    run(pool, examples=25, steps=30)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_many_random_dates_leave_every_day_at_or_above_its_floor(pool: ConnectionPool) -> None:
    run(pool, examples=95, steps=60)


def test_canary_a_core_that_looks_at_the_last_day_alone_is_found(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = DatedRow.levels

    def forgetful(self: DatedRow[Any], day: date) -> Any:
        return honest(self, max(day, self.day))

    monkeypatch.setattr(DatedRow, "levels", forgetful)
    with pytest.raises((AssertionError, IndexError)):
        run(pool, examples=25, steps=30)
