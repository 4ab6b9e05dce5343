"""专户资金: the register of what lies in each special account, 其他财政存款 by its number.

What is *free* may not fall below zero on any day: a payment takes its amount when it is applied
for, so two cannot take the same fen, and the account pays no more than has come to it. It is
*claimed* until the bank that keeps the account has answered, or the payment ends unpaid. No central
bank stands behind it, so nothing is cleared.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

import msgspec

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

FUND = "2"  # the kind of fund under which its cash is shown


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


class SpecialCashFold(RegisterFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {SpecialCashMoved: _Moved}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        claimed_fen = stored_fen(event.claimed_amt)
        yield event.acct_no, 0, stored_fen(event.amt) - claimed_fen
        yield event.acct_no, 1, claimed_fen


def _touched(event: Event) -> Iterable[str]:
    return (event.acct_no,) if isinstance(event, SpecialCashMoved) else ()


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_CASH,
        f"special account {short.key} has too little on {short.on} 专户资金不足",
        cash_acct=short.key,
        fund_type_code=FUND,
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
    state: LedgerState, day: date, acct_no: str, *, amount_fen: int = 0, claimed_fen: int = 0
) -> SpecialMove:
    """The change of an account's balance and of what is claimed of it, on a day.

    Args:
        acct_no: "" of what no special account pays: then nothing moves.

    Raises:
        Refusal: ``insufficient_cash`` where less is free on that day or on a later one.
        DaysNotAtHandError: its row is to be read first; which account it is, is known only when
            deciding.
    """
    if not acct_no or not (amount_fen or claimed_fen):
        return NOTHING_MOVED
    if not state.has_row(SPECIAL_CASH, acct_no):
        raise DaysNotAtHandError(SPECIAL_CASH, acct_no)
    changes = {"free": amount_fen - claimed_fen, "claimed": claimed_fen}
    row = state.moved(SPECIAL_CASH, acct_no, day, changes)
    event = SpecialCashMoved(acct_no=acct_no, amt=yuan(amount_fen), claimed_amt=yuan(claimed_fen))
    return SpecialMove((row,), ((None, "", event),))
