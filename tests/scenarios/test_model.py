"""Random histories against an independent model: plain integers, no events, no rules, no SQL.

The model knows what a treasury clerk knows. Whatever sequence of acts hypothesis finds, the core
must accept and refuse the same ones, for the same reason, and arrive at the same figures.
"""

from collections.abc import Iterator
from datetime import date
from itertools import count

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
from ledger.money import yuan
from payments.application import ApprovePayment, RejectPayment, WithdrawPayment
from payments.clearing.claims import RequestClearing
from payments.corrections.correcting import CorrectPayment
from payments.refunds.requests import RefundPayment
from payments.voiding import VoidPayment
from tests.support.bookkeeper import Bookkeeper, payment, receipt, signature
from tests.support.clerks_cards import Card, Model, Pot, corrected
from tests.support.random_histories import run_histories

BUDGETS = ("甲", "乙")
FEN = st.integers(min_value=1, max_value=30_00)
TODAY = date(2026, 3, 2)  # of the clock, in the year of the ledger


class Treasury(RuleBasedStateMachine):
    """Every rule does one act to both and compares the answer."""

    pool: ConnectionPool
    divisions: Iterator[int]

    @initialize(by_plan=st.booleans())
    def open(self, by_plan: bool) -> None:
        division = str(next(self.divisions))
        self.keeper = Bookkeeper(self.pool, division="440000000", year=int(division))
        self.keeper.open()
        self.model = Model()
        self.serial = count(1)
        for name, planned in zip(BUDGETS, (by_plan, False), strict=True):
            self.keeper.issue(name, "100.00", is_contrlbyplan=planned)
            self.model.pots[name] = Pot(amount=100_00, by_plan=planned)

    def teardown(self) -> None:
        if hasattr(self, "keeper"):
            self.keeper.close()

    def number(self) -> str:
        return f"n{next(self.serial)}"

    @rule(name=st.sampled_from(BUDGETS), fen=FEN, up=st.booleans())
    def adjust(self, name: str, fen: int, up: bool) -> None:
        pot = self.model.pots[name]
        change = fen if up else -fen
        refused = pot.available + change < 0
        code = self.keeper.refusal(
            indicators.AdjustIndicator(
                bgt_id=name, adj_no=self.number(), adj_amt=yuan(change), reason="调整"
            )
        )
        assert code == ("insufficient_indicator" if refused else "")
        pot.amount += 0 if refused else change

    @rule(fen=FEN)
    def reallocate(self, fen: int) -> None:
        giving, taking = (self.model.pots[name] for name in BUDGETS)
        refused = fen > giving.available
        code = self.keeper.refusal(
            indicators.ReallocateIndicator(
                bgt_id=BUDGETS[0],
                to_bgt_id=BUDGETS[1],
                adj_no=self.number(),
                amt=yuan(fen),
                reason="调剂",
            )
        )
        assert code == ("insufficient_indicator" if refused else "")
        if not refused:
            giving.amount -= fen
            taking.amount += fen

    @rule(name=st.sampled_from(BUDGETS), fen=FEN, thaw=st.booleans())
    def freeze(self, name: str, fen: int, thaw: bool) -> None:
        pot = self.model.pots[name]
        refused = fen > (pot.frozen if thaw else pot.available)
        kind = indicators.UnfreezeIndicator if thaw else indicators.FreezeIndicator
        code = self.keeper.refusal(kind(bgt_id=name, freeze_no=self.number(), amt=yuan(fen)))
        assert code == ("insufficient_indicator" if refused else "")
        if not refused:
            pot.frozen += -fen if thaw else fen

    @rule(name=st.sampled_from(BUDGETS), fen=FEN, cut=st.booleans())
    def plan(self, name: str, fen: int, cut: bool) -> None:
        pot = self.model.pots[name]
        after = pot.plan + (-fen if cut else fen)
        expected = ""
        if cut and after < pot.occupied + pot.paid:
            expected = "insufficient_plan"
        elif not cut and after > pot.amount - pot.frozen:
            expected = "insufficient_indicator"
        code = self.keeper.refusal(
            indicators.SetPlan(
                bgt_id=name,
                plan_voucher_no=self.number(),
                plan_month=1,
                plan_amt=yuan(-fen if cut else fen),
            )
        )
        assert code == expected
        if not expected:
            pot.plan = after

    @rule(name=st.sampled_from(BUDGETS), fen=FEN)
    def apply(self, name: str, fen: int) -> None:
        pot, number = self.model.pots[name], self.number()
        expected = ""
        if pot.by_plan and fen > pot.plan - pot.occupied - pot.paid:
            expected = "insufficient_plan"
        elif fen > pot.available:
            expected = "insufficient_indicator"
        assert self.keeper.refusal(payment(number, name, yuan(fen))) == expected
        if not expected:
            pot.occupied += fen
            self.model.cards[number] = Card(pot, fen)

    @rule(name=st.sampled_from(BUDGETS), fen=FEN, fails=st.booleans())
    def pay_through(self, name: str, fen: int, fails: bool) -> None:
        """A payment from application to receipt, so that histories get past their beginnings."""
        pot, number = self.model.pots[name], self.number()
        if fen > pot.available or (pot.by_plan and fen > pot.plan - pot.occupied - pot.paid):
            return
        issued = self.keeper.pay(number, name, yuan(fen), *(["1"] if fails else [])).subjects[0]
        status = "failed" if fails else "paid"
        card = Card(pot, fen, status, issued=issued, done={"approve", "sign"})
        self.model.cards[number] = card
        if not fails:
            pot.paid += fen
            card.borne = [(pot, fen)]
            self.model.bank += fen

    def card(self, data: st.DataObject, *ready: str) -> tuple[str, Card]:
        """A payment: mostly one that stands in ``ready``, now and then any."""
        numbers = sorted(self.model.cards)
        fitting = [n for n in numbers if self.model.cards[n].status in ready]
        if not fitting or data.draw(st.integers(0, 4)) == 0:
            fitting = numbers
        number = data.draw(st.sampled_from(fitting))
        return number, self.model.cards[number]

    @precondition(lambda self: self.model.cards)
    @rule(data=st.data(), act=st.sampled_from(["approve"] * 3 + ["reject", "withdraw"]))
    def check(self, data: st.DataObject, act: str) -> None:
        number, card = self.card(data, "applied")
        command = {
            "approve": ApprovePayment(pay_app_no=number),
            "reject": RejectPayment(pay_app_no=number, reason="退回"),
            "withdraw": WithdrawPayment(pay_app_no=number),
        }[act]
        outcome = self.keeper.ask(command, "checker")
        if card.status != "applied":
            # what the same person has done to it is answered again; anything else is refused
            assert outcome.replayed is (act in card.done)
            code = outcome.problem.code.text if outcome.problem else ""
            assert code == ("" if act in card.done else "invalid_state")
            return
        card.done.add(act)
        assert outcome.problem is None
        card.status = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}[act]
        card.issued = outcome.subjects[0]
        if act != "approve":
            card.pot.occupied -= card.fen

    @precondition(lambda self: self.model.cards)
    @rule(data=st.data())
    def sign(self, data: st.DataObject) -> None:
        number, card = self.card(data, "approved")
        outcome = self.keeper.ask(signature(number), "signer")
        assert outcome.replayed is ("sign" in card.done)
        code = outcome.problem.code.text if outcome.problem else ""
        assert code == ("" if card.status == "approved" or outcome.replayed else "invalid_state")
        if not code and not outcome.replayed:
            card.status = "signed"
            card.done.add("sign")

    @precondition(lambda self: self.model.cards)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        """Nobody sends here, so what is approved or signed can always be void."""
        number, card = self.card(data, "approved", "signed")
        outcome = self.keeper.ask(VoidPayment(pay_app_no=number, reason="有误"))
        assert outcome.replayed is (card.status == "voided")
        code = outcome.problem.code.text if outcome.problem else ""
        possible = card.status in ("approved", "signed", "voided")
        assert code == ("" if possible else "invalid_state")
        if not code and not outcome.replayed:
            card.status = "voided"
            card.pot.occupied -= card.fen

    @precondition(lambda self: any(c.issued for c in self.model.cards.values()))
    @rule(data=st.data(), fails=st.booleans())
    def bank_answers(self, data: st.DataObject, fails: bool) -> None:
        number, card = self.card(data, "signed")
        if card.issued is None or card.issued.approved is None:
            return
        outcome = self.keeper.ask(receipt(card.issued, *(["1"] if fails else [])), "bank")
        if card.status != "signed":
            # either a refusal, or the first answer once more: never a second effect
            assert outcome.problem is not None or outcome.replayed
            return
        assert outcome.problem is None
        card.status = "failed" if fails else "paid"
        card.pot.occupied -= card.fen
        if not fails:
            card.pot.paid += card.fen
            card.borne = [(card.pot, card.fen)]
            self.model.bank += card.fen
        assert number == outcome.subjects[0].pay_app_no

    @precondition(lambda self: self.model.cards)
    @rule(data=st.data(), fen=FEN)
    def refund(self, data: st.DataObject, fen: int) -> None:
        number, card = self.card(data, "paid")
        expected = ""
        if card.status not in ("paid", "refunded"):
            expected = "invalid_state"
        elif fen > card.fen - card.refunded:
            expected = "refund_exceeds_paid"
        asked = self.keeper.ask(
            RefundPayment(
                pay_app_no=number, refund_no=self.number(), refund_amt=yuan(fen), reason="退回"
            )
        )
        assert (asked.problem.code.text if asked.problem else "") == expected
        if not expected:
            self.the_figures_agree()  # nothing moves on a person's word
            [payment] = asked.subjects
            notice = self.keeper.notice_of(payment, payment.requests[-1])
            self.keeper.do(notice, "bank")
            card.refunded += fen
            card.status = "refunded" if card.refunded == card.fen else "paid"
            while fen:
                pot, bears = card.borne.pop()
                back = min(fen, bears)
                pot.paid -= back
                fen -= back
                self.model.bank -= back
                card.borne += [(pot, bears - back)] if bears > back else []

    @precondition(lambda self: self.model.cards)
    @rule(data=st.data(), fen=FEN, giving=st.sampled_from(BUDGETS), taking=st.sampled_from(BUDGETS))
    def correct(self, data: st.DataObject, fen: int, giving: str, taking: str) -> None:
        """What was paid is another indicator's: of what the one bears, never more."""
        number, card = self.card(data, "paid")
        gives, takes = self.model.pots[giving], self.model.pots[taking]
        if giving == taking:
            return
        expected = ""
        if card.status not in ("paid", "refunded"):
            expected = "invalid_state"
        elif fen > sum(bears for pot, bears in card.borne if pot is gives):
            expected = "correction_exceeds_paid"
        elif takes.by_plan and fen > takes.plan - takes.occupied - takes.paid:
            expected = "insufficient_plan"
        elif fen > takes.available:
            expected = "insufficient_indicator"
        code = self.keeper.refusal(
            CorrectPayment(
                cor_no=self.number(),
                pay_app_no=number,
                from_bgt_id=giving,
                to_bgt_id=taking,
                amt=yuan(fen),
                reason="科目用错",
            )
        )
        assert code == expected
        if not code:
            gives.paid -= fen
            takes.paid += fen
            card.borne = corrected(card.borne, gives, takes, fen)

    @rule()
    def clear(self) -> None:
        day = TODAY.replace(year=self.keeper.year)
        number = self.number()
        asked = RequestClearing(clear_no=number, clear_date=day, pay_bank_code="102")
        if self.keeper.ask(asked, dry_run=True).problem is None:
            self.keeper.clear(number, day)
        assert self.keeper.books().get("零余额账户", "0.00") == "0.00"
        self.model.bank = 0

    @invariant()
    def the_figures_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        for name, pot in self.model.pots.items():
            assert self.keeper.figures(name) == {
                "available": yuan(pot.available),
                "frozen": yuan(pot.frozen),
                "occupied": yuan(pot.occupied),
                "paid": yuan(pot.paid),
                "plan": yuan(pot.plan),
            }

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        books, pots = self.keeper.books(), self.model.pots.values()
        assert books.get("零余额账户", "0.00") == yuan(-self.model.bank)
        assert books.get("支付", "0.00") == yuan(sum(pot.paid for pot in pots))
        assert books.get("行政支出", "0.00") == yuan(sum(pot.paid for pot in pots))
        assert books["指标来源"] == yuan(sum(pot.amount for pot in pots))


def run(pool: ConnectionPool, examples: int, steps: int) -> None:
    run_histories(Treasury, pool, examples, steps, "divisions")


def test_random_histories_agree_with_the_model(pool: ConnectionPool) -> None:
    run(pool, examples=60, steps=40)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_many_long_random_histories_agree_with_the_model(pool: ConnectionPool) -> None:
    run(pool, examples=95, steps=120)


def test_canary_a_core_that_forgets_a_refund_is_found(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.books import Books

    honest = Books.controlled

    def forgetful(self: Books, event: str, amounts_fen: dict[str, int]) -> dict[str, int]:
        return {} if event == "payment.refunded" else honest(self, event, amounts_fen)

    monkeypatch.setattr(Books, "controlled", forgetful)
    with pytest.raises(AssertionError):
        run(pool, examples=60, steps=60)
