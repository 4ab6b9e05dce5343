"""令牌 as operators and programs of ours make them, and who is calling with one.

Making a token is an operator's act at the machine. It is on record like every other: the person,
his rights and the token are events ``by: operator`` of the standing ledger.
"""

import secrets
from typing import Any

import msgspec
import psycopg

from division.persons import PERSON, Person, RegisterPerson, SetRights
from division.recording import record
from division.rights import Rights, both, check_person
from division.tokens import EndToken, IssueToken
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import OPERATOR, folded
from ledger.gm import sm3
from ledger.reading.objects import read_objects
from ledger.writing.conditions import Conditions

PREFIX = "gk_"  # so that secret scanners and people recognise one
RANDOM_BYTES = 32

_LIVE = """
SELECT t.token_sm3, t.ledger_id, p.principal, t.division, t.roles, t.agency_prefixes,
       p.division, p.roles, p.agency_prefixes, p.name
FROM tokens t JOIN persons p USING (ledger_id, principal_key)
WHERE t.revoked_at IS NULL AND NOT p.has_ended
  AND coalesce(least(t.valid_until, p.valid_until) > now(), true)"""
_PERSON = """
SELECT ledger_id, principal, name, division, roles, agency_prefixes FROM persons
WHERE principal_key = %s AND NOT has_ended AND coalesce(valid_until > now(), true)"""


class Holder(msgspec.Struct, frozen=True):
    """Who holds a token, and what he may with it now."""

    principal: str
    ledger_id: int
    rights: Rights
    name: str = ""


def token_sm3(token: str) -> bytes:
    """The key a token is kept under. Its 256 random bits need no salt and no slow hash."""
    return sm3(token.encode())


def find_holder(connection: psycopg.Connection, key: bytes) -> Holder | None:
    """Whose token has this SM3, and the rights that he and it have now; None for a token that is
    unknown or has ended, or where nothing is left of the rights. One row by its key."""
    row = connection.execute(f"{_LIVE} AND t.token_sm3 = %s", (key,)).fetchone()
    if row is None:
        return None
    _, ledger_id, principal, division, roles, agencies, *own, name = row
    own_division, own_roles, own_agencies = own
    prefixes = both(agencies, own_agencies)
    held = frozenset(roles) & frozenset(own_roles)
    wider, narrower = sorted((division, own_division), key=len)
    if not held or prefixes is None or not narrower.startswith(wider):
        return None
    return Holder(principal, ledger_id, Rights(narrower, tuple(sorted(held)), prefixes), name)


def find_person(connection: psycopg.Connection, ledger_id: int, principal: str) -> Holder | None:
    """The person as registered in a standing ledger, and the rights that he has now; None where he
    has none. One row by its key."""
    query = f"{_PERSON} AND ledger_id = %s"
    row = connection.execute(query, (folded(principal), ledger_id)).fetchone()
    return None if row is None else _person_of(row)


def find_persons(connection: psycopg.Connection, principal: str) -> list[Holder]:
    """The same in every standing ledger in which somebody of this name has rights now."""
    found = connection.execute(f"{_PERSON} ORDER BY ledger_id", (folded(principal),))
    return [_person_of(row) for row in found]


def _person_of(row: tuple[Any, ...]) -> Holder:
    ledger_id, principal, name, division, roles, prefixes = row
    rights = Rights(division, tuple(sorted(roles)), tuple(prefixes))
    return Holder(principal, ledger_id, rights, name)


def rights_with_role(
    connection: psycopg.Connection, principal: str, role: str, division: str
) -> list[Rights]:
    """The rights by which a person has this role in this division now, whatever tokens he has;
    none where he has it not, or no more."""
    rows = connection.execute(
        "SELECT division, roles, agency_prefixes FROM persons"
        " WHERE principal_key = %s AND %s = ANY(roles)"
        " AND NOT has_ended AND coalesce(valid_until > now(), true) AND %s ^@ division",
        (folded(principal), role, division),
    )
    return [Rights(of, tuple(roles), tuple(prefixes)) for of, roles, prefixes in rows]


def new_token() -> str:
    """The text of a token that nobody knows of yet."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def make_token(
    connection: psycopg.Connection, principal: str, rights: Rights, conditions: Conditions
) -> str:
    """Makes a token and gives its text, which nobody can read again; it is committed.

    Raises:
        RequestError, UnavailableError: as :func:`give_token`.
    """
    token = new_token()
    give_token(connection, token, principal, rights, conditions)
    return token


def give_token(
    connection: psycopg.Connection,
    token: str,
    principal: str,
    rights: Rights,
    conditions: Conditions,
) -> None:
    """Puts a token on record as a person's, committed.

    A person who is not registered is; one who has less gets what is missing. What is not said of
    units and of an end stays as the person has it.

    Raises:
        RequestError: ``malformed`` for an unknown role, no role, or a bad principal or division.
        UnavailableError: nothing may be written now.
    """
    rights.check()
    check_person(principal)
    key = token_sm3(token).hex()
    ledger_id = standing_ledger(rights.division)
    person = read_objects(connection, ledger_id, PERSON, [folded(principal)]).get(folded(principal))
    rights = msgspec.structs.replace(rights, roles=tuple(sorted(set(rights.roles))))
    commands = [*_enabling(person, principal, rights, key), _issue(key, principal, rights)]
    record(connection, ledger_id, commands, conditions, by=OPERATOR)


def _enabling(
    person: Person | None, principal: str, rights: Rights, change_no: str
) -> list[RegisterPerson | SetRights]:
    """What makes sure that the person has these rights."""
    if person is None:
        return [RegisterPerson(principal=principal, **_fields(rights))]
    if person.rights is None:
        given = rights
    else:
        had = person.rights
        said = msgspec.structs.replace(
            rights.among(had.agency_prefixes), valid_until=rights.valid_until or had.valid_until
        )
        given = had.widened(said)
        if given == had:
            return []
    return [SetRights(principal=person.principal, change_no=change_no, **_fields(given))]


def _issue(key: str, principal: str, rights: Rights) -> IssueToken:
    return IssueToken(token_sm3=key, principal=principal, **_fields(rights))


def _fields(rights: Rights) -> dict[str, Any]:
    return msgspec.structs.asdict(rights)


def end_token(connection: psycopg.Connection, token: str, conditions: Conditions) -> bool:
    """Ends a token at once; False if there is no such valid token."""
    query = f"{_LIVE} AND t.token_sm3 = %s"
    return _end(connection, query, token_sm3(token), conditions) == 1


def end_tokens_of(connection: psycopg.Connection, principal: str, conditions: Conditions) -> int:
    """Ends every token of a principal, wherever he is registered; gives how many."""
    query = f"{_LIVE} AND t.principal_key = %s"
    return _end(connection, query, folded(principal), conditions)


def _end(connection: psycopg.Connection, query: str, key: object, conditions: Conditions) -> int:
    by_ledger: dict[int, list[Command]] = {}
    for row in connection.execute(query.encode(), (key,)).fetchall():
        by_ledger.setdefault(row[1], []).append(EndToken(token_sm3=row[0].hex()))
    for ledger_id, commands in by_ledger.items():
        record(connection, ledger_id, commands, conditions, by=OPERATOR)
    return sum(map(len, by_ledger.values()))
