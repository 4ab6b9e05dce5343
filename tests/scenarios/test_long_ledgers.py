"""What broke only when a ledger grew."""

from collections.abc import Iterator, KeysView

import msgspec
import psycopg
import pytest

import ledger.deciding.cached_objects
import projections.core.advance
from ledger.deciding.cached_objects import CachedObject
from payments.payment import PAYMENT
from projections.catalogue import PROJECTIONS
from projections.core.advance import RowsTarget, advance, start_live
from projections.core.rebuild import verify
from projections.core.runner import Runner
from tests.support.bookkeeper import Bookkeeper, detail, payment, receipt
from tests.support.histories import commit_ends

BULK, BULKS = 5_000, 7


def test_the_projector_passes_position_32767(bookkeeper: Bookkeeper) -> None:
    """The driver sends small numbers as smallint, and their sum overflowed: the projector stood."""
    for bulk in range(BULKS):
        refused = [payment(f"P{bulk}-{n}", "nowhere", "1.00") for n in range(BULK)]
        bookkeeper.submit(*refused)
    bookkeeper.issue("B", "1.00")
    Runner(bookkeeper.pool, batch_events=BULK - 1).catch_up()
    report = verify(bookkeeper.pool, bookkeeper.ledger_id)
    assert report.equal
    [(position,)] = bookkeeper.sql(
        "SELECT min(position) FROM proj_positions WHERE ledger_id = %s AND live"
    )
    assert position > BULK * BULKS


def test_long_payments_leave_the_cache_and_are_judged_all_the_same(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger.deciding.cached_objects, "COSTLY_CACHED_MAX", 5)
    bookkeeper.issue("B", "100.00")
    lines = tuple(detail(f"d{n}", "1.00") for n in range(3))
    approved = []
    for number in ("P1", "P2", "P3", "P4"):
        bookkeeper.apply(number, "B", "3.00", details=lines)
        approved.append(bookkeeper.approve(number))
        bookkeeper.sign(number)
    forged = receipt(approved[0], "d3")
    forged = msgspec.structs.replace(forged, lines=forged.lines[:2], xpay_fen=200)
    assert bookkeeper.refusal(forged, "bank") == "receipt_mismatch"
    for payment_ in approved:
        bookkeeper.receipt(payment_, "d1")
    state = bookkeeper.sequencer._queues[bookkeeper.ledger_id].state
    assert sum(state.get(PAYMENT, number) is not None for number in ("P1", "P2", "P3", "P4")) == 1
    assert bookkeeper.refund("P1", "2.00").problem is None


class Walked(dict[str, CachedObject]):
    """A cache that notes who asks for more than what is looked up in it."""

    walks = 0

    def keys(self) -> KeysView[str]:
        self.walks += 1
        return super().keys()

    def __iter__(self) -> Iterator[str]:
        self.walks += 1
        return super().__iter__()


def test_a_small_batch_does_not_walk_the_cache(bookkeeper: Bookkeeper) -> None:
    """A single payment cost as much as the cache was long: a fifth of them went with 35,000."""
    bookkeeper.issue("B", "100.00")
    bookkeeper.apply("P1", "B", "1.00")
    state = bookkeeper.sequencer._queues[bookkeeper.ledger_id].state
    cached = {name: Walked(cached) for name, cached in state._cached.items()}
    state._cached.update(cached)
    bookkeeper.apply("P2", "B", "1.00")
    bookkeeper.approve("P1")
    assert "P2" in cached[PAYMENT.name]
    assert not any(cached.walks for cached in cached.values())


def test_a_batch_of_the_projector_ends_before_it_fills_the_memory(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookkeeper.issue("B", "100.00")
    for number in ("P1", "P2", "P3"):
        bookkeeper.apply(number, "B", "1.00")
    payload_bytes = bookkeeper.sql(
        "SELECT octet_length(payload) FROM events WHERE ledger_id = %s ORDER BY position"
    )
    ends = commit_ends(bookkeeper)
    upto_second = sum(size for (size,) in payload_bytes[: ends[2]])
    monkeypatch.setattr(projections.core.advance, "BATCH_BYTES", upto_second)
    targets = [RowsTarget(projection, 1) for projection in PROJECTIONS]
    with bookkeeper.pool.connection() as connection:
        start_live(connection, bookkeeper.ledger_id, PROJECTIONS)
        place, places = 0, []
        while (
            after := advance(connection, bookkeeper.ledger_id, targets, place, upto=ends[-1])
        ) > place:
            place = after
            places.append(after)
    assert places[0] == ends[2]
    assert places[-1] == ends[-1]
    assert verify(bookkeeper.pool, bookkeeper.ledger_id).equal


def test_many_small_commits_do_not_make_the_projector_read_events_again_for_each(
    bookkeeper: Bookkeeper,
) -> None:
    """The events of a batch were measured once for every commit in it."""
    bookkeeper.issue("B", "100.00")
    for number in range(60):
        bookkeeper.apply(f"P{number}", "B", "1.00")
    events = commit_ends(bookkeeper)[-1]
    targets = [RowsTarget(projection, 1) for projection in PROJECTIONS]
    with bookkeeper.pool.connection() as connection:
        start_live(connection, bookkeeper.ledger_id, PROJECTIONS)
        before = _events_read(connection)
        assert advance(connection, bookkeeper.ledger_id, targets, 0, upto=events) == events
        assert _events_read(connection) - before <= 3 * events


def _events_read(connection: psycopg.Connection) -> int:
    row = connection.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'events'"
    ).fetchone()
    assert row is not None
    events: int = row[0]
    return events
