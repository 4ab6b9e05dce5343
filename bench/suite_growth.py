"""growth: whether throughput fades, memory grows, or a payment takes more room with history.

The ledger is filled by the same full payments that are measured. Where the history has reached one
of the scale's sizes, throughput is measured in several runs; then the filling goes on.
"""

import psycopg

from bench.bookkeeping import Bookkeeping, bookkeeping
from bench.drive import ClosedLoop
from bench.measure import Record, Scale, SuiteResult, Tell
from bench.processes import resident_bytes
from bench.server import checkpoint, new_database
from ledger.postgres.embedded import EmbeddedPostgres

PAYMENTS = 5_000
SINGLES = 256
RUNS = 3
EVENTS_A_PAYMENT = 7
SATURATED = ClosedLoop(batch=5_000, callers=2)
SINGLES_64 = ClosedLoop(batch=1, callers=64)

TIMED = {
    "at N events": "as in suite engine: full payments from submit() to the answer after the commit",
    "memory": "resident memory of this process: sequencer, its cache, and the load generator",
    "bytes a payment": "pg_total_relation_size at the end over full payments, indexes and all",
}

_SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY(%s)"""
TABLES = ("events", "command_keys", "documents", "commits", "registers")


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    database = new_database(server, "growth")
    payments = 0
    with bookkeeping(database) as books:
        record.value("at the start", "bytes of memory", resident_bytes())
        for events in scale.growth_events:
            payments += _fill(record, books, events)
            checkpoint(server)
            payments += _measure(record, books, events, scale)
    with psycopg.connect(database.owner_conninfo) as connection:
        _note_sizes(record, connection, payments)
    _note_ratios(record, scale)
    return record.result()


def _fill(record: Record, books: Bookkeeping, events: int) -> int:
    """Full payments until the history has this size; gives how many."""
    payments = 0
    while (missing := events - books.position()) > 0:
        record.tell(f"{missing:,} events until there are {events:,}")
        some = min(4 * PAYMENTS, -(-missing // EVENTS_A_PAYMENT))
        books.pay(some, SATURATED)
        payments += some
    return payments


def _measure(record: Record, books: Bookkeeping, events: int, scale: Scale) -> int:
    payments = 0
    name = _at(events)
    for _ in range(min(RUNS, scale.rounds_max)):
        record.tell(f"{name}: batches of 5,000")
        paid = books.pay(scale.count(2 * PAYMENTS), SATURATED)
        counts = {"payments": paid.payments, "events": paid.events}
        record.rate(f"{name}, 5000 a request", paid.elapsed_s, **counts)
        record.tell(f"{name}: one a request, 64 callers")
        singles = books.pay(scale.count(SINGLES), SINGLES_64)
        record.rate(
            f"{name}, 1 a request, 64 callers", singles.elapsed_s, commands=singles.commands
        )
        record.waits(f"{name}, 1 a request, 64 callers", singles.waits_s)
        payments += paid.payments + singles.payments
    record.value(name, "bytes of memory", resident_bytes())
    return payments


def _note_sizes(record: Record, connection: psycopg.Connection, payments: int) -> None:
    total = 0
    for name, table_bytes, index_bytes in connection.execute(_SIZES, (list(TABLES),)):
        record.value(f"{name}, rows", "bytes/payment", table_bytes / payments)
        record.value(f"{name}, indexes", "bytes/payment", index_bytes / payments)
        total += table_bytes + index_bytes
    record.value("all tables and indexes", "bytes/payment", total / payments)


def _note_ratios(record: Record, scale: Scale) -> None:
    first, last = _at(scale.growth_events[0]), _at(scale.growth_events[-1])
    for name, kind, unit in (
        ("throughput_last_to_first", "5000 a request", "events/s"),
        ("singles64_last_to_first", "1 a request, 64 callers", "commands/s"),
    ):
        later, earlier = (record.median(f"{at}, {kind}", unit) for at in (last, first))
        record.ratio_of(name, later / earlier)
    unit = "bytes of memory"
    record.ratio_of("memory_last_to_first", record.median(last, unit) / record.median(first, unit))


def _at(events: int) -> str:
    return f"at {events:,} events"
