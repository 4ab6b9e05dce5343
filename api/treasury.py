"""The composition root: every part of the core, wired once, opened and closed together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from psycopg_pool import ConnectionPool

from accounting.statements import Statements, load_statements
from api.domains import DOMAINS as DOMAINS  # what a history may hold
from api.key_store import key_store_of
from api.machine import history_guard, now
from api.schema import MIGRATIONS
from api.settings import Settings
from api.upgrading import bring_up_to_date
from division.learning import KnowledgeReader
from ledger.books import Charts, load_charts
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeSets
from ledger.gm import Provider, default_provider
from ledger.gm.keystore import KeyStore
from ledger.postgres.database import Database, make_pool, open_database
from ledger.postgres.migrate import migrate
from ledger.sealing.history_guard import HistoryGuard
from ledger.writing.clocks import Clock
from ledger.writing.conditions import HistoryFault, never_cut
from ledger.writing.sequencer import Sequencer
from payments.receipts.intake import ReceiptIntake
from payments.signing.fresh_documents import FreshDocuments
from payments.signing.own_keys import OwnKeySigning
from payments.signing.service import SigningService

CODES_CHECKED_EVERY_S = 2.0


class CodesInForce:
    """The code sets in force, read again when another process has loaded newer ones."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._checked = 0.0
        self._loads = -1
        self._codes = stored_code_sets.shipped()

    def due(self) -> bool:
        """Whether the next call may ask the database."""
        return monotonic() - self._checked >= CODES_CHECKED_EVERY_S

    def __call__(self) -> CodeSets:
        if self.due() and self._lock.acquire(False):
            try:
                self._refresh()
            finally:
                self._lock.release()
        return self._codes

    def refresh(self) -> None:
        """Has what this process has just loaded in force for whoever asks next."""
        with self._lock:
            self._refresh()

    def _refresh(self) -> None:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT count(*) FROM code_set_loads").fetchone()
            assert row is not None
            if row[0] != self._loads:
                self._codes = stored_code_sets.read(connection)
                self._loads = row[0]
        self._checked = monotonic()


@dataclass(frozen=True)
class Treasury:
    """What the ways in (HTTP, command line) work with."""

    settings: Settings
    database: Database
    pool: ConnectionPool
    charts: Charts
    statements: Statements
    codes: CodesInForce
    sequencer: Sequencer
    provider: Provider
    keys: KeyStore
    signing: SigningService
    receipts: ReceiptIntake
    fresh_documents: FreshDocuments
    history: HistoryGuard
    clock: Clock = now

    def now(self) -> datetime:
        return self.clock()

    @property
    def own_keys(self) -> OwnKeySigning:
        """Takes what persons have signed themselves."""
        peek = self.sequencer.peek
        return OwnKeySigning(self.pool, self.provider, self.codes, self.clock, peek)


@contextmanager
def treasury_on(
    settings: Settings,
    database: Database,
    *,
    clock: Clock = now,
    accepts_loss: bool = False,
    as_found: bool = False,
) -> Iterator[Treasury]:
    """The core on a database that is open already: migrated, wired, closed in reverse order.

    Args:
        clock: the host's.
        accepts_loss: write also while a part of the history is lost: for what puts that on record.
        as_found: puts nothing on record by itself: for the history with which a database begins.
    """
    charts = load_charts(settings.charts)
    statements = load_statements(charts, settings.statements)
    migrate(database.owner_conninfo, MIGRATIONS)
    with make_pool(database.app_conninfo, 2, settings.pool_size_max, "guoku") as pool:
        codes = CodesInForce(pool)
        provider = default_provider()
        history = history_guard(settings, pool)
        history.start()
        fault = never_cut if accepts_loss else history.fault
        sequencer = _sequencer(settings, database.app_conninfo, pool, charts, codes, clock, fault)
        sequencer.on_commit(history.committed)
        keys = key_store_of(settings)
        fresh = FreshDocuments()
        try:
            if not as_found:
                bring_up_to_date(pool, charts, sequencer)
            yield Treasury(
                settings=settings,
                database=database,
                pool=pool,
                charts=charts,
                statements=statements,
                codes=codes,
                sequencer=sequencer,
                provider=provider,
                keys=keys,
                signing=SigningService(
                    pool,
                    keys,
                    provider,
                    codes,
                    clock,
                    sequencer.conditions,
                    peek=sequencer.peek,
                    fresh=fresh,
                ),
                receipts=ReceiptIntake(pool, provider, clock),
                fresh_documents=fresh,
                history=history,
                clock=clock,
            )
        finally:
            history.close()
            sequencer.close()


def _sequencer(
    settings: Settings,
    conninfo: str,
    pool: ConnectionPool,
    charts: Charts,
    codes: CodesInForce,
    clock: Clock,
    history_fault: HistoryFault,
) -> Sequencer:
    return Sequencer(
        pool,
        charts,
        codes,
        clock,
        workers=settings.sequencer_workers,
        writer_conninfo=conninfo,
        codes_due=codes.due,
        clock_tolerance=timedelta(seconds=settings.clock_tolerance_s),
        history_fault=history_fault,
        standing=KnowledgeReader(),
    )


@contextmanager
def open_treasury(
    settings: Settings, *, own: bool = False, accepts_loss: bool = False, as_found: bool = False
) -> Iterator[Treasury]:
    """Opens the database (``own``: as the program that starts and stops it) and the core on it, as
    :func:`treasury_on` does."""
    with (
        open_database(dsn=settings.dsn, data_dir=settings.data, own=own) as database,
        treasury_on(settings, database, accepts_loss=accepts_loss, as_found=as_found) as treasury,
    ):
        yield treasury
