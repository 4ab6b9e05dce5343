"""Live event streams: each has every event once, in order, however many read and however slowly."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from eventsourcing.persistence import Tracking

from api.http.live import PIECE_BYTES, TAIL_BYTES_MAX, LiveEvents, Piece, Tail
from api.http.transport.read_threads import ReadThreads
from ledger.errors import UnavailableError
from tests.support.bookkeeper import Bookkeeper, payment

WAIT_S = 20.0


# ---- what a ledger's follower keeps


def tail_at(position: int, *messages: bytes) -> Tail:
    """A tail that began at a position and has taken these messages since."""
    tail = Tail(lambda: position, lambda: None)
    tail.max_tracking_id("x")
    for serial, message in enumerate(messages, position + 1):
        tail.take(message, Tracking("x", serial))
    return tail


def test_a_tail_gives_what_comes_after_a_position() -> None:
    tail = tail_at(5, b"6", b"7", b"8")
    assert tail.since(5) == Piece(b"678", 8)
    assert tail.since(7) == Piece(b"8", 8)
    assert tail.since(8) == Piece(b"", 8)
    assert tail.max_tracking_id("x") == 8


def test_what_came_before_it_is_asked_of_the_database() -> None:
    assert tail_at(5, b"6").since(4) is None
    assert Tail(lambda: 5, lambda: None).since(5) is None  # not begun


def test_a_reader_ahead_of_it_waits() -> None:
    assert tail_at(5, b"6").since(9) == Piece(b"", 9)


def test_the_oldest_messages_go_when_all_are_too_large() -> None:
    quarter = TAIL_BYTES_MAX // 4
    messages = [bytes([serial]) * quarter for serial in range(10)]
    tail = tail_at(0, *messages)
    assert tail.since(5) is None
    piece = tail.since(6)
    assert piece == Piece(messages[6], 7)  # larger than a piece, so one at a time
    assert tail_at(0, bytes(TAIL_BYTES_MAX * 2)).since(0) is not None  # one is always held


def test_no_piece_is_larger_than_may_be_sent_at_once() -> None:
    tail = tail_at(0, *[bytes(1000)] * 1000)
    piece = tail.since(0)
    assert piece is not None
    assert PIECE_BYTES <= len(piece.messages) < PIECE_BYTES + 1000
    assert piece.upto == len(piece.messages) // 1000


# ---- streams


@asynccontextmanager
async def live_events(bookkeeper: Bookkeeper) -> AsyncIterator[LiveEvents]:
    live = LiveEvents(bookkeeper.pool, ReadThreads(bookkeeper.pool))
    bookkeeper.sequencer.on_commit(live.wake)
    try:
        yield live
    finally:
        await live.close()


async def read(stream: AsyncIterator[bytes], upto: int) -> list[Any]:
    """The events that a stream gives up to a position."""
    events: list[Any] = []
    async with asyncio.timeout(WAIT_S):
        while not events or events[-1]["position"] < upto:
            piece = await anext(stream)
            lines = [line for line in piece.splitlines() if line.startswith(b"data: ")]
            events += [json.loads(line[6:]) for line in lines]
    return events


def over(bookkeeper: Bookkeeper, reading: Callable[[LiveEvents], Awaitable[None]]) -> None:
    async def run() -> None:
        async with live_events(bookkeeper) as live:
            await reading(live)

    asyncio.run(run())


def test_readers_from_everywhere_have_every_event_once_and_in_order(
    bookkeeper: Bookkeeper,
) -> None:
    bookkeeper.issue("B", "1000000.00")
    bookkeeper.submit(*(payment(f"A{n}", "B", "1.00") for n in range(300)))
    head = len(bookkeeper.events())

    async def reading(live: LiveEvents) -> None:
        begins = [0, 1, head - 1, head] * 5
        readers = [
            asyncio.create_task(read(live.stream(bookkeeper.ledger_id, after), head + 200))
            for after in begins
        ]
        write = asyncio.create_task(asyncio.to_thread(pay_one_by_one, bookkeeper, 100))
        for after, reader in zip(begins, readers, strict=True):
            positions = [event["position"] for event in await reader]
            assert positions[:200] == list(range(after + 1, after + 201))
            assert positions == list(range(after + 1, positions[-1] + 1))
        await write

    over(bookkeeper, reading)


def pay_one_by_one(bookkeeper: Bookkeeper, count: int) -> None:
    for n in range(count):
        bookkeeper.apply(f"B{n}", "B", "1.00")


def test_one_thread_follows_for_all_readers_and_ends_with_the_last(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "1.00")

    async def reading(live: LiveEvents) -> None:
        streams: Any = [live.stream(bookkeeper.ledger_id, 0) for _ in range(3)]
        for stream in streams:
            await read(stream, 2)
        assert live.streams == 3
        [followed] = live._followed.values()
        for stream in streams:
            await stream.aclose()
        assert live.streams == 0
        assert live._followed == {}
        assert await asyncio.to_thread(followed.follower.join, WAIT_S)

    over(bookkeeper, reading)


def test_an_ending_server_ends_its_streams_and_opens_no_more(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "1.00")

    async def reading(live: LiveEvents) -> None:
        stream = live.stream(bookkeeper.ledger_id, 0)
        await read(stream, 2)
        waiting = asyncio.ensure_future(anext(stream, None))
        await asyncio.sleep(0)
        live.end()
        assert await asyncio.wait_for(waiting, WAIT_S) is None
        with pytest.raises(UnavailableError):
            live.stream(bookkeeper.ledger_id, 0)

    over(bookkeeper, reading)


def test_a_stream_whose_follower_has_failed_ends(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookkeeper.issue("B", "1.00")

    async def reading(live: LiveEvents) -> None:
        stream = live.stream(bookkeeper.ledger_id, 0)
        await read(stream, 2)
        monkeypatch.setattr(Tail, "take", unreadable)
        await asyncio.to_thread(bookkeeper.apply, "P", "B", "1.00")
        assert await asyncio.wait_for(anext(stream, None), WAIT_S) is None

    over(bookkeeper, reading)


def unreadable(*_: object) -> None:
    raise ValueError("nobody can read this")
