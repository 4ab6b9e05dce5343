"""收入: the central bank's daily report is booked, in its order, and corrected. Pure decisions.

Each kind of income goes to 税收收入 or 非税收入 and to the budget income of its fund; from its day
on what came lies at the treasury. A day that is missing is refused, so that 国库存款 is what the
central bank has: one report a day and treasury account, and each working day has one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

import msgspec

from accounting.income_events import (
    IncomeCorrected,
    IncomeDayReported,
    IncomeLine,
    IncomeReported,
)
from division.knowledge import is_workday
from ledger.account_set import division_of
from ledger.books import Books
from ledger.books.given import GivenLine, given_journal
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan
from payments.clearing.cash import CASH, CONTROL, came, moved_cash
from payments.clearing.cash_events import CashMoved

LINES_MAX = 5_000
MISSING_TOLD_MAX = 31
_CODED = ("inc_sort_code", "fund_type_code", "budget_level_code")
_OF_LEAVES = ("inc_sort_code", "fund_type_code")

AmountsFen = Mapping[tuple[tuple[str, str], ...], int]  # fen by the elements of a line
Happened = list[tuple[AnyKind | None, str, Event]]


class ReportedDays(msgspec.Struct, frozen=True):
    """By treasury account, the last day of which there is a report."""

    last: dict[str, str] = {}


def _reported(days: ReportedDays, event: Event) -> ReportedDays:
    if isinstance(event, IncomeDayReported):
        return ReportedDays(dict(sorted({**days.last, event.tre_code: event.report_date}.items())))
    return days


REPORTED_DAYS = declare(Setting("income", ReportedDays(), _reported))


class IncomeReport(msgspec.Struct, frozen=True):
    """A report, with what corrections have made of it."""

    reported: IncomeReported
    lines: tuple[IncomeLine, ...]
    correct_nos: tuple[str, ...] = ()


def _fold(report: IncomeReport | None, event: Event) -> IncomeReport | None:
    if isinstance(event, IncomeReported):
        return IncomeReport(event, event.lines)
    if report is not None and isinstance(event, IncomeCorrected):
        return IncomeReport(report.reported, event.lines, (*report.correct_nos, event.correct_no))
    return report


INCOME_REPORT: Kind[IncomeReport] = Kind(
    name="income_report",
    opened_by="income.load",
    fold=_fold,
    cost=lambda report: 1 + len(report.lines),
)


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
        return (INCOME_REPORT, self.report_no), (CASH, WHOLE)


class LoadIncome(_OfIncome, frozen=True, kw_only=True):
    """收入日报: what came on a day, from the central bank's report 3401."""

    OPERATION: ClassVar[str] = "income.load"
    NUMBER: ClassVar[str] = "report_no"
    report_date: date
    tre_code: str

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        report_date = date.fromisoformat(told.event.report_date)
        return (cls(**fields_in(cls, told.event, report_date=report_date)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.report_date)
        _require_next(state, self.tre_code, self.report_date)
        books = state.books(day)
        _require_codes(state, books, self.lines, day)
        amounts = _amounts(self.lines)
        moved = _moved(state, day, self.tre_code, amounts)
        # point of no return
        reported = IncomeReported(
            report_no=self.report_no,
            report_date=self.report_date.isoformat(),
            tre_code=self.tre_code,
            lines=self.lines,
            by=by,
        )
        happened = _booked(state, books, self.report_no, reported, self.tre_code, amounts)
        next_day = IncomeDayReported(
            tre_code=self.tre_code,
            report_date=self.report_date.isoformat(),
            report_no=self.report_no,
        )
        return Decision(events=[*happened, (None, "", next_day)], effective_on=day, moved=moved)


class CorrectIncome(_OfIncome, frozen=True, kw_only=True):
    """收入更正: a report should have said ``lines``; what differs is booked today."""

    OPERATION: ClassVar[str] = "correction.income"
    NUMBER: ClassVar[str] = "correct_no"
    correct_no: str
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, None)
        books = state.books(day)
        _require_codes(state, books, self.lines, day)
        report = state.get(INCOME_REPORT, self.report_no)
        if report is None:
            raise Refusal(Code.NOT_FOUND, f"no income report {self.report_no!r}")
        amounts = _differing(_amounts(self.lines), _amounts(report.lines))
        if not amounts:
            raise Refusal(Code.INVALID_STATE, "the report says just that already")
        tre_code = report.reported.tre_code
        moved = _moved(state, day, tre_code, amounts)
        # point of no return
        corrected = IncomeCorrected(
            report_no=self.report_no,
            correct_no=self.correct_no,
            lines=self.lines,
            reason=self.reason,
            by=by,
        )
        happened = _booked(state, books, self.correct_no, corrected, tre_code, amounts)
        return Decision(events=happened, effective_on=day, moved=moved)


# ---- the order of days


def _require_next(state: LedgerState, tre_code: str, day: date) -> None:
    """That the report is of the working day after the last, or of a day off before that.

    Raises:
        Refusal: ``already_reported``; ``invalid_state`` with ``missing_days``.
    """
    if (told := state.settings.get(REPORTED_DAYS).last.get(tre_code)) is None:
        return
    last = date.fromisoformat(told)
    if day <= last:
        raise Refusal(
            Code.ALREADY_REPORTED,
            f"the reports of {tre_code} have come to {last} 该日已入账; a mistake is corrected",
            pointer="/report_date",
        )
    if missing := list(_workdays(state, last + timedelta(days=1), day)):
        raise Refusal(
            Code.INVALID_STATE,
            f"the report of {missing[0]} is missing: {tre_code} is reported to {last} 日报缺失",
            pointer="/report_date",
            missing_days=[each.isoformat() for each in missing[:MISSING_TOLD_MAX]],
        )


def _workdays(state: LedgerState, first: date, end: date) -> Iterator[date]:
    """Those from ``first`` on and before ``end``."""
    while first < end:
        if is_workday(state, first):
            yield first
        first += timedelta(days=1)


# ---- codes and amounts


def _require_codes(
    state: LedgerState, books: Books, lines: Iterable[IncomeLine], day: date
) -> None:
    """That each line has codes in force, the finest there are, and accounts to be booked on.

    Raises:
        Refusal: ``element_invalid`` with its place.
    """
    where: dict[str, Any] = {"on": day, "mof_div_code": division_of(state.ledger_id)}
    for index, line in enumerate(lines):
        for element in _CODED:
            if code := getattr(line, element):
                pointer = f"/lines/{index}/{element}"
                state.codes.check(element, code, pointer=pointer, **where)
                if element in _OF_LEAVES:
                    state.codes.check_leaf(element, code, pointer=pointer, **where)
        booked_by = {element: getattr(line, element) for element in _OF_LEAVES}
        if element := books.uncovered(booked_by):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{element} {booked_by[element]} is no income of the treasury's day 无对应科目",
                pointer=f"/lines/{index}/{element}",
            )


def _amounts(lines: Iterable[IncomeLine]) -> dict[tuple[tuple[str, str], ...], int]:
    found: dict[tuple[tuple[str, str], ...], int] = {}
    for line in lines:
        codes = tuple(line.codes.items())
        found[codes] = found.get(codes, 0) + stored_fen(line.amt)
    return {codes: fen for codes, fen in found.items() if fen}


def _differing(after: AmountsFen, before: AmountsFen) -> AmountsFen:
    codes = [*before, *(each for each in after if each not in before)]
    changes = {each: after.get(each, 0) - before.get(each, 0) for each in codes}
    return {each: fen for each, fen in changes.items() if fen}


# ---- cash and books


def _by_fund(amounts: AmountsFen) -> dict[str, int]:
    found: dict[str, int] = {}
    for codes, fen in amounts.items():
        fund = dict(codes)["fund_type_code"]
        found[fund] = found.get(fund, 0) + fen
    return {fund: fen for fund, fen in found.items() if fen}


def _moved(state: LedgerState, day: date, tre_code: str, amounts: AmountsFen) -> list[MovedRow]:
    """Raises Refusal ``insufficient_cash`` where more was returned than lies there."""
    by_fund = _by_fund(amounts)

    def changes(owed_of: Callable[[str], int]) -> Iterator[tuple[str, str, int]]:
        for fund, fen in by_fund.items():
            yield from came(tre_code, fund, fen, owed_of)

    return moved_cash(state, day, changes)


def _booked(
    state: LedgerState,
    books: Books,
    number: str,
    event: IncomeReported | IncomeCorrected,
    tre_code: str,
    amounts: AmountsFen,
) -> Happened:
    """The event, its journal where anything came, and what moves cash."""
    happened: Happened = [(INCOME_REPORT, event.report_no, event)]
    if amounts:
        journal = given_journal(
            books,
            event.TYPE,
            source=state.next_position,
            number=number,
            lines=list(_entries(books, tre_code, amounts)),
            moves=(CONTROL,),
        )
        happened.append((INCOME_REPORT, event.report_no, journal))
    for fund, fen in _by_fund(amounts).items():
        moved = CashMoved(cash_acct=tre_code, fund_type_code=fund, amt=yuan(fen))
        happened.append((None, "", moved))
    return happened


def _entries(books: Books, tre_code: str, amounts: AmountsFen) -> Iterator[GivenLine]:
    """What the rule books of each amount, each entry kept by its elements."""
    for told, fen in amounts.items():
        codes = dict(told)
        entry = books.post(
            IncomeReported.TYPE,
            source=0,
            number="",
            amounts_fen={"income": max(0, fen), "returned": max(0, -fen)},
            codes=codes,
        )
        for line in entry.lines:
            account = books.accounts[line.account]
            yield GivenLine(
                account, line.dr_cr, stored_fen(line.amt), {**codes, "tre_code": tre_code}
            )
