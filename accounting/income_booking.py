"""收入入账: a day's report against the calendar, the codes and the cash, and its entries. Pure.

Each kind of income goes to 税收收入 or 非税收入 and to the budget income of its fund; from its day
on what came lies at the treasury. A day that is missing is refused, so that 国库存款 is what the
central bank has: one report a day and treasury account, and each working day has one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from accounting.income_events import (
    IncomeCorrected,
    IncomeDayReported,
    IncomeLine,
    IncomeReceived,
    IncomeReported,
)
from accounting.income_register import (
    INCOME,
    TOLD,
    IncomePlace,
    ToldBefore,
    received,
    told_before,
    told_no_more,
)
from accounting.income_report import REPORTED_DAYS, IncomeReport, require_free
from division.knowledge import is_workday
from ledger.account_set import division_of
from ledger.books import Books
from ledger.books.given import GivenLine, given_journal
from ledger.calendar import effective_day, evidence_day, require_not_final
from ledger.deciding.command import Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.clearing.cash import CASH, CONTROL, came, moved_cash
from payments.clearing.cash_events import CashMoved

MISSING_TOLD_MAX = 31
_CODED = ("inc_sort_code", "fund_type_code", "budget_level_code")
_OF_LEAVES = ("inc_sort_code", "fund_type_code")

BOOKING_NEEDS: tuple[Need, ...] = ((CASH, WHOLE), (INCOME, WHOLE), (TOLD, WHOLE))

AmountsFen = Mapping[tuple[tuple[str, str], ...], int]  # fen by the elements of a line
Happened = list[tuple[AnyKind | None, str, Event]]


def booked_day(
    state: LedgerState, kind: Kind[IncomeReport], reported: IncomeReported | IncomeReceived
) -> Decision:
    """A day's report with its journal, the cash that it moves and its place in the order of days.

    Raises:
        Refusal: ``period_closed``, ``future_date``, ``element_invalid``, ``already_reported``,
            ``invalid_state`` with ``missing_days``, ``insufficient_cash``.
    """
    report_date = date.fromisoformat(reported.report_date)
    day = _day_of(state, report_date, is_signed=isinstance(reported, IncomeReceived))
    require_free(state, reported.report_no)
    replaces = isinstance(reported, IncomeReceived) and bool(reported.replaces)
    if not replaces:
        last_days = state.settings.get(REPORTED_DAYS).last
        require_next(state, last_days, reported.tre_code, report_date)
    books = state.books(day)
    require_codes(state, books, placed(reported.lines), day)
    tre_code = reported.tre_code
    told = told_before(state, tre_code, reported.report_date)
    amounts = differing(amounts_of(booked_lines(reported)), _booked_before(told))
    moved = [
        *moved_by(state, day, tre_code, amounts),
        *received_by(state, day, tre_code, amounts),
        *told_no_more(state, day, told),
    ]
    # point of no return
    happened = booked(state, books, kind, reported.report_no, reported, tre_code, amounts)
    next_day = IncomeDayReported(
        tre_code=tre_code,
        report_date=reported.report_date,
        report_no=reported.report_no,
        is_signed=isinstance(reported, IncomeReceived),
    )
    return Decision(events=[*happened, (None, "", next_day)], effective_on=day, moved=moved)


def _day_of(state: LedgerState, report_date: date, *, is_signed: bool) -> date:
    """The report's own day. What the central bank has signed is not refused because the books are
    closed by then: it is booked on the first open day, visibly late, until the year is handed over.

    Raises:
        Refusal: ``period_closed``, ``future_date``.
    """
    if is_signed and report_date.year == state.fiscal_year and report_date <= state.calendar_day:
        require_not_final(state)
        return evidence_day(state, report_date, since=report_date)
    return effective_day(state, report_date)


def booked_lines(reported: IncomeReported | IncomeReceived) -> tuple[IncomeLine, ...]:
    """What a report books: all of it, or what it says more than the file's in whose place it is."""
    if isinstance(reported, IncomeReceived) and reported.replaces:
        return reported.differences
    return reported.lines


# ---- the order of days


def require_next(
    state: LedgerState, last_days: Mapping[str, str], tre_code: str, day: date
) -> None:
    """That the report is of the working day after the last, or of a day off before that.

    Raises:
        Refusal: ``already_reported``; ``invalid_state`` with ``missing_days``.
    """
    if (told := last_days.get(tre_code)) is None:
        return
    last = date.fromisoformat(told)
    if day <= last:
        raise Refusal(
            Code.ALREADY_REPORTED,
            f"the reports of {tre_code} have come to {last} 该日已入账; a mistake is corrected",
            pointer="/report_date",
        )
    if missing := list(workdays(state, last + timedelta(days=1), day)):
        raise Refusal(
            Code.INVALID_STATE,
            f"the report of {missing[0]} is missing: {tre_code} is reported to {last} 日报缺失",
            pointer="/report_date",
            missing_days=[each.isoformat() for each in missing[:MISSING_TOLD_MAX]],
        )


def workdays(state: LedgerState, first: date, end: date) -> Iterator[date]:
    """Those from ``first`` on and before ``end``."""
    while first < end:
        if is_workday(state, first):
            yield first
        first += timedelta(days=1)


# ---- codes and amounts


def placed(lines: Iterable[IncomeLine]) -> dict[str, IncomeLine]:
    """Lines by where they stand in what was asked."""
    return {f"/lines/{index}/": line for index, line in enumerate(lines)}


def require_codes(
    state: LedgerState, books: Books, lines: Mapping[str, IncomeLine], day: date
) -> None:
    """That each line, by its place, has codes in force, the finest there are, and accounts to be
    booked on.

    Raises:
        Refusal: ``element_invalid`` with its place.
    """
    where: dict[str, Any] = {"on": day, "mof_div_code": division_of(state.ledger_id)}
    for place, line in lines.items():
        for element in _CODED:
            if code := getattr(line, element):
                pointer = f"{place}{element}"
                state.codes.check(element, code, pointer=pointer, **where)
                if element in _OF_LEAVES:
                    state.codes.check_leaf(element, code, pointer=pointer, **where)
        booked_by = {element: getattr(line, element) for element in _OF_LEAVES}
        if element := books.uncovered(booked_by):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{element} {booked_by[element]} is no income of the treasury's day 无对应科目",
                pointer=f"{place}{element}",
            )


def amounts_of(lines: Iterable[IncomeLine]) -> dict[tuple[tuple[str, str], ...], int]:
    found: dict[tuple[tuple[str, str], ...], int] = {}
    for line in lines:
        codes = tuple(line.codes.items())
        found[codes] = found.get(codes, 0) + stored_fen(line.amt)
    return {codes: fen for codes, fen in found.items() if fen}


def _booked_before(told: Iterable[ToldBefore]) -> AmountsFen:
    found: dict[tuple[tuple[str, str], ...], int] = {}
    for row in told:
        found[row.place.codes] = found.get(row.place.codes, 0) + row.amount
    return found


def differing_lines(
    after: Iterable[IncomeLine], before: Iterable[IncomeLine]
) -> tuple[IncomeLine, ...]:
    """Lines of what the one says more than the other, with its sign."""
    changes = differing(amounts_of(after), amounts_of(before))
    return tuple(IncomeLine(**dict(codes), amt=yuan(fen)) for codes, fen in changes.items())


def differing(after: AmountsFen, before: AmountsFen) -> AmountsFen:
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


def moved_by(state: LedgerState, day: date, tre_code: str, amounts: AmountsFen) -> list[MovedRow]:
    """The cash, once amounts have come.

    Raises:
        Refusal: ``insufficient_cash`` where more was returned than lies there.
    """
    by_fund = _by_fund(amounts)

    def changes(owed_of: Callable[[str], int]) -> Iterator[tuple[str, str, int]]:
        for fund, fen in by_fund.items():
            yield from came(tre_code, fund, fen, owed_of)

    return moved_cash(state, day, changes)


def received_by(
    state: LedgerState, day: date, tre_code: str, amounts: AmountsFen
) -> list[MovedRow]:
    """What was received, once amounts have come."""
    by_place = {IncomePlace(tre_code, **dict(codes)).key: fen for codes, fen in amounts.items()}
    return received(state, day, by_place)


def booked(
    state: LedgerState,
    books: Books,
    kind: Kind[IncomeReport],
    number: str,
    event: IncomeReported | IncomeReceived | IncomeCorrected,
    tre_code: str,
    amounts: AmountsFen,
) -> Happened:
    """The event, its journal where anything came, and what moves cash."""
    happened: Happened = [(kind, event.report_no, event)]
    if amounts:
        journal = given_journal(
            books,
            event.TYPE,
            source=state.next_position,
            number=number,
            lines=list(entries(books, tre_code, amounts)),
            moves=(CONTROL,),
        )
        happened.append((kind, event.report_no, journal))
    return [*happened, *cash_told(tre_code, amounts)]


def cash_told(tre_code: str, amounts: AmountsFen) -> Happened:
    """What amounts of income move of the treasury account's cash, by fund."""
    return [
        (None, "", CashMoved(cash_acct=tre_code, fund_type_code=fund, amt=yuan(fen)))
        for fund, fen in _by_fund(amounts).items()
    ]


def entries(books: Books, tre_code: str, amounts: AmountsFen) -> Iterator[GivenLine]:
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
