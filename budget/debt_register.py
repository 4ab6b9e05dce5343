"""地方政府债务: the registers of what is owed of each bond, and of what the limits leave.

A bond's row says what has come for it, what of it is owed, ordered to be repaid, lent on, and what
interest is accrued. The limit's row says by kind, 一般债务 and 专项债务, what may still be owed: no
debt is there above it, on any day. Both follow from the limits and from ``debt.moved`` alone, so
that a fold passes over all payments.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.debt_events import DebtLimitSet, DebtMoved, DebtsCarriedIn
from ledger.books import Charts
from ledger.deciding.registers import (
    WHOLE,
    MovedRow,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan

GENERAL, SPECIAL = "1", "2"  # bond_type_code: 一般债券, 专项债券
KINDS: Mapping[str, str] = {GENERAL: "一般债务", SPECIAL: "专项债务"}


class Debt(msgspec.Struct, frozen=True, gc=False):
    """Of one bond, in fen; see ``DebtMoved``. ``lendable`` is what has come and is not lent on."""

    owed: int = 0
    ordered: int = 0
    accrued: int = 0
    lent: int = 0
    lendable: int = 0
    issued: int = 0

    @property
    def outstanding(self) -> int:
        """债务余额: a repayment that is ordered is owed until it is paid."""
        return self.owed + self.ordered


class DebtLimit(msgspec.Struct, frozen=True, gc=False):
    """Of one kind of debt, in fen: what may still be owed, and the limit."""

    free: int = 0
    limit: int = 0


class _Moved(msgspec.Struct, frozen=True, gc=False):
    """Of ``DebtMoved``."""

    bond_code: str
    bond_type_code: str
    issued_amt: str = "0.00"
    owed_amt: str = "0.00"
    ordered_amt: str = "0.00"
    accrued_amt: str = "0.00"
    lent_amt: str = "0.00"


class _LimitSet(msgspec.Struct, frozen=True, gc=False):
    """Of ``DebtLimitSet``."""

    general_change_amt: str
    special_change_amt: str


_PLACE = {name: place for place, name in enumerate(Debt.__struct_fields__)}


class DebtFold(RegisterFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {DebtMoved: _Moved}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        for name, fen in debt_changes(event).items():
            yield event.bond_code, _PLACE[name], fen


class DebtLimitFold(RegisterFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        DebtMoved: _Moved,
        DebtLimitSet: _LimitSet,
        DebtsCarriedIn: _LimitSet,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, _LimitSet):
            of_kinds = event.general_change_amt, event.special_change_amt
            for kind, change_amt in zip(KINDS, of_kinds, strict=True):
                for place in (0, 1):
                    yield kind, place, stored_fen(change_amt)
        else:
            yield event.bond_type_code, 0, -outstanding_change(event)


def debt_changes(event: DebtMoved | _Moved) -> dict[str, int]:
    """By field of the bond's row, what an event moves, in fen."""
    lent_fen, issued_fen = stored_fen(event.lent_amt), stored_fen(event.issued_amt)
    return {
        "owed": stored_fen(event.owed_amt),
        "ordered": stored_fen(event.ordered_amt),
        "accrued": stored_fen(event.accrued_amt),
        "lent": lent_fen,
        "lendable": issued_fen - lent_fen,
        "issued": issued_fen,
    }


def outstanding_change(event: DebtMoved | _Moved) -> int:
    """By how much more is owed behind an event, in fen."""
    return stored_fen(event.owed_amt) + stored_fen(event.ordered_amt)


_SHORT = {
    "owed": "is owed 债务余额",
    "ordered": "is ordered to be repaid",
    "accrued": "of interest is accrued",
    "lent": "is lent on 转贷",
    "lendable": "has come and is not lent on",
}


def _exceeds(short: Shortage) -> Refusal:
    return Refusal(
        Code.EXCEEDS_DEBT,
        f"of bond {short.key} {yuan(max(0, short.available_fen))} {_SHORT[short.field]} on"
        f" {short.on} 超过债务余额",
        bond_code=short.key,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


def _above_limit(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_CEILING,
        f"of {KINDS[short.key]} {yuan(max(0, short.available_fen))} may still be owed on {short.on}"
        " 超过债务限额",
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


DEBT: Register[Debt] = declare(
    Register(
        name="debt",
        row=Debt,
        floored=("owed", "ordered", "accrued", "lent", "lendable"),
        refuse=_exceeds,
        fold=DebtFold,
        whole=True,
    )
)
DEBT_LIMIT: Register[DebtLimit] = declare(
    Register(
        name="debt_limit",
        row=DebtLimit,
        floored=("free",),
        refuse=_above_limit,
        fold=DebtLimitFold,
        whole=True,
    )
)
DEBT_NEEDS = (DEBT, WHOLE), (DEBT_LIMIT, WHOLE)


def moved_debt(state: LedgerState, day: date, moved: DebtMoved) -> list[MovedRow]:
    """A bond's row and its kind's limit behind an event.

    Raises:
        Refusal: ``exceeds_debt``, ``insufficient_ceiling``.
    """
    rows = [state.moved(DEBT, moved.bond_code, day, debt_changes(moved))]
    if owed_fen := outstanding_change(moved):
        rows.append(state.moved(DEBT_LIMIT, moved.bond_type_code, day, {"free": -owed_fen}))
    return rows
