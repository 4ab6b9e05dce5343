"""A lost tail is not a new beginning: nothing is written or sent while a history may be cut.

What remembers it (``ledger.sealing.memory``, ``ledger.sealing.epoch_mark``, the witnesses) is held
against the database when a server starts, and again and again; and each head that a batch locks
against how far this server has seen the ledger. Where something is lost, all writing and sending
ends, until an operator has said what that was (``ledger.deciding.losses``); then it goes on by
itself, here and in every other server.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from ledger.account_set import ledger_text
from ledger.deciding.losses import Losses
from ledger.errors import Code, IntegrityError, UnavailableError
from ledger.sealing.epoch_mark import cluster_of, mark_fault, read_mark, write_mark
from ledger.sealing.memory import FileMemory, LostTail, RememberedHistory, compare

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 10.0
LOOK_EVERY_WHILE_CUT_S = 1.0
RETRY_AFTER_S = 10
REASONS_SHOWN_MAX = 5
WAY_OUT = "`guoku db accept-loss` shows what was lost and puts it on record"

AskWitnesses = Callable[[Sequence[int]], list[RememberedHistory]]


class ConnectionSource(Protocol):
    """Where connections are to be had, such as a pool."""

    def connection(self) -> AbstractContextManager[psycopg.Connection]: ...


class HistoryGuard:
    """Safe between threads.

    Args:
        connections: as the application's role.
        folder: of the checkpoint files.
        mark: the file with the cluster's mark.
        ask_witnesses: gives what they remember of these ledgers; asked once, at the start.
    """

    def __init__(
        self,
        connections: ConnectionSource,
        folder: Path,
        mark: Path,
        ask_witnesses: AskWitnesses = lambda _: [],
    ) -> None:
        self._connections = connections
        self._files = FileMemory(folder)
        self._mark = mark
        self._ask_witnesses = ask_witnesses
        self._witnessed: list[RememberedHistory] | None = None
        self._seen: dict[int, int] = {}
        self._shrunk: dict[int, int] = {}  # ledgers that were seen further than they are
        self._lost: list[LostTail] = []
        self._reason = ""
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history-guard", daemon=True)

    # ---- life

    def start(self) -> None:
        """Looks once, here, and from now on in a thread of its own.

        Raises:
            psycopg.Error: the database cannot be asked.
        """
        self.look()
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(LOOK_EVERY_WHILE_CUT_S if self.reasons() else LOOK_EVERY_S)
            self._wake.clear()
            try:
                if not self._closing.is_set():
                    self.look()
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("what is remembered could not be compared", reason=str(error))

    # ---- what the write path and others ask

    def fault(self, ledger_id: int, position: int) -> UnavailableError | None:
        """Why nothing may be written; None where everything may. ``position``: the locked head's;
        ledger 0 for a question about none of them."""
        seen = self._seen.get(ledger_id, 0)
        if position < seen and ledger_id:
            self._shrunk[ledger_id] = seen
            self._wake.set()
        elif ledger_id:
            self._seen[ledger_id] = position
        if not (self._lost or self._reason or self._shrunk):
            return None
        [first, *_] = self.reasons()
        return UnavailableError(
            Code.HISTORY_CUT,
            f"{first}: nothing is written or sent until a person has said what was lost",
            retry_after_s=RETRY_AFTER_S,
        )

    def committed(self, ledger_id: int, position: int) -> None:
        """Remembers how far a ledger has come; for ``Sequencer.on_commit``."""
        self._seen[ledger_id] = position

    def reasons(self) -> list[str]:
        """What is lost, for readiness; empty where nothing is."""
        found = [self._reason] if self._reason else []
        found += [tail.told for tail in self._lost]
        found += [
            f"{ledger_text(key)} had {seen} events when this server saw it last, and has fewer"
            for key, seen in dict(self._shrunk).items()
        ]
        if len(found) > REASONS_SHOWN_MAX:
            more = len(found) - REASONS_SHOWN_MAX
            found[REASONS_SHOWN_MAX:] = [f"and {more} more"]
        return found

    @property
    def lost(self) -> list[LostTail]:
        """What was found lost when it was looked at last."""
        return list(self._lost)

    # ---- looking

    def look(self, *, marks: bool = True) -> None:
        """Holds all that is remembered against the database.

        Args:
            marks: whether a database that agrees with all is remembered beside the data.

        Raises:
            psycopg.Error: it cannot be asked.
        """
        before = self.reasons()
        try:
            self._compare(marks)
        except IntegrityError as error:  # a memory that cannot be read is no reason to go on
            self._reason = error.detail
        if (now := self.reasons()) != before:
            if now:
                log.error("a part of the history is lost", reasons=now, way_out=WAY_OUT)
            else:
                log.warning("nothing of the history is missing any more: it goes on")

    def _compare(self, marks: bool) -> None:
        with self._connections.connection() as connection:
            remembered = self._remembered(connection)
            found = compare(connection, remembered, self._files)
            for memory in found.explained:
                self._forget(memory, found.losses)
            mark, cluster = read_mark(self._mark), cluster_of(connection, found.losses)
        reason = "" if mark is None else mark_fault(mark, cluster)
        self._lost, self._reason = found.lost, reason
        if marks and not found.lost and not reason and mark != cluster:
            write_mark(self._mark, cluster)

    def _remembered(self, connection: psycopg.Connection) -> list[RememberedHistory]:
        in_files = self._files.last()
        if self._witnessed is None:
            rows = connection.execute("SELECT ledger_id FROM ledgers ORDER BY ledger_id")
            keys = {row[0] for row in rows} | {memory.ledger_id for memory in in_files}
            self._witnessed = self._ask_witnesses(sorted(keys))
        seen = [
            RememberedHistory(key, size, b"", b"", "this server")
            for key, size in dict(self._shrunk).items()
        ]
        return [*in_files, *self._witnessed, *seen]

    def _forget(self, memory: RememberedHistory, losses: Losses) -> None:
        """What is known to be lost is remembered no more, but by the file, under another name."""
        self._shrunk.pop(memory.ledger_id, None)
        self._seen.pop(memory.ledger_id, None)
        self._witnessed = [each for each in self._witnessed or () if each != memory]
        if self._files.path(memory.ledger_id).exists() and memory.source.startswith("the file"):
            aside = self._files.set_aside(memory.ledger_id, losses.epoch_name)
            self._files.set_province_aside(losses.epoch_name)
            log.warning("a checkpoint file of a lost history is set aside", file=str(aside))
