"""代理银行申请划款: what an agent bank claims by its own 2301 and 2302, what becomes of that."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, Yuan, register


class ClearingPolicySet(Event, frozen=True, kw_only=True):
    """清算策略: ``claimed_by`` the treasury, or the banks; then every payment from
    ``singly_from_amt`` on is claimed singly, none where that is ""."""

    TYPE: ClassVar[str] = "ledger.clearing_policy_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="clearing_policy.set", title="清算策略"
    )
    claimed_by: str
    singly_from_amt: Yuan = ""
    by: str


class BankClaimLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A detail of a bank's claim: first-level unit and function code. One that names a voucher is
    that payment's alone."""

    sup_dep_code: str
    exp_func_code: str
    pay_amt: Yuan
    voucher_no: str = ""
    pay_app_no: str = ""


class BankClaimTaken(Event, frozen=True, kw_only=True):
    """申请划款凭证 of an agent bank, signed by it, that agrees with what the books have of it.

    ``claim_no`` is the bank's code and the claim's own ``voucher_no``. It moves nothing: the
    treasury agrees to it by a clearing, or returns it.
    """

    TYPE: ClassVar[str] = "clearing.bank_claimed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bank_claim",
        asked_by="clearing.claim",
        step="clearing",
        title="代理银行申请划款",
    )
    claim_no: str
    voucher_no: str
    vt_code: str
    sender: str
    pay_bank_code: str
    clear_date: str
    fund_type_code: str
    pay_amt: Yuan
    lines: tuple[BankClaimLine, ...]
    notice_sm3: str
    cert_serial: str
    signature: str
    by: str


class BankClaimAgreed(Event, frozen=True, kw_only=True):
    """The treasury claims it from the central bank, in the clearing that stands before."""

    TYPE: ClassVar[str] = "clearing.bank_claim_agreed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bank_claim", ends=True, step="clearing", title="划款申请同意"
    )
    claim_no: str
    clear_no: str


class BankClaimReturned(Event, frozen=True, kw_only=True):
    """退回: the treasury does not agree; what it is over can be claimed again. The bank is told so:
    ``voucher_no`` is the message's number here, "" of a release that told nobody."""

    TYPE: ClassVar[str] = "clearing.bank_claim_returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bank_claim",
        asked_by="clearing.return_claim",
        delivery=True,
        ends=True,
        step="clearing",
        title="划款申请退回",
    )
    claim_no: str
    reason: str
    voucher_no: str = ""
    pay_bank_code: str = ""
    by: str


class BankClaimReturnTold(Event, frozen=True, kw_only=True):
    """退回已送达: the bank has taken in that its claim is returned."""

    TYPE: ClassVar[str] = "clearing.bank_claim_return_told"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bank_claim",
        asked_by="clearing.tell_return",
        delivery=True,
        ends=True,
        step="clearing",
        title="划款申请退回送达",
    )
    claim_no: str
    voucher_no: str


register(ClearingPolicySet, BankClaimTaken, BankClaimAgreed, BankClaimReturned, BankClaimReturnTold)
