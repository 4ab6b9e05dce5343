"""余额表: every account's opening, debit, credit and closing, of any period, as of any moment.

Effective dates say which business days are added up, a position or recorded time what the ledger
knew (``projections.core.moments``); the sums come from ``projections.account_sums``.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from ledger.account_set import fiscal_year_of
from ledger.books import CREDIT, DEBIT, Account, Charts
from ledger.errors import Code, ConfigurationError, RequestError
from ledger.money import yuan
from projections.account_slices import Slice, SlicedSums
from projections.account_sums import AccountSums
from projections.core.moments import Moment, one_moment, reach
from projections.late_entries import LateEntries, late_entries


class TrialBalance(msgspec.Struct, frozen=True):
    """``accounts`` and ``totals`` as the contract has them, the position they are of, and what came
    in late for the moment (None for now)."""

    accounts: list[dict[str, Any]]
    totals: list[dict[str, str]]
    position: int
    late: LateEntries | None


def trial_balance(
    connection: psycopg.Connection,
    ledger_id: int,
    charts: Charts,
    *,
    book: str | None = None,
    as_of_effective: date | None = None,
    as_of_position: int | None = None,
    as_of_recorded: datetime | None = None,
    from_day: date | None = None,
    to_day: date | None = None,
    sliced: Mapping[str, str] | None = None,
    agency_prefixes: tuple[str, ...] = (),
) -> TrialBalance:
    """The balances of all accounts that have moved, in the chart's order.

    Args:
        book: only this book.
        as_of_effective: the last business day counted; the same as ``to_day``.
        as_of_position, as_of_recorded: what was known then; at most one of them.
        from_day: what lies before it is the opening, what follows the debit and credit.
        sliced: by element of ``projections.account_slices.SLICED_BY``, the code of what is counted;
            late entries are then not told.
        agency_prefixes: only what is of units whose codes begin so; () of all and of none.

    Returns:
        ``closing`` is never negative and stands on the side ``dr_cr`` (1 debit, -1 credit; the
        account's normal side when it is zero). ``opening`` is seen from that side too, so it is
        negative where the account has changed sides.

    Raises:
        RequestError: ``malformed`` for contradicting or impossible moments, or an unknown book.
        ConfigurationError: a journal's account is in no loaded chart.
    """
    if as_of_effective and to_day and as_of_effective != to_day:
        raise RequestError(Code.MALFORMED, "as_of_effective and to differ", pointer="/to")
    to_day = to_day or as_of_effective
    moment = Moment(as_of_position, as_of_recorded, as_of_effective)
    counted = Slice(dict(sliced or {}), agency_prefixes)
    with one_moment(connection):
        ledger: AccountSums | SlicedSums = (
            SlicedSums(connection, ledger_id, charts, counted)
            if counted
            else AccountSums(connection, ledger_id)
        )
        upto, _, late = reach(connection, ledger_id, moment, ledger.position)
        if counted:
            upto, late = min(upto, ledger.position), None
        sums = ledger.of(upto, from_day, to_day)
        chosen = _in_order(charts, ledger_id, to_day, sums.opening, book)
        entries = None
        if late is not None:
            since = ledger.of(late.upto, last=late.through)
            before = ledger.of(late.after, last=late.through)
            moved = _in_order(charts, ledger_id, to_day, since.opening, book)
            entries = late_entries(connection, ledger_id, late, moved, since, before)
    opening, debit, credit = sums
    accounts = [_line(a, opening[a.id], debit[a.id], credit[a.id]) for a in chosen]
    return TrialBalance(accounts, _totals(chosen, debit, credit), upto, entries)


def _in_order(
    charts: Charts, ledger_id: int, to_day: date | None, moved: Iterable[str], book: str | None
) -> list[Account]:
    """The accounts that moved, as the chart valid at the end of the period names them."""
    year = fiscal_year_of(ledger_id)
    last = date(year, 12, 31)
    today = charts.on(min(max(to_day or last, date(year, 1, 1)), last))
    known: dict[str, Account] = dict(today.accounts)
    for books in charts.by_version.values():
        known = {**books.accounts, **known}
    wanted = set(moved)
    if unknown := sorted(wanted - known.keys()):
        raise ConfigurationError(f"account {unknown[0]} is in no chart that is loaded")
    if book and book not in {account.book for account in known.values()}:
        raise RequestError(Code.MALFORMED, f"there is no book {book[:40]!r}", pointer="/book")
    place = {account_id: index for index, account_id in enumerate([*today.accounts, *known])}
    accounts = [known[a] for a in sorted(wanted, key=lambda a: (known[a].id[0], place[a]))]
    return [account for account in accounts if not book or account.book == book]


def _line(account: Account, opening: int, debit: int, credit: int) -> dict[str, Any]:
    closing = opening + debit - credit
    side = account.side if closing == 0 else DEBIT if closing > 0 else CREDIT
    return {
        "book": account.book,
        "acct_cls_id": account.id,
        "acct_cls_code": account.code,
        "acct_cls_name": account.name,
        "opening": yuan(side * opening),
        "debit": yuan(debit),
        "credit": yuan(credit),
        "closing": yuan(side * closing),
        "dr_cr": side,
    }


def _totals(
    accounts: Iterable[Account], debit: Mapping[str, int], credit: Mapping[str, int]
) -> list[dict[str, str]]:
    by_book: dict[str, list[int]] = {}
    for account in accounts:
        totals = by_book.setdefault(account.book, [0, 0])
        totals[0] += debit.get(account.id, 0)
        totals[1] += credit.get(account.id, 0)
    return [
        {"book": book, "debit": yuan(dr), "credit": yuan(cr)} for book, (dr, cr) in by_book.items()
    ]
