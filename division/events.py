"""What happens to what outlives a year: divisions, persons, tokens."""

from typing import ClassVar

import msgspec

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


class CertificateRegistered(Event, frozen=True, kw_only=True):
    """A public key speaks for its subject, from one moment through another; ``mof_div_code`` is the
    division that asked for it over HTTP."""

    TYPE: ClassVar[str] = "certificate.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="certificate", asked_by="certificate.register", title="证书登记"
    )
    cert_serial: str
    subject: str
    public_key: str
    not_before: str
    not_after: str
    mof_div_code: str = ""
    by: str


class CertificateRevoked(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "certificate.revoked"
    TRAITS: ClassVar[Traits] = Traits(
        subject="certificate", asked_by="certificate.revoke", title="证书吊销"
    )
    cert_serial: str
    revoked_at: str
    mof_div_code: str = ""
    by: str


class BankAppointed(Event, frozen=True, kw_only=True):
    """代理银行: pays for the division and all below it, by a channel of its own."""

    TYPE: ClassVar[str] = "bank.appointed"
    TRAITS: ClassVar[Traits] = Traits(subject="bank", asked_by="bank.appoint", title="代理银行委托")
    pay_bank_code: str
    name: str
    url: str
    cert_serial: str
    start_date: str
    by: str


class BankChanged(Event, frozen=True, kw_only=True):
    """From a day on the bank's channel is this one."""

    TYPE: ClassVar[str] = "bank.changed"
    TRAITS: ClassVar[Traits] = Traits(subject="bank", asked_by="bank.change", title="代理银行变更")
    pay_bank_code: str
    change_no: str
    name: str
    url: str
    cert_serial: str
    start_date: str
    by: str


class BankEnded(Event, frozen=True, kw_only=True):
    """The bank pays nothing more that is agreed from that day on."""

    TYPE: ClassVar[str] = "bank.ended"
    TRAITS: ClassVar[Traits] = Traits(subject="bank", asked_by="bank.end", title="代理银行终止")
    pay_bank_code: str
    end_date: str
    by: str


class CodeSetLine(msgspec.Struct, frozen=True, array_like=True):
    """A row of a code set, in the order of ``ledger.elements.code_sets.CodeRow``; days as text."""

    element: str
    code: str
    name: str
    parent: str
    is_leaf: bool
    is_enabled: bool
    start_date: str
    end_date: str
    mof_div_code: str
    fiscal_year: str
    is_standard: bool


class CodeSetsLoaded(Event, frozen=True, kw_only=True):
    """代码集加载: what a file has changed; the rows follow.

    ``version`` is that of all code sets after it, ``rows_sm3`` the SM3 of the rows that follow, as
    one JSON array; ``loaded_by`` who it was where somebody else has put it on record.
    """

    TYPE: ClassVar[str] = "code_sets.loaded"
    TRAITS: ClassVar[Traits] = Traits(
        subject="code_set_load", asked_by="code_sets.load", title="代码集加载"
    )
    load_no: str
    load_id: int
    loaded_at: str
    version: str
    file_name: str = ""
    file_sm3: str = ""
    rows_sm3: str
    added: int
    superseded: int
    unchanged: int
    loaded_by: str = ""
    mof_div_code: str = ""
    by: str


class CodeSetRows(Event, frozen=True, kw_only=True):
    """Some of the rows of a load, in their order."""

    TYPE: ClassVar[str] = "code_sets.rows"
    TRAITS: ClassVar[Traits] = Traits(subject="code_set_load", title="代码集明细")
    load_id: int
    rows: tuple[CodeSetLine, ...]


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
    CertificateRegistered,
    CertificateRevoked,
    BankAppointed,
    BankChanged,
    BankEnded,
    CodeSetsLoaded,
    CodeSetRows,
)
