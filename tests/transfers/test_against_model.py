"""Transfers against a model of them in whole numbers, which knows no code of the product.

Whatever is asked in whatever order, brought over late, twice, or to one side alone before the
program is killed: what is sent is accepted or in transit, what is allotted was received, and what
comes back is nowhere twice.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budget.staging import RecallIndicator
from ledger.postgres.database import Database
from tests.support.tiers import Tiers, sending, tiers_on
from tests.transfers.test_reducing import reduction
from tests.transfers.test_sending import of_document
from transfers.giving_back import GiveBackTransfer
from transfers.receiving import AcceptTransfer

STEPS = st.one_of(
    st.sampled_from(("deliver", "deliver twice", "killed between", "accept", "recall", "return")),
    st.tuples(st.sampled_from(("allot", "reduce")), st.integers(1, 110)),
)
SERIAL = count(1)


class Model:
    """A transfer of 100, as it has to be."""

    def __init__(self) -> None:
        self.sent, self.received, self.rest = 100, 0, 0
        self.entered = self.accepted = self.returned = False
        self.asked: list[int] = []
        self.answers: list[int] = []  # of reductions: what is given up, 0 where it is kept
        self.noted = 0
        self.coming_back = 0  # returned, and not known to the sender

    def reach_city(self) -> None:
        if not self.entered:
            self.entered, self.received, self.rest = True, 100, 100
        for amount in self.asked[len(self.answers) :]:
            given_up = amount if amount <= self.rest else 0
            self.received -= given_up
            self.rest -= given_up
            self.answers.append(given_up)

    def reach_province(self) -> None:
        self.sent -= sum(self.answers[self.noted :]) + self.coming_back
        self.noted, self.coming_back = len(self.answers), 0

    @property
    def accepted_amt(self) -> int:
        return self.received if self.accepted else 0

    def may_allot(self, amount: int) -> bool:
        return self.accepted and not self.returned and amount <= self.rest

    def may_reduce(self, amount: int) -> bool:
        pending = sum(self.asked[self.noted :])
        return amount <= self.sent - pending and not (self.entered and amount > self.rest)

    def may_return(self) -> bool:
        return self.entered and self.received > 0 and self.rest == self.received


class OneTransfer:
    """The same on the books; every act is one that the model lets through or not."""

    def __init__(self, tiers: Tiers) -> None:
        self.tiers, self.model = tiers, Model()
        serial = next(SERIAL)
        self.number, self.document = f"tp-{serial}", f"粤财预〔2026〕{serial}号"
        before = tiers.balance()
        self._before = before.sent_fen, before.accepted_fen
        self._allotted: list[tuple[str, int]] = []
        tiers.province.do(sending(self.number, "100.00", bgt_doc_no=self.document))

    def step(self, step: Any) -> None:
        match step:
            case "deliver" | "deliver twice":
                self._deliver(1 if step == "deliver" else 2)
            case "killed between":
                self._reach_city_alone()
            case "accept":
                self._accept()
            case "return":
                self._return()
            case "recall":
                self._recall()
            case ("allot", amount):
                self._allot(amount)
            case ("reduce", amount):
                self._reduce(amount)
        self.hold()

    def hold(self) -> None:
        balance, model = self.tiers.balance(), self.model
        sent_fen, accepted_fen = self._before
        assert balance.sent_fen - sent_fen == model.sent * 100
        assert balance.accepted_fen - accepted_fen == model.accepted_amt * 100
        assert balance.in_transit_fen >= 0
        assert self.tiers.city.rest_fen(self.document) == model.rest * 100
        assert model.rest + sum(amount for _, amount in self._allotted) == model.received

    def _deliver(self, times: int) -> None:
        for _ in range(times):
            self.tiers.delivered()
        self.model.reach_city()
        self.model.reach_province()

    def _reach_city_alone(self) -> None:
        """The program is killed when the one ledger has it, and the other has not."""
        self.tiers.delivered_to(self.tiers.city)
        self.model.reach_city()

    def _accept(self) -> None:
        model, number = self.model, f"JS-{next(SERIAL)}"
        may = model.entered and model.received > 0 and not model.accepted and not model.returned
        accepting = AcceptTransfer(sup_bgt_doc_no=self.document, rec_no=number)
        assert (self.tiers.city.refusal(accepting) == "") is may
        model.accepted = model.accepted or may

    def _return(self) -> None:
        model, number = self.model, f"TH-{next(SERIAL)}"
        may = model.may_return()
        back = GiveBackTransfer(sup_bgt_doc_no=self.document, return_no=number)
        assert (self.tiers.city.refusal(back) == "") is may
        if may:
            model.coming_back, model.received, model.rest = model.received, 0, 0
            model.returned = True

    def _allot(self, amount: int) -> None:
        bgt_id, may = f"B{next(SERIAL)}", self.model.may_allot(amount)
        if not self.model.entered:
            return  # it would be of a tier that is not kept here
        issue = of_document(bgt_id, f"{amount}.00", sup_bgt_doc_no=self.document)
        assert (self.tiers.city.refusal(issue) == "") is may
        if may:
            self.model.rest -= amount
            self._allotted.append((bgt_id, amount))

    def _recall(self) -> None:
        if self._allotted:
            bgt_id, amount = self._allotted.pop()
            self.tiers.city.do(RecallIndicator(bgt_id=bgt_id, recall_no=f"S{next(SERIAL)}"))
            self.model.rest += amount

    def _reduce(self, amount: int) -> None:
        may = self.model.may_reduce(amount)
        asking = reduction(f"{amount}.00", f"TJ-{next(SERIAL)}", self.number)
        assert (self.tiers.province.refusal(asking) == "") is may
        if may:
            self.model.asked.append(amount)


@pytest.fixture(scope="module")
def tiers(module_database: Database) -> Iterator[Tiers]:
    with tiers_on(module_database) as opened:
        yield opened


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, min_size=4, max_size=14))
def test_no_order_of_acts_loses_money_or_doubles_it(tiers: Tiers, steps: list[Any]) -> None:
    transfer = OneTransfer(tiers)
    transfer.hold()
    for step in steps:
        transfer.step(step)
    transfer.step("deliver")
    assert transfer.model.sent == transfer.model.received, "nothing is under way any more"
