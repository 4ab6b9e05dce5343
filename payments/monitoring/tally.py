"""收款累计: what was applied for to each account, day by day, since rules ask for it.

A row counts by the day on which payments take effect. Of those that are dated otherwise two more
rows say how many they are, by the day on which they take effect and by that on which they were
applied for: so many days count either way, and payments dated each into a stretch of its own are
still as many as were applied for.
"""

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
    applied_on: str = ""


class TallyFold(RegisterFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {PayeesTallied: _Tallied}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        return list(_movements(event))


def _movements(event: _Tallied) -> Iterator[Movement]:
    for payee in event.payees:
        for key in counted_under(payee.payee_acct_no, event.applied_on):
            yield key, 0, payee.payments
            yield key, 1, stored_fen(payee.amt)


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, PayeesTallied):
        for payee in event.payees:
            yield from counted_under(payee.payee_acct_no, event.applied_on)


def counted_under(account: str, applied_on: str) -> tuple[str, ...]:
    """The rows that count a payment to an account; no account is written in small letters."""
    if not applied_on:
        return (account,)
    return account, _dated_otherwise(account), f"{account} on {applied_on}"


def _dated_otherwise(account: str) -> str:
    return f"{account} dated"


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
    require_row(state, account)
    window = timedelta(days=within_days)
    levels = state.row_on(TALLIES, account, day - window).levels(day - window)
    days = [on for on, _ in levels]

    def until(on: date) -> Tally:
        return levels[bisect_right(days, on) - 1][1]

    lasts = [day, *(on for on in days if day < on < day + window)]
    windows = [(until(last - window), until(last)) for last in lasts]
    if day == state.calendar_day:
        windows.append((Tally(), _applied_for(state, account, day, within_days, windows[0])))
    return Counted(
        max(now.payments - before.payments for before, now in windows),
        max(now.amount - before.amount for before, now in windows),
    )


def _applied_for(
    state: LedgerState, account: str, today: date, within_days: int, effective: tuple[Tally, Tally]
) -> Tally:
    """What was applied for within so many days up to today: of what takes effect within them
    (``effective``, before and until) that which is dated as it was applied for, and what was
    applied for within them under another date.

    Raises:
        DaysNotAtHandError: as there.
    """
    otherwise = _dated_otherwise(account)
    require_row(state, otherwise)
    if not state.row(TALLIES, otherwise).payments:
        before, now = effective
        return Tally(now.payments - before.payments, now.amount - before.amount)
    start = today - timedelta(days=within_days)
    levels = dict(state.row_on(TALLIES, otherwise, start).levels(start))
    until_today = [row for on, row in sorted(levels.items()) if on <= today][-1]
    parts = [(1, effective[1]), (-1, effective[0]), (-1, until_today), (1, levels[start])]
    for back in range(within_days):
        key = counted_under(account, (today - timedelta(days=back)).isoformat())[-1]
        require_row(state, key)
        parts.append((1, state.row(TALLIES, key)))
    return Tally(
        sum(sign * each.payments for sign, each in parts),
        sum(sign * each.amount for sign, each in parts),
    )


def require_row(state: LedgerState, key: str) -> None:
    """Raises DaysNotAtHandError: the row is to be read first; only where a rule asks is it known
    whose."""
    if not state.has_row(TALLIES, key):
        raise DaysNotAtHandError(TALLIES, key)
