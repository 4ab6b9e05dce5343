"""The load generator: 64 connections that each post the next body when their last was answered.

A program of its own (``python -m bench.http_load``), so that it does not share an interpreter with
what it measures. It reads one ``Load`` as JSON from standard input and writes one ``Answers``. It
does as little as it can for a request: the bytes are made before the clock runs, and of an answer
only the status and the length are looked at.
"""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Sequence
from time import perf_counter
from typing import cast

import msgspec
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to post, where, and for how long at most."""

    host: str
    port: int
    path: str
    token: str
    bodies: list[str]
    connections: int
    timeout_s: float


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: wall time, wait of each request, answers by status."""

    elapsed_s: float
    waits_s: list[float]
    statuses: dict[str, int]


class _Run:
    """Shared by the connections: the requests that are left, and what is known of the answers."""

    def __init__(self, requests: Sequence[bytes], connections: int) -> None:
        self.left = iter(requests)
        self.waits_s: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.open = connections
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ended(self) -> None:
        self.open -= 1
        if self.open == 0 and not self.done.done():
            self.done.set_result(None)

    def fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(reason))


class _Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request under way."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._size = 0
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def send_next(self) -> None:
        request = next(self._run.left, None)
        if request is None:
            self._ended = True
            self._transport.close()
            self._run.ended()
            return
        self._sent_at = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._size and not self._read_head():
            return
        if len(self._buffer) < self._size:
            return
        self._run.waits_s.append(perf_counter() - self._sent_at)
        self._run.statuses[self._buffer[9:12].decode()] += 1
        self._buffer, self._size = b"", 0
        self.send_next()

    def _read_head(self) -> bool:
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return False
        length = _LENGTH.search(self._buffer, 0, end + len(_HEAD_END))
        if length is None:
            self._run.fail("an answer without its length")
            return False
        self._size = end + len(_HEAD_END) + int(length[1])
        return True

    def connection_lost(self, _: Exception | None) -> None:
        if not self._ended:
            self._run.fail("the server closed a connection")


async def _post_all(load: Load) -> Answers:
    requests = [_request(load, body.encode()) for body in load.bodies]
    run = _Run(requests, load.connections)
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: _Connection(run), load.host, load.port))[1]
        for _ in range(load.connections)
    ]
    began = perf_counter()
    for connection in connections:
        connection.send_next()
    await asyncio.wait_for(run.done, load.timeout_s)
    return Answers(
        elapsed_s=perf_counter() - began, waits_s=run.waits_s, statuses=dict(run.statuses)
    )


def _request(load: Load, body: bytes) -> bytes:
    head = (
        f"POST {load.path} HTTP/1.1\r\nHost: {load.host}:{load.port}\r\n"
        f"Authorization: Bearer {load.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_post_all(asked))))
