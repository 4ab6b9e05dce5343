"""发生额 of every account up to a position, for a range of business days."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier

from ledger.books import DEBIT
from ledger.events import JournalPosted, decode, of_year, type_names
from ledger.money import stored_fen
from projections.core.spans import covering
from projections.journals import ACCOUNT_SPANS, ACCOUNT_TOTALS, AccountTotals

_ROWS_AT_ONCE = 2_000

_SUMS = SQL("""
SELECT account, sum(debit_fen - credit_fen) FILTER (WHERE effective_on < %(first)s),
       sum(debit_fen) FILTER (WHERE effective_on >= %(first)s),
       sum(credit_fen) FILTER (WHERE effective_on >= %(first)s)
FROM {rows}
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND effective_on <= %(last)s
GROUP BY account""")
_NOW = Identifier(ACCOUNT_TOTALS.name)
# a probe of the index for each span (OFFSET 0), whatever the statistics say: no join of them all
_SPANS = SQL("""unnest(%(lengths)s::bigint[], %(ends)s::bigint[]) AS s (span_events, span_end)
CROSS JOIN LATERAL (
    SELECT * FROM {spans} AS r
    WHERE r.ledger_id = %(ledger_id)s AND r.generation = %(generation)s
      AND r.span_events = s.span_events AND r.span_end = s.span_end
      AND r.effective_on <= %(last)s OFFSET 0) AS r""").format(spans=Identifier(ACCOUNT_SPANS.name))
# few rows, of the days on which the books of a year were opened or closed
_BOUNDARY = SQL("""
SELECT account, of_year, sum(debit_fen), sum(credit_fen),
       coalesce(sum(debit_fen) FILTER (WHERE effective_on >= %(first)s), 0),
       coalesce(sum(credit_fen) FILTER (WHERE effective_on >= %(first)s), 0)
FROM {rows}
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND effective_on <= %(last)s
  AND of_year <> ''
GROUP BY account, of_year""")
_JOURNALS = """
SELECT type, effective_on, payload FROM events
WHERE ledger_id = %s AND position > %s AND position <= %s AND type = ANY(%s)"""


# (business day, account, whether it opens or closes the year) -> debit, credit in fen
Movements = dict[tuple[date, str, str], list[int]]


class Model(NamedTuple):
    """The live rows of a read model, and the position they have come to."""

    generation: int
    position: int


class RangeSums(NamedTuple):
    """By account, in fen: what lies before the range as debit less credit; debit and credit in it.
    Every account that has moved up to the last day is in ``opening``."""

    opening: dict[str, int]
    debit: dict[str, int]
    credit: dict[str, int]


class BoundarySums(msgspec.Struct):
    """What opens, or what closes, the year's books: debit and credit of an account in fen, in all
    and from the first day of a range on."""

    debit: int = 0
    credit: int = 0
    debit_in: int = 0
    credit_in: int = 0

    def add(self, debit_fen: int, credit_fen: int, *, within: bool) -> None:
        self.debit += debit_fen
        self.credit += credit_fen
        if within:
            self.debit_in += debit_fen
            self.credit_in += credit_fen


Boundaries = dict[tuple[str, str], BoundarySums]  # by account and ``Traits.of_year``


def live_model(connection: psycopg.Connection, ledger_id: int, projection: str) -> Model:
    """Where a read model stands; position 0 before it began."""
    row = connection.execute(
        "SELECT generation, position FROM proj_positions"
        " WHERE ledger_id = %s AND projection = %s AND live",
        (ledger_id, projection),
    ).fetchone()
    return Model(*row) if row else Model(0, 0)


class AccountSums:
    """Sums of a ledger's accounts at several moments; made and asked in ``moments.one_moment``.

    Neither what it was asked for before nor the journals behind a position are read a second time.
    """

    def __init__(self, connection: psycopg.Connection, ledger_id: int) -> None:
        self._connection = connection
        self._ledger_id = ledger_id
        self._model = live_model(connection, ledger_id, AccountTotals.name)
        self._asked: dict[tuple[int, date, date], RangeSums] = {}
        self._behind: dict[tuple[int, int], Movements] = {}

    @property
    def position(self) -> int:
        """The position that the read model has come to."""
        return self._model.position

    def of(self, upto: int, first: date | None = None, last: date | None = None) -> RangeSums:
        """The sums of what stands at positions up to ``upto``.

        Positions that the read model has not come to are added from their events.

        Args:
            first, last: the range of business days, both included; None where it is open.
        """
        asked = upto, first or date.min, last or date.max
        if (sums := self._asked.get(asked)) is None:
            sums = self._asked[asked] = self._add_up(*asked)
        return sums

    def boundaries(self, upto: int, first: date, last: date) -> Boundaries:
        """Of what stands at positions up to ``upto``, up to the day ``last``, what opened and what
        closed the year's books."""
        found: Boundaries = {}
        done, rows = self._stored(_BOUNDARY, upto, first, last)
        for account, kind, *stored in rows:
            found[account, kind] = BoundarySums(*map(int, stored))
        for (day, account, kind), moved in self._moved(done, upto).items():
            if kind and day <= last:
                sums = found.setdefault((account, kind), BoundarySums())
                sums.add(*moved, within=day >= first)
        return found

    def _add_up(self, upto: int, first: date, last: date) -> RangeSums:
        done, rows = self._stored(_SUMS, upto, first, last)
        sums = RangeSums({}, {}, {})
        for account, opening, debit, credit in rows:
            sums.opening[account] = int(opening or 0)
            sums.debit[account], sums.credit[account] = int(debit or 0), int(credit or 0)
        for (day, account, _), (debit_fen, credit_fen) in self._moved(done, upto).items():
            if day <= last:
                _add(sums, account, debit_fen, credit_fen, before=day < first)
        return sums

    def _stored(
        self, statement: SQL, upto: int, first: date, last: date
    ) -> tuple[int, Iterator[tuple[Any, ...]]]:
        """What a statement gives of the stored sums, and the position up to which they go."""
        scope: dict[str, Any] = {
            "ledger_id": self._ledger_id,
            "generation": self._model.generation,
            "first": first,
            "last": last,
        }
        if upto == self._model.position:
            return upto, self._connection.execute(statement.format(rows=_NOW), scope)
        spans = covering(min(upto, self._model.position))
        scope["lengths"] = [length for length, _ in spans]
        scope["ends"] = [end for _, end in spans]
        done = spans[-1][1] if spans else 0
        return done, self._connection.execute(statement.format(rows=_SPANS), scope)

    def _moved(self, after: int, upto: int) -> Movements:
        """What the journals of a stretch moved each account by on each day."""
        if (moved := self._behind.get((after, upto))) is None:
            moved = self._behind[after, upto] = {}
            for day, journal in _journals(self._connection, self._ledger_id, after, upto):
                kind = of_year(journal.event)
                for line in journal.lines:
                    sides = moved.setdefault((day, line.account, kind), [0, 0])
                    sides[line.dr_cr != DEBIT] += stored_fen(line.amt)
        return moved


def _add(sums: RangeSums, account: str, debit_fen: int, credit_fen: int, *, before: bool) -> None:
    if account not in sums.opening:
        for side in sums:
            side[account] = 0
    if before:
        sums.opening[account] += debit_fen - credit_fen
    else:
        sums.debit[account] += debit_fen
        sums.credit[account] += credit_fen


def _journals(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int
) -> Iterator[tuple[date, JournalPosted]]:
    """Journals of a stretch, streamed, since a read model may be far behind."""
    if after >= upto:
        return
    with connection.transaction(), connection.cursor("journals", withhold=False) as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        names = list(type_names(JournalPosted))
        cursor.execute(_JOURNALS, (ledger_id, after, upto, names), binary=True)
        for type_name, day, payload in cursor:
            event = decode(type_name, payload)
            assert isinstance(event, JournalPosted)
            yield day, event
