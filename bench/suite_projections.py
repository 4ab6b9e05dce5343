"""projections: how fast read models follow the events, and how fast they are built anew.

Beside it the replay rates of the ``eventsourcing`` package, which reads the same events back from
its own table; no read model is made there. Once its recorder's rows are only read and their JSON
decoded, the least that any user of it does; once they are made domain events by its mapper, as its
applications and projections get them.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

import psycopg
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder

from bench import peers
from bench.bookkeeping import Bookkeeping, bookkeeping
from bench.drive import ClosedLoop
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from bench.server import new_database
from ledger.books import load_charts
from ledger.events import decode
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading import objects
from payments.verification.run import Options, verify_ledger
from projections.catalogue import PROJECTIONS
from projections.core.fold import Projection
from projections.core.rebuild import rebuild
from projections.core.runner import Runner
from projections.indicators import Indicators
from projections.journals import AccountTotals

PAYMENTS = 5_000  # a round adds so many full payments
SAVE_EVENTS = 200
PAGE_EVENTS = 5_000
FOLLOW = f"projection runner, {len(PROJECTIONS)} read models"
REBUILD = f"rebuild, {len(PROJECTIONS)} read models, compared with the live ones"
BALANCES = "rebuild of balances (indicators, account totals), compared with the live ones"
VERIFY = "audit verify: integrity and accounting, no signatures, no decisions"
REPLAY = "guoku events read and decoded"
ES_REPLAY = "eventsourcing events read and decoded"
ES_DOMAIN = "eventsourcing events replayed as domain events"

TIMED = {
    FOLLOW: "Runner.catch_up over the events of a round, all read models, commits included",
    REBUILD: "projections.core.rebuild.rebuild of all history, comparison and switch included",
    BALANCES: "the same of the two read models that hold balances",
    VERIFY: "the reading of the whole history by the checks of `guoku audit verify`, but for"
    " signatures and decisions taken again; per second of this process's CPU as well",
    REPLAY: "ledger.reading.objects.read_events in pages, each event decoded to its struct",
    ES_REPLAY: "PostgresApplicationRecorder.select_notifications in pages of the same size, each"
    " state decoded with json.loads",
    ES_DOMAIN: "the same pages of the same events, stored as domain events, each made one again by"
    " the library's Mapper.to_domain_event with its defaults",
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    with ExitStack() as stack:
        database = new_database(server, "projections")
        books = stack.enter_context(bookkeeping(database))
        recorder, domain_recorder = (
            stack.enter_context(
                peers.eventsourcing_recorder(new_database(server, purpose, migrated=False))
            )
            for purpose in ("replay", "domain")
        )
        mapper = peers.domain_mapper()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="guoku-bench-")))
        source = stack.enter_context(psycopg.connect(database.owner_conninfo))
        runner = Runner(books.pool)
        runner.catch_up()
        copied = 0
        for _ in record.rounds(scale):
            tell("payments to follow")
            paid = books.pay(scale.count(PAYMENTS), ClosedLoop(batch=5_000, callers=1))
            _follow(record, runner, paid.events)
            _rebuild(record, books, REBUILD, PROJECTIONS)
            _rebuild(record, books, BALANCES, (Indicators(), AccountTotals()))
            _verify(record, books, database, folder)
            _copy_to_recorder(record, recorder, copied, partial(peers.stored_events, source), books)
            copied = _copy_to_recorder(
                record, domain_recorder, copied, partial(peers.domain_events, mapper, source), books
            )
            source.commit()
            _replay(record, books, copied)
            _eventsourcing_replay(record, recorder, copied)
            _eventsourcing_domain_replay(record, domain_recorder, mapper, copied)
    record.ratio("follow_to_eventsourcing_replay", (FOLLOW, "events/s"), (ES_REPLAY, "events/s"))
    record.ratio("rebuild_to_eventsourcing_replay", (REBUILD, "events/s"), (ES_REPLAY, "events/s"))
    record.ratio(
        "balances_to_eventsourcing_replay", (BALANCES, "events/s"), (ES_REPLAY, "events/s")
    )
    record.ratio(
        "balances_to_eventsourcing_domain_replay", (BALANCES, "events/s"), (ES_DOMAIN, "events/s")
    )
    record.ratio("verify_to_eventsourcing_replay", (VERIFY, "events/s"), (ES_REPLAY, "events/s"))
    record.ratio("replay_to_eventsourcing_replay", (REPLAY, "events/s"), (ES_REPLAY, "events/s"))
    return record.result()


def _follow(record: Record, runner: Runner, events: int) -> None:
    record.tell(FOLLOW)
    began = perf_counter()
    runner.catch_up()
    elapsed_s = perf_counter() - began
    if stopped := runner.health().stopped:
        raise BenchError(f"a projection stopped: {stopped[0].error}")
    record.rate(FOLLOW, elapsed_s, events=events)


def _rebuild(
    record: Record, books: Bookkeeping, name: str, projections: Sequence[Projection]
) -> None:
    record.tell(name)
    position = books.position()
    began = perf_counter()
    report = rebuild(books.pool, books.ledger_id, projections)
    elapsed_s = perf_counter() - began
    if not report.equal:
        raise BenchError("a rebuilt projection differs from the live one")
    record.rate(name, elapsed_s, events=position)


def _verify(record: Record, books: Bookkeeping, database: Database, folder: Path) -> None:
    record.tell(VERIFY)
    options = Options(folder=folder, resume=False, signatures=False)
    charts, provider = load_charts(), default_provider()
    report = verify_ledger(database.app_conninfo, charts, provider, books.ledger_id, options)
    if report.findings:
        raise BenchError(f"the history does not verify: {report.findings[0].detail}")
    record.rate(VERIFY, report.history_s, events=report.position)
    record.value(VERIFY, "events/CPU s", report.position / report.history_cpu_s)


def _copy_to_recorder(
    record: Record,
    recorder: PostgresApplicationRecorder,
    copied: int,
    stored: Callable[[int, int, int], list[StoredEvent]],
    books: Bookkeeping,
) -> int:
    """Brings the library's table to the ledger's position; gives that position.

    Args:
        stored: makes (ledger, position, limit) events as the library stores them.
    """
    record.tell("the same events for the eventsourcing recorder")
    while events := stored(books.ledger_id, copied, PAGE_EVENTS):
        peers.save_events(recorder, events, SAVE_EVENTS)
        copied += len(events)
    return copied


def _replay(record: Record, books: Bookkeeping, events: int) -> None:
    record.tell(REPLAY)
    position = read = 0
    began = perf_counter()
    while read < events:
        with books.pool.connection() as connection:
            rows = objects.read_events(connection, books.ledger_id, position, PAGE_EVENTS)
        for row in rows:
            decode(row.type, row.payload)
        read, position = read + len(rows), rows[-1].position
    record.rate(REPLAY, perf_counter() - began, events=read)


def _eventsourcing_replay(
    record: Record, recorder: PostgresApplicationRecorder, events: int
) -> None:
    record.tell(ES_REPLAY)
    read, start = 0, 1
    began = perf_counter()
    while read < events:
        page = recorder.select_notifications(start, PAGE_EVENTS)
        for notification in page:
            json.loads(notification.state)
        read, start = read + len(page), page[-1].id + 1
    record.rate(ES_REPLAY, perf_counter() - began, events=read)


def _eventsourcing_domain_replay(
    record: Record, recorder: PostgresApplicationRecorder, mapper: Mapper[UUID], events: int
) -> None:
    record.tell(ES_DOMAIN)
    read, start = 0, 1
    began = perf_counter()
    while read < events:
        page = recorder.select_notifications(start, PAGE_EVENTS)
        for notification in page:
            mapper.to_domain_event(notification)
        read, start = read + len(page), page[-1].id + 1
    record.rate(ES_DOMAIN, perf_counter() - began, events=read)
