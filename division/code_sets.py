"""Loading code sets: a file's rows become events, and the tables of code sets show them."""

from collections.abc import Iterable
from uuid import uuid4

import psycopg

from division.code_set_load import HOME, LoadCodeSets, line_of
from division.recording import opening_of
from ledger.deciding.command import Outcome, Submission
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeRow
from ledger.elements.stored_code_sets import LoadReport
from ledger.gm import sm3
from ledger.writing.conditions import Conditions
from ledger.writing.one_act import commit_on


def load(
    connection: psycopg.Connection,
    rows: Iterable[CodeRow],
    conditions: Conditions,
    *,
    loaded_by: str,
    file_name: str = "",
    file_content: bytes = b"",
) -> LoadReport:
    """Puts rows in force and on record, committed.

    Args:
        rows: as :func:`ledger.elements.files.parse_code_sets` gives them.
        loaded_by: the principal who loads.
        file_name: where they come from, for the record.
        file_content: the file's bytes; their SM3 goes on record.

    Returns:
        What changed. A load that changes nothing is recorded like any other.
    """
    submit(
        connection,
        rows,
        conditions,
        loaded_by=loaded_by,
        file_name=file_name,
        file_content=file_content,
    )
    return stored_code_sets.loads(connection)[-1]


def submit(
    connection: psycopg.Connection,
    rows: Iterable[CodeRow],
    conditions: Conditions,
    *,
    loaded_by: str,
    file_name: str = "",
    file_content: bytes = b"",
    load_no: str = "",
    dry_run: bool = False,
) -> Outcome:
    """The same with a number, which asks for one load however often it is told."""
    command = LoadCodeSets(
        load_no=load_no or uuid4().hex,
        lines=tuple(map(line_of, rows)),
        file_name=file_name,
        file_sm3=sm3(file_content).hex() if file_content else "",
    )
    # read when the ledger is locked, so that no other load can come between
    _, outcome = commit_on(
        connection,
        HOME,
        [opening_of(HOME), Submission(command=command, by=loaded_by, dry_run=dry_run)],
        conditions,
        codes=lambda: stored_code_sets.read(connection),
    )
    return outcome
