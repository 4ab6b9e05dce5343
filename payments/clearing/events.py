"""清算: claims on the central bank and its answers."""

from typing import ClassVar

import msgspec

from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register, renamed

_CLEARED: AmountMoves = {"treasury_financial": {}, "treasury_budgetary": {}, "zero_balance": {}}
# a claim is of many indicators
_CLAIMED = RuleNeeds(("gov_bgt_eco_code", "fund_type_code"), {"claim": _CLEARED})


class ClaimLine(msgspec.Struct, frozen=True, gc=False):
    """What a claim sums: first-level unit (first 3 of agency_code), function code, 政府经济分类."""

    sup_dep_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    pay_amt: Yuan


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One 2301 (paid ahead by the bank) or 2302 (refunded to it) of one fund type."""

    vt_code: str
    voucher_no: str
    fund_type_code: str
    pay_amt: Yuan
    lines: tuple[ClaimLine, ...]


class ClearingRequested(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "clearing.requested@2"
    TRAITS: ClassVar[Traits] = Traits(
        subject="clearing",
        asked_by="clearing.request",
        moves=("uncleared",),
        delivery=True,
        step="clearing",
        title="申请划款",
    )
    clear_no: str
    clear_date: str
    pay_bank_code: str
    claims: tuple[Claim, ...]
    upto_position: int
    by: str


class ClaimReceipted(Event, frozen=True, kw_only=True):
    """The central bank's receipt for one claim; ``rejected`` carries its reason, and
    ``claimable_since`` the day from which on its amount can be claimed again.

    ``xclear_date`` is what the central bank says; ``booked_on`` is the business day where that is
    another one (迟记), else "".
    """

    TYPE: ClassVar[str] = "clearing.claim_receipted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="clearing",
        asked_by="clearing.receipt",
        moves=("uncleared",),
        posts={"clearing.2301": _CLAIMED, "clearing.2302": _CLAIMED},
        delivery=True,
        step="clearing",
        title="划款回单",
    )
    clear_no: str
    voucher_no: str
    xpay_amt: Yuan
    xclear_date: str
    booked_on: str = ""
    rejected: str = ""
    claimable_since: str = ""  # "" for a rejection: the date of the claim, as it once was
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class ClearingCleared(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "clearing.cleared"
    TRAITS: ClassVar[Traits] = Traits(
        subject="clearing", ends=True, step="clearing", title="清算完成"
    )
    clear_no: str


class ClearingRejected(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "clearing.rejected"
    TRAITS: ClassVar[Traits] = Traits(
        subject="clearing", ends=True, step="clearing", title="清算退回"
    )
    clear_no: str
    reason: str


register(
    ClearingRequested,
    ClaimReceipted,
    ClearingCleared,
    ClearingRejected,
    upcasts={
        # "upto" did not say of what: it is the last position whose movements the claims take
        "clearing.requested": (renamed("upto", "upto_position"), "clearing.requested@2"),
    },
)
