"""engine: full payments through the sequencer, and what operators would otherwise use beside it.

One ledger, one process, a real Postgres with production's settings. In every round each contestant
runs once. Items are never requests: a figure in payments, commands or events per second counts
what was committed; a latency is that of a request, whose size its name tells.
"""

from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import psycopg
from eventsourcing.postgres import PostgresApplicationRecorder

from bench import peers
from bench.bookkeeping import Bookkeeping, PaymentsRun, bookkeeping
from bench.drive import ClosedLoop, Drive, OpenLoop
from bench.measure import Record, Scale, SuiteResult, Tell
from bench.server import checkpoint, new_database
from ledger.postgres.embedded import EmbeddedPostgres

OPEN_LOOP_LOADS = (0.5, 0.8)  # of what 64 callers reached in the same run


class Case(NamedTuple):
    """One way of asking the sequencer: size of a request, callers at once, payments a round."""

    batch: int
    callers: int
    payments: int
    hot: bool = False

    @property
    def name(self) -> str:
        kind = "hot" if self.hot else "spread"
        return f"guoku {kind}, {self.batch} a request, {_callers(self.callers)}"


SATURATED = Case(batch=5_000, callers=4, payments=40_000)  # still whole requests at half of it
HOT = SATURATED._replace(hot=True)
SINGLES_64 = Case(batch=1, callers=64, payments=512)
CASES = (
    Case(batch=1, callers=1, payments=60),
    SINGLES_64,
    Case(batch=50, callers=1, payments=400),
    Case(batch=500, callers=1, payments=2_000),
    Case(batch=5_000, callers=1, payments=5_000),
    SATURATED,
    HOT,
)
# the library's recorder: (events a save, callers, events a round)
SAVES = ((1, 1, 100), (1, 64, 200), (10, 1, 500), (100, 1, 2_000), (1_000, 1, 5_000))
# the plain-SQL ledger: (transfers a call, callers, transfers a round)
CALLS = ((1, 1, 200), (1, 64, 512), (100, 1, 2_000), (1_000, 1, 5_000))

COPY = "raw COPY of the same rows"

TIMED = {
    "guoku": "from submit() to the answer after the commit, summed over the five stages of a full"
    " payment (apply, approve, sign, send, receipt); commands are made before; deciding, encoding,"
    " hashing, chaining, COPY, balances, command keys and documents are inside",
    COPY: "COPY FROM STDIN (BINARY) and COMMIT of the events of the saturated case of the same"
    " round, one COPY for each of their commits, into a table with the same two unique indexes",
    "eventsourcing": "PostgresApplicationRecorder.insert_events of the same payloads, one"
    " transaction a save, with its table lock",
    "plain SQL": "post_transfers() of plain_sql_ledger.sql, one transaction a call; a transfer is"
    " one movement between two accounts; a full payment is five, of which its journals are",
    "open loop": "from the moment a command was due at a fixed arrival rate to its answer",
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module.

    Raises:
        BenchError: a command of the bench was refused.
    """
    record = Record(tell)
    record.timed.update(TIMED)
    with ExitStack() as stack:
        books = stack.enter_context(bookkeeping(database := new_database(server, "engine")))
        copy = stack.enter_context(peers.RawCopy(database))
        recorder = stack.enter_context(
            peers.eventsourcing_recorder(new_database(server, "eventsourcing", migrated=False))
        )
        plain = stack.enter_context(
            peers.plain_sql_ledger(new_database(server, "plain_sql", migrated=False))
        )
        source = stack.enter_context(psycopg.connect(database.owner_conninfo))
        _warm_up(books, plain, scale)
        for _ in record.rounds(scale):
            checkpoint(server)
            saturated = _engine_round(record, books, scale)
            _copy_round(record, copy, books, saturated)
            _eventsourcing_round(record, recorder, source, books, saturated, scale)
            _plain_round(record, plain, scale)
        _open_loop(record, books, scale)
    _ratios(record)
    return record.result()


def _warm_up(books: Bookkeeping, plain: peers.PlainSqlLedger, scale: Scale) -> None:
    """Imports, prepared statements, caches, first pages of the tables: none of them is measured."""
    books.pay(scale.count(1_000), ClosedLoop(batch=500, callers=2))
    books.pay(scale.count(100), ClosedLoop(batch=1, callers=64))
    plain.run(scale.count(500), 100)
    plain.run(scale.count(500), 1, 64)


def _engine_round(record: Record, books: Bookkeeping, scale: Scale) -> PaymentsRun:
    saturated: PaymentsRun | None = None
    for case in CASES:
        record.tell(case.name)
        # whole requests: a smaller scale makes fewer of them, and only then smaller ones
        payments = scale.count(case.payments)
        batch = min(case.batch, max(1, payments // case.callers))
        paid = books.pay(payments, ClosedLoop(batch=batch, callers=case.callers), hot=case.hot)
        _note(record, case.name, paid)
        if case is SATURATED:
            saturated = paid
            record.rate(case.name, paid.elapsed_s, movements=books.movements(paid))
    assert saturated is not None
    return saturated


def _note(record: Record, name: str, paid: PaymentsRun) -> None:
    counts = {"payments": paid.payments, "commands": paid.commands, "events": paid.events}
    record.rate(name, paid.elapsed_s, **counts)
    record.waits(name, paid.waits_s)


def _copy_round(record: Record, copy: peers.RawCopy, books: Bookkeeping, paid: PaymentsRun) -> None:
    record.tell(COPY)
    copied = copy.run(books.ledger_id, paid.first_position, paid.last_position)
    record.rate(COPY, copied.elapsed_s, events=copied.items)


def _eventsourcing_round(
    record: Record,
    recorder: PostgresApplicationRecorder,
    source: psycopg.Connection,
    books: Bookkeeping,
    paid: PaymentsRun,
    scale: Scale,
) -> None:
    after = paid.first_position - 1  # each round other events: the library refuses one twice
    for batch, callers, standard in SAVES:
        name = _saves_name(batch, callers)
        record.tell(name)
        events = peers.stored_events(source, books.ledger_id, after, scale.count(standard))
        after += len(events)
        source.commit()
        saved = peers.save_events(recorder, events, batch, callers)
        record.rate(name, saved.elapsed_s, events=saved.items)
        record.waits(name, saved.waits_s)


def _plain_round(record: Record, plain: peers.PlainSqlLedger, scale: Scale) -> None:
    for batch, callers, standard in CALLS:
        name = _calls_name(batch, callers)
        record.tell(name)
        posted = plain.run(scale.count(standard), batch, callers)
        record.rate(name, posted.elapsed_s, transfers=posted.items)
        record.waits(name, posted.waits_s)


def _open_loop(record: Record, books: Bookkeeping, scale: Scale) -> None:
    """Arrivals at a share of what 64 callers reached, one command a request."""
    reached_per_s = record.median(SINGLES_64.name, "commands/s")
    for load in OPEN_LOOP_LOADS:
        rate_per_s = reached_per_s * load
        name = f"guoku spread, 1 a request, open loop at {load:.0%} of 64 callers"
        record.tell(name)
        drive: Drive = OpenLoop(rate_per_s=rate_per_s)
        paid = books.pay(scale.count(SINGLES_64.payments * 2), drive)
        record.value(name, "arrivals/s", rate_per_s)
        record.rate(name, paid.elapsed_s, commands=paid.commands)
        record.waits(name, paid.waits_s)


def _ratios(record: Record) -> None:
    """The bars, each as a ratio of two figures of the same run, higher is better for guoku."""
    saves = {key: _saves_name(*key) for key in ((batch, callers) for batch, callers, _ in SAVES)}
    singles = [name for (batch, _), name in saves.items() if batch == 1]
    best_save = record.best(list(saves.values()), "events/s")
    best_single = record.best(singles, "events/s")
    ratio = partial(_ratio, record)
    ratio("events_to_copy", SATURATED.name, "events/s", COPY, "events/s")
    ratio("events_to_eventsourcing", SATURATED.name, "events/s", best_save, "events/s")
    thousand = _calls_name(1_000, 1)
    ratio("payments_to_plain_sql", SATURATED.name, "payments/s", thousand, "transfers/s")
    ratio("movements_to_plain_sql", SATURATED.name, "movements/s", thousand, "transfers/s")
    ratio("hot_to_spread", HOT.name, "events/s", SATURATED.name, "events/s")
    ratio("singles64_to_eventsourcing", SINGLES_64.name, "events/s", best_single, "events/s")
    ratio(
        "singles64_commands_to_eventsourcing_saves",
        SINGLES_64.name,
        "commands/s",
        best_single,
        "events/s",  # one event a save
    )
    plain_64 = _calls_name(1, 64)
    ratio("singles64_to_plain_sql_64", SINGLES_64.name, "commands/s", plain_64, "transfers/s")


def _ratio(
    record: Record, name: str, over: str, over_unit: str, under: str, under_unit: str
) -> None:
    record.ratio(name, (over, over_unit), (under, under_unit))


def _callers(callers: int) -> str:
    return "1 caller" if callers == 1 else f"{callers} callers"


def _saves_name(batch: int, callers: int) -> str:
    return f"eventsourcing, {batch} a save, {_callers(callers)}"


def _calls_name(batch: int, callers: int) -> str:
    return f"plain SQL, {batch} a call, {_callers(callers)}"
