"""采集接收: files of collected rows are checked, their rows stored, and what became of it answered.

Files may be lost, come twice, or out of order: one is taken when it begins at, or before, the
position that was reached, so nothing is ever left out; one that ends there or before has been had.
A row that is not sound is kept out and named, and the sender sends it anew as a whole.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec
import psycopg

from division.installations import certificate_of, installation_of
from ledger.account_set import fiscal_year_of, ledger_id, parse_ledger
from ledger.elements.code_sets import CodeSets
from ledger.errors import Code, Refusal
from ledger.gm import Provider, PublicKey
from ledger.reading.objects import read_head
from ledger.verification.checks import dispose
from projections.collection.checking import faults
from projections.collection.collected import (
    TABLES,
)
from projections.collection.package import (
    SNAPSHOT,
    CollectedRow,
    CollectionFile,
    CollectionHeader,
    ControlTotals,
    amounts_of,
)

for _name in ("collected_files", "collected_rows", "collected_rejections"):
    dispose(_name, "copies of what others have sent and signed; whatever is lost is sent again")

TAKEN, HAD_BEFORE, GAP, REFUSED = "taken", "had_before", "gap", "refused"
REJECTIONS_TOLD_MAX = 1000
_AT_ONCE = 1000
_encode = msgspec.json.Encoder().encode


class RejectedRow(msgspec.Struct, frozen=True):
    """A row that was not taken: what tells it apart, the object it is of, and what is wrong."""

    table: str
    key: tuple[str, ...]
    source: str
    rule: str
    field: str
    message: str


class CollectionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file.

    Attributes:
        status: ``taken``, ``had_before``, ``gap`` (something before it is missing), ``refused``.
        rule: why it was refused as a whole; "" else.
        position, chain: of the sender's history, up to which its rows are here now.
        rejected: rows of this and earlier files that are not here, at most 1,000 of them.
    """

    ledger: str
    status: str
    rule: str = ""
    message: str = ""
    position: int
    chain: str
    taken_rows: int = 0
    rejected: tuple[RejectedRow, ...] = ()


class CollectionState(NamedTuple):
    """How far a ledger's rows are here."""

    position: int
    chain: str


class CollectionReceiver:
    """Takes files in, for the divisions of one installation.

    Args:
        division: beginning of the codes of the divisions for which it receives, ``44``.
        own_key: by which ledgers that are kept here are signed for.
    """

    def __init__(
        self,
        provider: Provider,
        division: str,
        own_key: Callable[[], PublicKey],
        codes: Callable[[], CodeSets],
        now: Callable[[], datetime],
    ) -> None:
        self._provider, self._division = provider, division
        self._own_key, self._codes, self._now = own_key, codes, now

    def receive(self, connection: psycopg.Connection, file: CollectionFile) -> CollectionAnswer:
        """Takes a file in one transaction: all of it, or nothing.

        Raises:
            RequestError: ``malformed``.
            Refusal: ``certificate_invalid``, ``signature_invalid``: it is not the word of whoever
                keeps that ledger.
        """
        header = file.header
        key = parse_ledger(header.ledger)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, 40)", (key % (1 << 31),))
            serial = self._require_word(connection, file, key)
            reached = state_of(connection, key)
            if (refused := _out_of_turn(connection, header, key, reached)) is not None:
                return refused
            taking = _Taking(connection, header, key, self._codes())
            try:
                with connection.transaction():
                    taken = taking.run(file)
                    _note(connection, file, key, serial)
            except _TotalsDifferError as error:
                return CollectionAnswer(
                    ledger=header.ledger,
                    status=REFUSED,
                    rule="totals_differ",
                    message=str(error),
                    position=reached.position,
                    chain=reached.chain,
                )
            return CollectionAnswer(
                ledger=header.ledger,
                status=TAKEN,
                position=header.to_position,
                chain=header.to_chain,
                taken_rows=taken,
                rejected=rejected(connection, key),
            )

    def _require_word(self, connection: psycopg.Connection, file: CollectionFile, key: int) -> str:
        """The serial of the certificate that it is signed by; "" of a ledger that is kept here."""
        signed = file.signed
        if read_head(connection, key) is not None:
            if signed.key != self._own_key():
                raise Refusal(
                    Code.CERTIFICATE_INVALID, f"{file.header.ledger} is kept here, by another key"
                )
            serial = ""
        else:
            own = ledger_id(self._division.ljust(9, "0"), fiscal_year_of(key))
            installation = installation_of(connection, own, key)
            if installation is None:
                raise Refusal(
                    Code.CERTIFICATE_INVALID,
                    f"no installation is registered that keeps {file.header.ledger} 未登记",
                )
            serial = certificate_of(connection, installation, signed.key, self._now()).serial
        if not self._provider.verify(signed.key, signed.text.encode(), signed.signature):
            raise Refusal(Code.SIGNATURE_INVALID, "the signature is over another header")
        return serial


def state_of(connection: psycopg.Connection, key: int) -> CollectionState:
    """How far a ledger's rows are here; 0 and "" where none are."""
    found = connection.execute(
        "SELECT to_position, to_chain FROM collected_files WHERE ledger_id = %s"
        " ORDER BY to_position DESC LIMIT 1",
        (key,),
    ).fetchone()
    return CollectionState(*found) if found else CollectionState(0, "")


def rejected(connection: psycopg.Connection, key: int) -> tuple[RejectedRow, ...]:
    """Rows of a ledger that are not here because they were not sound."""
    rows = connection.execute(
        "SELECT table_name, row_key, source, rule, field, message FROM collected_rejections"
        " WHERE ledger_id = %s ORDER BY table_name, row_key LIMIT %s",
        (key, REJECTIONS_TOLD_MAX),
    )
    return tuple(
        RejectedRow(table, tuple(row_key.split("\t")), *more) for table, row_key, *more in rows
    )


def _out_of_turn(
    connection: psycopg.Connection, header: CollectionHeader, key: int, reached: CollectionState
) -> CollectionAnswer | None:
    """The answer to a file that is not the next one; None where it is."""

    def answer(status: str, rule: str = "", message: str = "") -> CollectionAnswer:
        return CollectionAnswer(
            ledger=header.ledger,
            status=status,
            rule=rule,
            message=message,
            position=reached.position,
            chain=reached.chain,
            rejected=rejected(connection, key),
        )

    own = (header.ledger.partition("-")[0], header.ledger.partition("-")[2])
    if (header.mof_div_code, header.fiscal_year) != own:
        return answer(REFUSED, "other_ledger", "its rows are of another division or year")
    again = header.to_position == reached.position and bool(rejected(connection, key))
    if header.to_position == reached.position and header.to_chain != reached.chain:
        return answer(REFUSED, "history_differs", "that history has another chain there 历史不符")
    if header.to_position <= reached.position and not again:
        return answer(HAD_BEFORE)
    if header.from_position > reached.position:
        return answer(GAP, "gap", f"what lies behind {reached.position} has not come 缺文件")
    if header.from_position and not _is_known(connection, key, header):
        return answer(
            REFUSED, "history_differs", f"no file ended at {header.from_position} so 历史不符"
        )
    return None


def _is_known(connection: psycopg.Connection, key: int, header: CollectionHeader) -> bool:
    """Whether a file that was taken ended where this one begins, with the same chain."""
    found = connection.execute(
        "SELECT to_chain FROM collected_files WHERE ledger_id = %s AND to_position = %s",
        (key, header.from_position),
    ).fetchone()
    return found is not None and found[0] == header.from_chain


def _note(connection: psycopg.Connection, file: CollectionFile, key: int, serial: str) -> None:
    header, signed = file.header, file.signed
    connection.execute(
        "INSERT INTO collected_files (ledger_id, to_position, from_position, to_chain, header_sm3,"
        " cert_serial, header, signature) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (ledger_id, to_position) DO NOTHING",
        (
            key,
            header.to_position,
            header.from_position,
            header.to_chain,
            signed.message_sm3,
            serial,
            signed.text,
            signed.encoded_signature,
        ),
    )


class _TotalsDifferError(Exception):
    """The rows are not those that the header counts."""


_STORE = """
INSERT INTO collected_rows (ledger_id, table_name, row_key, is_deleted, position, row)
SELECT %(ledger)s, t.table_name, t.row_key, t.is_deleted, %(position)s, t.row
FROM jsonb_to_recordset(%(rows)s::jsonb)
    AS t (table_name text, row_key text, is_deleted boolean, row jsonb)
ON CONFLICT (ledger_id, table_name, row_key) DO UPDATE
SET is_deleted = excluded.is_deleted, position = excluded.position, row = excluded.row"""
_SOUND = """
DELETE FROM collected_rejections r
USING jsonb_to_recordset(%(rows)s::jsonb) AS t (table_name text, row_key text)
WHERE r.ledger_id = %(ledger)s AND r.table_name = t.table_name AND r.row_key = t.row_key"""
_REJECT = """
INSERT INTO collected_rejections
SELECT %(ledger)s, t.table_name, t.row_key, t.source, t.rule, t.field, t.message, %(position)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS t
    (table_name text, row_key text, source text, rule text, field text, message text)
ON CONFLICT (ledger_id, table_name, row_key) DO UPDATE
SET source = excluded.source, rule = excluded.rule, field = excluded.field,
    message = excluded.message, position = excluded.position"""
# a snapshot holds every row there is
_GONE = """
UPDATE collected_rows SET is_deleted = true, position = %(position)s,
    row = jsonb_set(row, '{IS_DELETED}', '"1"')
WHERE ledger_id = %(ledger)s AND position < %(position)s AND NOT is_deleted"""
_FORGET = """
DELETE FROM collected_rejections WHERE ledger_id = %(ledger)s AND position < %(position)s"""


class _Taking:
    """The rows of one file on their way in."""

    def __init__(
        self, connection: psycopg.Connection, header: CollectionHeader, key: int, codes: CodeSets
    ) -> None:
        self._connection, self._header, self._key, self._codes = connection, header, key, codes
        self._totals = ControlTotals()

    def run(self, file: CollectionFile) -> int:
        """Stores what is sound and names what is not; gives how many rows were taken."""
        taken = 0
        rows = file.rows()
        while part := list(islice(rows, _AT_ONCE)):
            taken += self._part(part)
        if self._totals.told() != self._header.tables:
            raise _TotalsDifferError("its rows are not those that it counts 控制总数不符")
        if self._header.kind == SNAPSHOT:
            self._connection.execute(_GONE, self._asked([]))
            self._connection.execute(_FORGET, self._asked([]))
        return taken

    def _part(self, part: list[CollectedRow]) -> int:
        sound: dict[tuple[str, str], dict[str, object]] = {}
        wrong: dict[tuple[str, str], dict[str, object]] = {}
        for row in part:
            table = TABLES.get(row.table)
            self._totals.take(row, amounts_of(table, row) if table else ())
            place = row.table[:64], row.key_text[:500]
            told: dict[str, object] = {"table_name": place[0], "row_key": place[1]}
            if (fault := next(faults(table, row, self._header, self._codes), None)) is not None:
                rule, field, message = fault
                wrong[place] = told | {
                    "source": row.source[:64],
                    "rule": rule,
                    "field": field[:64],
                    "message": message[:300],
                }
                sound.pop(place, None)
            else:
                sound[place] = told | {"is_deleted": row.is_deleted, "row": row.row}
                wrong.pop(place, None)
        for statement, rows in (
            (_STORE, sound.values()),
            (_SOUND, sound.values()),
            (_REJECT, wrong.values()),
        ):
            if rows:
                self._connection.execute(statement, self._asked(list(rows)))
        return len(sound)

    def _asked(self, rows: list[dict[str, object]]) -> dict[str, object]:
        return {
            "ledger": self._key,
            "position": self._header.to_position,
            "rows": _encode(rows).decode(),
        }
