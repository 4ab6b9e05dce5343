"""``guoku up`` and ``guoku serve`` as processes of their own, and a data directory for them."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import httpx
import psutil
import pytest

from ledger.postgres.embedded import EmbeddedPostgres
from tests.support import asking
from tests.support.command_line import clean_environment
from tests.support.waiting import HANG_S


class Running:
    """A ``guoku up``, or ``guoku serve``, of its own process, on free ports."""

    LAST_PRINTED: ClassVar[dict[str, str]] = {"up": "token", "serve": "data"}

    def __init__(
        self, data: Path, module: str = "api.cli", command: str = "up", **variables: str
    ) -> None:
        self.command = command
        self.data = data
        ports = {"GUOKU_PORT": "0", "GUOKU_BANK_PORT": "0", "GUOKU_PBOC_PORT": "0"}
        self.environment = clean_environment(**{"GUOKU_DATA": str(data), **ports, **variables})
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, command],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.printed: dict[str, str] = {}

    def wait_until_ready(self) -> "Running":
        """Reads what it prints to the end; what hangs is ended, and its log is shown."""
        assert self.process.stdout is not None
        ends = threading.Timer(HANG_S, self.process.kill)
        ends.start()
        try:
            for line in self.process.stdout:
                name, _, value = line.strip().partition(": ")
                self.printed[name] = value
                if name == self.LAST_PRINTED[self.command]:
                    return self
        finally:
            ends.cancel()
        self.process.wait(HANG_S)
        raise AssertionError(f"not ready:\n{self.log_tail()}")

    def get(self, path: str, token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.printed["api"] + path
        return asking.get(url, headers=headers)

    def children(self) -> dict[str, psutil.Process]:
        """The simulators that run now, by command."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it may end while we look
                for name in {"bank-sim", "pboc-sim"}.intersection(child.cmdline()):
                    found[name] = child
        return found

    def postmaster(self) -> psutil.Process:
        pid = EmbeddedPostgres(self.data).postmaster_pid()
        assert pid is not None
        return psutil.Process(pid)

    def log_tail(self) -> str:
        return self.log.read_text()[-4000:]

    def stop(self, signum: int = signal.SIGTERM) -> int:
        self.process.send_signal(signum)
        return self.process.wait(HANG_S)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory; whatever of its server a failed test leaves is stopped.

    Not in pytest's own directory: each pytest that root starts takes the right to enter that one
    away from everybody else, also from a Postgres that runs there.
    """
    with TemporaryDirectory(prefix="guoku-up-") as directory:
        data = Path(directory).resolve() / "data"
        yield data
        if EmbeddedPostgres(data).postmaster_pid() is not None:
            with EmbeddedPostgres(data).own():
                pass


def wait_for_end_of(*processes: psutil.Process) -> None:
    _, alive = psutil.wait_procs(processes, timeout=HANG_S)
    assert not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
