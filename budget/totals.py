"""预算合计: what is budgeted of a project in this year, and of a kind of money, beside its income.

The rows of a project may not exceed what its plan has for the year, so that all its years together
keep to its total; and the expenditure of each of 四本账 is balanced by its income where one is
given.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.preparation_events import IncomeBudgetSet
from budget.row_events import RowAdjusted, RowReplied
from ledger.books import Charts
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan

# 四本账: what the funds of each begin with
BOOKS = {
    "11": "一般公共预算",
    "12": "政府性基金预算",
    "13": "国有资本经营预算",
    "14": "社会保险基金预算",
}


class Budgeted(msgspec.Struct, frozen=True, gc=False):
    """In fen."""

    budgeted: int = 0


class Income(msgspec.Struct, frozen=True, gc=False):
    """In fen."""

    expected: int = 0


class _Replied(msgspec.Struct, frozen=True, gc=False):
    """Of ``RowReplied``."""

    pro_code: str
    fund_type_code: str
    reply_amt: str

    @property
    def change_fen(self) -> int:
        return stored_fen(self.reply_amt)


class _Adjusted(msgspec.Struct, frozen=True, gc=False):
    """Of ``RowAdjusted``."""

    pro_code: str
    fund_type_code: str
    adj_amt: str = "0.00"
    dis_amt: str = "0.00"

    @property
    def change_fen(self) -> int:
        return stored_fen(self.adj_amt) + stored_fen(self.dis_amt)


class _IncomeSet(msgspec.Struct, frozen=True, gc=False):
    """Of ``IncomeBudgetSet``."""

    inc_sort_code: str
    fund_type_code: str
    change_amt: str


_ROWS: Mapping[type[Event], type[msgspec.Struct]] = {RowReplied: _Replied, RowAdjusted: _Adjusted}


class ProjectFold(RegisterFold):
    """By project."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = _ROWS

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        return ((event.pro_code, 0, event.change_fen),)


class FundFold(RegisterFold):
    """By fund."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = _ROWS

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        return ((event.fund_type_code, 0, event.change_fen),)


class IncomeFold(RegisterFold):
    """By income code and fund."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {IncomeBudgetSet: _IncomeSet}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        key = income_key(event.inc_sort_code, event.fund_type_code)
        return ((key, 0, stored_fen(event.change_amt)),)


def income_key(inc_sort_code: str, fund_type_code: str) -> str:
    """Of a row of ``INCOME``."""
    return f"{inc_sort_code}/{fund_type_code}"


def _fund_of(key: str) -> str:
    return key.partition("/")[2]


def _project_touched(event: Event) -> Iterator[str]:
    if isinstance(event, RowReplied | RowAdjusted):
        yield event.pro_code


def _too_little(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_BUDGET,
        f"of {short.key} so much was not budgeted by {short.on}",
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


PROJECT_BUDGETS: Register[Budgeted] = declare(
    Register(
        name="project_budget",
        row=Budgeted,
        floored=("budgeted",),
        refuse=_too_little,
        fold=ProjectFold,
        touched=_project_touched,
    )
)
FUND_BUDGETS: Register[Budgeted] = declare(
    Register(
        name="fund_budget",
        row=Budgeted,
        floored=("budgeted",),
        refuse=_too_little,
        fold=FundFold,
        whole=True,
    )
)
INCOME: Register[Income] = declare(
    Register(
        name="income_budget",
        row=Income,
        floored=("expected",),
        refuse=_too_little,
        fold=IncomeFold,
        whole=True,
    )
)


def require_balance(
    income: Mapping[str, Income],
    budgeted: Mapping[str, Budgeted],
    granted_fen: Mapping[str, int],
) -> None:
    """Whether expenditure equals income in each of 四本账 of which an income is given.

    Args:
        income: the rows of ``INCOME``.
        budgeted: those of ``FUND_BUDGETS`` before an approval.
        granted_fen: what that grants, by fund.

    Raises:
        Refusal: ``budget_mismatch``, naming the first that does not balance.
    """
    for prefix, title in BOOKS.items():
        expected_fen = sum(i.expected for key, i in income.items() if _is_of(_fund_of(key), prefix))
        spent_fen = sum(b.budgeted for fund, b in budgeted.items() if _is_of(fund, prefix))
        spent_fen += sum(fen for fund, fen in granted_fen.items() if _is_of(fund, prefix))
        if expected_fen and spent_fen != expected_fen:
            raise Refusal(
                Code.BUDGET_MISMATCH,
                f"{title}: income is {yuan(expected_fen)}, expenditure {yuan(spent_fen)}",
                fund_type_code=prefix,
                available_amt=yuan(expected_fen),
                requested_amt=yuan(spent_fen),
            )


def _is_of(fund_type_code: str, prefix: str) -> bool:
    return fund_type_code.startswith(prefix)
