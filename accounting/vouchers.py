"""记账凭证: an accountant books by hand what no act of the program books. Pure decisions.

The treasury's books and those of each unit are two sides 财务会计 and 预算会计: each balances by
itself, and what moves cash of the budget is booked on both (平行记账, ``ledger.books.parallel``).
What payments and registers keep is theirs alone. A voucher is mended by a red one that takes it
back whole, once; both have numbers out of one space.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from accounting.debt_accounts import is_debt_account
from accounting.entering import (
    account_of,
    account_pointer,
    check_rows,
    codes_in_force,
    named,
    require_balanced,
    unit_in_force,
)
from accounting.special_deposits import names_deposit
from accounting.voucher_events import (
    AccountingVoucherEntered,
    AccountingVoucherReversed,
    VoucherLine,
)
from ledger.books import Account, Books
from ledger.books.given import GivenLine, given_journal
from ledger.books.parallel import unpaired
from ledger.calendar import clearing_day, effective_day
from ledger.closing import AccountingPeriod, require_year
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, yuan

LINES_MAX = 1_000
NUMBER_MAX = 100  # characters, as of each number
RED = "-R"  # behind a voucher's number: its red one's, where that has no other
TREASURY = ("treasury_financial", "treasury_budgetary")
UNIT = ("unit_financial", "unit_budgetary")
_KEPT_BY_ITSELF = ("indicator", "zero_balance")


class AccountingVoucher(msgspec.Struct, frozen=True):
    """A voucher by hand, as its events have left it."""

    entered: AccountingVoucherEntered
    reversed: AccountingVoucherReversed | None = None


def _fold(voucher: AccountingVoucher | None, event: Event) -> AccountingVoucher | None:
    if isinstance(event, AccountingVoucherEntered):
        return AccountingVoucher(event)
    if voucher is not None and isinstance(event, AccountingVoucherReversed):
        return AccountingVoucher(voucher.entered, event)
    return voucher


ACCOUNTING_VOUCHER: Kind[AccountingVoucher] = Kind(
    name="accounting_voucher",
    opened_by="voucher.enter",
    fold=_fold,
    cost=lambda voucher: 1 + len(voucher.entered.lines),
)
# a voucher, by the number of the red one that took it back
VOUCHER_OF_RED: Kind[AccountingVoucher] = Kind(
    name="voucher_of_red", opened_by="voucher.reverse", fold=_fold, cost=ACCOUNTING_VOUCHER.cost
)


class _OfVoucher(Command, frozen=True, kw_only=True):
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "记账凭证"
    KIND: ClassVar[AnyKind] = ACCOUNTING_VOUCHER
    KEEPS_REFUSAL: ClassVar[bool] = False
    voucher_no: str
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        numbers = dict.fromkeys((self.voucher_no, self.number))
        vouchers: Iterator[Need] = ((ACCOUNTING_VOUCHER, number) for number in numbers)
        return *vouchers, (VOUCHER_OF_RED, self.number)

    def _require_free(self, state: LedgerState, pointer: str) -> None:
        """That no voucher has its number, neither an entered nor a red one.

        Raises:
            Refusal: ``idempotency_conflict``.
        """
        reversed_by_it = state.get(VOUCHER_OF_RED, self.number)
        # taken again, its number leads to the voucher that it is about to take back
        is_red = reversed_by_it is not None and reversed_by_it.reversed is not None
        if is_red or state.get(ACCOUNTING_VOUCHER, self.number) is not None:
            raise Refusal(
                Code.IDEMPOTENCY_CONFLICT,
                f"there is a voucher {self.number!r} already 凭证编号已用",
                pointer=pointer,
            )


class EnterVoucher(_OfVoucher, frozen=True, kw_only=True):
    """记账凭证录入: of the treasury, by one of its books, or of a unit, by its code.

    It is of ``effective_on``, a day of ``acct_period``; else of today, or of the last day of a
    period that is over.
    """

    OPERATION: ClassVar[str] = "voucher.enter"
    NUMBER: ClassVar[str] = "voucher_no"
    acct_period: str
    voucher_abs: str
    lines: tuple[VoucherLine, ...]
    book: str = ""
    agency_code: str = ""
    vou_cnt: int = 0

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        AccountingPeriod.named(self.acct_period, "/acct_period")
        if not (self.book or self.agency_code):
            raise RequestError(
                Code.MALFORMED, "a voucher is of a unit, or of a book of the treasury: book"
            )
        if self.vou_cnt < 0:
            raise RequestError(Code.MALFORMED, "documents are counted", pointer="/vou_cnt")
        check_rows(self.lines, LINES_MAX, "/lines")

    def decide(self, state: LedgerState, by: str) -> Decision:
        self._require_free(state, "/voucher_no")
        day = self._day(state)
        books = state.books(day)
        of = self._books()
        if self.agency_code:
            unit_in_force(state, self.agency_code, day, "/agency_code")
        lines = [
            self._line(state, books, of, row, day, f"/lines/{index}")
            for index, row in enumerate(self.lines)
        ]
        self._require_one_unit()
        require_balanced(lines, "/lines")
        _require_both_sides(books, lines)
        self._require_by_hand(state, books, lines)
        # point of no return
        entered = AccountingVoucherEntered(
            voucher_no=self.voucher_no,
            acct_period=self.acct_period,
            voucher_abs=self.voucher_abs,
            book=self.book,
            agency_code=self.agency_code,
            vou_cnt=self.vou_cnt,
            lines=self.lines,
            accounts=tuple(named(line.account) for line in lines),
            by=by,
        )
        return _booked(state, books, day, entered, lines)

    def _day(self, state: LedgerState) -> date:
        """Raises Refusal ``period_closed``, ``future_date``, ``element_mismatch``."""
        period = AccountingPeriod.named(self.acct_period, "/acct_period")
        require_year(state, period)
        asked = self.effective_on or max(period.first_day, min(state.today, period.last_day))
        day = clearing_day(state, asked) if period.is_late else effective_day(state, asked)
        if not period.first_day <= day <= period.last_day:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"{day} is not in {self.acct_period}",
                pointer="/effective_on",
            )
        return day

    def _books(self) -> tuple[str, str]:
        """The two sides that it is of; raises Refusal ``element_invalid``, ``account_invalid``."""
        if self.book in _KEPT_BY_ITSELF:
            raise Refusal(
                Code.ACCOUNT_INVALID,
                f"the book {self.book} is kept by its own acts, not by hand 受控账簿",
                pointer="/book",
            )
        of = UNIT if self.agency_code else TREASURY
        if self.book and self.book not in of:
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"the book {self.book[:40]!r} is none of {', '.join(of)}",
                pointer="/book",
            )
        return of

    def _line(
        self,
        state: LedgerState,
        books: Books,
        of: Sequence[str],
        row: VoucherLine,
        day: date,
        pointer: str,
    ) -> GivenLine:
        """A row as an entry, kept by its unit too; raises Refusal ``element_invalid``."""
        if row.book and row.book not in of:
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"the book {row.book[:40]!r} is none of {', '.join(of)}",
                pointer=f"{pointer}/book",
            )
        account = account_of(books, (row.book,) if row.book else of, row, pointer)
        if books.is_heading(account):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{account.name} has details, which are booked on 非末级科目",
                pointer=account_pointer(row, pointer),
            )
        codes_in_force(state, row, day, pointer)
        return _entry(account, row, self.agency_code)

    def _require_one_unit(self) -> None:
        for index, row in enumerate(self.lines):
            if self.agency_code and row.agency_code not in ("", self.agency_code):
                raise Refusal(
                    Code.ELEMENT_MISMATCH,
                    f"a voucher of {self.agency_code} has no entries of {row.agency_code}",
                    pointer=f"/lines/{index}/agency_code",
                )

    def _require_by_hand(
        self, state: LedgerState, books: Books, lines: Sequence[GivenLine]
    ) -> None:
        """Raises Refusal ``account_invalid`` for what payments and registers keep."""
        for index, (row, line) in enumerate(zip(self.lines, lines, strict=True)):
            account = line.account
            kept = account.control or not account.by_hand
            kept = kept or is_debt_account(state, books, account.id)
            if kept or names_deposit(state, books, account.id, line.codes):
                raise Refusal(
                    Code.ACCOUNT_INVALID,
                    f"{account.name} is kept by its own acts, not by hand 受控科目",
                    pointer=account_pointer(row, f"/lines/{index}"),
                )


class ReverseVoucher(_OfVoucher, frozen=True, kw_only=True):
    """红字冲销: the voucher is taken back, today or on ``effective_on``.

    ``red_voucher_no`` is the red voucher's number; left out, it is that of the voucher with ``-R``
    behind it.
    """

    OPERATION: ClassVar[str] = "voucher.reverse"
    red_voucher_no: str = ""
    reason: str = ""

    @property
    def _number_left_out(self) -> str:
        return self.voucher_no + RED

    @property
    def number(self) -> str:
        return self.red_voucher_no or self._number_left_out

    @property
    def body(self) -> object:
        """Who says what is meant anyway asks for nothing else. The number that is meant is written
        as the voucher's own, which it once was."""
        meant = self.number == self._number_left_out
        said = msgspec.structs.asdict(self)
        return {**said, "red_voucher_no": self.voucher_no if meant else self.number}

    @classmethod
    def number_in(cls, event: AccountingVoucherReversed) -> str:
        return event.red_voucher_no

    def check(self) -> None:
        """Raises RequestError ``malformed`` where the number that is meant would be too long."""
        if len(self.number) > NUMBER_MAX:
            raise RequestError(
                Code.MALFORMED,
                f"a number has at most {NUMBER_MAX} characters: say the red voucher's own",
                pointer="/red_voucher_no",
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        self._require_free(state, "/red_voucher_no")
        day = effective_day(state, self.effective_on)
        voucher = state.get(ACCOUNTING_VOUCHER, self.voucher_no)
        if voucher is None:
            raise Refusal(Code.NOT_FOUND, f"no voucher {self.voucher_no!r}")
        if voucher.reversed is not None:
            raise Refusal(
                Code.INVALID_STATE,
                f"{self.voucher_no} was reversed by {voucher.reversed.red_voucher_no} 已冲销",
            )
        books = state.books(day)
        lines = _taken_back(books, voucher)
        # point of no return
        back = AccountingVoucherReversed(
            voucher_no=self.voucher_no,
            red_voucher_no=self.number,
            reason=self.reason,
            by=by,
        )
        decision = _booked(state, books, day, back, lines, red=True)
        decision.also_found = [(VOUCHER_OF_RED, self.number)]
        return decision


def _require_both_sides(books: Books, lines: Iterable[GivenLine]) -> None:
    """Raises Refusal ``parallel_entry_missing`` where cash of the budget is booked on one side."""
    moved: dict[str, int] = {}
    for line in lines:
        account = line.account.id
        moved[account] = moved.get(account, 0) + line.dr_cr * line.amount_fen
    for each in unpaired(books.parallel, moved):
        pair = books.parallel[each.name]
        cash, balance = (_names(books, of) for of in (pair.financial, pair.budgetary))
        wanted = dict.fromkeys((yuan(each.least_fen), yuan(each.most_fen)))
        raise Refusal(
            Code.PARALLEL_ENTRY_MISSING,
            f"{cash} wants {' to '.join(wanted)} of {balance}, which moves by"
            f" {yuan(each.booked_fen)} 平行记账",
            pointer="/lines",
        )


def _names(books: Books, accounts: Iterable[str]) -> str:
    return "、".join(books.accounts[account].name for account in accounts)


def _taken_back(books: Books, voucher: AccountingVoucher) -> list[GivenLine]:
    """Its entries on the other side; raises Refusal ``element_invalid`` for an account that the
    chart of the day has not."""
    entered = voucher.entered
    lines = []
    for row, told in zip(entered.lines, entered.accounts, strict=True):
        if (account := books.accounts.get(told.acct_cls_id)) is None:
            raise Refusal(
                Code.ELEMENT_INVALID, f"chart {books.version} has no account {told.acct_cls_id}"
            )
        entry = _entry(account, row, entered.agency_code)
        lines.append(entry._replace(dr_cr=-entry.dr_cr))
    return lines


def _entry(account: Account, row: VoucherLine, agency_code: str) -> GivenLine:
    """A row as an entry; those of a unit's voucher are kept by the unit too."""
    of_unit = {"agency_code": agency_code} if agency_code else {}
    return GivenLine(account, row.dr_cr, parse_yuan(row.amt), {**row.codes, **of_unit})


def _booked(
    state: LedgerState,
    books: Books,
    day: date,
    event: AccountingVoucherEntered | AccountingVoucherReversed,
    lines: Sequence[GivenLine],
    **more: Any,
) -> Decision:
    """The event and its journal."""
    number = getattr(event, "red_voucher_no", event.voucher_no)
    journal = given_journal(
        books, event.TYPE, source=state.next_position, number=number, lines=lines, **more
    )
    happened: list[tuple[AnyKind | None, str, Event]] = [
        (ACCOUNTING_VOUCHER, event.voucher_no, each) for each in (event, journal)
    ]
    return Decision(events=happened, effective_on=day)
