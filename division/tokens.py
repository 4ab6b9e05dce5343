"""令牌: a person's credential for calls. Its text is seen once by who makes it, never here."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

import msgspec

from division.events import TokenEnded, TokenIssued
from division.persons import PERSON, is_told_by, moment_text, required
from division.rights import Rights, check_principal
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.principals import folded
from ledger.deciding.state import Decision, LedgerState
from ledger.deciding.tables import ObjectTable, TableRow
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event

_SM3 = re.compile("[0-9a-f]{64}", re.ASCII)


class PersonToken(msgspec.Struct, frozen=True):
    """A credential, with what it carries of its person's rights."""

    token_sm3: str
    principal: str
    rights: Rights
    ended_at: str = ""


def fold(token: PersonToken | None, event: Event) -> PersonToken | None:
    match event:
        case TokenIssued():
            rights = Rights(event.division, event.roles, event.agency_prefixes, event.valid_until)
            return PersonToken(event.token_sm3, event.principal, rights)
        case TokenEnded() if token is not None and not token.ended_at:
            return msgspec.structs.replace(token, ended_at=event.ended_at)
        case _:
            return token


def _rows(ledger_id: int, token: PersonToken) -> Iterable[TableRow]:
    yield (
        f"\\x{token.token_sm3}",
        ledger_id,
        folded(token.principal),
        token.principal,
        token.rights.roles,
        token.rights.division,
        token.rights.agency_prefixes,
        moment_text(token.rights.valid_until),
        token.ended_at or None,
    )


TOKENS = ObjectTable(
    name="tokens",
    columns=(
        ("token_sm3", "bytea"),
        ("ledger_id", "bigint"),
        ("principal_key", "text"),
        ("principal", "text"),
        ("roles", "text[]"),
        ("division", "text"),
        ("agency_prefixes", "text[]"),
        ("valid_until", "timestamptz"),
        ("revoked_at", "timestamptz"),
    ),
    key=1,
    rows=_rows,
)
TOKEN: Kind[PersonToken] = Kind(name="token", opened_by="token.issue", fold=fold, tables=(TOKENS,))


class IssueToken(Command, frozen=True, kw_only=True):
    """Makes a credential of a person known by its SM3; it carries no more than the person has.

    Without units and end it carries those that the person has.
    """

    OPERATION: ClassVar[str] = "token.issue"
    APPROVABLE: ClassVar[bool] = True
    KIND = TOKEN
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "人员权限"
    NUMBER: ClassVar[str] = "token_sm3"
    token_sm3: str
    principal: str
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...] = ()
    valid_until: str = ""

    @property
    def rights(self) -> Rights:
        return Rights(self.division, self.roles, self.agency_prefixes, self.valid_until)

    def check(self) -> None:
        """Raises RequestError for what is no SM3, name or right."""
        if not _SM3.fullmatch(self.token_sm3):
            raise RequestError(
                Code.MALFORMED, "an SM3 has 64 hexadecimal digits", pointer="/token_sm3"
            )
        check_principal(self.principal)
        self.rights.check()

    def needs(self) -> Iterable[Need]:
        return ((PERSON, folded(self.principal)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        person = required(state, self.principal)
        had = person.rights
        if had is None or not had.includes(self.rights.among(had.agency_prefixes)):
            raise Refusal(
                Code.INVALID_STATE, f"{person.principal} has not the rights that the token carries"
            )
        # point of no return
        issued = TokenIssued(
            token_sm3=self.token_sm3,
            principal=person.principal,
            division=self.division,
            roles=self.roles,
            agency_prefixes=self.agency_prefixes,
            valid_until=self.valid_until,
            by=by,
        )
        return Decision(events=[(TOKEN, self.token_sm3, issued)], effective_on=state.today)

    @classmethod
    def bodies_in(cls, event: TokenIssued, day: date) -> Iterable[object]:
        return ()  # the caller may have written the name in another case

    def is_told_by(self, event: Any) -> bool:
        """The name may have been written in another case."""
        return is_told_by(self, event)


class EndToken(Command, frozen=True, kw_only=True):
    """Ends a credential; its person keeps his rights.

    ``ended_at`` is said of one that had ended before there was a record of it.
    """

    OPERATION: ClassVar[str] = "token.end"
    APPROVABLE: ClassVar[bool] = True
    KIND = TOKEN
    KEEPS_REFUSAL: ClassVar[bool] = False
    NUMBER: ClassVar[str] = "token_sm3"
    token_sm3: str
    ended_at: str | None = None

    def needs(self) -> Iterable[Need]:
        return ((TOKEN, self.token_sm3),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        token = state.get(TOKEN, self.token_sm3)
        if token is None:
            raise Refusal(Code.NOT_FOUND, "no such token was issued here")
        if token.ended_at:
            raise Refusal(Code.INVALID_STATE, "the token has ended before")
        # point of no return
        at = self.ended_at or state.now.isoformat()
        ended = TokenEnded(token_sm3=self.token_sm3, ended_at=at, by=by)
        return Decision(events=[(TOKEN, self.token_sm3, ended)], effective_on=state.today)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        said = (None, told.event.ended_at)
        return tuple(cls(token_sm3=told.event.token_sm3, ended_at=each) for each in said)
