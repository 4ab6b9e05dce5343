"""Webhooks over a deliverer that is killed and a receiver that fails: nothing lost, in order."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from budget.issuing import IssueIndicator
from ledger.account_set import parse_ledger
from ledger.deciding.command import Submission
from ledger.gm import PublicKey
from ledger.postgres.database import Database
from tests.support.bookkeeper import ELEMENTS
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.waiting import HANG_S, wait_until
from tests.support.webhook_receiver import Received, Receiver, receiving

BATCH = 2_000


@contextmanager
def deliverer(http: HttpTreasury) -> Iterator[subprocess.Popen[str]]:
    """A process that brings events; what is left of it is killed at the end."""
    settings = http.treasury.settings
    arguments = (
        http.treasury.database.app_conninfo,
        str(settings.keystore_path),
        settings.passphrase(),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.deliverer_process", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield process
    finally:
        process.kill()
        process.wait()


def issue(http: HttpTreasury, events: int) -> None:
    """So many events, two an indicator."""
    key, count = parse_ledger(http.ledger), events // 2
    for begin in range(0, count, BATCH):
        commands = [
            Submission(
                command=IssueIndicator(bgt_id=f"V{number}", amount="1.00", **ELEMENTS), by="maker"
            )
            for number in range(begin, min(begin + BATCH, count))
        ]
        http.treasury.sequencer.submit(key, commands).result(HANG_S)


def register(http: HttpTreasury, receiver: Receiver) -> None:
    body = {"url": receiver.url, "types": ["*"], "webhook_no": "TS-V"}
    http.ok(http.post("/v1/webhooks", body, "admin"))
    told = http.ok(http.get("/v1/webhooks/TS-V/secret", "admin"))
    receiver.secret = told["secret"]
    receiver.public_key = PublicKey.from_hex(told["public_key"])


def answer(_message_id: str, before: int) -> int:
    """Of ten requests one fails, and one is taken and not answered, so that it comes twice."""
    return {3: 500, 7: 0}.get(before % 10, 204)


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(
    ("events", "away_s"),
    [(400, 0.5), pytest.param(100_000, 60.0, marks=pytest.mark.slow)],
)
def test_none_is_lost_over_kills_and_a_receiver_that_fails_and_is_away(
    database: Database, events: int, away_s: float
) -> None:
    with http_treasury_on(database, webhook_private_addresses=True) as http:
        http.alone_in_divisions()
        begun = http.ok(http.get("…"))["position"]
        port = free_port()
        with receiving(port) as before:
            before.answers = answer
            register(http, before)
            issue(http, events)
            head = http.ok(http.get("…"))["position"]
            with deliverer(http):  # which is killed with a quarter of them
                followed(before, lambda: len(before.received) > events // 4)
        with deliverer(http) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(away_s)  # nobody listens meanwhile
            with receiving(port, after=before) as after:
                followed(after, lambda: len(after.received) > events // 4)
                process.kill()
                with deliverer(http):
                    followed(after, lambda: has_come(after, http.ledger, head))
    assert before.unsound == after.unsound == []
    assert {*before.places(http.ledger), *after.places(http.ledger)} == set(
        range(begun + 1, head + 1)
    )
    came = [each.place[1] for each in (*before.received, *after.received) if is_of(each, http)]
    again = [later for earlier, later in pairwise(came) if later < earlier]
    assert len(again) <= 2, "only behind a kill does it begin again a little earlier"


def is_of(received: Received, http: HttpTreasury) -> bool:
    return received.place[0] == http.ledger


def has_come(receiver: Receiver, ledger: str, position: int) -> bool:
    """Whether this one was taken lately."""
    return any(each.place == (ledger, position) and each.status for each in receiver.received[-9:])


def followed(receiver: Receiver, is_done: Callable[[], bool]) -> None:
    """Waits until it is done, for as long as anything comes."""
    while not is_done():
        came = len(receiver.received)
        wait_until(lambda: is_done() or len(receiver.received) > came + 100, "more to come")  # noqa: B023
