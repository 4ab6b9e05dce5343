"""Access tokens: shown once when made, kept only as their SM3."""

import re
import secrets
from collections.abc import Sequence

import psycopg

from api.access import ROLES, Caller, unknown_roles
from ledger.errors import Code, RequestError
from ledger.gm import sm3

PREFIX = "gk_"  # so that secret scanners and people recognise one
RANDOM_BYTES = 32

_PRINCIPAL = re.compile(r"[\w.@-]{1,96}")  # what a certificate's subject can carry
_DIVISION = re.compile(r"[0-9]{0,9}", re.ASCII)


def token_sm3(token: str) -> bytes:
    """The key a token is kept under. Its 256 random bits need no salt and no slow hash."""
    return sm3(token.encode())


def create_token(
    connection: psycopg.Connection, principal: str, roles: Sequence[str], division: str
) -> str:
    """Makes a token and gives its text, which nobody can read again.

    Args:
        principal: the person or system; maker and checker are told apart by it.
        roles: at least one of ``api.access.ROLES``.
        division: prefix of the nine-digit division codes it acts in; "" is all.

    Raises:
        RequestError: ``malformed`` for an unknown role, no role, or a bad principal or division.
    """
    if not _PRINCIPAL.fullmatch(principal):
        raise RequestError(
            Code.MALFORMED, "a principal is 1 to 96 letters, digits or any of . @ - _"
        )
    if not roles or (unknown := unknown_roles(roles)):
        wrong = f"unknown role {unknown[0]!r}; " if roles else ""
        raise RequestError(Code.MALFORMED, f"{wrong}roles are {', '.join(ROLES)}")
    if not _DIVISION.fullmatch(division):
        raise RequestError(Code.MALFORMED, "a division prefix has at most nine digits")
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    connection.execute(
        "INSERT INTO tokens (token_sm3, principal, roles, division) VALUES (%s, %s, %s, %s)",
        (token_sm3(token), principal, sorted(set(roles)), division),
    )
    return token


def find_caller(connection: psycopg.Connection, key: bytes) -> Caller | None:
    """Whose token has this SM3; None for an unknown or revoked one."""
    row = connection.execute(
        "SELECT principal, roles, division FROM tokens WHERE token_sm3 = %s AND revoked_at IS NULL",
        (key,),
    ).fetchone()
    return Caller(row[0], frozenset(row[1]), row[2]) if row else None


def revoke_token(connection: psycopg.Connection, token: str) -> bool:
    """Ends a token at once; False if there is no such valid token."""
    cursor = connection.execute(
        "UPDATE tokens SET revoked_at = now() WHERE token_sm3 = %s AND revoked_at IS NULL",
        (token_sm3(token),),
    )
    return cursor.rowcount == 1


def revoke_tokens_of(connection: psycopg.Connection, principal: str) -> int:
    """Ends every token of a principal; gives how many."""
    cursor = connection.execute(
        "UPDATE tokens SET revoked_at = now() WHERE principal = %s AND revoked_at IS NULL",
        (principal,),
    )
    return cursor.rowcount
