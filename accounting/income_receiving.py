"""收入日报报文入账: the central bank's signed report, believed on its signature alone. Pure.

The same rules hold as for a report from a file (``income_booking``); nobody else has to agree.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from accounting.income_booking import booked_day
from accounting.income_events import IncomeLine, IncomeReceived
from accounting.income_report import SIGNED_INCOME_REPORT, report_needs
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from payments.clearing.cash import CASH


class TakeIncome(Command, frozen=True, kw_only=True):
    """A signed report, its signature verified; ``document`` are its bytes, as they are stored."""

    OPERATION: ClassVar[str] = "income.receive"
    NUMBER: ClassVar[str] = "report_no"
    KIND: ClassVar[AnyKind] = SIGNED_INCOME_REPORT
    KEEPS_REFUSAL: ClassVar[bool] = False
    report_no: str
    report_date: date
    tre_code: str
    lines: tuple[IncomeLine, ...]
    notice_sm3: str
    cert_serial: str
    signature: str
    document: bytes

    @property
    def body(self) -> object:
        """The report is its bytes; it may be signed anew."""
        return self.notice_sm3

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        report_date = date.fromisoformat(told.event.report_date)
        return (cls(**fields_in(cls, told.event, report_date=report_date, document=b"")),)

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
        # with another number the same bytes may have been held, or refused, before
        decision.shared_documents = [(bytes.fromhex(self.notice_sm3), self.document)]
        return decision
