"""待处理: bank notices that match nothing, and what persons made of them."""

from typing import ClassVar

import msgspec

from ledger.events import Event, Traits, Yuan, register


class HeldLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A line of a notice in suspense, as the bank names it."""

    pay_detail_id: str = ""
    refund_amt: Yuan
    payee_acct_no: str = ""


class SuspenseHeld(Event, frozen=True, kw_only=True):
    """待处理: what a bank has signed is kept, and books nothing yet.

    ``reason`` says why. What could be read of it stands beside: ``refund_amt`` and ``pay_date`` are
    "" where they could not be. A receipt that cannot be read is held as a notice is; it may be
    signed as a leaf of the bank's manifest. ``pay_bank_code`` is "" for the central bank.
    """

    TYPE: ClassVar[str] = "suspense.held"
    TRAITS: ClassVar[Traits] = Traits(
        subject="suspense", asked_by="bank.notice", step="receipt", title="待处理"
    )
    suspense_no: str
    vt_code: str
    notice_no: str
    pay_bank_code: str
    reason: str
    refund_amt: Yuan = ""
    pay_date: str = ""
    agent_business_no: str = ""
    remark: str = ""
    lines: tuple[HeldLine, ...] = ()
    originals: tuple[str, ...] = ()
    pay_app_no: str = ""
    notice_sm3: str
    cert_serial: str
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    by: str


class SuspenseResolved(Event, frozen=True, kw_only=True):
    """处理待处理事项: it is of this payment, whose refund stands behind it; or none of ours."""

    TYPE: ClassVar[str] = "suspense.resolved"
    TRAITS: ClassVar[Traits] = Traits(
        subject="suspense",
        asked_by="suspense.resolve",
        leads={
            "payment.refunded": ("notice_sm3", "notice_sm3"),
            "payment.returned": ("notice_sm3", "notice_sm3"),
        },
        step="receipt",
        title="待处理事项处理",
        ends=True,
    )
    suspense_no: str
    pay_app_no: str = ""
    pay_detail_id: str = ""
    is_none_of_ours: bool = False
    reason: str = ""
    notice_sm3: str
    by: str


register(SuspenseHeld, SuspenseResolved)
