"""A run whose server is killed on the way: no line is paid twice, none is lost."""

# ruff: noqa: F401, F811  (pytest finds the fixture `data` by its import)

import csv
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests import test_up
from tests.bookkeeper import ELEMENTS
from tests.disbursement_desk import csv_of
from tests.test_cli import clean_environment
from tests.test_cli import run as guoku
from tests.test_up import Running, data

LEDGER = "440000000-2026"
VOUCHERS = 24
LINES = 499 * VOUCHERS
FAILING = frozenset({1, 499, 500, 3000, LINES})
RUN = f"/v1/ledgers/{LEDGER}/disbursements/R1"

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


class Server:
    """``guoku up``, that can be killed and comes back on the same data."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.running = Running(data).wait_until_ready()
        self.tokens = {
            name: self.command(
                "token", "create", "--principal", name, "--role", role, "--division", ""
            ).split()[-1]
            for name, role in (
                ("maker", "treasury_maker"),
                ("checker", "treasury_checker"),
                ("signer", "treasury"),
            )
        }

    def command(self, *arguments: str) -> str:
        ended = guoku(*arguments, environment=self.running.environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def call(self, method: str, path: str, person: str = "maker", **more: Any) -> Any:
        response = httpx.request(
            method,
            self.running.printed["api"] + path,
            headers={"Authorization": f"Bearer {self.tokens[person]}"},
            timeout=60,
            trust_env=False,
            **more,
        )
        assert response.is_success, response.text
        return response.json()

    def kill(self) -> None:
        self.running.process.send_signal(signal.SIGKILL)
        self.running.process.wait()
        self.close_output()
        self.running = Running(self.data).wait_until_ready()

    def close_output(self) -> None:
        assert self.running.process.stdout is not None
        self.running.process.stdout.close()


@pytest.fixture
def server(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    def environment(**variables: str) -> dict[str, str]:
        # what a killed dispatcher had in hand comes due again after six times this
        return clean_environment(**variables, GUOKU_SEND_TIMEOUT_S="2")

    monkeypatch.setattr(test_up, "clean_environment", environment)
    server = Server(data)
    yield server
    if server.running.process.poll() is None:
        server.running.stop()
    server.close_output()


def wait_until_drawn(server: Server, least: int) -> dict[str, Any]:
    deadline = monotonic() + 60
    while (shown := server.call("GET", RUN))["drawn_count"] < least:
        assert monotonic() < deadline, shown
        assert shown["under_way"], shown
        sleep(0.01)
    return dict(shown)


def test_a_run_killed_twice_pays_every_line_once(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "wages.csv"
    file.write_bytes(csv_of(LINES, FAILING))
    opening = {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级"}
    server.call("POST", "/v1/ledgers", json=opening)
    indicator = {"bgt_id": "B1", "amount": f"{LINES * 10}.00", **ELEMENTS}
    server.call("POST", f"/v1/ledgers/{LEDGER}/indicators", json=indicator)
    start = ("disburse", str(file), "--ledger", LEDGER, "--run-no", "R1", "--bgt-id", "B1")
    told = server.command(
        *start,
        *("--url", server.running.printed["api"], "--token", server.tokens["maker"]),
        *("--checker-token", server.tokens["checker"]),
    )
    assert "waits_for: a signer" in told

    for least in (3, 10):
        server.call("POST", RUN + "/execute", "signer")
        wait_until_drawn(server, least)
        server.kill()
        shown = server.call("GET", RUN)
        assert shown["drawn_count"] < VOUCHERS, "it was killed on the way"
        assert (shown["status"], shown["under_way"]) == ("executing", False)

    result = tmp_path / "results.csv"
    told = server.command(
        *start,
        *("--url", server.running.printed["api"], "--token", server.tokens["maker"]),
        *("--signer-token", server.tokens["signer"], "--result", str(result)),
    )
    assert "status: finished" in told
    with result.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [int(row["line_no"]) for row in rows] == list(range(1, LINES + 1))
    assert {int(row["line_no"]) for row in rows if row["outcome"] == "failed"} == FAILING
    assert {row["outcome"] for row in rows} == {"paid", "failed"}
    shown = server.call("GET", f"/v1/ledgers/{LEDGER}/indicators/B1")
    paid = f"{(LINES - len(FAILING)) * 10}.00"
    assert (shown["pay_amt"], shown["pay_app_amt"], shown["frozen_amt"]) == (paid, "0.00", "0.00")
    listed = server.call("GET", f"/v1/ledgers/{LEDGER}/payments?page_size=1000")["items"]
    assert len(listed) == VOUCHERS
