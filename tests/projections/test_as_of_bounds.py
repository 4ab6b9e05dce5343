"""时点查询: what a read of the past touches in the database stays the same as the history grows.

Rows are counted, not time. The copies that make the history longer fall on the same business days,
so the longer one differs in nothing but its length.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

import projections.core.spans
from bench.copies import Original
from ledger.books import load_charts
from ledger.events import JournalPosted
from projections.core.moments import Moment
from projections.core.runner import Runner
from projections.indicator_past import past_indicator
from projections.journals import ACCOUNT_SPANS
from projections.trial_balance import trial_balance
from tests.support.bookkeeper import Bookkeeper, payment

CHARTS = load_charts()
NEW_YEAR = date(2026, 1, 1)
PAYMENTS, DAYS, TIMES_AS_LONG = 40, 60, 8
READS = 12
# rows that this session's statements got from the tables, read in order or through an index
_TOUCHED = """
SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"""

Read = Callable[[psycopg.Connection, int, Moment], Any]


@pytest.fixture(autouse=True)
def _short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projections.core.spans, "SPAN_EVENTS", 64)


def _trial_balance(connection: psycopg.Connection, ledger_id: int, moment: Moment) -> None:
    trial_balance(
        connection,
        ledger_id,
        CHARTS,
        as_of_position=moment.position,
        as_of_effective=moment.effective,
    )


def _indicator(connection: psycopg.Connection, ledger_id: int, moment: Moment) -> None:
    past_indicator(connection, ledger_id, "B1", moment)


@pytest.mark.parametrize("read", [_trial_balance, _indicator])
def test_a_read_of_the_past_touches_no_more_of_a_longer_history(
    bookkeeper: Bookkeeper, read: Read
) -> None:
    b = bookkeeper
    original = _original(b)
    _lengthen(b, original, range(1, DAYS + 1))
    short, touched = _head(b), _most_touched(b, read)
    _lengthen(b, original, range(DAYS + 1, DAYS * TIMES_AS_LONG + 1))
    long = _head(b)
    assert long > (TIMES_AS_LONG - 1) * short
    longer = _most_touched(b, read)
    # A longer history is covered by some spans more: a row each for every day and account that
    # moved, read for the balances and for what came in late.
    spans = _most_spans(long) - _most_spans(short)
    [(accounts,)] = b.sql(
        "SELECT count(DISTINCT account) FROM proj_account_totals WHERE ledger_id = %s"
    )
    allowed = Counter(touched) + Counter({ACCOUNT_SPANS.name: 2 * spans * DAYS * accounts})
    assert allowed.total() < long / 4
    for table, rows in longer.items():
        assert rows <= allowed[table] * 1.2 + 50, table


def test_rows_touched_are_counted(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    _lengthen(b, _original(b), range(1, 4))

    def everything(connection: psycopg.Connection, ledger_id: int, _: Moment) -> None:
        connection.execute("SELECT sum(length(payload)) FROM events").fetchone()

    assert _most_touched(b, everything)["events"] >= _head(b)


def test_the_first_late_journals_are_found_wherever_they_lie(bookkeeper: Bookkeeper) -> None:
    """Many of one day, few of many days, and none of most: always the first hundred by position."""
    b = bookkeeper
    original = _original(b)
    dice = random.Random(7)
    days = [dice.choice((1, 1, 1, 2, dice.randrange(3, 300))) for _ in range(DAYS)]
    _lengthen(b, original, range(1, DAYS + 1), days)
    journals = b.sql(
        "SELECT position, effective_on FROM events WHERE ledger_id = %s"
        f" AND type = '{JournalPosted.TYPE}' ORDER BY position"
    )
    head = _head(b)
    for _ in range(40):
        position = dice.randrange(head)
        with b.pool.connection() as connection:
            late = trial_balance(connection, b.ledger_id, CHARTS, as_of_position=position).late
        assert late is not None
        through = date.fromisoformat(late.effective_through)
        expected = [p for p, day in journals if position < p and day <= through]
        assert [journal.position for journal in late.journals] == expected[:100]
        assert late.more == (len(expected) > 100)


def _original(b: Bookkeeper) -> Original:
    """A commit of payments applied for, to be copied."""
    b.issue("B1", "900000.00", effective_on=NEW_YEAR)
    b.submit(*(payment(f"P{n}", "B1", "1.00", effective_on=NEW_YEAR) for n in range(PAYMENTS)))
    with b.pool.connection() as connection:
        return Original(connection, b.ledger_id, 1)


def _lengthen(
    b: Bookkeeper, original: Original, copies: range, days: list[int] | None = None
) -> None:
    with b.pool.connection() as connection:
        for copy in copies:
            day = days[copy % DAYS] if days else copy % DAYS
            original.append(connection, copy, NEW_YEAR + timedelta(days=day))
    Runner(b.pool).catch_up()


def _most_spans(head: int) -> int:
    return max(
        len(projections.core.spans.covering(position)) for position in range(0, head + 1, 64)
    )


def _head(b: Bookkeeper) -> int:
    head: int = b.sql("SELECT position FROM ledgers WHERE ledger_id = %s")[0][0]
    return head


def _most_touched(b: Bookkeeper, read: Read) -> Counter[str]:
    """The most rows of each table that a read of some moment touches."""
    dice, most, head = random.Random(5), Counter[str](), _head(b)
    for case in range(READS):
        position = dice.randrange(head)
        day = NEW_YEAR + timedelta(days=dice.randrange(DAYS)) if case % 2 else None
        with b.pool.connection() as connection, connection.transaction():
            before = _touched(connection)
            read(connection, b.ledger_id, Moment(position=position, effective=day))
            most |= _touched(connection) - before
    return most


def _touched(connection: psycopg.Connection) -> Counter[str]:
    return Counter(dict(connection.execute(_TOUCHED).fetchall()))
