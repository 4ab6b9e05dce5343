"""账套: what happens to a ledger itself, and the refusals it keeps on record."""

from typing import Any, ClassVar

import msgspec

from ledger.events.base import Event


class LedgerOpened(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "ledger.opened"
    mof_div_code: str
    mof_div_name: str
    fiscal_year: int
    name: str
    by: str


class SignaturePolicySet(Event, frozen=True, kw_only=True):
    """Which roles sign a voucher, in order, for which bank, and what one signature covers.

    ``signing`` is ``voucher``, or ``manifest`` where vouchers that are signed together share one.
    """

    TYPE: ClassVar[str] = "ledger.signature_policy_set"
    roles: tuple[str, ...]
    pay_bank_code: str
    signing: str = "voucher"
    by: str


class PeriodClosed(Event, frozen=True, kw_only=True):
    """Nothing may take effect on or before ``through`` any more."""

    TYPE: ClassVar[str] = "ledger.period_closed"
    through: str
    by: str


class CommandRefused(Event, frozen=True, kw_only=True):
    """A refusal of an authenticated caller: part of the record like any other event."""

    TYPE: ClassVar[str] = "command.refused"
    operation: str
    number: str = ""
    code: str
    detail: str
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    by: str
