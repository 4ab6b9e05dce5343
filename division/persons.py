"""人员 and 权限: who is registered, what he may, and that he may no more."""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

import msgspec

from division.events import PersonRegistered, RightsEnded, RightsSet
from division.rights import Rights, check_person, check_principal, ends_at
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import Kind
from ledger.deciding.principals import folded
from ledger.deciding.state import Decision, LedgerState
from ledger.deciding.tables import ObjectTable, TableRow
from ledger.errors import Code, Refusal
from ledger.events import Event


class Person(msgspec.Struct, frozen=True):
    """Somebody with rights; ``rights`` are None when they have ended."""

    principal: str
    name: str
    rights: Rights | None


def fold(person: Person | None, event: Event) -> Person | None:
    match event:
        case PersonRegistered():
            return Person(event.principal, event.name, _rights_of(event))
        case RightsSet() if person is not None:
            return msgspec.structs.replace(person, rights=_rights_of(event))
        case RightsEnded() if person is not None:
            return msgspec.structs.replace(person, rights=None)
        case _:
            return person


def _rights_of(said: Any) -> Rights:
    """The rights that an event or a command tells of."""
    return Rights(said.division, said.roles, said.agency_prefixes, said.valid_until)


def moment_text(valid_until: str) -> str | None:
    """The end of rights, or of a token, as a table has it."""
    moment = ends_at(valid_until)
    return moment.isoformat() if moment else None


def _rows(ledger_id: int, person: Person) -> Iterable[TableRow]:
    rights = person.rights or Rights("", ())
    yield (
        ledger_id,
        folded(person.principal),
        person.principal,
        person.name,
        rights.division,
        rights.roles,
        rights.agency_prefixes,
        moment_text(rights.valid_until),
        person.rights is None,
    )


PERSONS = ObjectTable(
    name="persons",
    columns=(
        ("ledger_id", "bigint"),
        ("principal_key", "text"),
        ("principal", "text"),
        ("name", "text"),
        ("division", "text"),
        ("roles", "text[]"),
        ("agency_prefixes", "text[]"),
        ("valid_until", "timestamptz"),
        ("has_ended", "boolean"),
    ),
    key=2,
    rows=_rows,
)
PERSON: Kind[Person] = Kind(
    name="person", opened_by="person.register", fold=fold, tables=(PERSONS,)
)


class RegisterPerson(Command, frozen=True, kw_only=True):
    """Registers a person with rights. Names that differ in their case alone are one person's."""

    OPERATION: ClassVar[str] = "person.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = PERSON
    CHANNEL: ClassVar[str] = "人员权限"
    principal: str
    name: str = ""
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...] = ()
    valid_until: str = ""

    @property
    def number(self) -> str:
        return folded(self.principal)

    @classmethod
    def number_in(cls, event: PersonRegistered) -> str:
        return folded(event.principal)

    @property
    def rights(self) -> Rights:
        return _rights_of(self)

    def check(self) -> None:
        """Raises RequestError for a name or rights that nobody can have."""
        check_person(self.principal)
        self.rights.check()

    def decide(self, state: LedgerState, by: str) -> Decision:
        # point of no return
        registered = PersonRegistered(
            principal=self.principal,
            name=self.name,
            division=self.division,
            roles=self.roles,
            agency_prefixes=self.agency_prefixes,
            valid_until=self.valid_until,
            by=by,
        )
        return _decision(state, self.principal, registered)


class _OnPerson(Command, frozen=True, kw_only=True):
    """What is done to a person who is registered."""

    KIND = PERSON
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    NUMBER: ClassVar[str] = "change_no"
    principal: str
    change_no: str = ""

    def needs(self) -> Iterable[Need]:
        return ((PERSON, folded(self.principal)),)

    def is_told_by(self, event: Any) -> bool:
        """The name may have been written in another case."""
        return is_told_by(self, event)


class SetRights(_OnPerson, frozen=True, kw_only=True):
    """Gives a person other rights than he had, or rights again."""

    OPERATION: ClassVar[str] = "person.set_rights"
    CHANNEL: ClassVar[str] = "人员权限"
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...] = ()
    valid_until: str = ""

    def check(self) -> None:
        """Raises RequestError for rights that nobody can have."""
        check_principal(self.principal)
        _rights_of(self).check()

    def decide(self, state: LedgerState, by: str) -> Decision:
        person = required(state, self.principal)
        # point of no return
        given = RightsSet(
            principal=person.principal,
            change_no=self.change_no,
            division=self.division,
            roles=self.roles,
            agency_prefixes=self.agency_prefixes,
            valid_until=self.valid_until,
            by=by,
        )
        return _decision(state, self.principal, given)

    @classmethod
    def bodies_in(cls, event: RightsSet, day: date) -> Iterable[object]:
        return ()  # the caller may have written the name in another case


class EndRights(_OnPerson, frozen=True, kw_only=True):
    """Ends a person's rights, and with them every token of his."""

    OPERATION: ClassVar[str] = "person.end_rights"
    reason: str = ""

    def check(self) -> None:
        """Raises RequestError for what is no name."""
        check_principal(self.principal)

    def decide(self, state: LedgerState, by: str) -> Decision:
        person = required(state, self.principal)
        if person.rights is None:
            raise Refusal(Code.INVALID_STATE, f"{person.principal} has no rights any more")
        # point of no return
        ended = RightsEnded(
            principal=person.principal, change_no=self.change_no, reason=self.reason, by=by
        )
        return _decision(state, self.principal, ended)

    @classmethod
    def bodies_in(cls, event: RightsEnded, day: date) -> Iterable[object]:
        return ()  # likewise


def is_told_by(command: Any, event: Any) -> bool:
    """Whether an event tells of this being asked; the name in whatever case."""
    fields = set(command.__struct_fields__) & set(event.__struct_fields__) - {"principal"}
    return folded(command.principal) == folded(event.principal) and all(
        getattr(command, name) == getattr(event, name) for name in fields
    )


def required(state: LedgerState, principal: str) -> Person:
    """The person; raises Refusal, ``not_found``."""
    person = state.get(PERSON, folded(principal))
    if person is None:
        raise Refusal(Code.NOT_FOUND, f"{principal!r} is not registered here")
    return person


def _decision(state: LedgerState, principal: str, event: Event) -> Decision:
    return Decision(events=[(PERSON, folded(principal), event)], effective_on=state.today)
