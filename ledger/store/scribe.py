"""书记: a process of its own that hashes and writes large batches while this one decides.

One ledger has one writer at a time, and one Python decides with one core. What needs no decision
any more — digests, COPY frames, the transaction — is this process's work, so that both cores serve
the same ledger. It holds the lock of the ledger's head and the transaction; whoever sends it pages
decides on what it has locked.

It ends when its pipe does: however the process that started it ends, its transaction is rolled back
and nothing of the batch is kept.
"""

import gc
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

import msgspec
import psycopg
from psycopg.errors import lookup

from ledger.store.append import Closing, Page, copy, framed, write_closing
from ledger.store.database import SEND_BUFFER_BYTES, connect, widen_send_buffer
from ledger.store.loading import LockedHead, lock

DIGEST_BYTES = 32
SWITCH_INTERVAL_S = 0.0005  # the thread that copies needs Python for microseconds at a time


class Begin(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Lock this ledger's head."""

    ledger_id: int


class Release(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Roll back, and let the head go."""


class Locked(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The head, or None where there is no such ledger; it is locked until the transaction ends."""

    head: LockedHead | None


class Done(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Committed: the chain after the batch, and the digests of its events one after the other."""

    chain: bytes
    digests: bytes


class Released(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Nothing was written."""


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Nothing was written, or, with "" as state, that is not known: the connection is lost."""

    sqlstate: str
    message: str


Order = Begin | Page | Closing | Release
Answer = Locked | Done | Released | Failed

_encode = msgspec.msgpack.Encoder().encode
_decode_order = msgspec.msgpack.Decoder(Order).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


class Digests(Sequence[bytes]):
    """Digests that lie one after the other."""

    def __init__(self, joined: bytes) -> None:
        self._joined = joined

    def __len__(self) -> int:
        return len(self._joined) // DIGEST_BYTES

    def __getitem__(self, index: Any) -> Any:
        start = index * DIGEST_BYTES
        return self._joined[start : start + DIGEST_BYTES]


class Scribe:
    """The other end of such a process; used by one thread at a time.

    Raises from every method:
        psycopg.Error: what the database said; nothing was written.
        EOFError, OSError: the process is gone; a batch that was closed may be written or not.
    """

    def __init__(self, conninfo: str) -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ledger.store.scribe", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us; it ends with its pipe
            )
        self._pipe = Connection(ours.detach())
        self._pipe.send_bytes(conninfo.encode())
        self._open = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, ledger_id: int) -> LockedHead | None:
        """Begins a transaction and locks the head; None when there is no such ledger."""
        self._pipe.send_bytes(_encode(Begin(ledger_id)))
        answer = self._answer()
        assert isinstance(answer, Locked)
        self._open = True
        return answer.head

    def write(self, page: Page) -> None:
        """Sends a page on its way; how it went is said at the closing."""
        self._pipe.send_bytes(_encode(page))

    def close(self, closing: Closing) -> tuple[bytes, Sequence[bytes]]:
        """Writes what closes the batch and commits."""
        self._open = False
        self._pipe.send_bytes(_encode(closing))
        answer = self._answer()
        assert isinstance(answer, Done)
        return answer.chain, Digests(answer.digests)

    def release(self) -> None:
        """Rolls back what was begun and not closed."""
        if self._open:
            self._open = False
            self._pipe.send_bytes(_encode(Release()))
            self._answer()

    def end(self) -> None:
        """Ends the process; what was not closed is rolled back."""
        self._pipe.close()
        self._process.wait()

    def _answer(self) -> Answer:
        answer: Answer = _decode_answer(self._pipe.recv_bytes())
        if isinstance(answer, Failed):
            if not answer.sqlstate:
                raise OSError(answer.message)
            raise lookup(answer.sqlstate)(answer.message)
        return answer


class Scribes:
    """The scribes of a sequencer: started when first needed, one for each batch under way."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._free: deque[Scribe] = deque()

    @contextmanager
    def begun(self, ledger_id: int) -> Iterator[tuple[Scribe, LockedHead | None]]:
        """A scribe that has begun a batch; what is not closed is rolled back."""
        scribe, head = self._begin(ledger_id)
        try:
            try:
                yield scribe, head
            finally:
                scribe.release()
        except (EOFError, OSError):
            scribe.end()  # it is gone; the next batch starts another
            raise
        except BaseException:
            self._free.append(scribe)
            raise
        self._free.append(scribe)

    def _begin(self, ledger_id: int) -> tuple[Scribe, LockedHead | None]:
        """One that has died since its last batch is replaced: nothing was asked of it yet."""
        while self._free:
            with suppress(IndexError):
                scribe = self._free.pop()
                try:
                    return scribe, scribe.begin(ledger_id)
                except (EOFError, OSError):
                    scribe.end()
        scribe = Scribe(self._conninfo)
        return scribe, scribe.begin(ledger_id)

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
            connect(pipe.recv_bytes().decode(), application_name="guoku scribe") as connection,
            ThreadPoolExecutor(1) as copier,
        ):
            widen_send_buffer(connection)
            while not connection.broken:
                pipe.send_bytes(_encode(_transaction(pipe, connection, copier)))
    except (EOFError, ConnectionError):
        pass  # whoever started us has ended


def _transaction(pipe: Connection, connection: psycopg.Connection, copier: Executor) -> Answer:
    """One batch, from its beginning to its last answer.

    A page is hashed while the server takes in the one before it.
    """
    order: Order = _decode_order(pipe.recv_bytes())
    assert isinstance(order, Begin)
    digests: list[bytes] = []
    under_way: Future[None] | None = None
    try:
        pipe.send_bytes(_encode(Locked(lock(connection, order.ledger_id))))
        while isinstance(order := _decode_order(pipe.recv_bytes()), Page):
            copies, of_page = framed(order)
            digests += of_page
            _settle(under_way)
            under_way = copier.submit(copy, connection, copies)
        _settle(under_way)
        if isinstance(order, Closing):
            chain = write_closing(connection, order, digests)
            connection.commit()
            return Done(chain, b"".join(digests))
        connection.rollback()
        return Released()
    except psycopg.Error as error:
        failed = _failed(connection, error)
        while isinstance(order, Page):  # nobody waits for an answer before the closing
            order = _decode_order(pipe.recv_bytes())
        return failed


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
