"""收入: the central bank's daily report is booked from a file, and corrected. Pure decisions."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from accounting.income_booking import (
    BOOKING_NEEDS,
    AmountsFen,
    amounts_of,
    booked,
    booked_day,
    differing,
    moved_by,
    placed,
    received_by,
    require_codes,
)
from accounting.income_events import IncomeCorrected, IncomeLine, IncomeReported
from accounting.income_register import INCOME, IncomePlace, require_received
from accounting.income_report import (
    INCOME_REPORT,
    REPORTED_DAYS,
    SIGNED_INCOME_REPORT,
    find_report,
    report_needs,
)
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan

LINES_MAX = 5_000


class _OfIncome(Command, frozen=True, kw_only=True):
    """What says lines of income."""

    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "收入日报"
    KIND: ClassVar[AnyKind] = INCOME_REPORT
    KEEPS_REFUSAL: ClassVar[bool] = False
    report_no: str
    lines: tuple[IncomeLine, ...]

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        if len(self.lines) > LINES_MAX:
            raise RequestError(
                Code.MALFORMED, f"a report has at most {LINES_MAX} lines", pointer="/lines"
            )
        for index, line in enumerate(self.lines):
            parse_yuan(line.amt, pointer=f"/lines/{index}/amt", signed=True)

    def needs(self) -> Iterable[Need]:
        return *report_needs(self.report_no), *BOOKING_NEEDS


class LoadIncome(_OfIncome, frozen=True, kw_only=True):
    """收入日报: what came on a day, from the central bank's report 3401."""

    OPERATION: ClassVar[str] = "income.load"
    NUMBER: ClassVar[str] = "report_no"
    report_date: date
    tre_code: str

    def day_asked(self, fiscal_year: int) -> date:
        return self.report_date

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        report_date = date.fromisoformat(told.event.report_date)
        return (cls(**fields_in(cls, told.event, report_date=report_date)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        reported = IncomeReported(
            report_no=self.report_no,
            report_date=self.report_date.isoformat(),
            tre_code=self.tre_code,
            lines=self.lines,
            by=by,
        )
        return booked_day(state, INCOME_REPORT, reported)


class CorrectIncome(_OfIncome, frozen=True, kw_only=True):
    """收入更正: a report should have said ``lines``; what differs is booked today."""

    OPERATION: ClassVar[str] = "correction.income"
    ALSO: ClassVar[tuple[AnyKind, ...]] = (SIGNED_INCOME_REPORT,)
    NUMBER: ClassVar[str] = "correct_no"
    correct_no: str
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, None)
        books = state.books(day)
        require_codes(state, books, placed(self.lines), day)
        if (found := find_report(state, self.report_no)) is None:
            raise Refusal(Code.NOT_FOUND, f"no income report {self.report_no!r}")
        kind, report = found
        if signed := state.settings.get(REPORTED_DAYS).replaced.get(self.report_no):
            raise Refusal(
                Code.INVALID_STATE,
                f"the central bank's signed report {signed} stands in its place 已被报文更替",
                signed_report_no=signed,
            )
        amounts = differing(amounts_of(self.lines), amounts_of(report.lines))
        if not amounts:
            raise Refusal(Code.INVALID_STATE, "the report says just that already")
        tre_code = report.reported.tre_code
        _require_not_ordered(state, day, tre_code, amounts)
        moved = [
            *moved_by(state, day, tre_code, amounts),
            *received_by(state, day, tre_code, amounts),
        ]
        # point of no return
        corrected = IncomeCorrected(
            report_no=self.report_no,
            correct_no=self.correct_no,
            lines=self.lines,
            reason=self.reason,
            by=by,
        )
        happened = booked(state, books, kind, self.correct_no, corrected, tre_code, amounts)
        return Decision(events=happened, effective_on=day, moved=moved)


def _require_not_ordered(state: LedgerState, day: date, tre_code: str, amounts: AmountsFen) -> None:
    """That what is ordered to go, and not answered, is still there. Where nothing is ordered a
    report may have taken back more than a year has brought, and a correction follows it.

    Raises:
        Refusal: ``exceeds_received``.
    """
    for codes, fen in amounts.items():
        place = IncomePlace(tre_code, **dict(codes))
        if fen < 0 and state.row(INCOME, place.key).ordered:
            require_received(state, place, day, -fen, "/lines")
