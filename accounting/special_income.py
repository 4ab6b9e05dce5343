"""财政专户收入, 单位资金收入: what came to an account, by its bank's statement of a day. Pure.

To a special account comes 财政专户管理资金收入, to a unit's own what its fund says: 事业收入 and so
on. It lies there from its day on. An account's day is reported once; a mistake is mended by
saying what the report should have said.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, Protocol

import msgspec

from accounting.income_booking import AmountsFen, Happened, amounts_of, differing
from accounting.special_income_events import (
    DepositedLine,
    SpecialIncomeCorrected,
    SpecialIncomeReported,
)
from budget.special_funds import is_of_unit, is_special, require_kept
from division.payer import special_account_on
from ledger.account_set import division_of
from ledger.books import Books, Charts
from ledger.books.given import GivenLine, given_journal
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan
from payments.special_accounts.cash import FUND, SPECIAL_CASH, UNIT_FUND, account_key, moved_special

LINES_MAX = 1_000
NON_TAX = "103"  # 非税收入: what a special account may receive
_CODED = ("inc_sort_code", "fund_type_code", "budget_level_code")
_OF_LEAVES = ("inc_sort_code", "fund_type_code")


class SpecialIncome(msgspec.Struct, frozen=True):
    """A report, with what corrections have made of it."""

    reported: SpecialIncomeReported
    lines: tuple[DepositedLine, ...]
    correct_nos: tuple[str, ...] = ()


def _fold(income: SpecialIncome | None, event: Event) -> SpecialIncome | None:
    if isinstance(event, SpecialIncomeReported):
        return SpecialIncome(event, event.lines)
    if income is not None and isinstance(event, SpecialIncomeCorrected):
        numbers = (*income.correct_nos, event.correct_no)
        return SpecialIncome(income.reported, event.lines, numbers)
    return income


def _rows_of(income: SpecialIncome) -> Iterator[tuple[Register[Any], str]]:
    yield SPECIAL_CASH, _key(income.reported)


class _Reports(Protocol):
    """What says whose account it is about."""

    @property
    def acct_no(self) -> str: ...
    @property
    def agency_code(self) -> str: ...


def _key(of: _Reports) -> str:
    """The row of the account."""
    return account_key(of.acct_no, UNIT_FUND if of.agency_code else FUND, of.agency_code)


SPECIAL_INCOME: Kind[SpecialIncome] = Kind(
    name="special_income",
    opened_by="special_income.load",
    fold=_fold,
    rows=_rows_of,
    cost=lambda income: 1 + len(income.lines),
)


# ---- which days are reported


class ReportedDay(msgspec.Struct, frozen=True, gc=False):
    """How many reports an account's day has: none or one."""

    reports: int = 0


class _Reported(msgspec.Struct, frozen=True, gc=False):
    """Of ``SpecialIncomeReported``."""

    acct_no: str
    report_date: str


class ReportedDayFold(RegisterFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        SpecialIncomeReported: _Reported
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        yield _day_key(event.acct_no, event.report_date), 0, 1


def _day_key(acct_no: str, report_date: str) -> str:
    return f"{acct_no}/{report_date}"


def _touched(event: Event) -> Iterable[str]:
    if isinstance(event, SpecialIncomeReported):
        yield _day_key(event.acct_no, event.report_date)


def _never(short: Shortage) -> Refusal:
    """Reports are only added."""
    return Refusal(Code.INVALID_STATE, f"{short.key} has {short.available_fen} reports")


SPECIAL_INCOME_DAYS: Register[ReportedDay] = declare(
    Register(
        name="special_income_day",
        row=ReportedDay,
        floored=("reports",),
        refuse=_never,
        fold=ReportedDayFold,
        touched=_touched,
    )
)


# ---- commands


class _OfSpecialIncome(Command, frozen=True, kw_only=True):
    """What says lines of income of an account."""

    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "财政专户收入"
    KIND: ClassVar[AnyKind] = SPECIAL_INCOME
    KEEPS_REFUSAL: ClassVar[bool] = False
    report_no: str
    lines: tuple[DepositedLine, ...]

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        if not 0 < len(self.lines) <= LINES_MAX:
            raise RequestError(
                Code.MALFORMED, f"a report has 1 to {LINES_MAX} lines", pointer="/lines"
            )
        for index, line in enumerate(self.lines):
            parse_yuan(line.amt, pointer=f"/lines/{index}/amt", signed=True)


class LoadSpecialIncome(_OfSpecialIncome, frozen=True, kw_only=True):
    """财政专户收入: what came to an account on a day; what was paid back is negative.
    ``agency_code`` is the unit whose own account it is."""

    OPERATION: ClassVar[str] = "special_income.load"
    NUMBER: ClassVar[str] = "report_no"
    report_date: date
    acct_no: str
    agency_code: str = ""

    def day_asked(self, fiscal_year: int) -> date:
        return self.report_date

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        report_date = date.fromisoformat(told.event.report_date)
        return (cls(**fields_in(cls, told.event, report_date=report_date)),)

    def needs(self) -> Iterable[Need]:
        return (
            (SPECIAL_INCOME, self.report_no),
            (SPECIAL_CASH, _key(self)),
            (SPECIAL_INCOME_DAYS, self._day_key),
        )

    @property
    def _day_key(self) -> str:
        return _day_key(self.acct_no, self.report_date.isoformat())

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.report_date)
        require_kept(state, UNIT_FUND if self.agency_code else FUND, "/acct_no")
        _require_codes(state, self, self.lines, day)
        if state.row(SPECIAL_INCOME_DAYS, self._day_key).reports:
            raise Refusal(
                Code.ALREADY_REPORTED,
                f"what came to {self.acct_no} on {self.report_date} is booked 该日已入账; a "
                "mistake is corrected",
                pointer="/report_date",
            )
        amounts = amounts_of(self.lines)
        amount_fen = sum(amounts.values())
        cash = moved_special(state, day, _key(self), amount_fen=amount_fen)
        told = state.moved(SPECIAL_INCOME_DAYS, self._day_key, day, {"reports": 1})
        # point of no return
        reported = SpecialIncomeReported(
            report_no=self.report_no,
            report_date=self.report_date.isoformat(),
            acct_no=self.acct_no,
            amt=yuan(amount_fen),
            lines=self.lines,
            agency_code=self.agency_code,
            by=by,
        )
        happened = _booked(state, day, self.report_no, reported, self, amounts)
        return Decision(events=[*happened, *cash.told], effective_on=day, moved=[*cash.rows, told])


class CorrectSpecialIncome(_OfSpecialIncome, frozen=True, kw_only=True):
    """财政专户收入更正: a report should have said ``lines``; what differs is booked today."""

    OPERATION: ClassVar[str] = "correction.special_income"
    NUMBER: ClassVar[str] = "correct_no"
    correct_no: str
    reason: str

    def needs(self) -> Iterable[Need]:
        return ((SPECIAL_INCOME, self.report_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, None)
        if (income := state.get(SPECIAL_INCOME, self.report_no)) is None:
            raise Refusal(Code.NOT_FOUND, f"no report {self.report_no!r} of a special account")
        account = income.reported
        _require_codes(state, account, self.lines, day)
        amounts = differing(amounts_of(self.lines), amounts_of(income.lines))
        if not amounts:
            raise Refusal(Code.INVALID_STATE, "the report says just that already")
        cash = moved_special(state, day, _key(account), amount_fen=sum(amounts.values()))
        # point of no return
        corrected = SpecialIncomeCorrected(
            report_no=self.report_no,
            correct_no=self.correct_no,
            lines=self.lines,
            reason=self.reason,
            by=by,
        )
        happened = _booked(state, day, self.correct_no, corrected, account, amounts)
        return Decision(events=[*happened, *cash.told], effective_on=day, moved=cash.rows)


def _require_codes(
    state: LedgerState, account: _Reports, lines: Iterable[DepositedLine], day: date
) -> None:
    """That each line has codes in force, the finest there are, of a fund for which the account is,
    and of 非税收入; a unit's own money is of no kind of the treasury's income.

    Raises:
        Refusal: ``element_invalid`` with its place, ``account_invalid``.
    """
    where: dict[str, Any] = {"on": day, "mof_div_code": division_of(state.ledger_id)}
    for index, line in enumerate(lines):
        for element in _CODED:
            if code := getattr(line, element):
                pointer = f"/lines/{index}/{element}"
                state.codes.check(element, code, pointer=pointer, **where)
                if element in _OF_LEAVES:
                    state.codes.check_leaf(element, code, pointer=pointer, **where)
        agency_code, fund = account.agency_code, line.fund_type_code
        fits = {
            "inc_sort_code": not line.inc_sort_code
            if agency_code
            else line.inc_sort_code.startswith(NON_TAX),
            "fund_type_code": is_of_unit(fund) if agency_code else is_special(fund),
        }
        for element in (name for name, fit in fits.items() if not fit):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{element} {getattr(line, element)} does not come to such an account",
                pointer=f"/lines/{index}/{element}",
            )
        special_account_on(
            state, fund, account.acct_no, day, agency_code=agency_code, pointer="/acct_no"
        )


def _booked(
    state: LedgerState,
    day: date,
    number: str,
    event: SpecialIncomeReported | SpecialIncomeCorrected,
    account: _Reports,
    amounts: AmountsFen,
) -> Happened:
    """The event, and its journal where anything came."""
    books = state.books(day)
    happened: Happened = [(SPECIAL_INCOME, event.report_no, event)]
    if amounts:
        journal = given_journal(
            books,
            event.TYPE,
            source=state.next_position,
            number=number,
            lines=list(_entries(books, account, amounts)),
        )
        happened.append((SPECIAL_INCOME, event.report_no, journal))
    return happened


def _entries(books: Books, of: _Reports, amounts: AmountsFen) -> Iterator[GivenLine]:
    """What the rule books of each amount, each entry kept by its elements and the account, a unit's
    by the unit as well."""
    whose = {"agency_code": of.agency_code} if of.agency_code else {}
    for told, fen in amounts.items():
        codes = dict(told)
        entry = books.post(
            SpecialIncomeReported.TYPE,
            source=0,
            number="",
            amounts_fen={"income": max(0, fen), "returned": max(0, -fen)},
            codes=codes,
        )
        for line in entry.lines:
            kept_by = {**codes, **whose, "acct_no": of.acct_no}
            account = books.accounts[line.account]
            yield GivenLine(account, line.dr_cr, stored_fen(line.amt), kept_by)
