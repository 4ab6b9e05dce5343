"""Acting at the machine itself, without the whole core: what a short command writes, and when.

Whoever has the machine needs no token and no second person, and is spared nothing else: what is
written so is on record, waits for clocks that agree, and for a history of which nothing is lost.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg

from api.settings import Settings
from ledger.errors import UnavailableError
from ledger.gm import PublicKey
from ledger.postgres.database import connect
from ledger.sealing.cosigner import WitnessAddress
from ledger.sealing.history_guard import ConnectionSource, HistoryGuard
from ledger.sealing.memory import RememberedHistory
from ledger.sealing.witness_memory import asked_of
from ledger.writing.clocks import Clock
from ledger.writing.conditions import Conditions


class AtMachine(NamedTuple):
    """A connection as the application's role, and on what conditions anything is written on it."""

    connection: psycopg.Connection
    conditions: Conditions


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def at_machine(settings: Settings, conninfo: str, *, clock: Clock = now) -> Iterator[AtMachine]:
    """Connects; commits at the end.

    What remembers the history is asked when something is about to be written, and then once: a
    command that only reads does not wait for a witness. A clock is held against the server's alone:
    a program that has just begun has not seen it being set.
    """
    guard = history_guard(settings, _Afresh(conninfo))
    looked = False

    def history_fault(ledger_id: int, position: int) -> UnavailableError | None:
        nonlocal looked
        if not looked:
            guard.look(marks=False)
            looked = True
        return guard.fault(ledger_id, position)

    tolerance = timedelta(seconds=settings.clock_tolerance_s)
    with connect(conninfo) as connection:
        yield AtMachine(connection, Conditions(clock, tolerance, history_fault))


class _Afresh(NamedTuple):
    """A connection each time: the one at hand has a head locked when the history is looked at."""

    conninfo: str

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        with connect(self.conninfo) as opened:
            yield opened


def history_guard(settings: Settings, connections: ConnectionSource) -> HistoryGuard:
    """The guard of the database that these settings and connections are of."""
    return HistoryGuard(
        connections, settings.checkpoints_path, settings.mark_path, _witnesses(settings)
    )


def _witnesses(settings: Settings) -> Callable[[Sequence[int]], list[RememberedHistory]]:
    """What the witnesses of the settings remember."""

    def ask(ledger_ids: Sequence[int]) -> list[RememberedHistory]:
        return [
            remembered
            for each in settings.witnesses
            for remembered in asked_of(
                WitnessAddress(each.name, each.url, PublicKey.from_hex(each.public_key)),
                ledger_ids,
                settings.witness_timeout_s,
            )
        ]

    return ask
