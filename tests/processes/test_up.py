"""``guoku up`` with real processes: what it prints, what joins it, how it stops and comes back."""

# ruff: noqa: F401, F811  (pytest finds the fixture `data` by its import)

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.postgres.embedded import EmbeddedPostgres
from tests.support import asking
from tests.support.command_line import run
from tests.support.running_up import Running, data, wait_for_end_of
from tests.support.waiting import HANG_S, wait_until

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


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


def test_up_serves_is_joined_and_leaves_nothing_behind(running: Running) -> None:
    printed = running.printed
    assert printed["data"] == str(running.data)
    assert running.get("/healthz").status_code == 200
    assert running.get("/readyz").status_code == 200
    assert asking.get(printed["docs"]).status_code == 200
    page = asking.get(printed["console"])
    assert page.headers["content-type"].startswith("text/html"), "built, or how it is built"
    assert asking.get(printed["health"]).status_code == 200
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
