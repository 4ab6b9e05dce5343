"""账套在否: every ledger that anything speaks of is there, and nothing is there of any other.

A ledger that was deleted as a whole leaves nothing that could be verified. But its checkpoints are
on record in the system ledgers, in files, at the witness and with the auditor, and province heads
name all ledgers there were.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from ledger.account_set import ledger_text, parse_ledger
from ledger.errors import GuokuError
from ledger.events import decode
from ledger.integrity.note import PROVINCE_ORIGIN, Checkpoint, parse_checkpoint, parse_note
from ledger.sealing.events import ProvinceSealed
from ledger.verification.checkpoints import KeptNote
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings

LEDGERS = name_check(
    "ledgers", "账套在否 ledgers that are spoken of are there", "ledgers", "ledgers"
)

_COLUMNS = """
SELECT c.table_name, c.column_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
AND c.column_name IN ('ledger_id', 'system_ledger_id') ORDER BY 1, 2"""
# One probe of the index for each ledger: reading all rows of the events would take minutes.
_DISTINCT = """
WITH RECURSIVE found (key) AS (
    (SELECT {column} FROM {table} ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM {table} WHERE {column} > found.key ORDER BY {column} LIMIT 1)
    FROM found WHERE found.key IS NOT NULL)
SELECT key FROM found WHERE key IS NOT NULL"""
_HEADS = """
SELECT e.payload FROM province_heads h JOIN events e
ON e.ledger_id = h.system_ledger_id AND e.position = h.position
ORDER BY h.system_ledger_id DESC, h.position DESC LIMIT 1"""


def check_ledgers(
    findings: Findings, connection: psycopg.Connection, notes: Iterable[KeptNote]
) -> None:
    """``notes`` are those of files, of the witness and of the auditor, of any origin."""
    known = {row[0] for row in connection.execute("SELECT ledger_id FROM ledgers")}
    findings.count(LEDGERS, len(known))
    spoken_of: dict[int, str] = {}
    for table, column in connection.execute(_COLUMNS).fetchall():
        statement = sql.SQL(_DISTINCT).format(
            column=sql.Identifier(column), table=sql.Identifier(table)
        )
        for (ledger_id,) in connection.execute(statement):
            spoken_of.setdefault(ledger_id, f"the table {table} has rows of it")
    for source, text in notes:
        try:
            checkpoint = parse_checkpoint(parse_note(text).text)
        except GuokuError:
            continue  # what is no note is told where notes are verified
        for ledger_id in _named_by(checkpoint):
            spoken_of.setdefault(ledger_id, f"a {source} checkpoint names it")
    for ledger_id, why in sorted(spoken_of.items()):
        if ledger_id not in known:
            detail = f"the ledger {ledger_text(ledger_id)} is not there, and {why} 账套缺失"
            findings.add(LEDGERS, 0, detail)


def last_head(connection: psycopg.Connection) -> list[KeptNote]:
    """The last province head on record, as a note."""
    for (payload,) in connection.execute(_HEADS):
        try:
            event = decode(ProvinceSealed.TYPE, payload)
        except BROKEN:
            continue
        if isinstance(event, ProvinceSealed):
            return [KeptNote("recorded province", event.note)]
    return []


def _named_by(checkpoint: Checkpoint) -> Iterable[int]:
    """The ledgers that a checkpoint is of; a province head's lines are of all there were."""
    if checkpoint.origin == PROVINCE_ORIGIN:
        named = [line.split(" ")[1] for line in checkpoint.extensions if line.startswith("ledger ")]
    else:
        named = [checkpoint.origin.removeprefix("guoku/")]
    for text in named:
        try:
            yield parse_ledger(text)
        except GuokuError:
            continue
