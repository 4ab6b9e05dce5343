"""Projections that follow a ledger while it is written: at once, by polling, after an outage."""

import threading

import pytest
from psycopg_pool import ConnectionPool

from ledger.errors import IntegrityError
from ledger.postgres.database import Database
from projections.core.advance import RowsTarget, advance, start_live
from projections.core.facts import ProjectionError
from projections.core.fold import Projection
from projections.core.runner import Runner
from projections.payments import Payments
from projections.queries import (
    list_indicators,
)
from tests.support.bookkeeper import Bookkeeper
from tests.support.histories import commit_ends, live_positions, mixed_history
from tests.support.waiting import HANG_S

# ---- following live


def test_a_projector_that_rests_moves_at_once_for_a_reader(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a pass it rests, so that what commits meanwhile is written once; a reader is not kept
    waiting by that."""
    monkeypatch.setattr("projections.core.runner.REST_S_MAX", 3600.0)
    monkeypatch.setattr("projections.core.runner.REST_FACTOR", 1e9)
    b = bookkeeper
    runner = Runner(b.pool, poll_ms=5)
    b.sequencer.on_commit(runner.wake)
    runner.start()
    try:
        first = b.issue("B1", "100.00")
        assert runner.wait_for(b.ledger_id, first.last_position, HANG_S)
        # the reader's last word may be heard after he has read: then it moves once more, and rests
        for number in range(2, 7):
            unread = b.issue(f"B{number}", "100.00")
            threading.Event().wait(0.1)
            if rests := unread.last_position not in live_positions(b).values():
                break
        assert rests
        assert runner.wait_for(b.ledger_id, unread.last_position, HANG_S)
    finally:
        runner.close()


def test_what_was_just_committed_can_be_waited_for(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    runner = Runner(b.pool, poll_ms=60_000)  # only the sequencer's word wakes it
    b.sequencer.on_commit(runner.wake)
    runner.start()
    try:
        for number in range(5):
            outcome = b.issue(f"B{number}", "100.00")
            assert runner.wait_for(b.ledger_id, outcome.last_position, HANG_S)
            with b.pool.connection() as connection:
                page = list_indicators(connection, b.ledger_id)
            assert len(page.items) == number + 1
            assert page.position >= outcome.last_position
        assert runner.health().reasons == []
    finally:
        runner.close()
    assert runner.health().reasons == ["the projector does not run"]


def test_what_another_process_commits_is_found_by_polling(bookkeeper: Bookkeeper) -> None:
    runner = Runner(bookkeeper.pool, poll_ms=10)
    runner.start()
    try:
        moved = threading.Event()
        while not moved.wait(0.01):
            if live_positions(bookkeeper).get("refusals") == 1:  # nobody called wake()
                moved.set()
    finally:
        runner.close()


def test_waiting_ends_without_a_runner(bookkeeper: Bookkeeper) -> None:
    runner = Runner(bookkeeper.pool, poll_ms=5)
    assert not runner.wait_for(bookkeeper.ledger_id, 1, 0.02)
    Runner(bookkeeper.pool).catch_up()  # another process, as seen from here
    assert runner.wait_for(bookkeeper.ledger_id, 1, 0)
    assert not runner.wait_for(bookkeeper.ledger_id, 2, 0)


def test_the_lag_is_shown(bookkeeper: Bookkeeper) -> None:
    mixed_history(bookkeeper)
    first, head = commit_ends(bookkeeper)[0], commit_ends(bookkeeper)[-1]
    runner = Runner(bookkeeper.pool, batch_events=1)
    runner.run_once()
    assert runner.health().lag == {bookkeeper.ledger_id: head - first}
    runner.catch_up()
    assert runner.health().lag == {}


def test_a_database_that_is_away_is_waited_for(database: Database) -> None:
    with ConnectionPool(
        database.app_conninfo + " port=1", min_size=0, max_size=1, timeout=0.05, open=True
    ) as pool:
        runner = Runner(pool, poll_ms=5)
        runner.start()
        try:
            while not runner.health().error:
                threading.Event().wait(0.01)
            assert "the projector cannot work" in runner.health().reasons[0]
        finally:
            runner.close()


def test_events_about_something_unknown_are_an_integrity_error(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    b.apply("P", "B", "1.00")
    middle = commit_ends(b)[-1]
    b.approve("P")
    projection: Projection = Payments()
    with b.pool.connection() as connection:
        start_live(connection, b.ledger_id, [projection])
        with pytest.raises(ProjectionError) as error:
            advance(connection, b.ledger_id, [RowsTarget(projection, 1)], middle, upto=middle + 1)
        connection.rollback()
    assert isinstance(error.value.__cause__, IntegrityError)
    assert "'P'" in str(error.value.__cause__)
