"""专户资金: the register of what lies in each special account 财政专户, and in each account of a
unit's own 单位实有资金, by its number.

What is *free* may not fall below zero on any day: a payment takes its amount when it is applied
for, so two cannot take the same fen, and the account pays no more than has come to it. It is
*claimed* until the bank that keeps the account has answered, or the payment ends unpaid. No central
bank stands behind it, so nothing is cleared.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

from budget.special_funds import SPECIAL_FUNDS, UNIT_FUNDS, is_of_unit
from ledger.books import Charts
from ledger.deciding.registers import (
    DaysNotAtHandError,
    MovedRow,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.special_accounts.events import SpecialCashMoved

FUND, UNIT_FUND = SPECIAL_FUNDS, UNIT_FUNDS  # the kinds of fund under which its cash is shown
_OF = "/"  # between a unit and the number of its account


def account_key(acct_no: str, fund_type_code: str, agency_code: str) -> str:
    """The row of an account: the treasury's by its number, a unit's own under the unit; "" of
    none."""
    own = acct_no and is_of_unit(fund_type_code)
    return f"{agency_code}{_OF}{acct_no}" if own else acct_no


def split_account(key: str) -> tuple[str, str]:
    """The unit whose own account it is, or "", and the number of the account."""
    agency_code, _, acct_no = key.rpartition(_OF)
    return agency_code, acct_no


class PaidFrom(Protocol):
    """What names the account that pays it: an application, or what was handed on of one."""

    @property
    def pay_acct_no(self) -> str: ...
    @property
    def fund_type_code(self) -> str: ...
    @property
    def agency_code(self) -> str: ...


def key_of(paid: PaidFrom) -> str:
    """The row of the account that pays it; "" where none of these does."""
    return account_key(paid.pay_acct_no, paid.fund_type_code, paid.agency_code)


class SpecialCash(msgspec.Struct, frozen=True, gc=False):
    """Of one account, in fen: what a payment may take, and what payments have taken that the bank
    has not answered."""

    free: int = 0
    claimed: int = 0

    @property
    def balance(self) -> int:
        """What the account has."""
        return self.free + self.claimed


class _Moved(msgspec.Struct, frozen=True, gc=False):
    """Of ``SpecialCashMoved``."""

    acct_no: str
    amt: str
    claimed_amt: str = "0.00"
    agency_code: str = ""


def moved_key(event: SpecialCashMoved | _Moved) -> str:
    """The row that it moves."""
    return f"{event.agency_code}{_OF}{event.acct_no}" if event.agency_code else event.acct_no


class SpecialCashFold(RegisterFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {SpecialCashMoved: _Moved}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        claimed_fen = stored_fen(event.claimed_amt)
        yield moved_key(event), 0, stored_fen(event.amt) - claimed_fen
        yield moved_key(event), 1, claimed_fen


def _touched(event: Event) -> Iterable[str]:
    return (moved_key(event),) if isinstance(event, SpecialCashMoved) else ()


def _refuse(short: Shortage) -> Refusal:
    agency_code, acct_no = split_account(short.key)
    whose = f"{agency_code}'s own" if agency_code else "special"
    return Refusal(
        Code.INSUFFICIENT_CASH,
        f"{whose} account {acct_no} has too little on {short.on} 专户资金不足",
        cash_acct=acct_no,
        fund_type_code=UNIT_FUND if agency_code else FUND,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


SPECIAL_CASH: Register[SpecialCash] = declare(
    Register(
        name="special_cash",
        row=SpecialCash,
        floored=("free", "claimed"),
        refuse=_refuse,
        fold=SpecialCashFold,
        touched=_touched,
    )
)


def with_special(decision: Decision, moved: "SpecialMove") -> Decision:
    """A decision, and what it moves of a special account, which is told last."""
    if moved.rows:
        decision.events = [*decision.events, *moved.told]
        decision.moved = [*decision.moved, *moved.rows]
    return decision


def special_rule(event: str, acct_no: str) -> str:
    """The rule by which an act of a payment is booked where a special account pays it; "" is the
    event's own."""
    return f"{event}_special" if acct_no else ""


class SpecialMove(NamedTuple):
    """The row of an account after an act, and the event that says so; nothing of all other acts."""

    rows: tuple[MovedRow, ...] = ()
    told: tuple[tuple[None, str, SpecialCashMoved], ...] = ()


NOTHING_MOVED = SpecialMove()


def moved_special(
    state: LedgerState, day: date, key: str, *, amount_fen: int = 0, claimed_fen: int = 0
) -> SpecialMove:
    """The change of an account's balance and of what is claimed of it, on a day.

    Args:
        key: its row; "" of what no such account pays: then nothing moves.

    Raises:
        Refusal: ``insufficient_cash`` where less is free on that day or on a later one.
        DaysNotAtHandError: its row is to be read first; which account it is, is known only when
            deciding.
    """
    if not key or not (amount_fen or claimed_fen):
        return NOTHING_MOVED
    if not state.has_row(SPECIAL_CASH, key):
        raise DaysNotAtHandError(SPECIAL_CASH, key)
    changes = {"free": amount_fen - claimed_fen, "claimed": claimed_fen}
    row = state.moved(SPECIAL_CASH, key, day, changes)
    agency_code, acct_no = split_account(key)
    event = SpecialCashMoved(
        acct_no=acct_no,
        amt=yuan(amount_fen),
        claimed_amt=yuan(claimed_fen),
        agency_code=agency_code,
    )
    return SpecialMove((row,), ((None, "", event),))
