"""A ledger exported, imported elsewhere and exported again; signatures, places, kills."""

import base64
import json
import os
import resource
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from ledger.deciding.settings import LedgerSettings
from ledger.errors import ConfigurationError, RequestError
from ledger.integrity.chain import genesis
from ledger.postgres.database import Database
from ledger.reading.documents import compress_document
from ledger.reading.objects import read_head
from projections.exchange.exporting import ExportSigner
from projections.exchange.manifest import read_manifest
from projections.exchange.period import parse_bound
from tests.support.bookkeeper import Bookkeeper
from tests.support.exported_history import EVENTS
from tests.support.exported_history import elsewhere as elsewhere
from tests.support.exported_history import exported as exported
from tests.support.exported_history import keeper as keeper
from tests.support.exports import (
    KEY,
    PROVIDER,
    contents,
    export,
    ledger_rows,
    lines,
    manifest_of,
    restore,
)
from tests.support.histories import MARCH_9
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S

# ---- there and back


def test_the_history_changes_every_setting(keeper: Bookkeeper) -> None:
    """So that a setting which an import forgets makes the next test fail."""
    with keeper.pool.connection() as connection:
        head = read_head(connection, keeper.ledger_id)
    assert head is not None
    kept, usual = (json.loads(each.encoded()) for each in (head.settings, LedgerSettings()))
    # what no year's ledger is told
    of_standing = {"adopted", "calendar", "division", "monitor_rules", "noted"}
    of_standing.add("performance_library")
    of_each = [(p, name) for p, fields in usual.items() for name in fields if p not in of_standing]
    of_each.remove(("periods", "late_month_closed"))  # it ends a year, and this one goes on
    of_each.remove(("periods", "year_closed"))
    of_each.remove(("periods", "is_final"))
    # flow 62 brings what ends a year elsewhere
    of_each = [each for each in of_each if each[0] not in ("carry_over_policy", "handed_over")]
    # what the year before opens, flow 101 brings elsewhere
    of_each = [each for each in of_each if each[0] != "openings" or each[1] == "books"]
    of_each.remove(("budget", "approvals"))  # budget/test_verifying brings one elsewhere
    # they bind a year before its budget, and flow 67 brings theirs elsewhere
    of_each.remove(("advance_limits", "is_limited"))
    assert [(p, name) for p, name in of_each if kept[p][name] == usual[p][name]] == []


def test_export_import_export_is_the_same_to_the_byte(
    keeper: Bookkeeper, exported: Path, pool: ConnectionPool, tmp_path: Path
) -> None:
    first = manifest_of(exported)
    imported = restore(pool, exported)
    assert (imported.position, imported.chain.hex()) == (first.head.position, first.head.chain)
    assert ledger_rows(pool, keeper.ledger_id) == ledger_rows(keeper.pool, keeper.ledger_id)
    assert export(pool, keeper.ledger_id, tmp_path / "again") == first
    assert contents(tmp_path / "again") == contents(exported)
    goes_on = Bookkeeper(pool)
    goes_on.clock.now = keeper.clock.now
    try:
        goes_on.policy("treasury")
        goes_on.pay("P11", "B1", "11.00")
        assert goes_on.refusal(_again("P1")) == "idempotency_conflict"
    finally:
        goes_on.close()


def _again(number: str) -> Any:
    from tests.support.bookkeeper import payment

    return payment(number, "B1", "77.00")


def test_a_ledger_that_exists_is_left_alone(keeper: Bookkeeper, exported: Path) -> None:
    before = ledger_rows(keeper.pool, keeper.ledger_id)
    with pytest.raises(RequestError, match="exists"):
        restore(keeper.pool, exported)
    assert ledger_rows(keeper.pool, keeper.ledger_id) == before


def test_documents_come_back_to_the_byte_in_gbk(
    bookkeeper: Bookkeeper, tmp_path: Path, elsewhere: ConnectionPool
) -> None:
    """A voucher is GBK, not UTF-8, and holds what JSON would escape."""
    from ledger.gm import sm3
    from payments.voucher import SignVoucher

    document = "<?xml version='1.0' encoding='GBK'?>\n<用途>“办公”\t用品</用途>\r\n".encode("gbk")
    bookkeeper.issue("B", "100.00")
    bookkeeper.apply("P", "B", "1.00")
    bookkeeper.approve("P")
    signed = SignVoucher(
        pay_app_no="P",
        role="treasury",
        cert_serial="test",
        voucher_sm3=sm3(document).hex(),
        signature="test",
        document=compress_document(document),
    )
    bookkeeper.do(signed, "signer")
    export(bookkeeper.pool, bookkeeper.ledger_id, tmp_path / "e")
    [kept] = lines(tmp_path / "e", "documents.ndjson.gz")
    assert base64.b64decode(kept["body"]) == document
    assert kept["sm3"] == sm3(document).hex()


# ---- a period


def test_a_period_begins_and_ends_behind_commits(
    keeper: Bookkeeper, tmp_path: Path, elsewhere: ConnectionPool
) -> None:
    ends = [row[0] for row in keeper.sql("SELECT position FROM commits WHERE ledger_id = %s")]
    chains = dict(keeper.sql("SELECT position, chain FROM commits WHERE ledger_id = %s"))
    # the bounds lie inside commits: those are taken whole
    begin, end = ends[9] + 1, ends[19]
    made = export(keeper.pool, keeper.ledger_id, tmp_path / "p", begin=begin, end=end - 1)
    assert (made.from_position, made.to_position) == (begin, end)
    assert made.opening_chain == chains[ends[9]].hex()
    assert (made.head.position, made.head.chain) == (end, chains[end].hex())
    positions = [line["position"] for line in lines(tmp_path / "p", "events.ndjson.gz")]
    assert positions == list(range(begin, end + 1))
    with pytest.raises(RequestError, match="from its first"):
        restore(elsewhere, tmp_path / "p")


def test_balances_of_an_earlier_end_are_those_of_then(
    keeper: Bookkeeper, tmp_path: Path, pool: ConnectionPool
) -> None:
    """Imported up to a position, the ledger stands as it stood there, and exports the same."""
    middle = keeper.sql("SELECT max(position) FROM commits WHERE ledger_id = %s AND position < 60")
    made = export(keeper.pool, keeper.ledger_id, tmp_path / "p", end=middle[0][0])
    restore(pool, tmp_path / "p")
    assert export(pool, keeper.ledger_id, tmp_path / "again") == made
    assert contents(tmp_path / "again") == contents(tmp_path / "p")


def test_days_are_those_of_recording_in_beijing(keeper: Bookkeeper, tmp_path: Path) -> None:
    whole = {"begin": date(2026, 3, 2), "end": MARCH_9}
    made = export(keeper.pool, keeper.ledger_id, tmp_path / "d", **whole)
    [[head]] = keeper.sql("SELECT position FROM ledgers WHERE ledger_id = %s")
    assert (made.from_position, made.to_position) == (1, head)
    assert made.opening_chain == genesis(keeper.ledger_id).hex()
    for empty in ({"end": date(2026, 3, 1)}, {"begin": MARCH_9 + timedelta(days=1)}):
        with pytest.raises(RequestError, match="learned nothing"):
            export(keeper.pool, keeper.ledger_id, tmp_path / "none", **empty)
    assert not (tmp_path / "none").exists()
    for text in ("0", "-1", "2026-3-1", "yesterday", "9" * 19):
        with pytest.raises(RequestError, match="--from"):
            parse_bound(text, "--from")


# ---- signatures


def test_the_signature_is_over_the_manifest_and_names_its_key(exported: Path) -> None:
    _, name, public_key = read_manifest(exported, PROVIDER)
    assert (name, public_key) == ("guoku/log", PROVIDER.public_key(KEY))
    name, _, signature = (exported / "export.sig").read_text().strip().partition(" ")
    content = (exported / "export.json").read_bytes()
    assert PROVIDER.verify(public_key, content, base64.b64decode(signature))


def test_a_person_signs_with_a_certificate(
    keeper: Bookkeeper, tmp_path: Path, pool: ConnectionPool
) -> None:
    from division.certificates import enrol, find
    from tests.support.at_machine import FREELY

    key = PROVIDER.generate_key()
    with keeper.pool.connection() as connection:
        public = PROVIDER.public_key(key)
        own = enrol(connection, "principal/shen", public, FREELY, at=keeper.clock())
    signer = ExportSigner(name=own.serial, sign=lambda message: PROVIDER.sign(key, message))
    from ledger.books import load_charts
    from projections.exchange.exporting import export_ledger
    from tests.support.exports import CREATED_AT

    with keeper.pool.connection() as connection:
        export_ledger(
            connection,
            keeper.ledger_id,
            tmp_path / "e",
            signer=signer,
            charts=load_charts(),
            created_at=CREATED_AT,
        )
    imported = restore(pool, tmp_path / "e")
    assert (imported.signer, imported.public_key) == (own.serial, own.public_key)
    with pool.connection() as connection:
        assert find(connection, own.serial) == own


# ---- places and kills


def test_a_directory_in_use_is_left_alone(keeper: Bookkeeper, tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e/mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("e", "file"):
        with pytest.raises(ConfigurationError, match="is not an empty directory"):
            export(keeper.pool, keeper.ledger_id, tmp_path / name)
    assert (tmp_path / "e/mine").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    export(keeper.pool, keeper.ledger_id, tmp_path / "empty")
    assert (tmp_path / "empty/export.json").exists()


def test_a_full_disk_is_said_in_a_line_and_leaves_nothing(
    keeper: Bookkeeper, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the disk: the kernel refuses the write itself."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(ConfigurationError, match="cannot be written: File too large"):
            export(keeper.pool, keeper.ledger_id, tmp_path / "e", companions=())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []


STUCK = """
import sys, time
from pathlib import Path
import api.domains  # every type of event is known
from tests.support.bookkeeper import fresh_pool
from tests.support.exports import export, restore

def stay(stage, done, total):
    print(stage, flush=True)
    time.sleep(60)

act, conninfo, directory, *ledger = sys.argv[1:]
with fresh_pool(conninfo) as pool:
    if act == "export":
        export(pool, int(ledger[0]), Path(directory), progress=stay)
    else:
        restore(pool, Path(directory), progress=stay)
"""


def stopped_midway(signal_number: int, *arguments: str) -> None:
    """Starts the act, waits until it is in the middle, and ends it so."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == EVENTS
    process.send_signal(signal_number)
    process.communicate(timeout=HANG_S)


@pytest.mark.fault
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_export_that_is_stopped_leaves_no_half_export(
    keeper: Bookkeeper, module_database: Database, tmp_path: Path, how: signal.Signals
) -> None:
    directory = tmp_path / "e"
    given = (module_database.app_conninfo, str(directory), str(keeper.ledger_id))
    stopped_midway(how, "export", *given)
    assert not directory.exists()
    left = list(tmp_path.iterdir())
    assert len(left) == (how == signal.SIGKILL)  # an interrupted one clears up, a killed cannot
    export(keeper.pool, keeper.ledger_id, directory)
    assert list(tmp_path.iterdir()) == [directory]


@pytest.mark.fault
def test_an_import_that_is_killed_leaves_nothing(
    keeper: Bookkeeper, exported: Path, database: Database, pool: ConnectionPool
) -> None:
    stopped_midway(signal.SIGKILL, "import", database.app_conninfo, str(exported))
    restore(pool, exported)
    assert ledger_rows(pool, keeper.ledger_id) == ledger_rows(keeper.pool, keeper.ledger_id)
