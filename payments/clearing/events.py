"""清算: claims on the central bank and its answers."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register, renamed

_ELEMENTS = ("gov_bgt_eco_code", "fund_type_code")  # a claim is of many indicators


def _claimed(controls: Mapping[str, int]) -> RuleNeeds:
    books = ("treasury_budgetary", "zero_balance")
    cleared: AmountMoves = {"treasury_financial": controls, **{book: {} for book in books}}
    return RuleNeeds(_ELEMENTS, {"claim": cleared})


_OF_CLAIMS = {
    "clearing.2301": _claimed({"cash": -1}),
    "clearing.2302": _claimed({"cash": 1}),
    # 财政专户管理资金, which releases before this one claimed from the treasury as well
    "clearing.2301_special": _claimed({}),
    "clearing.2302_special": _claimed({}),
    # 以前年度退回: last year's outlays, which are closed, have become 累计盈余 and 结转结余
    "clearing.2302_prior": _claimed({"cash": 1}),
    "clearing.2302_prior_special": _claimed({}),
}


class ClaimLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a claim sums: first-level unit (first 3 of agency_code), function code, 政府经济分类;
    ``pay_app_no`` where it is one payment's, which is claimed singly."""

    sup_dep_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    pay_amt: Yuan
    pay_app_no: str = ""


class Claim(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One 2301 (paid ahead by the bank) or 2302 (refunded to it) of one fund type; ``paid_year`` is
    the year before, where the money was paid in that, else 0; ``claim_no`` the agent bank's own
    claim that it is made on, "" where the treasury has made it by itself."""

    vt_code: str
    voucher_no: str
    fund_type_code: str
    pay_amt: Yuan
    lines: tuple[ClaimLine, ...]
    paid_year: int = 0
    claim_no: str = ""


class ClearingRequested(Event, frozen=True, kw_only=True):
    """``cash_accts``: by kind of fund, the treasury account on which the claims are made; none of a
    ledger whose cash is not controlled. ``claim_nos``: what the agent bank has claimed, and is
    agreed to; none where the treasury claims by itself."""

    TYPE: ClassVar[str] = "clearing.requested@2"
    TRAITS: ClassVar[Traits] = Traits(
        subject="clearing",
        asked_by="clearing.request",
        moves=("uncleared", "cash"),
        delivery=True,
        step="clearing",
        title="申请划款",
    )
    clear_no: str
    clear_date: str
    pay_bank_code: str
    claims: tuple[Claim, ...]
    upto_position: int
    cash_accts: dict[str, str] = msgspec.field(default_factory=dict)
    claim_nos: tuple[str, ...] = ()
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
        moves=("uncleared", "cash"),
        posts=_OF_CLAIMS,
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
