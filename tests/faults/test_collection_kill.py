"""What sends rows upward is killed again and again: no file is half written, none is missing."""

import random
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

import pytest

from ledger.postgres.database import Database
from projections.collection.package import NAME_END
from tests.projections.test_collection import Collection, elsewhere
from tests.support.waiting import wait_until

__all__ = ["elsewhere"]  # a fixture
pytestmark = [pytest.mark.fault, pytest.mark.slow]
LIVES = 6


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{NAME_END}"))


def reaches(folder: Path) -> int:
    """Up to which position of the history the newest file goes."""
    made = files(folder)
    return int(made[-1].name.split(".")[1]) if made else 0


def test_after_any_kill_the_files_are_what_a_snapshot_is(
    database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    chance = random.Random(20261201)
    collection = Collection(database, elsewhere, tmp_path)
    out = tmp_path / "out"
    key = collection.sender.key.secret.hex()
    module = "tests.support.collection_process"
    asked = [sys.executable, "-m", module, database.app_conninfo, key, str(out)]
    collection.city.issue("B1", "100000.00")
    process: subprocess.Popen[str] | None = None
    try:
        for life in range(LIVES):
            process = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            for number in range(10):
                collection.city.pay(f"P-{life}-{number}", "B1", "10.00")
                sleep(chance.random() / 50)
            if life == LIVES - 1:
                wait_until(lambda: reaches(out) == collection.head())
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
        made = files(out)
        assert len(made) > LIVES
        chance.shuffle(made)
        for _ in range(len(made)):  # in any order, until each has met the one before it
            for path in made:
                assert collection.receive(path).status in ("taken", "had_before", "gap")
            if collection.reached() == collection.head():
                break
        assert collection.reached() == collection.head()
        fed = collection.rows()
        collection.forget()
        assert collection.receive(collection.send(0)).status == "taken"
        assert fed == collection.rows()
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        collection.close()
