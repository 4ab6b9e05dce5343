"""Two servers exchange transfers; both are killed again and again: each transfer is booked once."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import pytest

from api.key_store import key_store_of
from api.settings import Settings
from division.installation import SUBJECT
from ledger.books import load_charts
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.loading import read_rows
from projections.collection.sending import send as send_rows
from tests.accounting.test_verifying import found
from tests.conftest import drop_database, new_database
from tests.support.http_server import HttpTreasury
from tests.support.installation_process import installation
from tests.support.ports import free_port
from tests.support.tiers import CITY, PROVINCE, sending
from tests.support.two_installations import Side, TwoInstallations, two_installations
from tests.support.waiting import wait_until
from transfers.link import PATH
from transfers.receiving import AcceptTransfer
from transfers.transfer import TRANSFERS

DAYS = {"valid_from": "2026-01-01", "valid_until": "2099-12-31"}
END_OF_TIME = datetime(2099, 12, 31, tzinfo=UTC)
LIVES, LOT = 4, 10

pytestmark = pytest.mark.fault


@pytest.fixture
def elsewhere(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


@pytest.fixture
def both(database: Database, elsewhere: Database) -> Iterator[TwoInstallations]:
    with two_installations(database, elsewhere, acquainted=False) as opened:
        for side in (opened.province, opened.city):
            side.keeper.clock.now = datetime.now(UTC)  # the servers' clock is the machine's
        yield opened


def figures(both: TwoInstallations) -> tuple[int, int]:
    """Accepted, and in transit, as the province has it; in fen."""
    with both.budget.pool.connection() as connection:
        rows = read_rows(connection, both.budget.ledger_id, TRANSFERS).values()
    return sum(row.accepted for row in rows), sum(row.in_transit for row in rows)


def document(number: int) -> str:
    return f"粤财预〔2026〕{number}号"


def accept_what_has_come(both: TwoInstallations, upto: int) -> None:
    waiting = [
        number
        for number in range(upto)
        if (received := both.tier.received(document(number))) and received.status == "received"
    ]
    both.tier.clock.now = datetime.now(UTC)
    commands = [
        AcceptTransfer(sup_bgt_doc_no=document(number), rec_no=f"JS-{number}") for number in waiting
    ]
    if commands:
        assert all(outcome.problem is None for outcome in both.tier.submit(*commands))


def send(both: TwoInstallations, numbers: range) -> None:
    both.budget.clock.now = datetime.now(UTC)
    commands = [sending(f"tp-{n}", "10.00", bgt_doc_no=document(n)) for n in numbers]
    assert all(outcome.problem is None for outcome in both.budget.submit(*commands))


def registered(http: HttpTreasury, of: str, other: Side, url: str) -> None:
    """By a division's administrator; its security officer agrees."""
    key = other.signer().key.hex()
    for path, body in (
        ("certificates", {"installation": other.division, "public_key": key, **DAYS}),
        ("installations", {"division": other.division, "name": "异地系统", "url": url}),
    ):
        answer = http.post(f"/v1/divisions/{of}/{path}", body, "admin")
        assert answer.status_code == 202, answer.text
        told = answer.json()
        assert told["awaits"] == ["security_officer"]
        agreeing = f"/v1/divisions/{of}/documents/{told['kind']}/{told['number']}/approve"
        http.ok(http.post(agreeing, {}, "officer"))


def prepared(side: Side, folder: Path) -> Path:
    """The data of a side's program, in which its key is."""
    data = folder / side.division
    settings = Settings(data=data)
    keys = key_store_of(settings)
    keys.create(SUBJECT + side.division)
    side.key = keys.private_key(SUBJECT + side.division)
    return data


def collected(both: TwoInstallations, province: HttpTreasury, folder: Path) -> None:
    """What the city sends upward the province's server takes in, for who may bring it."""
    with both.tier.pool.connection() as connection:
        path = send_rows(
            connection,
            both.tier.ledger_id,
            folder,
            after=0,
            charts=load_charts(),
            signer=both.city.signer(),
            made_at=datetime.now(UTC),
        )
    assert path is not None
    brought = {"content": path.read_bytes(), "json": None}
    told = province.call("POST", "/v1/collection/files?dry_run=true", "ops", **brought)
    assert province.ok(told)["status"] == "taken"
    for status in ("taken", "had_before"):
        told = province.call("POST", "/v1/collection/files", "ops", **brought)
        assert province.ok(told)["status"] == status
    shown = province.ok(province.get(f"/v1/collection/{CITY}-2026"))
    assert (shown["position"], shown["rejected"]) == (told.json()["position"], [])


def test_two_servers_exchange_what_was_sent_and_accepted(
    both: TwoInstallations, database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        opened = {}
        for side, of in ((both.province, database), (both.city, elsewhere)):
            data = prepared(side, tmp_path)
            treasury, url = stack.enter_context(installation(of, data, side.division))
            opened[side] = HttpTreasury(treasury, url)
        registered(opened[both.province], PROVINCE, both.city, opened[both.city].url)
        registered(opened[both.city], CITY, both.province, opened[both.province].url)
        send(both, range(2))
        wait_until(lambda: both.tier.received(document(1)) is not None)
        accept_what_has_come(both, 2)
        wait_until(lambda: figures(both) == (2000, 0))
        answer = opened[both.city].client.post(PATH, content=b"{}")
        assert answer.json()["code"] == "malformed"
        collected(both, opened[both.province], tmp_path)


class _Processes:
    """Both programs, each on its port, to be killed and begun again."""

    def __init__(self, both: TwoInstallations, databases: list[Database], folder: Path) -> None:
        sides = (both.province, both.city)
        self._asked = []
        for side, database in zip(sides, databases, strict=True):
            data, port = prepared(side, folder), free_port()
            side.url = f"http://127.0.0.1:{port}"
            dsns = (database.owner_conninfo, database.app_conninfo)
            module = "tests.support.installation_process"
            self._asked.append(
                [sys.executable, "-m", module, *dsns, str(data), side.division, str(port)]
            )
        self.running: list[subprocess.Popen[str] | None] = [None, None]

    def begin(self, side: int) -> None:
        process = subprocess.Popen(self._asked[side], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://")
        self.running[side] = process

    def kill(self, side: int) -> None:
        process = self.running[side]
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self.running[side] = None


@pytest.mark.slow
def test_no_kill_of_either_loses_a_transfer_or_books_it_twice(
    both: TwoInstallations, database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    chance = random.Random(20261130)
    processes = _Processes(both, [database, elsewhere], tmp_path)
    both.province.knows(both.city, END_OF_TIME)
    both.city.knows(both.province, END_OF_TIME)
    try:
        for life in range(LIVES):
            send(both, range(life * LOT, (life + 1) * LOT))
            for side in (0, 1):
                if processes.running[side] is None:
                    processes.begin(side)
            sleep(chance.random() * 3)
            accept_what_has_come(both, (life + 1) * LOT)
            sleep(chance.random())
            for side in chance.choice([(0,), (1,), (0, 1)]):
                processes.kill(side)
            assert sum(figures(both)) == (life + 1) * LOT * 1000
        for side in (0, 1):
            if processes.running[side] is None:
                processes.begin(side)
        every = LIVES * LOT
        wait_until(lambda: all(both.tier.received(document(n)) for n in range(every)))
        accept_what_has_come(both, every)
        wait_until(lambda: figures(both) == (every * 1000, 0))
    finally:
        for side in (0, 1):
            processes.kill(side)
    assert both.tier.books()["指标来源"] == f"{every * 10}.00"
    for keeper, of in ((both.budget, database), (both.tier, elsewhere)):
        assert found(of, keeper, tmp_path) == []
