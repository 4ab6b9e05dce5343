"""A sealer that is killed again and again, at moments that nobody chose, leaves one history."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from time import sleep

import pytest

from ledger.integrity import note as notes
from ledger.postgres.database import Database
from ledger.sealing import register
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.proof_reader import naive_root, note_fields, signers

LIVES = 4
SYSTEM = 2026

pytestmark = pytest.mark.fault


class Writer(Thread):
    """Writes payments until it is told to end."""

    def __init__(self, b: Bookkeeper) -> None:
        super().__init__()
        self._b = b
        self.ending = Event()

    def run(self) -> None:
        number = 0
        while not self.ending.is_set():
            number += 1
            self._b.submit(*(payment(f"P{number}-{line}", "B1", "0.01") for line in range(3)))
            sleep(0.01)


@pytest.fixture
def writer(bookkeeper: Bookkeeper) -> Iterator[Writer]:
    bookkeeper.issue("B1", "1000000.00")
    writer = Writer(bookkeeper)
    writer.start()
    yield writer
    writer.ending.set()
    writer.join()


def sealer_process(database: Database, folder: Path) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "tests.support.sealing_process",
        database.app_conninfo,
        str(folder),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_no_kill_leaves_two_checkpoints_of_one_size(
    bookkeeper: Bookkeeper, writer: Writer, database: Database, tmp_path: Path
) -> None:
    chance = random.Random(20261124)
    for _ in range(LIVES):
        process = sealer_process(database, tmp_path)
        assert process.stdout is not None
        while int(process.stdout.readline()) < 2:  # it has taken up where the last one fell
            pass
        sleep(chance.random() / 4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    writer.ending.set()
    writer.join()
    process = sealer_process(database, tmp_path)
    assert process.stdout is not None
    [(head,)] = bookkeeper.sql("SELECT position FROM ledgers WHERE ledger_id = %s")
    while latest_size(bookkeeper) < head:
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    assert_one_history(bookkeeper, tmp_path / "checkpoints")


def latest_size(b: Bookkeeper) -> int:
    with b.pool.connection() as connection:
        found = register.latest_checkpoint(connection, b.ledger_id)
    return found.size if found else 0


def assert_one_history(b: Bookkeeper, folder: Path) -> None:
    digests = [
        r[0] for r in b.sql("SELECT digest FROM events WHERE ledger_id = %s ORDER BY position")
    ]
    ends = {r[0] for r in b.sql("SELECT position FROM commits WHERE ledger_id = %s")}
    with b.pool.connection() as connection:
        rows = connection.execute(
            "SELECT convert_from(payload, 'UTF8')::jsonb ->> 'note' FROM events"
            " WHERE ledger_id = %s AND type = 'checkpoint.sealed' ORDER BY position",
            (SYSTEM,),
        ).fetchall()
        keys = [
            {"name": key.name, "public_key": key.public_key.hex()}
            for key in register.note_keys(connection)
        ]
    of_ledger = [note for (note,) in rows if note.startswith("guoku/440000000-2026\n")]
    sizes = [note_fields(note)[1] for note in of_ledger]
    assert len(sizes) >= 2 * LIVES
    assert sizes == sorted(set(sizes)), "each size once, in order"
    assert set(sizes) <= ends
    for note in of_ledger:
        _, size, root, _ = note_fields(note)
        assert root == naive_root(digests[:size])
    for (note,) in rows:
        assert signers(note, keys) == {"guoku/log"}
    assert len(keys) == 1
    kept = (folder / "guoku_440000000-2026.txt").read_text(encoding="utf-8").split("---\n")
    assert kept[-1] == ""
    assert kept[:-1] == of_ledger[: len(kept) - 1], "the file is what was recorded"
    assert len(of_ledger) - len(kept) + 1 <= 1, "at most the last one, if killed before it was kept"
    assert notes.parse_checkpoint(notes.parse_note(kept[0]).text).size == sizes[0]
