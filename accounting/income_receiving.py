"""收入日报报文入账: the central bank's signed report, believed on its signature alone. Pure.

The same rules hold as for a report from a file (``income_booking``); nobody else has to agree.
"""

from collections.abc import Iterable
from typing import ClassVar

from accounting.income_booking import booked_day
from accounting.income_events import IncomeLine, IncomeReceived
from accounting.income_report import SIGNED_INCOME_REPORT, report_needs
from accounting.taking import TakeReport
from ledger.deciding.command import Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from payments.clearing.cash import CASH


class TakeIncome(TakeReport, frozen=True, kw_only=True):
    """收入日报入账: what came to the account on the day."""

    OPERATION: ClassVar[str] = "income.receive"
    KIND: ClassVar[AnyKind] = SIGNED_INCOME_REPORT
    lines: tuple[IncomeLine, ...]

    def needs(self) -> Iterable[Need]:
        return *report_needs(self.report_no), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        received = IncomeReceived(
            report_no=self.report_no,
            report_date=self.report_date.isoformat(),
            tre_code=self.tre_code,
            lines=self.lines,
            notice_sm3=self.notice_sm3,
            cert_serial=self.cert_serial,
            signature=self.signature,
            by=by,
        )
        decision = booked_day(state, SIGNED_INCOME_REPORT, received)
        decision.shared_documents = self.kept
        return decision
