"""Key stores of tests, opened again and again under one passphrase."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.gm import sealed
from ledger.gm.keystore import KeyStore

PASSPHRASE = "国库 treasury 2026"
ITERATIONS = sealed.ITERATIONS_MIN


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "store"


@pytest.fixture
def reopen(path: Path) -> Callable[[], KeyStore]:
    return lambda: KeyStore(path, PASSPHRASE, iterations=ITERATIONS)
