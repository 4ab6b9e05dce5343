"""Late entries 迟记: recorded after a moment, effective before it.

They part what was *known then* from what was *true for then*. A trial balance totals them by
account and lists their journals.
"""

from collections.abc import Sequence

import msgspec
import psycopg
from psycopg.sql import SQL

from ledger.account_set import fiscal_year_of
from ledger.books import Account
from ledger.money import yuan
from projections.account_sums import RangeSums, live_model
from projections.core.moments import Late, within_books
from projections.journals import Journals

JOURNALS_MAX = 100
_HEADS = 4

# The first journals by position of many business days, each of which the index has in order. A few
# of each day are looked at; the last of the wanted number among those bounds what is still sought,
# and only days that may have more before it are read on, of which there are at most wanted/heads.
# The bounds are pairs so that only the index by day serves, whatever the statistics say.
_JOURNALS = SQL("""
WITH heads AS MATERIALIZED (
    SELECT j.*, row_number() OVER (PARTITION BY j.effective_on ORDER BY j.position) AS place
    FROM generate_series(%(first)s::date, %(through)s::date, interval '1 day') AS d (day)
    CROSS JOIN LATERAL ({journals}
          AND (effective_on, position) > (d.day::date, %(after)s::bigint)
          AND (effective_on, position) <= (d.day::date, %(upto)s::bigint)
        ORDER BY effective_on, position LIMIT {heads}) AS j),
bound AS MATERIALIZED (
    SELECT coalesce((SELECT position FROM heads ORDER BY position OFFSET %(wanted)s - 1 LIMIT 1),
                    %(upto)s) AS position),
others AS (
    SELECT j.* FROM bound b JOIN heads h ON h.place = {heads} AND h.position < b.position
    CROSS JOIN LATERAL ({journals}
          AND (effective_on, position) > (h.effective_on, h.position)
          AND (effective_on, position) <= (h.effective_on, b.position)
        ORDER BY effective_on, position LIMIT %(wanted)s) AS j),
wanted AS MATERIALIZED (
    SELECT position, effective_on, event, number FROM heads UNION ALL SELECT * FROM others
    ORDER BY position LIMIT %(wanted)s)
SELECT w.position, w.effective_on, w.event, w.number, e.recorded_at
FROM wanted w CROSS JOIN LATERAL (
    SELECT recorded_at FROM events
    WHERE ledger_id = %(ledger_id)s AND position = w.position OFFSET 0) AS e
ORDER BY w.position""").format(
    heads=_HEADS,
    journals=SQL("""
        SELECT position, effective_on, event, number FROM proj_journals
        WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s
          AND translate(books, %(books)s, '') <> books"""),
)


class LateAccount(msgspec.Struct, frozen=True):
    """What late entries moved an account by, in yuan."""

    book: str
    acct_cls_id: str
    acct_cls_code: str
    acct_cls_name: str
    debit: str
    credit: str


class LateJournal(msgspec.Struct, frozen=True):
    """A late entry: ``position`` of its journal, ``number`` of the business."""

    position: int
    effective_on: str
    recorded_at: str
    event: str
    number: str


class LateEntries(msgspec.Struct, frozen=True):
    """What was recorded after one position and up to another, effective on a day or before it.

    Attributes:
        journals: the first hundred, in order; ``more`` says whether there are others.
    """

    after_position: int
    upto_position: int
    effective_through: str
    accounts: list[LateAccount]
    journals: list[LateJournal]
    more: bool


def late_entries(
    connection: psycopg.Connection,
    ledger_id: int,
    late: Late,
    accounts: Sequence[Account],
    since: RangeSums,
    before: RangeSums,
) -> LateEntries:
    """The entries between ``before`` (up to ``late.after``) and ``since`` (up to ``late.upto``)."""
    moved = [
        LateAccount(a.book, a.id, a.code, a.name, yuan(debit), yuan(credit))
        for a in accounts
        if (debit := since.debit[a.id] - before.debit.get(a.id, 0))
        | (credit := since.credit[a.id] - before.credit.get(a.id, 0))
    ]
    rows = connection.execute(
        _JOURNALS,
        {
            "ledger_id": ledger_id,
            "generation": live_model(connection, ledger_id, Journals.name).generation,
            "after": late.after,
            "upto": late.upto,
            "first": f"{fiscal_year_of(ledger_id)}-01-01",
            "through": within_books(ledger_id, late.through),
            "books": "".join({account.id[0] for account in accounts}),
            "wanted": JOURNALS_MAX + 1,
        },
    ).fetchall()
    journals = [
        LateJournal(position, day.isoformat(), recorded_at.isoformat(), event, number)
        for position, day, event, number, recorded_at in rows[:JOURNALS_MAX]
    ]
    return LateEntries(
        after_position=late.after,
        upto_position=late.upto,
        effective_through=late.through.isoformat(),
        accounts=moved,
        journals=journals,
        more=len(rows) > JOURNALS_MAX,
    )
