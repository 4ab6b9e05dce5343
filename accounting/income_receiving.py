"""收入日报报文入账: the central bank's signed report, believed on its signature alone. Pure.

The same rules hold as for a report from a file (``income_booking``); nobody else has to agree.
Where a file had told of the day, the signed report stands in its place: what differs is booked.
"""

from collections.abc import Iterable
from typing import ClassVar

from accounting.income_booking import BOOKING_NEEDS, booked_day, differing_lines
from accounting.income_events import IncomeLine, IncomeReceived
from accounting.income_report import (
    INCOME_REPORT,
    REPORTED_DAYS,
    SIGNED_INCOME_REPORT,
    report_needs,
)
from accounting.taking import TakeReport
from ledger.deciding.command import Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState


class TakeIncome(TakeReport, frozen=True, kw_only=True):
    """收入日报入账: what came to the account on the day."""

    OPERATION: ClassVar[str] = "income.receive"
    KIND: ClassVar[AnyKind] = SIGNED_INCOME_REPORT
    LOOKS_FURTHER: ClassVar[bool] = True
    lines: tuple[IncomeLine, ...]

    def needs(self) -> Iterable[Need]:
        return *report_needs(self.report_no), *BOOKING_NEEDS

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        """A report from a file, in whose place this one would stand."""
        days = state.settings.get(REPORTED_DAYS)
        told = days.from_file(self.tre_code, self.report_date)
        return report_needs(told) if told else ()

    def decide(self, state: LedgerState, by: str) -> Decision:
        days = state.settings.get(REPORTED_DAYS)
        replaces = days.from_file(self.tre_code, self.report_date)
        report = state.get(INCOME_REPORT, replaces) if replaces else None
        before = report.lines if report is not None else ()
        received = IncomeReceived(
            report_no=self.report_no,
            report_date=self.report_date.isoformat(),
            tre_code=self.tre_code,
            lines=self.lines,
            notice_sm3=self.notice_sm3,
            cert_serial=self.cert_serial,
            signature=self.signature,
            by=by,
            replaces=replaces,
            differences=differing_lines(self.lines, before) if replaces else (),
        )
        decision = booked_day(state, SIGNED_INCOME_REPORT, received)
        decision.shared_documents = self.kept
        return decision
