"""What follows a ledger without belonging to it, by the ``eventsourcing`` library's own interface.

A :class:`~eventsourcing.projection.Projection` takes events in; its view, a ``TrackingRecorder``,
keeps what it makes of them together with how far it has come. A :class:`Follower` runs one
projection on one ledger: from where the view stands, live, until it is stopped. So live streams
attach (api/http/live.py), and so does whatever else is told what a ledger says.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import structlog
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, Mapper, OperationalError, StoredEvent
from eventsourcing.popo import POPOFactory
from eventsourcing.projection import ApplicationSubscription, Projection
from eventsourcing.utils import Environment

from ledger.account_set import ledger_text
from ledger.library.recorder import LedgerMapper, LedgerNotification, LedgerRecorder
from ledger.reading.objects import StoredRow

log = structlog.get_logger(__name__)

RETRY_S = 1.0  # while the database is away


class LedgerApplication(Application[UUID]):
    """A ledger as the library sees one; :func:`application_of` binds it to a recorder."""

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """In memory, whatever the environment says: the ledger's recorder has the events."""
        return POPOFactory(env)

    def construct_mapper(self) -> Mapper[UUID]:
        return LedgerMapper(transcoder=self.construct_transcoder())


class StoredRows(LedgerApplication):
    """A ledger whose events come as they are stored, undecoded: for those who pass them on."""

    def construct_mapper(self) -> Mapper[UUID]:
        return _RowMapper(transcoder=self.construct_transcoder())


class _RowMapper(Mapper[UUID]):
    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        assert isinstance(stored_event, LedgerNotification)
        assert isinstance(stored_event.originator_id, UUID)
        return StoredRow(
            position=stored_event.id,
            stream_id=stored_event.originator_id,
            stream_version=stored_event.originator_version,
            type=stored_event.topic,
            recorded_at=stored_event.recorded_at,
            effective_on=stored_event.effective_on,
            payload=stored_event.state,
            digest=stored_event.digest,
        )


OfALedger = TypeVar("OfALedger", bound=LedgerApplication)


def application_of(recorder: LedgerRecorder, kind: type[OfALedger]) -> type[OfALedger]:
    """The ledger as an application class, which is what the library's own runners take.

    Its name, under which views keep their positions, is the ledger's: ``440000000-2026``.
    """
    members = {
        "name": ledger_text(recorder.ledger_id),
        "construct_recorder": lambda _application: recorder,
    }
    return type(kind.__name__, (kind,), members)


class Follower:
    """Runs a projection on a ledger, in a thread of its own.

    While the database is away it tries again, from the position that the view has kept. Whatever
    else is raised stops it, because it would be raised again for ever or an event be passed over.

    Args:
        application: the ledger. Its recorder's :meth:`~LedgerRecorder.wake` makes seen at once
            what this process writes; the rest is noticed by asking.
        projection: takes the events in; its ``topics`` choose among them.
        on_failure: told what has stopped it, in its thread.
    """

    def __init__(
        self,
        application: LedgerApplication,
        projection: Projection[Any],
        on_failure: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._application = application
        self._projection = projection
        self._on_failure = on_failure
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._subscription: ApplicationSubscription[UUID] | None = None
        name = f"{projection.name} of {application.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the event in hand; does not wait for that."""
        self._stopping.set()
        with self._lock:
            if self._subscription is not None:
                self._subscription.stop()

    def join(self, timeout_s: float) -> bool:
        """Waits until it has ended; False if it has not in that time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._follow()
                except OperationalError as error:
                    log.warning("will follow again", what=self._thread.name, error=str(error))
                    self._stopping.wait(RETRY_S)
        except Exception as error:
            log.exception("follows no longer", what=self._thread.name)
            self._on_failure(error)
        finally:
            self._application.close()

    def _follow(self) -> None:
        name, view = self._application.name, self._projection.view
        with ApplicationSubscription(
            self._application, gt=view.max_tracking_id(name), topics=self._projection.topics
        ) as subscription:
            with self._lock:
                self._subscription = subscription
            if self._stopping.is_set():  # said before there was anything to stop
                return
            for event, tracking in subscription:
                self._projection.process_event(event, tracking)
