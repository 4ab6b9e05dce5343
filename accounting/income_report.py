"""收入日报 as an object: entered from a file, or signed by the central bank, and corrected.

The two have numbers of their own, those of the office and those of the central bank; a number that
one has the other does not take.
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from accounting.income_events import (
    IncomeCorrected,
    IncomeDayReported,
    IncomeLine,
    IncomeReceived,
    IncomeReported,
)
from ledger.deciding.command import Need
from ledger.deciding.objects import Kind
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event


class ReportedDays(msgspec.Struct, frozen=True, omit_defaults=True):
    """By treasury account, the last day of which there is a report.

    Attributes:
        signed: the accounts whose last report the central bank has signed.
        from_files: by account and day, ``4400000000/2026-01-15``, the report that is from a file.
        replaced: by the number of such a report, the signed one that stands in its place.
    """

    last: dict[str, str] = {}
    signed: tuple[str, ...] = ()
    from_files: dict[str, str] = {}
    replaced: dict[str, str] = {}

    def from_file(self, tre_code: str, day: date) -> str:
        """The report of a day that is from a file; "" where there is none."""
        return self.from_files.get(f"{tre_code}/{day.isoformat()}", "")


def _reported(days: ReportedDays, event: Event) -> ReportedDays:
    if not isinstance(event, IncomeDayReported):
        return days
    place = f"{event.tre_code}/{event.report_date}"
    files, replaced = days.from_files, days.replaced
    if event.is_signed and (told := files.get(place)) is not None:
        files = {at: number for at, number in files.items() if at != place}
        return msgspec.structs.replace(
            days, from_files=files, replaced={**replaced, told: event.report_no}
        )
    signed = {*days.signed} - {event.tre_code} | ({event.tre_code} if event.is_signed else set())
    return ReportedDays(
        last=dict(sorted({**days.last, event.tre_code: event.report_date}.items())),
        signed=tuple(sorted(signed)),
        from_files=files if event.is_signed else {**files, place: event.report_no},
        replaced=replaced,
    )


REPORTED_DAYS = declare(Setting("income", ReportedDays(), _reported))


class IncomeReport(msgspec.Struct, frozen=True):
    """A report, with what corrections have made of it."""

    reported: IncomeReported | IncomeReceived
    lines: tuple[IncomeLine, ...]
    correct_nos: tuple[str, ...] = ()


def _fold(report: IncomeReport | None, event: Event) -> IncomeReport | None:
    if isinstance(event, IncomeReported | IncomeReceived):
        return IncomeReport(event, event.lines)
    if report is not None and isinstance(event, IncomeCorrected):
        return IncomeReport(report.reported, event.lines, (*report.correct_nos, event.correct_no))
    return report


def _cost(report: IncomeReport) -> int:
    return 1 + len(report.lines)


INCOME_REPORT: Kind[IncomeReport] = Kind(
    name="income_report", opened_by="income.load", fold=_fold, cost=_cost
)
SIGNED_INCOME_REPORT: Kind[IncomeReport] = Kind(
    name="signed_income_report", opened_by="income.receive", fold=_fold, cost=_cost
)
REPORT_KINDS: tuple[Kind[IncomeReport], ...] = (INCOME_REPORT, SIGNED_INCOME_REPORT)


def report_needs(report_no: str) -> Iterable[Need]:
    """What has to be at hand for :func:`find_report`."""
    return tuple((kind, report_no) for kind in REPORT_KINDS)


def find_report(
    state: LedgerState, report_no: str
) -> tuple[Kind[IncomeReport], IncomeReport] | None:
    """The report of a number, whichever way it came."""
    for kind in REPORT_KINDS:
        if (report := state.get(kind, report_no)) is not None:
            return kind, report
    return None


def require_free(state: LedgerState, report_no: str) -> None:
    """Raises Refusal ``already_reported`` for a number that the other way has taken."""
    if find_report(state, report_no) is not None:
        raise Refusal(
            Code.ALREADY_REPORTED,
            f"there is a report {report_no!r} already 编号已用",
            pointer="/report_no",
        )
