"""The load generator: connections that post bodies, in a closed or in an open loop.

Closed: each connection posts the next body when its last was answered. Open: a body is due every
so often, whether the earlier ones are answered or not; it goes out on a free connection, or on the
first that comes free, and its wait counts from when it was due, so that a stall is felt by all that
were due in it.

A program of its own (``python -m bench.http_load``), so that it does not share an interpreter with
what it measures. It reads one ``Load`` as JSON from standard input and writes one ``Answers``. It
does as little as it can for a request: the bytes are made before the clock runs, and of an answer
only the status and the length are looked at.
"""

import asyncio
import re
import sys
from collections import Counter, deque
from collections.abc import Sequence
from time import perf_counter
from typing import cast

import msgspec
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to post, where, and for how long at most.

    Attributes:
        arrivals_per_s: of the open loop; 0 is the closed one.
        counted: text that is counted in the answers, "" for none.
    """

    host: str
    port: int
    path: str
    token: str
    bodies: list[str]
    connections: int
    timeout_s: float
    content_type: str = "application/json"
    arrivals_per_s: float = 0.0
    counted: str = ""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: wall time, wait of each request, answers by status, what was counted."""

    elapsed_s: float
    waits_s: list[float]
    statuses: dict[str, int]
    counted: int


class _Run:
    """Shared by the connections: the requests that are left, and what is known of the answers."""

    def __init__(self, load: Load, requests: Sequence[bytes]) -> None:
        self.waits_s: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.counting, self.counted = load.counted.encode(), 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._every_s = 1 / load.arrivals_per_s if load.arrivals_per_s else 0.0
        self._free: deque[_Connection] = deque()
        self._sent = self._due = 0
        self._began = 0.0

    def begin(self, connections: Sequence["_Connection"]) -> None:
        self._free.extend(connections)
        self._began = perf_counter()
        if self._every_s:
            self._arrive()
        else:
            self._due = len(self._requests)
            self._send()

    def _arrive(self) -> None:
        """Marks as due what has become due, and comes again for the next."""
        passed = int((perf_counter() - self._began) / self._every_s) + 1
        self._due = min(passed, len(self._requests))
        self._send()
        if self._due < len(self._requests):
            next_s = self._began + self._due * self._every_s - perf_counter()
            asyncio.get_running_loop().call_later(max(0.0, next_s), self._arrive)

    def _send(self) -> None:
        while self._sent < self._due and self._free:
            now = perf_counter()
            due_at = self._began + self._sent * self._every_s if self._every_s else now
            self._free.popleft().send(self._requests[self._sent], due_at)
            self._sent += 1

    def answered(self, connection: "_Connection", wait_s: float, answer: bytes) -> None:
        self.waits_s.append(wait_s)
        self.statuses[answer[9:12].decode()] += 1
        if self.counting:
            self.counted += answer.count(self.counting)
        self._free.append(connection)
        self._send()
        if len(self.waits_s) == len(self._requests) and not self.done.done():
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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def send(self, request: bytes, due_at: float) -> None:
        self._due_at = due_at
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._size and not self._read_head():
            return
        if len(self._buffer) < self._size:
            return
        answer, self._buffer, self._size = self._buffer, b"", 0
        self._run.answered(self, perf_counter() - self._due_at, answer)

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
        self._run.fail("the server closed a connection")


async def _post_all(load: Load) -> Answers:
    requests = [_request(load, body.encode()) for body in load.bodies]
    run = _Run(load, requests)
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: _Connection(run), load.host, load.port))[1]
        for _ in range(load.connections)
    ]
    began = perf_counter()
    run.begin(connections)
    await asyncio.wait_for(run.done, load.timeout_s)
    elapsed_s = perf_counter() - began
    for connection in connections:
        connection.close()
    return Answers(
        elapsed_s=elapsed_s,
        waits_s=run.waits_s,
        statuses=dict(run.statuses),
        counted=run.counted,
    )


def _request(load: Load, body: bytes) -> bytes:
    head = (
        f"POST {load.path} HTTP/1.1\r\nHost: {load.host}:{load.port}\r\n"
        f"Authorization: Bearer {load.token}\r\nContent-Type: {load.content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_post_all(asked))))
