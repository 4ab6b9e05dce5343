"""The sealer 封存: follows every ledger and gives each commit a signed checkpoint soon after.

One thread, outside the write path; it reads digests, never payloads. A round has four steps, each
of which a kill may interrupt and the next round finds undone:

1. trees: each ledger's new commits, chain verified, in one transaction with how far it is sealed;
2. notes: what is sealed and has no checkpoint on record is signed and recorded through the one
   write path in the year's system ledger. Its text follows from history and its number is the
   size, so a second sealer, or a second life, comes to the same one and not to another;
3. files: what was recorded is appended to the files beside the database;
4. from time to time the province head, and with it the system ledger's own checkpoint.

The system ledger does not feed itself: its own checkpoint and the province head are no reason to
seal it again.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from time import monotonic

import msgspec
import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.account_set import ledger_text
from ledger.errors import GuokuError, IntegrityError
from ledger.gm import Provider
from ledger.gm.keystore import KeyStore
from ledger.integrity.note import (
    LOG_KEY_NAME,
    PROVINCE_ORIGIN,
    ledger_origin,
    parse_checkpoint,
    parse_note,
)
from ledger.sealing.files import NoteFiles
from ledger.sealing.notary import Notary
from ledger.sealing.record import keep_files
from ledger.sealing.register import PROVINCE, system_ledgers
from ledger.sealing.stored_tree import StoredTree
from ledger.sealing.system_record import SystemRecord
from ledger.sealing.trees import Sealed, Trees, due_ledgers, owed_checkpoints, sealed_ledgers
from ledger.writing.sequencer import Sequencer

log = structlog.get_logger(__name__)

SILENT_S_MAX = 60.0
RETRY_STOPPED_S = 60.0
COMPARE_AGAIN_S = 60.0  # for what another process has sealed
ROUND_HELPINGS = 3  # of events_max, over all ledgers


class SealingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How the sealer works.

    Attributes:
        interval_s: from one round to the next; a commit waits so long at most to be sealed.
        province_interval_s: shortest time between two province heads.
        events_max: of one ledger in one round, so that all get their turn.
        log_key: the key's name in the key store; another one is how the log key is rolled over.
    """

    interval_s: float = 0.7
    province_interval_s: float = 60.0
    events_max: int = 100_000
    log_key: str = "guoku/log"


class SealerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the sealer is.

    Attributes:
        running: whether its thread lives.
        silent_s: seconds since it last came round.
        stopped: ledgers whose history it refuses to seal, and why.
        error: why the last round broke off, or "".
        sealed_events, checkpoints: counted since it began.
    """

    running: bool
    silent_s: float
    stopped: dict[int, str]
    error: str
    sealed_events: int
    checkpoints: int

    @property
    def reasons(self) -> list[str]:
        """Why it is not ready; empty when it is."""
        found = [f"sealing of {_name(key)} stopped: {why}" for key, why in self.stopped.items()]
        if not self.running:
            found.append("the sealer does not run")
        elif self.silent_s > SILENT_S_MAX:
            found.append(f"the sealer has been silent for {self.silent_s:.0f} s")
        if self.error:
            found.append(f"the sealer cannot work: {self.error}")
        return found


class Sealer:
    """Seals all ledgers, from :meth:`start` to :meth:`close`; several may run side by side.

    Args:
        pool: connections as the application role; one is used at a time.
        folder: of the checkpoint files.
        clock: the time that a province head names.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        sequencer: Sequencer,
        keys: KeyStore,
        provider: Provider,
        folder: Path,
        clock: Callable[[], datetime],
        policy: SealingPolicy | None = None,
    ) -> None:
        self._pool = pool
        self._conditions = sequencer.conditions
        self._policy = policy or SealingPolicy()
        self._files = NoteFiles(folder)
        log_key = self._policy.log_key
        self._record = SystemRecord(pool, sequencer, lambda: [(LOG_KEY_NAME, keys.create(log_key))])
        self._notary = Notary(pool, self._record, keys, provider, clock, log_key)
        self._trees = Trees(self._compare_with_file)
        self._listeners: list[Callable[[], None]] = []
        self._closing = threading.Event()
        self._looked_at = monotonic()
        self._province_at = float("-inf")
        self._kept_all = False
        self._served = 0
        self._news = True  # sealed here since the last province head
        self._compared_at = float("-inf")
        self._stopped: dict[int, str] = {}
        self._stopped_at = float("-inf")
        self._error = ""
        self._sealed_events = 0
        self._checkpoints = 0
        self._thread: threading.Thread | None = None

    # ---- life

    def start(self) -> None:
        """Starts the thread; once."""
        assert self._thread is None, "a sealer is started once"
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finishes the round and ends the thread."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def on_seal(self, listener: Callable[[], None]) -> None:
        """Calls ``listener()`` after each round that has put a note on record; must not block."""
        self._listeners.append(listener)

    def health(self) -> SealerHealth:
        return SealerHealth(
            running=self._thread is not None and self._thread.is_alive(),
            silent_s=monotonic() - self._looked_at,
            stopped=dict(self._stopped),
            error=self._error,
            sealed_events=self._sealed_events,
            checkpoints=self._checkpoints,
        )

    def _run(self) -> None:
        while not self._closing.is_set():
            began = monotonic()
            busy = self._attempt()
            self._looked_at = monotonic()
            if not busy:
                self._closing.wait(max(0.0, began + self._policy.interval_s - monotonic()))

    def _attempt(self) -> bool:
        if halted := self._conditions.halted():
            self._error = halted
            return False
        try:
            busy = self.run_once()
        except (psycopg.OperationalError, PoolTimeout, GuokuError) as error:
            busy, self._error = False, str(error)  # the database is away: it may come back
            log.warning("the sealer cannot work", error=self._error)
        except Exception as error:
            busy, self._error = False, repr(error)
            log.exception("the sealer failed")
        else:
            self._error = ""
        return busy

    # ---- one round

    def run_once(self) -> bool:
        """One round in the caller's thread; whether there is more to do at once."""
        with self._pool.connection() as connection:
            self._notary.follow(connection, system_ledgers(connection))
            behind = due_ledgers(connection)
        whole = self._grow(behind)
        recorded = self._seal_owed()
        recorded |= self._seal_province()
        if not self._kept_all:
            self._keep_all()
        if recorded:
            for listener in self._listeners:
                listener()
        return not whole

    def _stands(self, ledger_id: int) -> bool:
        """Whether the ledger's sealing is stopped; now and then it is looked at again."""
        if self._stopped and monotonic() - self._stopped_at > RETRY_STOPPED_S:
            self._stopped.clear()
        return ledger_id in self._stopped

    def _grow(self, behind: Mapping[int, int]) -> bool:
        """Step 1, over ledgers and their events; whether nothing is left for another round.

        A round is bounded, and the next one begins behind the last ledger of this one.
        """
        grown = 0
        whole = True
        in_turn = sorted(behind.items(), key=lambda item: (item[0] <= self._served, item[0]))
        with self._pool.connection() as connection, connection.transaction():
            for ledger_id, events in in_turn:
                if self._stands(ledger_id):
                    continue
                if grown >= ROUND_HELPINGS * self._policy.events_max:
                    whole = False
                    break
                self._served = ledger_id
                try:
                    count = self._trees.grow(connection, ledger_id, self._policy.events_max)
                except IntegrityError as error:
                    self._stop(ledger_id, error)
                    continue
                grown += count
                whole = whole and (count == 0 or count >= events)
        self._sealed_events += grown
        return whole

    def _seal_owed(self) -> bool:
        """Steps 2 and 3; whether anything was recorded."""
        with self._pool.connection() as connection:
            owed = owed_checkpoints(connection)
        owed = [sealed for sealed in owed if sealed.ledger_id not in self._stopped]
        if not owed:
            return False
        for ledger_id, problem in self._notary.record(owed).items():
            self._stop(ledger_id, problem)
        self._news = True
        kept = [s.ledger_id for s in owed if s.ledger_id not in self._stopped]
        self._checkpoints += len(kept)
        self._keep(kept)
        return True

    def _seal_province(self) -> bool:
        """Step 4, when its time has come and something is new; whether a head was recorded."""
        now = monotonic()
        if now - self._province_at < self._policy.province_interval_s:
            return False
        if not self._news and now - self._compared_at < COMPARE_AGAIN_S:
            return False
        self._news, self._compared_at = False, now
        with self._pool.connection() as connection:
            if not self._notary.province_is_due(connection):
                return False
            due = self._notary.due_system_ledgers(connection)
        self._province_at = monotonic()
        self._grow(dict.fromkeys(due, 0))
        self._seal_owed()
        self._notary.record_province()
        self._keep([PROVINCE])
        return True

    def _keep_all(self) -> None:
        """Once after a start: what an earlier life recorded and did not come to keep."""
        with self._pool.connection() as connection:
            ledger_ids = sealed_ledgers(connection)
        self._keep([*ledger_ids, PROVINCE])
        self._kept_all = True

    def _keep(self, ledger_ids: Iterable[int]) -> None:
        with self._pool.connection() as connection:
            for ledger_id in ledger_ids:
                try:
                    keep_files(connection, self._files, ledger_id)
                except IntegrityError as error:
                    self._stop(ledger_id, error)

    def _stop(self, ledger_id: int, error: GuokuError) -> None:
        self._stopped.setdefault(ledger_id, error.detail)
        self._stopped_at = monotonic()
        log.error("sealing is stopped", ledger=_name(ledger_id), reason=error.detail)

    def _compare_with_file(self, connection: psycopg.Connection, sealed: Sealed) -> None:
        """What the file remembers must be the beginning of what is stored.

        Raises:
            IntegrityError: it is not: history was rewritten, or an older state was restored.
        """
        origin = ledger_origin(sealed.ledger_id)
        note = self._files.last(origin)
        if note is None:
            return
        known = parse_checkpoint(parse_note(note).text)
        if known.size <= sealed.size:
            tree = StoredTree(connection, sealed.ledger_id, known.size)
            if tree.root == known.root:
                return
        raise IntegrityError(
            f"{self._files.path(origin)} holds a checkpoint of {known.size} events that the"
            " ledger does not lead to"
        )


def _name(ledger_id: int) -> str:
    return PROVINCE_ORIGIN if ledger_id == PROVINCE else ledger_text(ledger_id)
