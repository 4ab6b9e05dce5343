"""The disk is full under everybody's work, for data and for the write-ahead log: what was
acknowledged stands, nothing is paid twice, and once there is room all goes on by itself."""

from typing import Any

import psycopg
import pytest

from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from tests.faults.model.breakages import FaultInjector
from tests.faults.model.cycles import Treasury
from tests.faults.model.installation import Installation, installation_on
from tests.support.command_line import clean_environment
from tests.support.command_line import run as guoku
from tests.support.http_server import http_treasury_on
from tests.support.small_disk import needs_a_small_disk, small_disk

SEED = 1
CYCLE_MAX_S = 300
LOG_SEGMENTS_MAX = 64

pytestmark = [pytest.mark.fault, needs_a_small_disk]


def use_up_the_log(injector: FaultInjector) -> None:
    """Begins a new segment of the write-ahead log until there is no room for one."""
    postgres = EmbeddedPostgres(injector.installation.data)
    try:
        with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
            for n in range(LOG_SEGMENTS_MAX):
                connection.execute("SELECT pg_logical_emit_message(true, 'test', %s)", [str(n)])
                connection.execute("SELECT pg_switch_wal()")
    except psycopg.OperationalError:
        return
    raise AssertionError(f"room for {LOG_SEGMENTS_MAX} segments on a full disk")


def postgres_log(installation: Installation) -> str:
    logs = (EmbeddedPostgres(installation.data).cluster / "log").glob("*.log")
    return "".join(log.read_text(errors="replace") for log in logs)


def test_a_start_on_a_full_disk_says_so_in_a_line() -> None:
    with small_disk() as disk, disk.full():
        environment = clean_environment(GUOKU_DATA=str(disk.root / "data"))
        ended = guoku("up", environment=environment)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "No space left on device" in ended.stderr


def test_a_file_that_finds_no_room_may_be_sent_again(database: Database) -> None:
    """It was answered as `internal`, like a person's first key."""
    with small_disk() as disk, http_treasury_on(database, data=disk.root) as http:

        def send() -> dict[str, Any]:
            path = "…/budget-drafts/ES-1/file?agency_code=101001&round=1"
            lines = {"content": b"no column\n" * 1_000, "headers": {"Content-Type": "text/csv"}}
            return dict(http.call("POST", path, "unit", **lines).json())

        with disk.full():
            assert send()["code"] == "unavailable"
        assert send()["code"] == "malformed"  # as it is a file without columns


@pytest.mark.slow
@pytest.mark.timeout(120 + CYCLE_MAX_S)
def test_a_full_disk_loses_nothing_and_is_over_when_there_is_room() -> None:
    with small_disk() as disk, installation_on(disk.root / "data") as installation:

        def data_disk_full(injector: FaultInjector) -> None:
            with disk.full():
                injector.until_felt()

        def log_disk_full(injector: FaultInjector) -> None:
            with disk.full():
                use_up_the_log(injector)
                injector.until_felt()

        treasury = Treasury(installation, SEED)
        treasury.run(1, [data_disk_full, log_disk_full, data_disk_full])
        treasury.require_the_whole()
        felt = postgres_log(installation)
        assert "could not extend file" in felt
        assert "PANIC:  could not write to file" in felt
