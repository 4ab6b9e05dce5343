"""Loading code sets: a file's rows become events, and the tables of code sets show them."""

from collections.abc import Iterable
from uuid import uuid4

import psycopg

from division.code_set_load import HOME, LoadCodeSets, line_of
from division.recording import record
from ledger.deciding.principals import OPERATOR
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeRow
from ledger.elements.stored_code_sets import LoadReport
from ledger.gm import sm3
from ledger.writing.conditions import Conditions


def load(
    connection: psycopg.Connection,
    rows: Iterable[CodeRow],
    conditions: Conditions,
    *,
    loaded_by: str,
    file_name: str = "",
    file_content: bytes = b"",
) -> LoadReport:
    """Puts rows in force and on record, committed: an act at the machine.

    Args:
        rows: as :func:`ledger.elements.files.parse_code_sets` gives them.
        loaded_by: who loads, for the record.
        file_name: where they come from, for the record.
        file_content: the file's bytes; their SM3 goes on record.

    Returns:
        What changed. A load that changes nothing is recorded like any other.
    """
    command = loading(rows, loaded_by=loaded_by, file_name=file_name, file_content=file_content)
    record(connection, HOME, [command], conditions, by=OPERATOR)
    return stored_code_sets.loads(connection)[-1]


def loading(
    rows: Iterable[CodeRow],
    *,
    loaded_by: str = "",
    file_name: str = "",
    file_content: bytes = b"",
    load_no: str = "",
    mof_div_code: str = "",
) -> LoadCodeSets:
    """What loads these rows; with a number it is one load however often it is told."""
    return LoadCodeSets(
        load_no=load_no or uuid4().hex,
        lines=tuple(map(line_of, rows)),
        file_name=file_name,
        file_sm3=sm3(file_content).hex() if file_content else "",
        loaded_by=loaded_by,
        mof_div_code=mof_div_code,
    )
