"""签章策略: who signs vouchers from here on."""

from typing import ClassVar

from ledger.events import LEDGER, Event, Traits, register


class SignaturePolicySet(Event, frozen=True, kw_only=True):
    """Which roles sign a voucher, in order, for which bank, and what one signature covers.

    ``signing`` is ``voucher``, or ``manifest`` where vouchers that are signed together share one.
    """

    TYPE: ClassVar[str] = "ledger.signature_policy_set"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, asked_by="signature_policy.set")
    roles: tuple[str, ...]
    pay_bank_code: str
    signing: str = "voucher"
    by: str


register(SignaturePolicySet)
