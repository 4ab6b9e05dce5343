"""余额表: every account's opening, debit, credit and closing, of any period, as of any moment.

Two times are asked for apart. The effective dates say which business days are added up; the
position (or recorded time) says what the ledger knew. What it knows now lies in the daily totals;
what it knew earlier follows from them by taking back the journals since, or is added up from the
beginning where that is shorter.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from ledger.account_set import fiscal_year_of
from ledger.books import CREDIT, DEBIT, Account, Charts
from ledger.errors import Code, ConfigurationError, RequestError
from ledger.events import JournalPosted, decode
from ledger.money import parse_yuan, yuan

_ROWS_AT_ONCE = 2_000

_LIVE = """
SELECT g.position, t.effective_on, t.account, t.debit_fen, t.credit_fen
FROM proj_positions g LEFT JOIN proj_account_totals t
    ON t.ledger_id = g.ledger_id AND t.generation = g.generation
WHERE g.ledger_id = %s AND g.projection = 'account_totals' AND g.live"""
_JOURNALS = """
SELECT effective_on, payload FROM events
WHERE ledger_id = %s AND position > %s AND position <= %s AND type = 'journal.posted'"""

# (effective date, account) -> [debit fen, credit fen]
DayTotals = dict[tuple[date, str], list[int]]


class TrialBalance(msgspec.Struct, frozen=True):
    """``accounts`` and ``totals`` as the contract has them, and the position they are of."""

    accounts: list[dict[str, Any]]
    totals: list[dict[str, str]]
    position: int


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
) -> TrialBalance:
    """The balances of all accounts that have moved, in the chart's order.

    Args:
        book: only this book.
        as_of_effective: the last business day counted; the same as ``to_day``.
        as_of_position, as_of_recorded: what was known then; at most one of them.
        from_day: what lies before it is the opening, what follows the debit and credit.

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
    position = _known_position(connection, ledger_id, as_of_position, as_of_recorded)
    days, position = _day_totals(connection, ledger_id, position)
    opening: dict[str, int] = {}
    debit: dict[str, int] = {}
    credit: dict[str, int] = {}
    for (day, account), (debit_fen, credit_fen) in days.items():
        if to_day is not None and day > to_day:
            continue
        if from_day is not None and day < from_day:
            opening[account] = opening.get(account, 0) + debit_fen - credit_fen
        else:
            debit[account] = debit.get(account, 0) + debit_fen
            credit[account] = credit.get(account, 0) + credit_fen
    chosen = _in_order(charts, ledger_id, to_day, {*opening, *debit}, book)
    accounts = [
        _line(a, opening.get(a.id, 0), debit.get(a.id, 0), credit.get(a.id, 0)) for a in chosen
    ]
    return TrialBalance(accounts, _totals(chosen, debit, credit), position)


def _known_position(
    connection: psycopg.Connection,
    ledger_id: int,
    as_of_position: int | None,
    as_of_recorded: datetime | None,
) -> int | None:
    """The position whose knowledge is asked for; None for all there is."""
    if as_of_position is not None and as_of_recorded is not None:
        raise RequestError(Code.MALFORMED, "as_of_position and as_of_recorded exclude each other")
    if as_of_recorded is not None:
        if as_of_recorded.tzinfo is None:
            raise RequestError(
                Code.MALFORMED, "a recorded time has an offset", pointer="/as_of_recorded"
            )
        row = connection.execute(
            "SELECT position FROM commits WHERE ledger_id = %s AND recorded_at <= %s"
            " ORDER BY position DESC LIMIT 1",
            (ledger_id, as_of_recorded),
        ).fetchone()
        return row[0] if row else 0
    if as_of_position is not None:
        row = connection.execute(
            "SELECT position FROM ledgers WHERE ledger_id = %s", (ledger_id,)
        ).fetchone()
        head = row[0] if row else 0
        if not 0 <= as_of_position <= head:
            raise RequestError(
                Code.MALFORMED, f"the ledger stands at {head}", pointer="/as_of_position"
            )
    return as_of_position


def _day_totals(
    connection: psycopg.Connection, ledger_id: int, position: int | None
) -> tuple[DayTotals, int]:
    """The totals of every business day as they were known at a position."""
    rows = connection.execute(_LIVE, (ledger_id,)).fetchall()
    live = rows[0][0] if rows else 0
    days: DayTotals = {(row[1], row[2]): [row[3], row[4]] for row in rows if row[1] is not None}
    if position is None or position == live:
        return days, live
    if position < live - position:  # the way from the beginning is the shorter one
        days, live = {}, 0
    sign = 1 if position > live else -1
    first, last = sorted((position, live))
    for day, journal in _journals(connection, ledger_id, first, last):
        for line in journal.lines:
            totals = days.setdefault((day, line.account), [0, 0])
            totals[line.dr_cr != DEBIT] += sign * parse_yuan(line.amt)
    return {key: totals for key, totals in days.items() if totals != [0, 0]}, position


def _journals(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int
) -> Iterator[tuple[date, JournalPosted]]:
    """Journals of a span, streamed: a year of a province does not fit in memory."""
    with (
        connection.transaction(),
        connection.cursor("journals", withhold=False) as cursor,
    ):
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(_JOURNALS, (ledger_id, after, upto), binary=True)
        for day, payload in cursor:
            event = decode(JournalPosted.TYPE, payload)
            assert isinstance(event, JournalPosted)
            yield day, event


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
        "acct_cls_code": account.acct_cls_code,
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
