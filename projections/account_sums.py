"""发生额 of every account up to a position, for a range of business days."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import psycopg

from ledger.books import DEBIT
from ledger.events import JournalPosted, decode, type_names
from ledger.money import stored_fen
from projections.journals import ACCOUNT_SPANS, ACCOUNT_TOTALS, AccountTotals
from projections.spans import covering

_ROWS_AT_ONCE = 2_000

_SUMS = """
SELECT account, sum(debit_fen - credit_fen) FILTER (WHERE effective_on < %(first)s),
       sum(debit_fen) FILTER (WHERE effective_on >= %(first)s),
       sum(credit_fen) FILTER (WHERE effective_on >= %(first)s)
FROM {rows}
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND effective_on <= %(last)s
GROUP BY account"""
_OF_NOW = _SUMS.format(rows=ACCOUNT_TOTALS.name)
_OF_SPANS = _SUMS.format(
    rows="unnest(%(lengths)s::bigint[], %(ends)s::bigint[]) AS s (span_events, span_end)"
    f" JOIN {ACCOUNT_SPANS.name} USING (span_events, span_end)"
)
_JOURNALS = """
SELECT type, effective_on, payload FROM events
WHERE ledger_id = %s AND position > %s AND position <= %s AND type = ANY(%s)
  AND effective_on <= %s"""


class Model(NamedTuple):
    """The live rows of a read model, and the position they have come to."""

    generation: int
    position: int


class Sums(NamedTuple):
    """By account, in fen: what lies before the range as debit less credit; debit and credit in it.
    Every account that has moved up to the last day is in ``opening``."""

    opening: dict[str, int]
    debit: dict[str, int]
    credit: dict[str, int]


def live_model(connection: psycopg.Connection, ledger_id: int, projection: str) -> Model:
    """Where a read model stands; position 0 before it began."""
    row = connection.execute(
        "SELECT generation, position FROM proj_positions"
        " WHERE ledger_id = %s AND projection = %s AND live",
        (ledger_id, projection),
    ).fetchone()
    return Model(*row) if row else Model(0, 0)


def account_sums(
    connection: psycopg.Connection,
    ledger_id: int,
    upto: int,
    first: date | None = None,
    last: date | None = None,
) -> Sums:
    """The sums of what stands at positions up to ``upto``; in ``moments.one_moment``.

    Positions that the read model has not come to are added from their events.

    Args:
        first, last: the range of business days, both included; None where it is open.
    """
    model = live_model(connection, ledger_id, AccountTotals.name)
    first, last = first or date.min, last or date.max
    scope: dict[str, Any] = {
        "ledger_id": ledger_id,
        "generation": model.generation,
        "first": first,
        "last": last,
    }
    if upto == model.position:
        done, rows = upto, connection.execute(_OF_NOW, scope)
    else:
        spans = covering(min(upto, model.position))
        done = spans[-1][1] if spans else 0
        scope["lengths"] = [length for length, _ in spans]
        scope["ends"] = [end for _, end in spans]
        rows = connection.execute(_OF_SPANS.encode(), scope)
    sums = Sums({}, {}, {})
    for account, opening, debit, credit in rows:
        sums.opening[account] = int(opening or 0)
        sums.debit[account], sums.credit[account] = int(debit or 0), int(credit or 0)
    for day, journal in _journals(connection, ledger_id, done, upto, last):
        _add(sums, journal, before=day < first)
    return sums


def _add(sums: Sums, journal: JournalPosted, *, before: bool) -> None:
    for line in journal.lines:
        amount_fen = stored_fen(line.amt)
        if line.account not in sums.opening:
            for side in sums:
                side[line.account] = 0
        if before:
            sums.opening[line.account] += line.dr_cr * amount_fen
        else:
            side = sums.debit if line.dr_cr == DEBIT else sums.credit
            side[line.account] += amount_fen


def _journals(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int, last: date
) -> Iterator[tuple[date, JournalPosted]]:
    """Journals of a stretch, streamed, since a read model may be far behind."""
    if after >= upto:
        return
    with connection.transaction(), connection.cursor("journals", withhold=False) as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        names = list(type_names(JournalPosted))
        cursor.execute(_JOURNALS, (ledger_id, after, upto, names, last), binary=True)
        for type_name, day, payload in cursor:
            event = decode(type_name, payload)
            assert isinstance(event, JournalPosted)
            yield day, event
