"""Exports that are damaged or made up: refused, and nothing is left of them."""

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from ledger.errors import IntegrityError
from ledger.postgres.database import Database
from projections.exchange.format import FileEntry
from tests.support.bookkeeper import Bookkeeper, superuser
from tests.support.exported_history import COMMITS, EVENTS
from tests.support.exported_history import elsewhere as elsewhere
from tests.support.exported_history import exported as exported
from tests.support.exported_history import keeper as keeper
from tests.support.exports import (
    entry_of,
    export,
    lines,
    manifest_of,
    reseal,
    restore,
    rewrite,
)

Damage = Callable[[Path], object]


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
