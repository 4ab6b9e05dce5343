"""书记: a process of its own that hashes and writes large batches while this one decides.

One ledger has one writer at a time, and one Python decides with one core. What needs no decision
any more — digests, COPY frames, the transaction — is this process's work, so that both cores serve
the same ledger. It holds the lock of the ledger's head and the transaction; whoever sends it pages
decides on what it has locked.

It ends when its pipe does: however the process that started it ends, its transaction is rolled back
and nothing of the batch is kept.

Orders queue in the pipe, and their answers come in the same order: the next batch can be decided,
and sent, while this one commits. A batch that *follows* is decided on a history that is not
committed yet, so the writer process takes it only where its last commit, chain and all, is the
head.
"""

import gc
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any

import msgspec
import psycopg
from psycopg.errors import lookup

from ledger.postgres.copying import PagedCopy
from ledger.postgres.database import SEND_BUFFER_BYTES, connect, widen_send_buffer
from ledger.reading.loading import LockedHead, lock
from ledger.writing.frames import COPY_EVENTS
from ledger.writing.local_writer import BatchPage, Closed, Closing, packed, write_closing

KEPT_BYTES = 64 * 1024 * 1024
# Pages come and go by the megabyte: glibc would give each back to the kernel and have it zeroed.
KEEPING = {"MALLOC_MMAP_THRESHOLD_": str(KEPT_BYTES), "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES)}
SWITCH_INTERVAL_S = 0.0005  # the thread that copies needs Python for microseconds at a time


class HeadMovedError(Exception):
    """The batch before was not committed, another process has written since, or too much time has
    passed: decide anew."""


class Begin(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Lock this ledger's head; ``follows``: it must be where this process's last batch left it.

    What follows is decided before its head is locked, so its time is compared with the server's
    here; it may differ by ``tolerance_us``, None where nothing is compared.
    """

    ledger_id: int
    follows: bool
    tolerance_us: int | None


class Release(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Roll back, and let the head go."""


class Locked(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The head, or None where there is no such ledger; it is locked until the transaction ends."""

    head: LockedHead | None


class Done(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Committed: the chain after the batch, and the digests of its events."""

    chain: bytes
    digests: list[bytes]


class Released(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Nothing was to be written."""


class HeadMoved(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Nothing was written: the head is not where the batch should have followed, or its time is
    not that of the server."""


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Nothing was written, or, with "" as state, that is not known: the connection is lost."""

    sqlstate: str
    message: str


WriterOrder = Begin | BatchPage | Closing | Release
WriterAnswer = Locked | Done | Released | HeadMoved | Failed

_encode = msgspec.msgpack.Encoder().encode
_decode_order = msgspec.msgpack.Decoder(WriterOrder).decode
_decode_answer = msgspec.msgpack.Decoder(WriterAnswer).decode


class WriterProcess:
    """The other end of such a process. One thread gives orders; answers come as futures, in order.

    Futures raise:
        HeadMovedError: a batch that should have followed did not; nothing was written.
        psycopg.Error: what the database said; nothing was written.
        EOFError, OSError: the process is gone; a batch that was closed may be written or not.
    """

    def __init__(self, conninfo: str) -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ledger.writing.writer_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **KEEPING},
                start_new_session=True,  # Ctrl-C is for us; it ends with its pipe
            )
        self._socket = ours
        self._pipe = Connection(os.dup(ours.fileno()))
        self._pipe.send_bytes(conninfo.encode())
        self._expected: deque[Future[Any]] = deque()
        self._lock = Lock()
        self._gone: Exception | None = None
        self._reader = Thread(target=self._read, name=f"writer {self.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        return self._gone is not None

    def begin(
        self, ledger_id: int, *, follows: bool = False, tolerance_us: int | None = None
    ) -> Future[LockedHead | None]:
        """Begins a transaction and locks the head; None when there is no such ledger."""
        return self._order(Begin(ledger_id, follows, tolerance_us))

    def write(self, page: BatchPage) -> None:
        """Sends a page on its way; how it went is said at the closing."""
        with suppress(OSError):  # likewise that the process is gone
            self._pipe.send_bytes(_encode(page))

    def close(self, closing: Closing) -> Future[Closed]:
        """Writes what closes the batch and commits."""
        return self._order(closing)

    def release(self) -> Future[None]:
        """Rolls back: what was begun has nothing to write."""
        return self._order(Release())

    def end(self) -> None:
        """Ends the process; what was not closed is rolled back."""
        with self._socket, suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._pipe.close()
        self._process.wait()

    def _order(self, order: WriterOrder) -> Future[Any]:
        answer: Future[Any] = Future()
        with self._lock:
            if self._gone is not None:
                answer.set_exception(self._gone)
                return answer
            self._expected.append(answer)
        with suppress(OSError):  # the reader finds out too, and says so in the answer
            self._pipe.send_bytes(_encode(order))
        return answer

    def _read(self) -> None:
        """Gives each answer to the order it belongs to, until the process is gone."""
        try:
            while True:
                answer: WriterAnswer = _decode_answer(self._pipe.recv_bytes())
                _answer(self._expected.popleft(), answer)
        except (EOFError, OSError) as error:
            with self._lock:
                self._gone = error
            for waiting in self._expected:
                waiting.set_exception(error)


def _answer(order: Future[Any], answer: WriterAnswer) -> None:
    match answer:
        case Locked(head):
            order.set_result(head)
        case Done(chain, digests):
            order.set_result((chain, digests))
        case Released():
            order.set_result(None)
        case HeadMoved():
            order.set_exception(HeadMovedError())
        case Failed("", message):
            order.set_exception(OSError(message))
        case Failed(sqlstate, message):
            order.set_exception(lookup(sqlstate)(message))


class WriterProcesses:
    """Those of a sequencer: started when first needed, one for each ledger under way."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._free: deque[WriterProcess] = deque()

    def begin(self, ledger_id: int) -> tuple[WriterProcess, LockedHead | None]:
        """One that has begun; one that has died meanwhile is replaced: nothing was asked of it."""
        while self._free:
            with suppress(IndexError):
                writer_process = self._free.pop()
                try:
                    return writer_process, writer_process.begin(ledger_id).result()
                except (EOFError, OSError):
                    writer_process.end()
        writer_process = WriterProcess(self._conninfo)
        return writer_process, writer_process.begin(ledger_id).result()

    def give_back(self, writer_process: WriterProcess) -> None:
        """Takes one back of which nothing more is expected."""
        if writer_process.gone:
            writer_process.end()
        else:
            self._free.append(writer_process)

    def close(self) -> None:
        while self._free:
            self._free.pop().end()


# ---- the process


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(200_000, 50, 100)  # pages hold no cycles
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    pipe = Connection(int(sys.argv[1]))
    try:
        with (
            connect(pipe.recv_bytes().decode(), application_name="guoku writer") as connection,
            ThreadPoolExecutor(1) as copier,
        ):
            widen_send_buffer(connection)
            transactions = _Transactions(pipe, connection, copier)
            while not connection.broken:
                pipe.send_bytes(_encode(transactions.transaction()))
    except (EOFError, ConnectionError):
        pass  # whoever started us has ended
    except psycopg.OperationalError:
        pass  # no database to write to; whoever waits sees the pipe end


_Place = tuple[int, int, bytes]  # ledger, position, chain


class _Transactions:
    """Where this process writes batches, one after the other."""

    def __init__(self, pipe: Connection, connection: psycopg.Connection, copier: Executor) -> None:
        self._pipe = pipe
        self._connection = connection
        self._copier = copier
        self._order: WriterOrder  # the last one read
        self._left: _Place | None = None  # where the last batch left its ledger

    def transaction(self) -> WriterAnswer:
        """One batch, from its beginning to the answer to the order that ends it."""
        begin = self._next()
        assert isinstance(begin, Begin)
        left, self._left = self._left, None
        head = lock(self._connection, begin.ledger_id)
        self._pipe.send_bytes(_encode(Locked(head)))
        if head is None or (begin.follows and left != (begin.ledger_id, head.position, head.chain)):
            self._connection.rollback()
            self._skip_pages()
            return HeadMoved() if begin.follows else Released()
        try:
            digests: list[bytes] = []
            end = self._write_pages(digests)
            if isinstance(end, Closing):
                if begin.follows and not _in_time(end, head, begin.tolerance_us):
                    self._connection.rollback()
                    return HeadMoved()
                return self._close(end, head, digests)
        except psycopg.Error as error:
            self._skip_pages()
            return _failed(self._connection, error)
        self._connection.rollback()
        self._left = begin.ledger_id, head.position, head.chain
        return Released()

    def _next(self) -> WriterOrder:
        order: WriterOrder = _decode_order(self._pipe.recv_bytes())
        self._order = order
        return order

    def _skip_pages(self) -> None:
        """Nobody waits for an answer before the order that ends the batch."""
        while isinstance(self._order, Begin | BatchPage):
            self._next()

    def _write_pages(self, digests: list[bytes]) -> WriterOrder:
        """Gives the order that ends the batch. A page is hashed while the one before is copied."""
        under_way: Future[None] | None = None
        with PagedCopy(self._connection, COPY_EVENTS) as batch:
            try:
                while isinstance(order := self._next(), BatchPage):
                    others, of_page = packed(order)
                    digests += of_page
                    _settle(under_way)
                    under_way = self._copier.submit(batch.write, others.pop(COPY_EVENTS), others)
            finally:
                _settle(under_way)  # even if no order comes any more: it is at the connection
        return order

    def _close(self, closing: Closing, head: LockedHead, digests: list[bytes]) -> Done:
        chain = write_closing(self._connection, closing, head.chain, digests)
        self._connection.commit()
        self._left = closing.ledger_id, closing.position, chain
        return Done(chain, digests)


def _in_time(closing: Closing, head: LockedHead, tolerance_us: int | None) -> bool:
    return tolerance_us is None or abs(closing.recorded_us - head.server_us) <= tolerance_us


def _settle(under_way: Future[None] | None) -> None:
    if under_way is not None:
        under_way.result()


def _failed(connection: psycopg.Connection, error: psycopg.Error) -> Failed:
    if connection.broken:
        return Failed("", str(error))
    connection.rollback()
    return Failed(error.sqlstate or "", str(error))


if __name__ == "__main__":
    _main()
