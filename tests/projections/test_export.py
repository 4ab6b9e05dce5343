"""A ledger exported, imported elsewhere and exported again; damage, hostility, kills."""

import base64
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from ledger.closing import ClosePeriod, ReopenPeriod
from ledger.deciding.settings import LedgerSettings
from ledger.errors import ConfigurationError, IntegrityError, RequestError
from ledger.integrity.chain import genesis
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.documents import compress_document
from ledger.reading.objects import read_head
from payments.signature_policy import SetSignaturePolicy
from projections.exchange.exporting import ExportSigner
from projections.exchange.format import FileEntry
from projections.exchange.manifest import read_manifest
from projections.exchange.period import parse_bound
from tests.conftest import drop_database, new_database
from tests.support.bookkeeper import Bookkeeper, fresh_pool, superuser
from tests.support.exports import (
    KEY,
    PROVIDER,
    contents,
    entry_of,
    export,
    ledger_rows,
    lines,
    manifest_of,
    reseal,
    restore,
    rewrite,
)
from tests.support.histories import MARCH_9, mixed_history
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S

Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def keeper(module_database: Database) -> Iterator[Bookkeeper]:
    """A ledger with every kind of event, which the tests of this module only read."""
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        mixed_history(keeper)
        settle_otherwise(keeper)
        yield keeper
        keeper.close()


@pytest.fixture(scope="module")
def exported(keeper: Bookkeeper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "whole"
    export(keeper.pool, keeper.ledger_id, directory)
    return directory


@pytest.fixture(scope="module")
def elsewhere(cluster: EmbeddedPostgres, template: str) -> Iterator[ConnectionPool]:
    """A database without the ledger; what is refused leaves it so."""
    made = new_database(cluster, template)
    with fresh_pool(made.app_conninfo) as pool:
        yield pool
    drop_database(cluster, made)


def settle_otherwise(keeper: Bookkeeper) -> None:
    """Every setting of the ledger changed, and money that another bank has paid ahead."""
    roles = ("unit", "treasury")
    policy = SetSignaturePolicy(roles=roles, pay_bank_code="103", signing="manifest")
    keeper.do(policy, "admin")
    keeper.do(ClosePeriod(through="2026-01-31"), "admin")
    keeper.do(ReopenPeriod(from_month="2026-01", reason="漏记"), "admin")
    keeper.do(ClosePeriod(through="2026-01-31", reopened=1), "admin")
    keeper.apply("P-103", "B2", "12.00")
    approved = keeper.approve("P-103")
    keeper.sign("P-103", "unit", "unit")
    keeper.sign("P-103")
    keeper.receipt(approved)


# ---- there and back


def test_the_history_changes_every_setting(keeper: Bookkeeper) -> None:
    """So that a setting which an import forgets makes the next test fail."""
    with keeper.pool.connection() as connection:
        head = read_head(connection, keeper.ledger_id)
    assert head is not None
    kept, usual = (json.loads(each.encoded()) for each in (head.settings, LedgerSettings()))
    of_standing = {"adopted", "division", "noted"}  # what no year's ledger is told
    of_each = [(p, name) for p, fields in usual.items() for name in fields if p not in of_standing]
    of_each.remove(("periods", "late_month_closed"))  # it ends a year, and this one goes on
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


# ---- damage


def _flip(name: str) -> Damage:
    def flip(directory: Path) -> None:
        content = bytearray((directory / name).read_bytes())
        content[len(content) // 2] ^= 1
        (directory / name).write_bytes(content)

    return flip


def _payload(kept: list[Any]) -> None:
    """The same JSON, written another way."""
    kept[19]["payload"] = base64.b64encode(base64.b64decode(kept[19]["payload"]) + b" ").decode()


def _swap(kept: list[Any]) -> None:
    kept[20], kept[21] = kept[21], kept[20]


def _twice(kept: list[Any]) -> None:
    kept.append(kept[0])


def _change(place: int, **values: Any) -> Callable[[list[Any]], object]:
    return lambda kept: kept[place].update(values)


def _delete(place: int) -> Callable[[list[Any]], object]:
    return lambda kept: kept.pop(place)


EVENTS, COMMITS = "events.ndjson.gz", "commits.ndjson.gz"
KEYS, BALANCES, DOCUMENTS = (
    "command_keys.ndjson.gz", "balances.ndjson.gz", "documents.ndjson.gz")  # fmt: skip
ZERO = "00" * 32


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flip(EVENTS), r"events.ndjson.gz"),
        (_flip("xml/budget.xml"), r"xml/budget.xml is not the file of the manifest"),
        (_flip("parquet/journals.parquet"), r"parquet/journals.parquet is not the file"),
        (_flip("export.json"), r"export\.(json|sig)|signature"),
        (_flip("certificates.json"), r"certificates.json"),
        (lambda d: (d / EVENTS).unlink(), r"events.ndjson.gz cannot be read"),
        (lambda d: (d / "export.sig").write_text("guoku/log !"), r"no name and signature"),
        (lambda d: (d / "export.sig").write_text("nobody AAAA"), r"'nobody', whose key"),
        (lambda d: rewrite(d, EVENTS, _payload), r"events.*position 20: its digest is"),
        (lambda d: rewrite(d, EVENTS, _change(19, type="plan.set")), r"position 20: its digest"),
        (lambda d: rewrite(d, EVENTS, _change(19, stream_version=9)), r"position 20: its digest"),
        (lambda d: rewrite(d, EVENTS, _change(19, effective_on="2026-01-01")), r"position 20: its"),
        (lambda d: rewrite(d, EVENTS, _change(19, recorded_at="2026")), r"position 20: '2026' is"),
        (lambda d: rewrite(d, EVENTS, _change(19, stream_id="x")), r"position 20: it cannot be"),
        (lambda d: rewrite(d, EVENTS, _change(19, position="20")), r"events.*line 20"),
        (lambda d: rewrite(d, EVENTS, _change(19, position=2**70)), r"events.*line 20"),
        (lambda d: rewrite(d, EVENTS, _swap), r"position 22: position 21 is due"),
        (lambda d: rewrite(d, EVENTS, _delete(19)), r"position 21: position 20 is due"),
        (lambda d: rewrite(d, EVENTS, _delete(-1)), r"the file ends before it"),
        (lambda d: rewrite(d, COMMITS, _change(5, chain=ZERO)), r"commits.*the chain of the"),
        (lambda d: rewrite(d, COMMITS, _delete(5)), r"commits.*a commit from \d+ on is due"),
        (lambda d: rewrite(d, COMMITS, _delete(-1)), r"no commit holds this event"),
        (lambda d: rewrite(d, BALANCES, _change(0, paid_fen=1)), r"balances.*indicator B1 is"),
        (lambda d: rewrite(d, BALANCES, _delete(0)), r"balances.*indicator B1 is None"),
        (lambda d: rewrite(d, DOCUMENTS, _change(0, body="AAAA")), r"is not the SM3 of its"),
        (lambda d: rewrite(d, KEYS, _change(0, first_position=3)), r"command_keys.*not where"),
        (lambda d: rewrite(d, KEYS, _change(0, fingerprint="00")), r"of no version known here"),
        (lambda d: rewrite(d, KEYS, _twice), r"store does not take the export: duplicate key"),
        (lambda d: rewrite(d, KEYS, _change(0, number="\0")), r"store does not take"),
        (lambda d: reseal(d, opening_chain=ZERO), r"does not open with the first chain"),
        (lambda d: reseal(d, ledger="440000000-2027"), r"does not open|position 1"),
        (lambda d: reseal(d, format="guoku.export.9"), r"of the format 'guoku.export.9'"),
    ],
)  # fmt: skip
def test_a_damaged_export_is_refused_and_leaves_nothing(
    exported: Path, tmp_path: Path, elsewhere: ConnectionPool, damage: Damage, message: str
) -> None:
    """Whether the files were damaged or an operator changed them and signed anew."""
    directory = tmp_path / "damaged"
    shutil.copytree(exported, directory)
    damage(directory)
    with pytest.raises(IntegrityError, match=message):
        restore(elsewhere, directory)
    with elsewhere.connection() as connection:
        assert connection.execute("SELECT count(*) FROM ledgers").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "parquet/../../x", "xml/a/b.xml",
                                  "documents", "parquet/x.parquet/../../../y", ""])  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(
    exported: Path, tmp_path: Path, elsewhere: ConnectionPool, name: str
) -> None:
    directory = tmp_path / "hostile"
    shutil.copytree(exported, directory)
    hostile = FileEntry(name, ZERO, 0)
    reseal(directory, files=(*manifest_of(directory).files, hostile))
    with pytest.raises(IntegrityError, match="which no export has"):
        restore(elsewhere, directory)


def test_a_link_to_elsewhere_is_no_file_of_an_export(
    exported: Path, tmp_path: Path, elsewhere: ConnectionPool
) -> None:
    directory = tmp_path / "linked"
    shutil.copytree(exported, directory)
    secret = tmp_path / "secret"
    (directory / "xml/final.xml").rename(secret)
    (directory / "xml/final.xml").symlink_to(secret)
    with pytest.raises(IntegrityError, match=r"xml/final.xml cannot be read"):
        restore(elsewhere, directory)
    assert entry_of(directory, "xml/final.xml") in manifest_of(directory).files


def test_what_was_tampered_with_is_exported_as_it_is(
    bookkeeper: Bookkeeper, database: Database, tmp_path: Path, elsewhere: ConnectionPool
) -> None:
    """The plain part judges nothing; Parquet and XML need events that can be read."""
    bookkeeper.issue("B", "100.00")
    with superuser(database.owner_conninfo) as owner:
        owner.execute("ALTER TABLE events DISABLE TRIGGER append_only")
        owner.execute("UPDATE events SET payload = '{' WHERE position = 2")
    with pytest.raises(IntegrityError, match=r"event 2: the bytes are no indicator\.issued"):
        export(bookkeeper.pool, bookkeeper.ledger_id, tmp_path / "e")
    assert list(tmp_path.iterdir()) == []
    export(bookkeeper.pool, bookkeeper.ledger_id, tmp_path / "e", companions=())
    assert base64.b64decode(lines(tmp_path / "e", EVENTS)[1]["payload"]) == b"{"
    with pytest.raises(IntegrityError, match="position 2: its digest is"):
        restore(elsewhere, tmp_path / "e")


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
