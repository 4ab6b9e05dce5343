"""What follows a ledger: it goes on where it stood, whatever happened meanwhile."""

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection
from psycopg_pool import ConnectionPool

from ledger.library.following import Follower, LedgerApplication, application_of
from ledger.library.recorder import LedgerRecorder
from ledger.postgres.database import Database
from payments.events import PaymentApplied
from tests.support.bookkeeper import Bookkeeper, fresh_pool, superuser

WAIT_S = 20.0


class Numbers(POPOTrackingRecorder):
    """A view: the numbers of payments in the order in which they were applied for."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []

    def take(self, pay_app_no: str, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self.taken.append(pay_app_no)


class NumbersProjection(Projection[Numbers]):
    name = "numbers"
    topics = (PaymentApplied.TYPE,)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        if domain_event.pay_app_no == "UNREADABLE":
            raise ValueError("nobody can read this")
        self.view.take(domain_event.pay_app_no, tracking)


@pytest.fixture
def followers(database: Database) -> Iterator[ConnectionPool]:
    """Connections of their own for those who follow."""
    with fresh_pool(database.app_conninfo) as pool:
        yield pool


def follower(pool: ConnectionPool, bookkeeper: Bookkeeper, view: Numbers, **more: Any) -> Follower:
    recorder = LedgerRecorder(pool, bookkeeper.ledger_id, poll_ms=5)
    application = application_of(recorder, LedgerApplication)()
    return Follower(application, NumbersProjection(view), **more)


def applied_at(bookkeeper: Bookkeeper) -> int:
    """The position of the last application."""
    return max(p for p, name, _ in bookkeeper.events() if name == PaymentApplied.TYPE)


def test_it_goes_on_where_its_view_stands(
    bookkeeper: Bookkeeper, followers: ConnectionPool
) -> None:
    bookkeeper.issue("B", "1000.00")
    bookkeeper.apply("P1", "B", "1.00")
    view = Numbers()
    first = follower(followers, bookkeeper, view)
    first.start()
    view.wait("440000000-2026", applied_at(bookkeeper), WAIT_S)
    first.stop()
    assert first.join(WAIT_S)

    bookkeeper.apply("P2", "B", "1.00")  # nobody follows
    assert view.taken == ["P1"]

    second = follower(followers, bookkeeper, view)
    second.start()
    bookkeeper.apply("P3", "B", "1.00")
    view.wait("440000000-2026", applied_at(bookkeeper), WAIT_S)
    second.stop()
    assert second.join(WAIT_S)
    assert view.taken == ["P1", "P2", "P3"]


def test_a_lost_database_is_asked_again(bookkeeper: Bookkeeper, followers: ConnectionPool) -> None:
    bookkeeper.issue("B", "1000.00")
    bookkeeper.apply("P1", "B", "1.00")
    view = Numbers()
    following = follower(followers, bookkeeper, view)
    following.start()
    view.wait("440000000-2026", applied_at(bookkeeper), WAIT_S)
    with followers.connection() as connection:
        pid = connection.info.backend_pid
    with superuser(followers.conninfo) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    bookkeeper.apply("P2", "B", "1.00")
    view.wait("440000000-2026", applied_at(bookkeeper), WAIT_S)
    following.stop()
    assert following.join(WAIT_S)
    assert view.taken == ["P1", "P2"]


def test_an_event_that_cannot_be_taken_in_stops_it_before_that_event(
    bookkeeper: Bookkeeper, followers: ConnectionPool
) -> None:
    bookkeeper.issue("B", "1000.00")
    for number in ("P1", "UNREADABLE", "P3"):
        bookkeeper.apply(number, "B", "1.00")
    view, told = Numbers(), queue.Queue[Exception]()
    following = follower(followers, bookkeeper, view, on_failure=told.put)
    following.start()
    assert str(told.get(timeout=WAIT_S)) == "nobody can read this"
    assert following.join(WAIT_S)
    assert view.taken == ["P1"]


def test_one_that_is_stopped_before_it_began_takes_nothing(
    bookkeeper: Bookkeeper, followers: ConnectionPool
) -> None:
    bookkeeper.issue("B", "1000.00")
    bookkeeper.apply("P1", "B", "1.00")
    view = Numbers()
    following = follower(followers, bookkeeper, view)
    following.stop()
    following.start()
    assert following.join(WAIT_S)
    assert view.taken == []
