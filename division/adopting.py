"""Bringing a database of an earlier release on record: rows without events become events, once.

Each table is adopted a single time in a database's life, when a program with standing ledgers first
opens it, and the ledger of all divisions says so. A row that appears in a table without an event
afterwards is nobody's, and stays that.
"""

from collections.abc import Callable, Iterable, Mapping

import psycopg

from division.adopted import ADOPTED, LOCK_KEY, AdoptRows
from division.certificate import HOME, RegisterCertificate, RevokeCertificate
from division.code_set_load import LoadCodeSets, line_of
from division.events import CodeSetLine
from division.persons import RegisterPerson
from division.recording import record
from division.rights import Rights
from division.tokens import EndToken, IssueToken
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import MIGRATION, folded
from ledger.elements import stored_code_sets
from ledger.gm import PublicKey
from ledger.reading.objects import read_head
from ledger.writing.conditions import Conditions

Acts = dict[int, list[Command]]  # by standing ledger


def adopt(connection: psycopg.Connection, conditions: Conditions) -> None:
    """Puts on record what is not yet; costs one query where all is. Commits.

    Raises:
        UnavailableError: nothing may be written now; what is missing is adopted another time.
    """
    root = standing_ledger("")
    if _is_done(connection, root):
        connection.rollback()
        return
    connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
    try:
        for what, read in _TABLES.items():
            if what in _adopted(connection, root):
                continue  # another program was first
            rows, acts = read(connection)
            for ledger_id, commands in acts.items():
                record(connection, ledger_id, commands, conditions, by=MIGRATION)
            adopted = AdoptRows(what=what, rows=rows)
            record(connection, root, [adopted], conditions, by=MIGRATION)
    finally:
        connection.rollback()
        connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))
        connection.commit()


def _is_done(connection: psycopg.Connection, root: int) -> bool:
    return _TABLES.keys() <= set(_adopted(connection, root))


def _adopted(connection: psycopg.Connection, root: int) -> Iterable[str]:
    head = read_head(connection, root)
    return head.settings.get(ADOPTED).tables if head is not None else ()


def _tokens(connection: psycopg.Connection) -> tuple[int, Acts]:
    """Persons as their tokens tell of them, and the tokens with what each of them carried."""
    rows = connection.execute(
        "SELECT token_sm3, principal, roles, division, revoked_at FROM tokens"
        " WHERE ledger_id IS NULL ORDER BY created_at, token_sm3"
    ).fetchall()
    persons: dict[tuple[int, str], tuple[str, Rights]] = {}
    of_tokens: Acts = {}
    for token_sm3, principal, roles, division, revoked_at in rows:
        ledger_id, rights = standing_ledger(division), Rights(division, tuple(sorted(roles)))
        place = ledger_id, folded(principal)
        name, had = persons.get(place, (principal, rights))
        persons[place] = name, had.widened(rights)
        key = token_sm3.hex()
        issue = IssueToken(
            token_sm3=key, principal=principal, division=division, roles=rights.roles
        )
        commands = of_tokens.setdefault(ledger_id, [])
        commands.append(issue)
        if revoked_at is not None:
            commands.append(EndToken(token_sm3=key, ended_at=revoked_at.isoformat()))
    acts: Acts = {}
    for (ledger_id, _), (name, rights) in persons.items():
        register = RegisterPerson(principal=name, division=rights.division, roles=rights.roles)
        acts.setdefault(ledger_id, []).append(register)
    return len(rows), {key: [*acts[key], *tokens] for key, tokens in of_tokens.items()}


def _certificates(connection: psycopg.Connection) -> tuple[int, Acts]:
    rows = connection.execute(
        "SELECT serial, subject, public_key, not_before, not_after, revoked_at FROM certificates"
        " WHERE ledger_id IS NULL ORDER BY created_at, serial"
    ).fetchall()
    commands: list[Command] = []
    for serial, subject, point, not_before, not_after, revoked_at in rows:
        key = PublicKey(point)
        commands.append(RegisterCertificate.of(subject, key, not_before, not_after))
        if revoked_at is not None:
            commands.append(
                RevokeCertificate(cert_serial=serial, revoked_at=revoked_at.isoformat())
            )
    return len(rows), {HOME: commands} if commands else {}


def _code_sets(connection: psycopg.Connection) -> tuple[int, Acts]:
    """Every load with the rows that it stored, as it was."""
    lines: dict[int, list[CodeSetLine]] = {}
    for load_id, row in stored_code_sets.stored_rows(connection):
        lines.setdefault(load_id, []).append(line_of(row))
    commands: list[Command] = [
        LoadCodeSets(
            load_no=f"load {report.load_id}",
            lines=tuple(lines.get(report.load_id, ())),
            file_name=report.file_name,
            file_sm3=report.file_sm3,
            load_id=report.load_id,
            loaded_at=report.loaded_at.isoformat(),
            loaded_by=report.loaded_by,
            version=report.version,
            added=report.added,
            superseded=report.superseded,
            unchanged=report.unchanged,
        )
        for report in stored_code_sets.loads(connection)
    ]
    return len(commands), {standing_ledger(""): commands} if commands else {}


_TABLES: Mapping[str, Callable[[psycopg.Connection], tuple[int, Acts]]] = {
    "tokens": _tokens,
    "certificates": _certificates,
    "code_sets": _code_sets,
}
