"""收款累计: what was applied for to each account, day by day, since rules ask for it."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, ClassVar, NamedTuple

import msgspec

from ledger.books import Charts
from ledger.deciding.registers import (
    DaysNotAtHandError,
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
from payments.monitoring.events import PayeesTallied, TalliedPayee


class Tally(msgspec.Struct, frozen=True, gc=False):
    """Lines and fen applied for to an account, all together."""

    payments: int = 0
    amount: int = 0


class _Tallied(msgspec.Struct, frozen=True, gc=False):
    """Of ``PayeesTallied``."""

    payees: tuple[TalliedPayee, ...]


class TallyFold(RegisterFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {PayeesTallied: _Tallied}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        return list(_movements(event))


def _movements(event: _Tallied) -> Iterator[Movement]:
    for payee in event.payees:
        yield payee.payee_acct_no, 0, payee.payments
        yield payee.payee_acct_no, 1, stored_fen(payee.amt)


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, PayeesTallied):
        yield from (payee.payee_acct_no for payee in event.payees)


def _refuse(short: Shortage) -> Refusal:
    """Never: what is counted only grows."""
    return Refusal(Code.INVALID_STATE, f"{short.key} has {yuan(short.available_fen)} counted")


TALLIES: Register[Tally] = declare(
    Register(
        name="payee_tally",
        row=Tally,
        floored=("payments", "amount"),
        refuse=_refuse,
        fold=TallyFold,
        touched=_touched,
    )
)


class Counted(NamedTuple):
    """What was applied for to an account within some days, in lines and fen."""

    payments: int
    amount_fen: int


def counted(state: LedgerState, account: str, day: date, within_days: int) -> Counted:
    """Before a payment of this day: what so many days around it have at most, the day among them.

    A payment may be dated back, so that the days behind it count as those before it do: each of
    the two figures is of the fullest window that the day lies in.

    Args:
        account: as all its spellings are compared (``payments.payees.one_spelling``).

    Raises:
        DaysNotAtHandError: its row is to be read first; only where a rule asks is it known whose.
    """
    if not state.has_row(TALLIES, account):
        raise DaysNotAtHandError(TALLIES, account)
    window = timedelta(days=within_days)
    levels = state.row_on(TALLIES, account, day - window).levels(day - window)
    days = [on for on, _ in levels]

    def until(on: date) -> Tally:
        return levels[bisect_right(days, on) - 1][1]

    lasts = [day, *(on for on in days if day < on < day + window)]
    windows = [(until(last - window), until(last)) for last in lasts]
    return Counted(
        max(now.payments - before.payments for before, now in windows),
        max(now.amount - before.amount for before, now in windows),
    )
