"""From the record to the files: which notes a file lacks, and that it holds no other."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from ledger.account_set import system_ledger
from ledger.deciding.state import BEIJING
from ledger.errors import IntegrityError
from ledger.gm import sm3
from ledger.integrity.note import (
    PROVINCE_ORIGIN,
    ledger_origin,
    parse_checkpoint,
    parse_note,
)
from ledger.reading.loading import read_keys
from ledger.sealing.commands import SealProvince
from ledger.sealing.files import NoteFiles
from ledger.sealing.register import (
    PROVINCE,
    checkpoints_after,
    latest_checkpoint,
    province_heads_after,
)

HELPING = 1_000


def keep_files(connection: psycopg.Connection, files: NoteFiles, ledger_id: int) -> None:
    """Appends what is on record of a ledger (``PROVINCE``: of the head over all) to its file.

    Raises:
        IntegrityError: the file ends with a note that is not on record.
    """
    if ledger_id == PROVINCE:
        files.append(PROVINCE_ORIGIN, lambda last: _heads_after(connection, last))
    else:
        files.append(
            ledger_origin(ledger_id), lambda last: _checkpoints_after(connection, ledger_id, last)
        )


def _checkpoints_after(
    connection: psycopg.Connection, ledger_id: int, last: str | None
) -> Sequence[str]:
    size = 0
    if last is not None:
        text = parse_note(last).text
        size = parse_checkpoint(text).size
        recorded = latest_checkpoint(connection, ledger_id, size)
        if recorded is None or parse_note(recorded.note).text != text:
            raise _not_on_record(text)
    return [recorded.note for recorded in checkpoints_after(connection, ledger_id, size, HELPING)]


def _heads_after(connection: psycopg.Connection, last: str | None) -> Sequence[str]:
    place = (0, 0)
    if last is not None:
        text = parse_note(last).text
        moment = parse_checkpoint(text).extensions[-1].removeprefix("recorded ")
        number = (SealProvince.OPERATION, sm3(text.encode()).hex())
        key = system_ledger_at(datetime.fromisoformat(moment))
        found = read_keys(connection, key, [number]).get(number)
        if found is None:
            raise _not_on_record(text)
        place = (key, found.first_position)
    return [recorded.note for recorded in province_heads_after(connection, place, HELPING)]


def system_ledger_at(moment: datetime) -> int:
    """The system ledger that a province head of this moment is recorded in."""
    return system_ledger(moment.astimezone(BEIJING).year)


def _not_on_record(text: str) -> IntegrityError:
    origin, size, *_ = text.split("\n")
    return IntegrityError(
        f"the file of {origin} ends with a note of size {size} that is not on record"
    )
