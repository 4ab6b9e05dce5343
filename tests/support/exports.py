"""Exports for tests: made, opened up, changed and signed again by a hostile operator."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from psycopg_pool import ConnectionPool

from ledger.books import load_charts
from ledger.gm import default_provider, sm3
from projections.exchange.exporting import ExportSigner, export_ledger, seal
from projections.exchange.format import MANIFEST, ExportManifest, FileEntry, LogKey
from projections.exchange.importing import Imported, import_ledger
from projections.exchange.tables import Tables
from tests.support.at_machine import FREELY

CREATED_AT = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
PROVIDER = default_provider()
KEY = PROVIDER.generate_key()
SIGNER = ExportSigner(
    name="guoku/log",
    sign=lambda message: PROVIDER.sign(KEY, message),
    log_keys=(LogKey("guoku/log", PROVIDER.public_key(KEY).hex()),),
)
Line = dict[str, Any]


def export(pool: ConnectionPool, ledger_id: int, directory: Path, **more: Any) -> ExportManifest:
    charts = load_charts()
    given = {
        "companions": [Tables(charts)],
        "created_at": CREATED_AT,
        "signer": SIGNER,
        **more,
    }
    with pool.connection() as connection:
        return export_ledger(connection, ledger_id, directory, charts=charts, **given)


def restore(pool: ConnectionPool, directory: Path, **more: Any) -> Imported:
    with pool.connection() as connection:
        return import_ledger(
            connection,
            directory,
            provider=PROVIDER,
            charts=load_charts(),
            conditions=FREELY,
            now=CREATED_AT,
            **more,
        )


def contents(directory: Path) -> dict[str, bytes]:
    """Every file by its name, but for the signature: SM2 signs with a nonce."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != "export.sig"
    }


def lines(directory: Path, name: str) -> list[Line]:
    content = gzip.decompress((directory / name).read_bytes())
    return [msgspec.json.decode(line) for line in content.splitlines()]


def rewrite(directory: Path, name: str, change: Callable[[list[Line]], object]) -> None:
    """Changes the lines of a file, and the manifest with them, signed anew with the same key."""
    kept = lines(directory, name)
    change(kept)
    content = b"".join(msgspec.json.encode(line) + b"\n" for line in kept)
    (directory / name).write_bytes(gzip.compress(content))
    reseal(directory)


def manifest_of(directory: Path) -> ExportManifest:
    return msgspec.json.decode((directory / MANIFEST).read_bytes(), type=ExportManifest)


def reseal(directory: Path, **changes: Any) -> None:
    """A manifest over the files as they are now, with ``changes``, rightly signed."""
    manifest = manifest_of(directory)
    if "files" not in changes:
        changes["files"] = tuple(entry_of(directory, entry.name) for entry in manifest.files)
    for name in ("export.json", "export.sig"):
        (directory / name).unlink()
    seal(directory, msgspec.structs.replace(manifest, **changes), SIGNER)


def entry_of(directory: Path, name: str) -> FileEntry:
    content = (directory / name).read_bytes()
    return FileEntry(name, sm3(content).hex(), len(content))


def ledger_rows(pool: ConnectionPool, ledger_id: int) -> dict[str, list[Any]]:
    """All that the write path keeps of a ledger, column for column."""
    tables = ("ledgers", "events", "commits", "command_keys", "registers",
              "documents")  # fmt: skip
    with pool.connection() as connection:
        return {
            table: connection.execute(
                f"SELECT * FROM {table} t WHERE ledger_id = %s ORDER BY t", (ledger_id,)
            ).fetchall()
            for table in tables
        }
