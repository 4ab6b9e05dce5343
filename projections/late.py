"""Late entries 迟记: recorded after a moment, effective before it.

They part what was *known then* from what was *true for then*. A trial balance totals them by
account and lists their journals.
"""

from collections.abc import Sequence

import msgspec
import psycopg

from ledger.account_set import fiscal_year_of
from ledger.books import Account
from ledger.money import yuan
from projections.account_sums import Sums
from projections.moments import Late, within_books

JOURNALS_MAX = 100

# Of each business day the journals behind the position: a probe of the index a day, whatever lies
# before and behind.
_JOURNALS = """
SELECT j.position, j.effective_on, j.event, j.number, e.recorded_at
FROM proj_positions g
CROSS JOIN generate_series(%(first)s::date, %(through)s::date, interval '1 day') AS d (day)
CROSS JOIN LATERAL (
    SELECT position, effective_on, event, number FROM proj_journals
    WHERE ledger_id = g.ledger_id AND generation = g.generation AND effective_on = d.day::date
      AND position > %(after)s AND position <= %(upto)s
      AND translate(books, %(books)s, '') <> books
    ORDER BY position LIMIT %(limit)s) AS j
JOIN events e ON e.ledger_id = g.ledger_id AND e.position = j.position
WHERE g.ledger_id = %(ledger_id)s AND g.projection = 'journals' AND g.live
ORDER BY j.position LIMIT %(limit)s"""


class LateAccount(msgspec.Struct, frozen=True):
    """What late entries moved an account by, in yuan."""

    book: str
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
    since: Sums,
    before: Sums,
) -> LateEntries:
    """The entries between ``before`` (up to ``late.after``) and ``since`` (up to ``late.upto``)."""
    moved = [
        LateAccount(a.book, a.acct_cls_code, a.name, yuan(debit), yuan(credit))
        for a in accounts
        if (debit := since.debit[a.id] - before.debit.get(a.id, 0))
        | (credit := since.credit[a.id] - before.credit.get(a.id, 0))
    ]
    rows = connection.execute(
        _JOURNALS,
        {
            "ledger_id": ledger_id,
            "after": late.after,
            "upto": late.upto,
            "first": f"{fiscal_year_of(ledger_id)}-01-01",
            "through": within_books(ledger_id, late.through),
            "books": "".join({account.id[0] for account in accounts}),
            "limit": JOURNALS_MAX + 1,
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
