"""批复下达: that a department, or a unit, was told its approved budget, by which document and when.

The treasury tells departments within 20 days of the approval, a department its units within 15 days
of that (预算法 §52). A reply moves nothing; who is late stands in the report ``replies``.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

import msgspec

from budget.approved import BUDGET
from budget.preparation_events import BudgetReplied
from division.agencies import require_agency
from ledger.account_set import division_of, within_year
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event


class BudgetReply(msgspec.Struct, frozen=True):
    """A reply as it was told."""

    said: BudgetReplied


def _fold(reply: BudgetReply | None, event: Event) -> BudgetReply | None:
    return BudgetReply(event) if isinstance(event, BudgetReplied) else reply


BUDGET_REPLY: Kind[BudgetReply] = Kind(
    name="budget_reply", opened_by="budget.reply", fold=_fold, cost=lambda _: 2
)


class ReplyBudget(Command, frozen=True, kw_only=True):
    """批复: the unit, or the department, has its approved budget since ``replied_on``."""

    OPERATION: ClassVar[str] = "budget.reply"
    KIND: ClassVar[AnyKind] = BUDGET_REPLY
    CHANNEL: ClassVar[str] = "预算批复"
    NUMBER: ClassVar[str] = "doc_no"
    KEEPS_REFUSAL: ClassVar[bool] = False
    doc_no: str
    agency_code: str
    replied_on: date

    def needs(self) -> Iterable[Need]:
        return ((BUDGET_REPLY, self.doc_no),)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: BudgetReplied = told.event
        replied_on = date.fromisoformat(event.replied_on)
        return (cls(doc_no=event.doc_no, agency_code=event.agency_code, replied_on=replied_on),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        replied_on = within_year(state.ledger_id, self.replied_on)
        if self.replied_on > state.calendar_day:
            raise Refusal(
                Code.FUTURE_DATE,
                f"{self.replied_on} has not come: a reply is told when it was made",
                pointer="/replied_on",
            )
        agency = require_agency(state, self.agency_code, replied_on)
        if agency is None:
            state.codes.check(
                "agency_code",
                self.agency_code,
                on=replied_on,
                mof_div_code=division_of(state.ledger_id),
                pointer="/agency_code",
            )
        if not state.settings.get(BUDGET).is_approved:
            raise Refusal(Code.INVALID_STATE, "the ledger has no approved budget to be told of")
        # point of no return
        replied = BudgetReplied(
            doc_no=self.doc_no,
            agency_code=self.agency_code,
            agency_name=agency.agency_name if agency else "",
            replied_on=self.replied_on.isoformat(),
            by=by,
        )
        return Decision(events=[(BUDGET_REPLY, self.doc_no, replied)], effective_on=state.today)
