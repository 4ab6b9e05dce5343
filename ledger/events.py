"""Every event type of the project: one frozen struct each.

The payload of an event is the JSON of its struct with the element names of the MoF technical
standard; the bytes are stored as they were hashed. Amounts in payloads are yuan text, as everywhere
outside the process. A type's later versions are named ``type@2``; old bytes are upcast when read
and never rewritten. What an event says holds at its own position: figures and names are those of
that moment.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from ledger.errors import IntegrityError

Yuan = str


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What happened; ``TYPE`` is the name in the event table."""

    TYPE: ClassVar[str] = ""


class Figures(msgspec.Struct, frozen=True, gc=False):
    """An indicator's amounts after an event (canuse = amount - frozen - pay_app - pay)."""

    amount: Yuan
    frozen_amt: Yuan
    pay_app_amt: Yuan
    pay_amt: Yuan
    canuse_amt: Yuan
    plan_amt: Yuan
    plan_canuse_amt: Yuan


# ---- the ledger itself


class LedgerOpened(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "ledger.opened"
    mof_div_code: str
    mof_div_name: str
    fiscal_year: int
    name: str
    by: str


class SignaturePolicySet(Event, frozen=True, kw_only=True):
    """Which roles sign a voucher, in order, and the bank that is sent it."""

    TYPE: ClassVar[str] = "ledger.signature_policy_set"
    roles: tuple[str, ...]
    pay_bank_code: str
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
    extra: dict[str, Any] = {}
    by: str


# ---- 指标


class IndicatorIssued(Event, frozen=True, kw_only=True):
    """批复下达: names travel with codes (names of the code set ``codes_version``)."""

    TYPE: ClassVar[str] = "indicator.issued"
    bgt_id: str
    agency_code: str
    agency_name: str = ""
    pro_code: str
    pro_name: str = ""
    exp_func_code: str
    exp_func_name: str
    gov_bgt_eco_code: str
    gov_bgt_eco_name: str
    dep_bgt_eco_code: str
    dep_bgt_eco_name: str
    fund_type_code: str
    fund_type_name: str
    bgt_type_code: str
    bgt_type_name: str
    amount: Yuan
    is_contrlbyplan: bool = False
    bgt_exe_flag: int = 1
    codes_version: str
    figures: Figures
    by: str


class IndicatorAdjusted(Event, frozen=True, kw_only=True):
    """追加 (positive) or 追减 (negative)."""

    TYPE: ClassVar[str] = "indicator.adjusted"
    bgt_id: str
    adj_no: str
    adj_amt: Yuan
    reason: str
    figures: Figures
    by: str


class IndicatorReallocatedOut(Event, frozen=True, kw_only=True):
    """调剂, the giving side; it stands directly before the receiving side."""

    TYPE: ClassVar[str] = "indicator.reallocated_out"
    bgt_id: str
    to_bgt_id: str
    adj_no: str
    amt: Yuan
    reason: str
    figures: Figures
    by: str


class IndicatorReallocatedIn(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "indicator.reallocated_in"
    bgt_id: str
    from_bgt_id: str
    adj_no: str
    amt: Yuan
    figures: Figures
    by: str


class IndicatorFrozen(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "indicator.frozen"
    bgt_id: str
    freeze_no: str
    amt: Yuan
    figures: Figures
    by: str


class IndicatorUnfrozen(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "indicator.unfrozen"
    bgt_id: str
    freeze_no: str
    amt: Yuan
    figures: Figures
    by: str


class PlanSet(Event, frozen=True, kw_only=True):
    """用款计划: a month's plan of an indicator, or (negative) a cut of it."""

    TYPE: ClassVar[str] = "plan.set"
    bgt_id: str
    plan_voucher_no: str
    plan_month: int
    plan_amt: Yuan
    figures: Figures
    by: str


# ---- 支付


class PaymentDetail(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One line to one payee (支付明细)."""

    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    pay_amt: Yuan
    payee_bank_no: str = ""
    iden_no: str = ""
    remark: str = ""


class PaymentApplied(Event, frozen=True, kw_only=True):
    """支付申请: occupies the indicator. A single payment has no ``details``."""

    TYPE: ClassVar[str] = "payment.applied"
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
    figures: Figures
    by: str


class PaymentApproved(Event, frozen=True, kw_only=True):
    """审核通过: the voucher (支付凭证) ``pay_cert_no`` is issued with it, under the policy then."""

    TYPE: ClassVar[str] = "payment.approved"
    pay_app_no: str
    pay_cert_no: str
    vou_date: str
    roles: tuple[str, ...]
    pay_bank_code: str
    by: str


class PaymentRejected(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "payment.rejected"
    pay_app_no: str
    reason: str
    figures: Figures
    by: str


class PaymentWithdrawn(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "payment.withdrawn"
    pay_app_no: str
    figures: Figures
    by: str


class VoucherSigned(Event, frozen=True, kw_only=True):
    """One signature over the voucher's exact bytes, whose SM3 is ``voucher_sm3`` (hex).

    ``signature`` is DER in base64; ``final`` says that the policy's last role has signed.
    """

    TYPE: ClassVar[str] = "voucher.signed"
    pay_app_no: str
    pay_cert_no: str
    role: str
    cert_serial: str
    voucher_sm3: str
    signature: str
    final: bool = False
    by: str


class VoucherSent(Event, frozen=True, kw_only=True):
    """The bank has taken the voucher in."""

    TYPE: ClassVar[str] = "voucher.sent"
    pay_app_no: str
    pay_cert_no: str
    pay_bank_code: str


class FailedDetail(msgspec.Struct, frozen=True, gc=False):
    pay_detail_id: str
    xadd_word: str


class VoucherReceipted(Event, frozen=True, kw_only=True):
    """银行支付回单: the one outcome of every line. Lines not in ``failed`` were paid in full."""

    TYPE: ClassVar[str] = "voucher.receipted"
    pay_app_no: str
    pay_cert_no: str
    outcome: str
    xpay_amt: Yuan
    xpay_date: str
    agent_business_no: str
    failed: tuple[FailedDetail, ...] = ()
    figures: Figures
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class PaymentRefunded(Event, frozen=True, kw_only=True):
    """退款: money came back; the indicator of origin is restored."""

    TYPE: ClassVar[str] = "payment.refunded"
    pay_app_no: str
    refund_no: str
    refund_amt: Yuan
    pay_detail_id: str = ""
    refund_date: str
    reason: str
    figures: Figures
    by: str


class DisbursementOpened(Event, frozen=True, kw_only=True):
    """批量支付: one list of payees, paid from one indicator as one run."""

    TYPE: ClassVar[str] = "disbursement.opened"
    run_no: str
    bgt_id: str
    title: str
    use_des: str
    set_mode_code: str
    pay_bus_type_code: str
    effective_on: str = ""
    by: str


class DisbursementLoaded(Event, frozen=True, kw_only=True):
    """The run's lines as a whole: ``lines_sm3`` over all of them, ``file_sm3`` over the file."""

    TYPE: ClassVar[str] = "disbursement.loaded"
    run_no: str
    line_count: int
    pay_amt: Yuan
    lines_sm3: str
    file_sm3: str
    by: str


class DisbursementApproved(Event, frozen=True, kw_only=True):
    """审核通过: just these lines may be paid; their total is frozen in the same decision."""

    TYPE: ClassVar[str] = "disbursement.approved"
    run_no: str
    line_count: int
    voucher_count: int
    pay_amt: Yuan
    lines_sm3: str
    by: str


class DisbursementStarted(Event, frozen=True, kw_only=True):
    """A signer takes the run on, for the first time or again, to sign in ``role``."""

    TYPE: ClassVar[str] = "disbursement.started"
    run_no: str
    role: str
    by: str


class DisbursementDrawn(Event, frozen=True, kw_only=True):
    """Of what was frozen, one voucher's amount is set free for the application that follows."""

    TYPE: ClassVar[str] = "disbursement.drawn"
    run_no: str
    voucher: int
    pay_app_no: str
    pay_amt: Yuan
    by: str


class DisbursementStopped(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "disbursement.stopped"
    run_no: str
    reason: str
    by: str


class DisbursementClosed(Event, frozen=True, kw_only=True):
    """No further voucher will be drawn; what was frozen and not drawn is set free."""

    TYPE: ClassVar[str] = "disbursement.closed"
    run_no: str
    released_amt: Yuan
    by: str


# ---- 清算


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
    TYPE: ClassVar[str] = "clearing.requested"
    clear_no: str
    clear_date: str
    pay_bank_code: str
    claims: tuple[Claim, ...]
    upto: int
    by: str


class ClaimReceipted(Event, frozen=True, kw_only=True):
    """The central bank's receipt for one claim; ``rejected`` carries its reason."""

    TYPE: ClassVar[str] = "clearing.claim_receipted"
    clear_no: str
    voucher_no: str
    xpay_amt: Yuan
    xclear_date: str
    rejected: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class ClearingCleared(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "clearing.cleared"
    clear_no: str


class ClearingRejected(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "clearing.rejected"
    clear_no: str
    reason: str


# ---- 记账凭证


class Line(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A journal line ``[account, dr_cr, amount]``; dr_cr is 1 debit, -1 credit.

    ``bgt_id`` stands only where it differs from the journal's own.
    """

    account: str
    dr_cr: int
    amt: Yuan
    bgt_id: str = ""


class JournalPosted(Event, frozen=True, kw_only=True):
    """The entry of every book that the event at position ``source`` gives rise to (平行记账).

    ``rule`` is the version of charts and rules; ``red_flag`` 1 marks a reversal (红冲).
    """

    TYPE: ClassVar[str] = "journal.posted"
    source: int
    event: str
    rule: str
    number: str
    bgt_id: str = ""
    fund_type_code: str = ""
    red_flag: int = 0
    lines: tuple[Line, ...]


TYPES: dict[str, type[Event]] = {
    cls.TYPE: cls
    for cls in (
        LedgerOpened,
        SignaturePolicySet,
        PeriodClosed,
        CommandRefused,
        IndicatorIssued,
        IndicatorAdjusted,
        IndicatorReallocatedOut,
        IndicatorReallocatedIn,
        IndicatorFrozen,
        IndicatorUnfrozen,
        PlanSet,
        PaymentApplied,
        PaymentApproved,
        PaymentRejected,
        PaymentWithdrawn,
        VoucherSigned,
        VoucherSent,
        VoucherReceipted,
        PaymentRefunded,
        DisbursementOpened,
        DisbursementLoaded,
        DisbursementApproved,
        DisbursementStarted,
        DisbursementDrawn,
        DisbursementStopped,
        DisbursementClosed,
        ClearingRequested,
        ClaimReceipted,
        ClearingCleared,
        ClearingRejected,
        JournalPosted,
    )
}

# type name of an old version -> (function over the decoded mapping, type name it becomes)
UPCASTERS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {}

# "payment.applied", "payment.applied@2"; other names were written through the recorder by other
# applications of the eventsourcing library. The same text serves in SQL.
OWN_TYPE_PATTERN = r"^[a-z_]+\.[a-z_]+(@[0-9]+)?$"
_OWN_TYPE = re.compile(OWN_TYPE_PATTERN, re.ASCII)

encode = msgspec.json.Encoder().encode
_DECODERS = {name: msgspec.json.Decoder(cls).decode for name, cls in TYPES.items()}


def is_own_type(type_name: str) -> bool:
    """Whether a type's name has our shape; another application's recorder may share a ledger."""
    return _OWN_TYPE.fullmatch(type_name) is not None


def decode(type_name: str, payload: bytes) -> Event:
    """The event of a stored row, brought up to today's version of its type.

    Raises:
        IntegrityError: for a type nobody knows, or bytes that are not such an event.
    """
    try:
        if (decoder := _DECODERS.get(type_name)) is not None:
            return decoder(payload)
        mapping = msgspec.json.decode(payload)
        while (step := UPCASTERS.get(type_name)) is not None:
            upcast, type_name = step
            mapping = upcast(mapping)
        if type_name in TYPES:
            return msgspec.convert(mapping, TYPES[type_name])
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"the bytes are no {type_name}: {error}") from error
    raise IntegrityError(f"unknown event type {type_name!r}")
