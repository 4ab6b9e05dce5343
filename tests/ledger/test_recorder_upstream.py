"""The test cases that the eventsourcing package ships, unchanged, against a ledger as a recorder.

Each test has a ledger of its own, so its first notification id is 1.
"""

from collections.abc import Iterator
from itertools import count
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import (
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)
from eventsourcing.tests import persistence as upstream
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_id
from ledger.library.recorder import LedgerAggregateRecorder, LedgerRecorder
from ledger.postgres.database import Database
from tests.support.bookkeeper import Bookkeeper, fresh_pool

_divisions = count(450_000_000, 1)


def fresh_ledger() -> int:
    return ledger_id(str(next(_divisions)), 2026)


class OnAPool:
    """A pool for the test cases, which are written for unittest."""

    @pytest.fixture(autouse=True)
    def _pool(self, module_database: Database) -> Iterator[None]:
        with fresh_pool(module_database.app_conninfo) as pool:
            self.pool = pool
            yield


class TestAggregateRecorder(OnAPool, upstream.AggregateRecorderTestCase):
    def create_recorder(self) -> LedgerAggregateRecorder:
        recorder = LedgerAggregateRecorder(self.pool, fresh_ledger())
        recorder.create()
        return recorder


class TestApplicationRecorder(OnAPool, upstream.ApplicationRecorderTestCase[LedgerRecorder]):
    def create_recorder(self) -> LedgerRecorder:
        recorder = LedgerRecorder(self.pool, fresh_ledger())
        recorder.create()
        return recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleaving(OnAPool, upstream.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LedgerRecorder:
        recorder = LedgerRecorder(self.pool, fresh_ledger())
        recorder.create()
        return recorder


# ---- what a ledger asks beyond the library's own cases


def stored(version: int = 1, topic: str = "shop:Order.Opened") -> StoredEvent:
    return StoredEvent(uuid4(), version, topic, b"{}")


@pytest.fixture
def recorder(pool: ConnectionPool) -> LedgerRecorder:
    recorder = LedgerRecorder(pool, fresh_ledger())
    recorder.create()
    return recorder


def test_positions_have_no_gap_after_a_refused_insert(recorder: LedgerRecorder) -> None:
    event = stored()
    assert recorder.insert_events([event]) == [1]
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(), event])
    assert recorder.insert_events([stored(), stored()]) == [2, 3]
    assert recorder.max_notification_id() == 3


def test_inserts_extend_the_chain_as_commits(
    recorder: LedgerRecorder, owner_conn: psycopg.Connection
) -> None:
    recorder.insert_events([stored(), stored()])
    recorder.insert_events([stored()])
    commits = owner_conn.execute(
        "SELECT first_position, position FROM commits WHERE ledger_id = %s ORDER BY position",
        (recorder.ledger_id,),
    ).fetchall()
    assert commits == [(1, 2), (3, 3)]
    chains = owner_conn.execute(
        "SELECT l.chain = c.chain FROM ledgers l JOIN commits c USING (ledger_id, position)"
        " WHERE ledger_id = %s",
        (recorder.ledger_id,),
    ).fetchall()
    assert chains == [(True,)]


def test_a_ledger_that_was_not_created_takes_nothing(pool: ConnectionPool) -> None:
    with pytest.raises(ProgrammingError, match="not created"):
        LedgerRecorder(pool, fresh_ledger()).insert_events([stored()])


def test_the_ledgers_own_types_are_not_written_from_outside(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "100.00")
    recorder = LedgerRecorder(bookkeeper.pool, bookkeeper.ledger_id)
    head = recorder.max_notification_id()
    with pytest.raises(ProgrammingError, match="sequencer"):
        recorder.insert_events([stored(topic="payment.applied")])
    indicator = recorder.select_notifications(2, 1)[0]
    onto = StoredEvent(indicator.originator_id, 99, "shop:Order.Opened", b"{}")
    with pytest.raises(ProgrammingError, match="belongs to the ledger"):
        recorder.insert_events([onto])
    assert recorder.max_notification_id() == head


def test_the_sequencer_goes_on_behind_foreign_events(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "100.00")
    recorder = LedgerRecorder(bookkeeper.pool, bookkeeper.ledger_id)
    [position] = recorder.insert_events([stored()])
    outcome = bookkeeper.apply("P", "B", "60.00")
    assert outcome.first_position == position + 1
    assert bookkeeper.figures("B")["available"] == "40.00"


def test_what_cannot_be_kept_is_said(recorder: LedgerRecorder) -> None:
    with pytest.raises(NotSupportedError, match="tracking"):
        recorder.insert_events([stored()], tracking=Tracking("upstream", 1))
    with pytest.raises(ProgrammingError, match="UUID"):
        recorder.select_events("order-1")
    assert recorder.max_notification_id() is None
