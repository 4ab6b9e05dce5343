"""asof: what a read of the past costs, and whether it costs more as the history grows.

The ledger is filled with copies of real payments (``bench.copies``). At each of the scale's sizes
the read models follow, and 200 reads of each kind are asked at random moments of all that history,
each with what came in late for it. The reads are those of the API without HTTP around them.
"""

from datetime import date, timedelta
from random import Random
from time import perf_counter
from typing import Any

import psycopg

from bench.bookkeeping import INDICATORS, SEED, YEAR, Bookkeeping, bookkeeping
from bench.copies import Original, days
from bench.drive import ClosedLoop
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from bench.processes import resident_bytes
from bench.server import checkpoint, new_database
from ledger.books import Charts, load_charts
from ledger.postgres.embedded import EmbeddedPostgres
from projections.core.moments import Moment
from projections.core.runner import Runner
from projections.indicator_past import past_indicator
from projections.trial_balance import trial_balance

PAYMENTS = 4_000
READS = 200
FOLLOW = "read models following"

TIMED = {
    FOLLOW: "Runner.catch_up over the copies, all read models, commits included",
    "trial balance": "projections.trial_balance.trial_balance, late entries with it",
    "indicator": "projections.indicator_past.past_indicator, late entries with it",
    "memory": "resident memory of this process after it has followed",
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    database = new_database(server, "asof")
    charts = load_charts()
    with bookkeeping(database) as books, psycopg.connect(database.owner_conninfo) as connection:
        books.pay(scale.count(PAYMENTS), ClosedLoop(batch=5_000, callers=1))
        original = Original(connection, books.ledger_id, 1)
        runner = Runner(books.pool)
        runner.catch_up()
        copy = 0
        for size in scale.growth_events:
            copy = fill(record, connection, original, copy, size, scale.growth_events[-1])
            follow(record, runner, books, size)
            checkpoint(server)
            read(record, connection, books, charts, copy, size)
    first, last = scale.growth_events[0], scale.growth_events[-1]
    for kind in KINDS:
        earlier, later = (
            record.percentile_ms(f"{kind}, at {n:,} events", 0.5) for n in (first, last)
        )
        record.ratio_of(f"{kind.replace(' ', '_')}_last_to_first", later / earlier)
    return record.result()


def fill(
    record: Record,
    connection: psycopg.Connection,
    original: Original,
    copy: int,
    size: int,
    full: int,
) -> int:
    """Copies until the history has this size; gives the number of the last one."""
    position = 0
    while position < size:
        copy += 1
        record.tell(f"{size - position:,} events until there are {size:,}")
        position = original.append(connection, copy, days(YEAR, position / full))
        connection.commit()
    return copy


def follow(record: Record, runner: Runner, books: Bookkeeping, size: int) -> None:
    record.tell(f"{FOLLOW} to {size:,} events")
    began = perf_counter()
    events = runner.catch_up()
    elapsed_s = perf_counter() - began
    if stopped := runner.health().stopped:
        raise BenchError(f"a projection stopped: {stopped[0].error}")
    if events:
        record.rate(f"{FOLLOW}, to {size:,} events", elapsed_s, events=events)
    record.value(f"{FOLLOW}, to {size:,} events", "bytes of memory", resident_bytes())


def read(
    record: Record,
    connection: psycopg.Connection,
    books: Bookkeeping,
    charts: Charts,
    copy: int,
    size: int,
) -> None:
    head = books.position()
    for kind, (of_indicator, moment) in KINDS.items():
        record.tell(f"{kind}, at {size:,} events")
        dice = Random(SEED)  # the same moments at every size, as shares of it
        waits_s = []
        for _ in range(READS):
            asked = moment(dice, head)
            bgt_id = f"ZB-{dice.randrange(INDICATORS):06d}-{dice.randrange(1, copy + 1)}"
            began = perf_counter()
            if of_indicator:
                past_indicator(connection, books.ledger_id, bgt_id, asked)
            else:
                trial_balance(
                    connection,
                    books.ledger_id,
                    charts,
                    as_of_position=asked.position,
                    as_of_effective=asked.effective,
                )
            waits_s.append(perf_counter() - began)
        record.waits(f"{kind}, at {size:,} events", waits_s)


def _position(dice: Random, head: int) -> Moment:
    return Moment(position=dice.randrange(head + 1))


def _day(dice: Random, _head: int) -> Moment:
    return Moment(effective=date(YEAR, 1, 1) + timedelta(days=dice.randrange(365)))


def _both(dice: Random, head: int) -> Moment:
    return _position(dice, head)._replace(effective=_day(dice, head).effective)


# what is read: whether of an indicator, and as of which moment
KINDS: dict[str, tuple[bool, Any]] = {
    "trial balance as of a position": (False, _position),
    "trial balance as of a day": (False, _day),
    "trial balance as of a day known at a position": (False, _both),
    "indicator as of a position": (True, _position),
    "indicator as of a day known at a position": (True, _both),
}
