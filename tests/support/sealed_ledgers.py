"""A sealer on the ledgers of a test, and what it has sealed."""

from pathlib import Path
from typing import Any

import pytest

from ledger.account_set import system_ledger
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.sealing import register
from ledger.sealing.register import RecordedNote
from ledger.sealing.sealer import Sealer, SealingPolicy
from tests.support.bookkeeper import Bookkeeper

SYSTEM = system_ledger(2026)


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keystore", "test", iterations=1000)


def sealer_on(b: Bookkeeper, keys: KeyStore, folder: Path, **policy: Any) -> Sealer:
    chosen = SealingPolicy(**{"province_interval_s": 0.0, **policy})
    return Sealer(b.pool, b.sequencer, keys, default_provider(), folder, b.clock, chosen)


@pytest.fixture
def sealer(bookkeeper: Bookkeeper, keys: KeyStore, tmp_path: Path) -> Sealer:
    return sealer_on(bookkeeper, keys, tmp_path / "checkpoints")


def digests(b: Bookkeeper, ledger_id: int | None = None) -> list[bytes]:
    with b.pool.connection() as connection:
        rows = connection.execute(
            "SELECT digest FROM events WHERE ledger_id = %s ORDER BY position",
            (ledger_id or b.ledger_id,),
        )
        return [row[0] for row in rows]


def latest(b: Bookkeeper, ledger_id: int | None = None) -> RecordedNote:
    with b.pool.connection() as connection:
        found = register.latest_checkpoint(connection, ledger_id or b.ledger_id)
    assert found is not None
    return found


def all_sealed(b: Bookkeeper, ledger_id: int) -> list[RecordedNote]:
    with b.pool.connection() as connection:
        return register.checkpoints_after(connection, ledger_id, 0, 10_000)


def lines_of(note: str) -> list[str]:
    return note.partition("\n\n")[0].split("\n")


def system_types(b: Bookkeeper) -> list[str]:
    with b.pool.connection() as connection:
        rows = connection.execute(
            "SELECT type FROM events WHERE ledger_id = %s ORDER BY position", (SYSTEM,)
        )
        return [row[0] for row in rows]
