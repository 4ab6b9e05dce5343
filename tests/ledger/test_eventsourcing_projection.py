"""A projection of the eventsourcing library, run by that library, on a ledger our sequencer writes.

docs/eventsourcing.md shows the classes of this file.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_id
from ledger.library.following import LedgerApplication, application_of
from ledger.library.recorder import LedgerRecorder
from ledger.money import parse_yuan, yuan
from payments.events import PaymentApplied, VoucherReceipted
from projections.core.runner import Runner
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.waiting import HANG_S


class PaidByAgency(POPOTrackingRecorder):
    """A view: what each unit has been paid. Amounts and position change together."""

    def __init__(self) -> None:
        super().__init__()
        self._agency_of: dict[str, str] = {}
        self._paid_fen: Counter[str] = Counter()

    def applied(self, pay_app_no: str, agency_code: str, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self._agency_of[pay_app_no] = agency_code

    def paid(self, pay_app_no: str, amount_fen: int, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self._paid_fen[self._agency_of[pay_app_no]] += amount_fen

    def amount(self, agency_code: str) -> str:
        return yuan(self._paid_fen[agency_code])


class PaidByAgencyProjection(Projection[PaidByAgency]):
    """Follows two of the ledger's event types."""

    name = "paid_by_agency"
    topics = (PaymentApplied.TYPE, VoucherReceipted.TYPE)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise AssertionError(f"{domain_event} is of none of the topics")

    @process_event.register
    def _(self, applied: PaymentApplied, tracking: Tracking) -> None:
        self.view.applied(applied.pay_app_no, applied.agency_code, tracking)

    @process_event.register
    def _(self, receipted: VoucherReceipted, tracking: Tracking) -> None:
        amount_fen = parse_yuan(receipted.xpay_amt, zero=True)
        self.view.paid(receipted.pay_app_no, amount_fen, tracking)


@pytest.fixture
def runner(
    bookkeeper: Bookkeeper,
) -> Iterator[ProjectionRunner[LedgerApplication, PaidByAgency]]:
    bookkeeper.issue("B", "1000.00")
    bookkeeper.pay("P1", "B", "100.00")  # before anybody follows
    recorder = LedgerRecorder(bookkeeper.pool, bookkeeper.ledger_id)
    bookkeeper.sequencer.on_commit(recorder.wake)
    with ProjectionRunner(
        application_class=application_of(recorder, LedgerApplication),
        projection_class=PaidByAgencyProjection,
        view_class=PaidByAgency,
    ) as runner:
        yield runner


def test_it_follows_payments_from_the_beginning_and_live(
    bookkeeper: Bookkeeper, runner: ProjectionRunner[LedgerApplication, PaidByAgency]
) -> None:
    bookkeeper.pay("P2", "B", "20.00")
    bookkeeper.pay("P3", "B", "3.00", "1")  # its only line fails
    receipts = [p for p, name, _ in bookkeeper.events() if name == VoucherReceipted.TYPE]
    runner.wait(receipts[-1], timeout=HANG_S)
    assert runner.view.amount("101001") == "120.00"
    assert runner.view.max_tracking_id("440000000-2026") == receipts[-1]


def test_an_event_is_taken_in_once(
    bookkeeper: Bookkeeper, runner: ProjectionRunner[LedgerApplication, PaidByAgency]
) -> None:
    [receipt] = [p for p, name, _ in bookkeeper.events() if name == VoucherReceipted.TYPE]
    runner.wait(receipt, timeout=HANG_S)
    with pytest.raises(IntegrityError):
        runner.view.paid("P1", 10_000, Tracking("440000000-2026", receipt))
    assert runner.view.amount("101001") == "100.00"


def test_a_subscription_misses_nothing_that_many_threads_write(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "1000000.00")
    recorder = LedgerRecorder(bookkeeper.pool, bookkeeper.ledger_id, poll_ms=5)

    def write(name: str) -> None:
        for i in range(20):
            bookkeeper.do(payment(f"{name}-{i}", "B", "1.00"))

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    with recorder.subscribe(gt=0, topics=[PaymentApplied.TYPE]) as subscription:
        for writer in writers:
            writer.start()
        seen = [next(subscription).id for _ in range(80)]
    for writer in writers:
        writer.join()
    assert seen == [p for p, name, _ in bookkeeper.events() if name == PaymentApplied.TYPE]


class Reminder(Aggregate):
    """An aggregate of somebody's own application."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_done = False

    @event("Done")
    def done(self) -> None:
        self.is_done = True


class Reminders(LedgerApplication):
    """Keeps its aggregates in a ledger."""


def test_an_application_keeps_its_aggregates_in_a_ledger(pool: ConnectionPool) -> None:
    recorder = LedgerRecorder(pool, ledger_id("459999999", 2026))
    recorder.create()
    app = application_of(recorder, Reminders)()
    reminder = Reminder("对账")
    app.save(reminder)
    reminder.done()
    [recording] = app.save(reminder)
    assert recording.notification.id == 2
    again: Reminder = app.repository.get(reminder.id)
    assert (again.text, again.is_done) == ("对账", True)


def test_projections_of_ours_pass_over_foreign_events(bookkeeper: Bookkeeper) -> None:
    recorder = LedgerRecorder(bookkeeper.pool, bookkeeper.ledger_id)
    app = application_of(recorder, Reminders)()
    [recording] = app.save(Reminder("关账"))
    bookkeeper.issue("B", "1.00")
    runner = Runner(bookkeeper.pool)
    runner.catch_up()
    assert runner.wait_for(bookkeeper.ledger_id, recording.notification.id + 2, 0)
    assert runner.health().stopped == ()
