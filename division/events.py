"""What happens to what outlives a year: divisions, persons, tokens."""

from typing import ClassVar

from ledger.events import LEDGER, Event, Traits, register


class DivisionOpened(Event, frozen=True, kw_only=True):
    """The division keeps its standing data here from now on."""

    TYPE: ClassVar[str] = "division.opened"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="division.open", title="建立区划")
    mof_div_code: str
    name: str
    parent_div_code: str = ""
    tier_code: str
    by: str


class PersonRegistered(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "person.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="person", asked_by="person.register", title="人员登记"
    )
    principal: str
    name: str = ""
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...] = ()
    valid_until: str = ""
    by: str


class RightsSet(Event, frozen=True, kw_only=True):
    """The person's rights are these from now on, whatever they were."""

    TYPE: ClassVar[str] = "person.rights_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject="person", asked_by="person.set_rights", title="权限变更"
    )
    principal: str
    change_no: str
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...] = ()
    valid_until: str = ""
    by: str


class RightsEnded(Event, frozen=True, kw_only=True):
    """The person has no rights any more, nor has any token of his."""

    TYPE: ClassVar[str] = "person.rights_ended"
    TRAITS: ClassVar[Traits] = Traits(
        subject="person", asked_by="person.end_rights", title="权限终止"
    )
    principal: str
    change_no: str
    reason: str = ""
    by: str


class TokenIssued(Event, frozen=True, kw_only=True):
    """A credential of a person; only its SM3 is known here."""

    TYPE: ClassVar[str] = "token.issued"
    TRAITS: ClassVar[Traits] = Traits(subject="token", asked_by="token.issue", title="签发令牌")
    token_sm3: str
    principal: str
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...] = ()
    valid_until: str = ""
    by: str


class TokenEnded(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "token.ended"
    TRAITS: ClassVar[Traits] = Traits(subject="token", asked_by="token.end", title="撤销令牌")
    token_sm3: str
    ended_at: str
    by: str


class RowsAdopted(Event, frozen=True, kw_only=True):
    """What a table held before there were events of it is on record from now on."""

    TYPE: ClassVar[str] = "standing.adopted"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="standing.adopt", title="历史数据入册"
    )
    what: str
    rows: int
    by: str


register(
    RowsAdopted,
    DivisionOpened,
    PersonRegistered,
    RightsSet,
    RightsEnded,
    TokenIssued,
    TokenEnded,
)
