"""A host whose clock is 400 days ahead for a while: nothing of it is committed.

Two seconds of that once dated everything by 400 days for 400 days, and the verification failed for
good.
"""

# ruff: noqa: F401, F811  (pytest finds the fixture `data` by its import)

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import asking
from tests.support.bookkeeper import ELEMENTS
from tests.support.command_line import run
from tests.support.http_server import ONE_PERSON
from tests.support.running_up import Running, data
from tests.support.waiting import HANG_S, wait_until

DAYS_400_S = 400 * 86_400

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


class Host:
    """``guoku up`` on a host whose clock can be set."""

    def __init__(self, data: Path) -> None:
        self._shift = data.parent / "shift"
        self.running = Running(
            data, "tests.support.shifted_clock", SHIFT_FILE=str(self._shift)
        ).wait_until_ready()

    def set_ahead(self, seconds: float) -> None:
        fresh = self._shift.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self._shift)

    def post(self, path: str, body: Any) -> httpx.Response:
        printed = self.running.printed
        headers = {"Authorization": f"Bearer {printed['token']}"}
        url = printed["api"] + path
        return asking.post(url, json=body, headers=headers)


@pytest.fixture
def host(data: Path) -> Iterator[Host]:
    host = Host(data)
    yield host
    if host.running.process.poll() is None:
        host.running.stop()
    assert host.running.process.stdout is not None
    host.running.process.stdout.close()


def test_two_seconds_of_a_clock_400_days_ahead_leave_nothing_behind(host: Host) -> None:
    year = datetime.now(UTC).year
    ledger = {"mof_div_code": "440000000", "fiscal_year": year, "name": "省本级", **ONE_PERSON}
    assert host.post("/v1/ledgers", ledger).status_code == 201
    path = f"/v1/ledgers/440000000-{year}/indicators"
    first, second = ({"bgt_id": b, "amount": "10.00", **ELEMENTS} for b in ("B1", "B2"))
    assert host.post(path, first).status_code == 201

    host.set_ahead(DAYS_400_S)
    refused = host.post(path, second)
    assert refused.status_code == 503, refused.text
    assert refused.json()["code"] == "clock_skewed"
    assert refused.json()["skew_s"] > DAYS_400_S - HANG_S
    assert int(refused.headers["Retry-After"]) > 0
    ready = host.running.get("/readyz")
    assert ready.status_code == 503
    assert any("400.0 days ahead" in reason for reason in ready.json()["reasons"]), ready.text

    host.set_ahead(0)
    wait_until(lambda: host.running.get("/readyz").status_code == 200, "the clocks to agree")
    accepted = host.post(path, second)
    assert accepted.status_code == 201, accepted.text
    assert "Idempotent-Replayed" not in accepted.headers
    events = host.running.get(
        f"/v1/ledgers/440000000-{year}/events", host.running.printed["token"]
    ).text
    assert str((datetime.now(UTC) + timedelta(days=400)).year) + "-" not in events
    verified = run("audit", "verify", environment=host.running.environment)
    assert verified.returncode == 0, verified.stdout
