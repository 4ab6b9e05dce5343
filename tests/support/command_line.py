"""The command line as programs of their own, with no settings but those given."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ledger.postgres.database import Database
from tests.support.waiting import HANG_S

Guoku = Callable[..., subprocess.CompletedProcess[str]]


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without any setting of ours."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GUOKU_")}
    return {**own, **variables}


def run(
    *arguments: str, environment: Mapping[str, str], timeout_s: float = HANG_S
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


@pytest.fixture
def guoku(database: Database, tmp_path: Path) -> Guoku:
    """Runs ``guoku`` against a fresh database."""

    def guoku(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        base = {"GUOKU_DSN": database.owner_conninfo, "GUOKU_DATA": str(tmp_path / "data")}
        return run(*arguments, environment=clean_environment(**{**base, **variables}))

    return guoku


@pytest.fixture
def bare(tmp_path: Path) -> Guoku:
    """Runs ``guoku`` without a database at hand."""

    def bare(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        base = {"GUOKU_DATA": str(tmp_path / "data")}
        return run(*arguments, environment=clean_environment(**{**base, **variables}))

    return bare
