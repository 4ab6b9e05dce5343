"""``guoku up`` with real processes: what it prints, what joins it, how it stops and comes back."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import pytest

from ledger.postgres.embedded import EmbeddedPostgres
from tests.support.command_line import clean_environment, run
from tests.support.waiting import HANG_S, wait_until

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


class Running:
    """A ``guoku up`` of its own process, on free ports."""

    def __init__(self, data: Path, module: str = "api.cli", **variables: str) -> None:
        self.data = data
        ports = {"GUOKU_PORT": "0", "GUOKU_BANK_PORT": "0", "GUOKU_PBOC_PORT": "0"}
        self.environment = clean_environment(**{"GUOKU_DATA": str(data), **ports, **variables})
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "up"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.printed: dict[str, str] = {}

    def wait_until_ready(self) -> "Running":
        """Reads what it prints up to the token; what hangs is ended, and its log is shown."""
        assert self.process.stdout is not None
        ends = threading.Timer(HANG_S, self.process.kill)
        ends.start()
        try:
            for line in self.process.stdout:
                name, _, value = line.strip().partition(": ")
                self.printed[name] = value
                if name == "token":
                    return self
        finally:
            ends.cancel()
        self.process.wait(HANG_S)
        raise AssertionError(f"not ready:\n{self.log_tail()}")

    def get(self, path: str, token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.printed["api"] + path
        return httpx.get(url, headers=headers, timeout=HANG_S, trust_env=False)

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


@pytest.fixture
def running(data: Path) -> Iterator[Running]:
    running = Running(data).wait_until_ready()
    yield running
    _end(running)


def _end(running: Running) -> None:
    if running.process.poll() is None:
        running.stop()
    assert running.process.stdout is not None
    running.process.stdout.close()


def wait_for_end_of(*processes: psutil.Process) -> None:
    _, alive = psutil.wait_procs(processes, timeout=HANG_S)
    assert not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_up_serves_is_joined_and_leaves_nothing_behind(running: Running) -> None:
    printed = running.printed
    assert printed["data"] == str(running.data)
    assert running.get("/healthz").status_code == 200
    assert running.get("/readyz").status_code == 200
    assert httpx.get(printed["docs"], timeout=HANG_S, trust_env=False).status_code == 200
    assert httpx.get(printed["health"], timeout=HANG_S, trust_env=False).status_code == 200
    assert running.get("/v1/ledgers").status_code == 401
    assert running.get("/v1/ledgers", printed["token"]).json()["items"] == []

    # another process with the same data directory works on the same books
    made = run(
        "token", "create", "--principal", "a", "--role", "auditor", "--division", "",
        environment=running.environment,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert running.get("/v1/ledgers", made.stdout.split()[-1]).status_code == 200

    # what is taken is said
    taken = running.printed["api"].rsplit(":", 1)[1]
    again = run("up", "--port", taken, environment=running.environment)
    assert (again.returncode, again.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1:{taken}" in again.stderr
    second = run("up", environment=running.environment)
    assert (second.returncode, second.stdout) == (1, "")
    assert str(running.process.pid) in second.stderr

    children, postmaster = running.children(), running.postmaster()
    assert set(children) == {"bank-sim", "pboc-sim"}
    assert running.stop(signal.SIGTERM) == 0, running.log_tail()
    wait_for_end_of(*children.values(), postmaster)
    assert EmbeddedPostgres(running.data).postmaster_pid() is None
    text = running.log.read_text()
    assert "Traceback" not in text
    assert printed["token"] not in text


def test_a_dead_simulator_is_started_again(running: Running) -> None:
    """It is away for half a second at first and longer after each kill; somewhen we see it away."""

    def is_seen_away() -> bool:
        if bank := running.children().get("bank-sim"):
            bank.kill()
        reasons = running.get("/readyz").json()["reasons"]
        return any("bank-sim ended by SIGKILL" in reason for reason in reasons)

    wait_until(is_seen_away, "the server to say that its bank is away")
    wait_until(lambda: running.get("/readyz").status_code == 200, "the bank's return")
    assert running.children()["bank-sim"].is_running()
    assert running.stop(signal.SIGINT) == 0, running.log_tail()


def test_up_comes_back_after_kill_9_of_everything(data: Path) -> None:
    first = Running(data).wait_until_ready()
    made = run(
        "token", "create", "--principal", "a", "--role", "auditor", "--division", "",
        environment=first.environment,
    )  # fmt: skip
    kept = made.stdout.split()[-1]
    children, postmaster = first.children(), first.postmaster()
    first.process.kill()
    first.process.wait(HANG_S)
    wait_for_end_of(*children.values())  # orphans end by themselves
    os.kill(postmaster.pid, signal.SIGKILL)
    _end(first)

    second = Running(data).wait_until_ready()
    try:
        assert second.get("/v1/ledgers", kept).status_code == 200
        assert second.get("/v1/ledgers", second.printed["token"]).status_code == 200
        assert second.get("/v1/ledgers", first.printed["token"]).status_code == 401
        assert second.stop() == 0, second.log_tail()
    finally:
        _end(second)


def test_who_listens_live_is_told_the_end_and_not_cut_off(running: Running) -> None:
    token = {"Authorization": f"Bearer {running.printed['token']}"}
    with httpx.Client(
        base_url=running.printed["api"], headers=token, timeout=HANG_S, trust_env=False
    ) as client:
        body = {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级"}
        ledger = client.post("/v1/ledgers", json=body).json()["ledger"]
        with client.stream("GET", f"/v1/ledgers/{ledger}/events/stream") as response:
            lines = response.iter_lines()
            assert "event: ledger.opened" in (next(lines) for _ in range(10))
            assert running.stop(signal.SIGTERM) == 0, running.log_tail()
            assert [line for line in lines if line and not line.startswith("data: ")] == []


def test_a_signal_while_it_starts_leaves_nothing_behind(data: Path) -> None:
    starting = Running(data)
    wait_until(lambda: EmbeddedPostgres(data).postmaster_pid(), "Postgres to be started")
    assert starting.stop(signal.SIGTERM) in (0, 128 + signal.SIGTERM)
    assert EmbeddedPostgres(data).postmaster_pid() is None
    _end(starting)
