"""无据之行: the tables of a standing ledger against what its events are folded to.

The tables are caches. Whoever writes to them without an event, widens a right or moves the validity
of a key is found here, whatever the program has believed of them meanwhile.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from division.folded import FoldedObject, folded_objects
from division.shown import SHOWN
from ledger.account_set import parse_ledger, standing_ledger
from ledger.deciding.objects import AnyKind, ledger_stream_id
from ledger.deciding.tables import AnyTable
from ledger.errors import IntegrityError
from ledger.events import StandingHead, StandingNoted, decode
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings

CHECK = name_check(
    "standing", "基础信息 persons, tokens, certificates against their events", "rows",
    "persons", "tokens", "certificates", "code_sets", "code_set_loads", "webhooks",
)  # fmt: skip
NOTES = name_check("noted", "基础信息引用 heads noted of standing ledgers", "heads")

# Rows of no ledger that there is belong to none; they are told of with the ledger of all divisions.
_OF_LEDGER = "ledger_id = %(ledger_id)s"
_OF_NONE = "(ledger_id IS NULL OR ledger_id NOT IN (SELECT ledger_id FROM ledgers))"


def check_tables(connection: psycopg.Connection, ledger_id: int, findings: Findings) -> None:
    """Compares every row of a standing ledger with the events, and every object with its rows.

    An event that cannot be read is passed over: the check of the history names it.
    """
    check_kinds(connection, ledger_id, findings, CHECK, SHOWN)


def check_kinds(
    connection: psycopg.Connection,
    ledger_id: int,
    findings: Findings,
    check: str,
    kinds: Collection[AnyKind],
) -> None:
    """Likewise of some kinds of objects, under the name of the check that covers their tables."""
    folded: dict[str, list[FoldedObject]] = {}
    for found in folded_objects(connection, ledger_id, kinds):
        folded.setdefault(found.kind.name, []).append(found)
    scope = _OF_LEDGER
    if ledger_id == standing_ledger(""):
        scope = f"({_OF_LEDGER} OR {_OF_NONE})"
    for kind in kinds:
        objects = folded.get(kind.name, [])
        for table in kind.tables:
            if table.home in (None, ledger_id):
                of_table = "true" if table.home is not None else scope
                _compare(connection, table, ledger_id, objects, of_table, findings, check)


def check_notes(connection: psycopg.Connection, ledger_id: int, findings: Findings) -> None:
    """Every head that a year's ledger has noted of a standing ledger is one that this has had: the
    chain after that position is the one noted, and no note goes back."""
    last: dict[str, int] = {}
    for position, payload in connection.execute(
        "SELECT position, payload FROM events WHERE ledger_id = %s AND stream_id = %s"
        " AND type = %s ORDER BY stream_version",  # of the ledger's own stream, which is short
        (ledger_id, UUID(bytes=ledger_stream_id(ledger_id)), StandingNoted.TYPE),
    ).fetchall():
        try:
            heads = decode(StandingNoted.TYPE, payload).heads  # type: ignore[attr-defined]
        except IntegrityError:
            continue  # the check of the history names it
        for head in heads:
            findings.count(NOTES, 1)
            if head.position <= last.get(head.ledger, 0):
                findings.add(NOTES, position, f"{head.ledger} is noted again at {head.position}")
            last[head.ledger] = head.position
            if _chain_at(connection, head) != head.chain:
                detail = f"{head.ledger} does not lead to what was noted at {head.position}"
                findings.add(NOTES, position, f"{detail} 基础信息不符")


def _chain_at(connection: psycopg.Connection, head: StandingHead) -> str | None:
    """The chain of a ledger directly after a position, in hex; None where no commit ends there."""
    row = connection.execute(
        "SELECT encode(chain, 'hex') FROM commits WHERE ledger_id = %s AND position = %s",
        (parse_ledger(head.ledger), head.position),
    ).fetchone()
    return row[0] if row else None


def _compare(
    connection: psycopg.Connection,
    table: AnyTable,
    ledger_id: int,
    objects: list[FoldedObject],
    scope: str,
    findings: Findings,
    check: str,
) -> None:
    places: dict[bytes, int] = {}
    rows = []
    for _, obj, position in objects:
        for row in table.rows(ledger_id, obj):
            rows.append(row)
            places[_place(row[: table.key])] = position
    findings.count(check, len(rows))
    values = {"rows": table.as_json(rows).decode(), "ledger_id": ledger_id}
    for key, said, found in connection.execute(_differing(table, scope).encode(), values):
        position = places.get(_place(key), 0)
        findings.add(check, position, f"{table.name} {_named(key)}: {_told(said, found)}")


def _place(key: Any) -> bytes:
    return msgspec.json.encode(list(key))


def _differing(table: AnyTable, scope: str) -> str:
    """Key, what the events say and what the table has, of every row in which these differ."""
    names = [name for name, _ in table.columns]
    typed = ", ".join(f"{name} {kind}" for name, kind in table.columns)
    columns = ", ".join(names)
    keys = names[: table.key]
    same = " AND ".join(f"s.{name} = f.{name}" for name in keys)
    key = ", ".join(f"to_jsonb(coalesce(s.{name}, f.{name}))" for name in keys)
    return (
        f"SELECT jsonb_build_array({key}), to_jsonb(s), to_jsonb(f)"  # noqa: S608 - declared names
        f" FROM (SELECT {columns} FROM jsonb_to_recordset(%(rows)s::jsonb) AS t ({typed})) s"
        f" FULL JOIN (SELECT {columns} FROM {table.name} WHERE {scope}) f ON {same}"
        " WHERE to_jsonb(s) IS DISTINCT FROM to_jsonb(f) ORDER BY 1"
    )


def _named(key: list[Any]) -> str:
    return " ".join(str(part)[:20] for part in key)


def _told(said: dict[str, Any] | None, found: dict[str, Any] | None) -> str:
    if said is None:
        return "no event tells of this row 无据之行"
    if found is None:
        return "the row that the events tell of is gone 缺行"
    differing = [name for name in said if said[name] != found[name]]
    told = ", ".join(f"{name} is {found[name]}, by the events {said[name]}" for name in differing)
    return f"{told} 与事件不符"
