"""Access tokens as the ways in know them: made for a person, looked up for each caller."""

from collections.abc import Sequence

import psycopg

from api.access import Caller
from division.credentials import Holder, find_holder, make_token
from division.rights import Rights
from ledger.writing.conditions import Conditions


def create_token(
    connection: psycopg.Connection,
    principal: str,
    roles: Sequence[str],
    division: str,
    conditions: Conditions,
    *,
    agency_prefixes: Sequence[str] = (),
    valid_until: str = "",
) -> str:
    """Makes a token and gives its text, which nobody can read again; it is committed.

    Args:
        principal: the person or system; maker and checker are told apart by it.
        roles: at least one of ``division.roles.ROLES``.
        division: prefix of the nine-digit division codes it acts in; "" is all.
        agency_prefixes: what the codes of the units begin with for which a unit acts; none is all.
        valid_until: a day, included, or a moment; "" is as long as the person's rights.

    Raises:
        RequestError: ``malformed`` for an unknown role, no role, or a bad principal or division.
        UnavailableError: nothing may be written now.
    """
    rights = Rights(division, tuple(roles), tuple(agency_prefixes), valid_until)
    return make_token(connection, principal, rights, conditions)


def find_caller(connection: psycopg.Connection, key: bytes) -> Caller | None:
    """Whose token has this SM3, with the rights of now; None for one unknown or ended."""
    holder = find_holder(connection, key)
    return None if holder is None else caller_of(holder)


def caller_of(holder: Holder) -> Caller:
    """The holder as the ways in know him."""
    rights = holder.rights
    return Caller(
        holder.principal, frozenset(rights.roles), rights.division, rights.agency_prefixes
    )
