"""What goes wrong while clients work: each breaks something, waits until it was felt, and mends it.

That it was felt is seen from the callers: questions whose answer is not known, or some that were
answered all the same. Nothing is to be asserted here; whatever comes of it, the end is judged.
"""

import random
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

import psutil

from tests.faults.model.caller import Tally
from tests.faults.model.installation import MAIN, SECOND, Installation, stopped

FELT_MAX_S = 6.0  # longer than a client's patience
POLL_S = 0.02
OUTAGES = ("bare-400", "html-200", "html-502", "error-500", "silence", "lost-answers")

Breakage = Callable[["FaultInjector"], None]


class FaultInjector:
    """Breaks what a seed chooses, one thing after the other, while there is somebody at work."""

    def __init__(
        self,
        installation: Installation,
        tally: Tally,
        chance: random.Random,
        at_work: Callable[[], bool],
    ) -> None:
        self.installation = installation
        self.chance = chance
        self._tally = tally
        self._at_work = at_work

    def until_felt(self) -> None:
        """Until a few questions were left in doubt, or more were answered all the same."""
        unknown, answers = self._tally.unknown, self._tally.answers
        self._until(
            lambda: self._tally.unknown >= unknown + 3 or self._tally.answers >= answers + 25
        )

    def until_more_is_done(self) -> None:
        answers = self._tally.answers
        self._until(lambda: self._tally.answers >= answers + 20)

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = monotonic() + FELT_MAX_S
        while not holds() and self._at_work() and monotonic() < deadline:
            threading.Event().wait(POLL_S)

    def break_all(self, breakages: Sequence[Breakage]) -> None:
        for breakage in breakages:
            self.until_more_is_done()
            breakage(self)


def kill_main(injector: FaultInjector) -> None:
    injector.installation.kill(MAIN)
    injector.installation.start(MAIN)


def kill_second(injector: FaultInjector) -> None:
    injector.installation.kill(SECOND)
    injector.installation.start(SECOND)


def stop_a_server(injector: FaultInjector) -> None:
    command = injector.chance.choice((MAIN, SECOND))
    with stopped(injector.installation.server(command)):
        injector.until_felt()


def kill_a_backend(injector: FaultInjector) -> None:
    """Postgres ends all others with it, and recovers."""
    backends = injector.installation.backends()
    if backends:
        with suppress(psutil.Error):
            injector.chance.choice(backends).kill()
    injector.until_felt()


def kill_postgres(injector: FaultInjector) -> None:
    """The whole of it; the server that owns it starts it again."""
    injector.installation.postmaster().kill()
    injector.until_felt()


def shut_postgres_down(injector: FaultInjector) -> None:
    """As an operator would, under everybody's work: all sessions end, and it stays away."""
    with suppress(psutil.Error):
        injector.installation.postmaster().send_signal(signal.SIGINT)
    injector.until_felt()


def stop_backends(injector: FaultInjector) -> None:
    with stopped(*injector.installation.backends()):
        injector.until_felt()


def kill_writers(injector: FaultInjector) -> None:
    for writer in injector.installation.writers():
        with suppress(psutil.Error):
            writer.kill()
    injector.until_felt()


def kill_bank(injector: FaultInjector) -> None:
    if (bank := injector.installation.bank()) is not None:
        with suppress(psutil.Error):
            bank.kill()
    injector.until_felt()


def kill_central_bank(injector: FaultInjector) -> None:
    if (central_bank := injector.installation.central_bank()) is not None:
        with suppress(psutil.Error):
            central_bank.kill()
    injector.until_felt()


def stop_bank(injector: FaultInjector) -> None:
    if (bank := injector.installation.bank()) is not None:
        with stopped(bank):
            injector.until_felt()


def outage(injector: FaultInjector) -> None:
    injector.installation.tell_bank(injector.chance.choice(OUTAGES))
    try:
        injector.until_felt()
    finally:
        injector.installation.tell_bank("none")


BREAKAGES: tuple[tuple[Breakage, int], ...] = (
    (kill_main, 2),
    (kill_second, 2),
    (stop_a_server, 2),
    (kill_a_backend, 2),
    (kill_postgres, 2),
    (shut_postgres_down, 1),
    (stop_backends, 1),
    (kill_writers, 2),
    (kill_bank, 2),
    (kill_central_bank, 1),
    (stop_bank, 1),
    (outage, 4),
)
