"""支付: application, check, voucher, receipt, refund."""

from typing import ClassVar

import msgspec

from budget.events import Figures
from budget.year_end_events import IS_CARRIED
from division.payer import Payer
from ledger.elements.register import DIMENSIONS
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register

_OCCUPIED: AmountMoves = {"indicator": {"available": -1, "occupied": 1}}
RELEASED: AmountMoves = {"indicator": {"available": 1, "occupied": -1}}
_OF_THE_UNIT: AmountMoves = {"unit_financial": {}, "unit_budgetary": {}, "zero_balance": {}}
# what the books tell a paid unit by
PAID_FOR = (*DIMENSIONS, "agency_type_code", "current_item_code", IS_CARRIED)
_PAID: AmountMoves = {"indicator": {"occupied": -1, "paid": 1}, **_OF_THE_UNIT}
_REFUNDED: AmountMoves = {"indicator": {"paid": -1, "available": 1}, **_OF_THE_UNIT}
# a special account pays at once, and no zero-balance account: unit's and treasury's books together
OF_SPECIAL_ACCOUNTS: AmountMoves = {
    "unit_financial": {},
    "unit_budgetary": {},
    "treasury_financial": {},
    "treasury_budgetary": {},
}
_PAID_SPECIAL: AmountMoves = {"indicator": {"occupied": -1, "paid": 1}, **OF_SPECIAL_ACCOUNTS}
REFUNDED_SPECIAL: AmountMoves = {
    "indicator": {"paid": -1, "available": 1},
    **OF_SPECIAL_ACCOUNTS,
}


class PaymentDetail(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One line to one payee (支付明细); of 公务卡 with what was spent with which card."""

    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    pay_amt: Yuan
    payee_bank_no: str = ""
    iden_no: str = ""
    remark: str = ""
    card_no: str = ""
    consume_date: str = ""
    card_auth_no: str = ""
    merchant_name: str = ""
    consume_amt: Yuan = ""


class PaymentApplied(Event, frozen=True, kw_only=True):
    """支付申请: occupies the indicator, or what a purchase plan holds. A single payment has no
    ``details``; ``current_item_code`` is what it settles or advances, "" what its economy is.
    Monitoring rules ``frozen_by`` hold it. ``card_lines`` is what was spent with cards and is
    reimbursed by it; events that set that free again name it likewise. ``is_carried`` where the
    year before has handed its indicator on; ``receiver_code`` is its payee's in the register,
    ``pay_acct_no`` the special account 财政专户 that pays it, here as behind it; ``bond_code`` is
    the bond whose money it is."""

    TYPE: ClassVar[str] = "payment.applied"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="payment.apply",
        moves=("indicator", "contract", "card_line"),
        posts={"payment.applied": RuleNeeds(DIMENSIONS, {"pay": _OCCUPIED})},
        step="payment",
        title="支付申请",
    )
    pay_app_no: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    pay_amt: Yuan
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    payee_bank_no: str = ""
    use_des: str
    set_mode_code: str
    pay_bus_type_code: str
    create_date: str
    dated_by_caller: bool = False
    details: tuple[PaymentDetail, ...] = ()
    contract_no: str = ""
    pur_plan_no: str = ""
    current_item_code: str = ""
    monitor_reason: str = ""
    receiver_code: str = ""
    frozen_by: tuple[str, ...] = ()
    card_lines: tuple[str, ...] = ()
    is_carried: bool = False
    pay_acct_no: str = ""
    bond_code: str = ""
    figures: Figures
    by: str


class PaymentApproved(Event, frozen=True, kw_only=True):
    """审核通过: the voucher (支付凭证) ``pay_cert_no`` is issued with it, under the policy then.

    ``payer`` is what the division's registers say of who pays; without it they said nothing.
    Where a reserve of cash is kept, ``promised_amt`` of the kind of fund ``promised_fund`` is
    promised until the bank has paid, for ``guarantee``, one of the three (三保), or "" for none.
    """

    TYPE: ClassVar[str] = "payment.approved"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="payment.approve",
        moves=("cash_promised",),
        step="payment",
        title="审核通过",
    )
    pay_app_no: str
    pay_cert_no: str
    vou_date: str
    roles: tuple[str, ...]
    pay_bank_code: str
    payer: Payer | None = None
    promised_amt: Yuan = ""
    promised_fund: str = ""
    guarantee: str = ""
    by: str


class PaymentRejected(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "payment.rejected"
    TRAITS: ClassVar[Traits] = Traits(
        ends=True,
        subject="payment",
        asked_by="payment.reject",
        moves=("indicator", "contract", "card_line"),
        posts={"payment.rejected": RuleNeeds(DIMENSIONS, {"pay": RELEASED})},
        step="payment",
        title="退回",
    )
    pay_app_no: str
    reason: str
    contract_no: str = ""
    card_lines: tuple[str, ...] = ()
    figures: Figures
    by: str


class PaymentWithdrawn(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "payment.withdrawn"
    TRAITS: ClassVar[Traits] = Traits(
        ends=True,
        subject="payment",
        asked_by="payment.withdraw",
        moves=("indicator", "contract", "card_line"),
        posts={"payment.withdrawn": RuleNeeds(DIMENSIONS, {"pay": RELEASED})},
        step="payment",
        title="撤回",
    )
    pay_app_no: str
    contract_no: str = ""
    card_lines: tuple[str, ...] = ()
    figures: Figures
    by: str


class VoucherSigned(Event, frozen=True, kw_only=True):
    """One signature over the voucher's exact bytes, whose SM3 is ``voucher_sm3`` (hex).

    ``signature`` is DER in base64. Where the voucher was signed together with others it is empty,
    and the voucher is the leaf ``leaf`` (from 0) of the manifest ``manifest_no``. ``final``: the
    policy's last role has signed. ``custody``: see manifests.
    """

    TYPE: ClassVar[str] = "voucher.signed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="voucher.sign",
        delivery=True,
        step="voucher",
        title="签章",
    )
    pay_app_no: str
    pay_cert_no: str
    role: str
    cert_serial: str
    voucher_sm3: str
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    custody: str = "server"
    final: bool = False
    by: str


class VoucherSent(Event, frozen=True, kw_only=True):
    """The bank has taken the voucher in."""

    TYPE: ClassVar[str] = "voucher.sent"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="voucher.send",
        delivery=True,
        step="voucher",
        title="发送银行",
    )
    pay_app_no: str
    pay_cert_no: str
    pay_bank_code: str


class VoucherRefused(Event, frozen=True, kw_only=True):
    """银行退回凭证: the bank has named the voucher and will not carry it out.

    ``code`` and ``reason`` are the bank's own. Nothing has moved; the payment stays signed, and is
    sent again only when an operator says so. A receipt that comes nevertheless is applied.
    """

    TYPE: ClassVar[str] = "voucher.refused"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="voucher.refuse",
        delivery=True,
        step="voucher",
        title="银行退回凭证",
    )
    pay_app_no: str
    pay_cert_no: str
    pay_bank_code: str
    code: str
    reason: str


class FailedDetail(msgspec.Struct, frozen=True, gc=False):
    pay_detail_id: str
    xadd_word: str


class VoucherReceipted(Event, frozen=True, kw_only=True):
    """银行支付回单: the one outcome of every line. Lines not in ``failed`` were paid in full.

    It is signed as a voucher is: alone, or as a leaf of the bank's manifest. ``xpay_date`` is what
    the bank says; ``booked_on`` is the business day where that is another one (迟记), else "".
    ``agency_type_code`` is what the unit was on the business day, "" where no unit was registered.
    ``claimed_singly``: its bank claims it by itself, and in no sum.
    """

    TYPE: ClassVar[str] = "voucher.receipted"
    TRAITS: ClassVar[Traits] = Traits(
        ends=True,
        subject="payment",
        asked_by="voucher.receipt",
        moves=("indicator", "uncleared", "contract", "card_line"),
        posts={
            "voucher.receipted": RuleNeeds(PAID_FOR, {"paid": _PAID, "failed": RELEASED}),
            "voucher.receipted_special": RuleNeeds(
                PAID_FOR, {"paid": _PAID_SPECIAL, "failed": RELEASED}
            ),
        },
        delivery=True,
        step="receipt",
        title="支付回单",
    )
    pay_app_no: str
    pay_cert_no: str
    outcome: str
    xpay_amt: Yuan
    xpay_date: str
    booked_on: str = ""
    agent_business_no: str
    failed: tuple[FailedDetail, ...] = ()
    figures: Figures
    receipt_sm3: str
    cert_serial: str
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    agency_type_code: str = ""
    contract_no: str = ""
    card_lines: tuple[str, ...] = ()
    pay_acct_no: str = ""
    claimed_singly: bool = False
    by: str


class RefundRequested(Event, frozen=True, kw_only=True):
    """退款申请: the bank is asked to return money; nothing moves until it says that it has."""

    TYPE: ClassVar[str] = "payment.refund_requested"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="payment.refund",
        delivery=True,
        step="receipt",
        title="退款申请",
    )
    pay_app_no: str
    refund_no: str
    refund_amt: Yuan
    pay_detail_id: str = ""
    request_date: str
    reason: str
    by: str


class RefundRefused(Event, frozen=True, kw_only=True):
    """The bank does not return what it was asked for."""

    TYPE: ClassVar[str] = "payment.refund_refused"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="refund.refuse",
        delivery=True,
        step="receipt",
        title="退款申请退回",
    )
    pay_app_no: str
    refund_no: str
    reason: str


class ReturnedLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A line that came back, as the bank's notice has it; ``refund_no`` of the request for it, or
    made of the notice's number."""

    pay_detail_id: str
    refund_no: str
    refund_amt: Yuan
    payee_acct_no: str = ""


class PaymentRefunded(Event, frozen=True, kw_only=True):
    """退款到账: money came back; the indicator of origin is restored.

    It is booked on the bank's signed notice (2203, 2252), whose document ``notice_sm3`` names, and
    on the bank's day. Without a notice it is of a former release, where a person's word was enough;
    there ``pay_detail_id`` names the line, or none for the payment as a whole. ``suspense_no`` says
    that persons have found out which payment it is of.

    ``bgt_id`` is the indicator that is restored, "" for the payment's own; ``borne_amt`` what of
    it that bore, where others bore some as well, "" where it bore all.
    """

    TYPE: ClassVar[str] = "payment.refunded"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="bank.notice",
        formerly=("notice_sm3", "payment.refund"),
        moves=("indicator", "uncleared", "contract", "card_line"),
        posts={
            "payment.refunded": RuleNeeds(PAID_FOR, {"refund": _REFUNDED}),
            "payment.refunded_special": RuleNeeds(PAID_FOR, {"refund": REFUNDED_SPECIAL}),
        },
        delivery=True,
        step="receipt",
        title="退款",
    )
    pay_app_no: str
    refund_no: str
    refund_amt: Yuan
    pay_detail_id: str = ""
    refund_date: str
    reason: str
    figures: Figures
    pay_cert_no: str = ""
    suspense_no: str = ""
    vt_code: str = ""
    notice_no: str = ""
    pay_bank_code: str = ""
    agent_business_no: str = ""
    returned: tuple[ReturnedLine, ...] = ()
    notice_sm3: str = ""
    cert_serial: str = ""
    signature: str = ""
    bgt_id: str = ""
    borne_amt: Yuan = ""
    contract_no: str = ""
    card_lines: tuple[str, ...] = ()
    pay_acct_no: str = ""
    by: str


register(
    PaymentApplied,
    PaymentApproved,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherSigned,
    VoucherSent,
    VoucherRefused,
    VoucherReceipted,
    RefundRequested,
    RefundRefused,
    PaymentRefunded,
)
