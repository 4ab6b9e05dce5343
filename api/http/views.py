"""What callers see of ledgers, indicators and payments: the answers of the contract.

Structs, because the OpenAPI document is made from them. Amounts are yuan text. ``commit`` stands in
the answer of a write only, and is null for a dry run.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from api.http.correction_views import CorrectionOfPayment, corrections_of
from api.http.held_by import HeldByView
from api.http.late_entries import LateEventsView, LateFiguresView
from api.http.models.enums import Custody, PaymentState, Signatory
from api.http.recall_views import RecallView, recalls_of
from api.http.refund_views import RefundView, refunds_of
from budget.balances import Balances
from budget.events import Figures
from budget.indicator import Indicator
from ledger.account_set import division_of, fiscal_year_of, ledger_text
from ledger.calendar import PERIODS
from ledger.deciding.command import Commit
from ledger.deciding.opening import TITLE
from ledger.deciding.settings import LedgerSettings
from ledger.money import stored_fen, yuan
from payments.events import PaymentDetail, VoucherReceipted
from payments.payment import Payment
from payments.signature_policy import SIGNATURE_POLICY


class CommitView(msgspec.Struct, frozen=True):
    """Where an accepted write stands; digest and chain in hex."""

    ledger: str
    position: int
    digest: str
    chain: str


Committed = CommitView | None | UnsetType


class LedgerView(msgspec.Struct, kw_only=True):
    ledger: str
    mof_div_code: str
    mof_div_name: str
    fiscal_year: int
    name: str
    position: int
    chain: str
    roles: tuple[Signatory, ...]
    pay_bank_code: str
    signing: str
    closed_through: str | None = None
    commit: Committed = UNSET


class PlanMonthView(msgspec.Struct, kw_only=True, gc=False):
    """What is planned of a month, after all that was set and cut."""

    plan_month: int
    plan_amt: str


class IndicatorView(msgspec.Struct, kw_only=True):
    """``pending_amt`` is what of ``amount`` is 待下达, and can neither be paid nor frozen yet.
    ``distributed_from`` is the indicator that it is a part of, "" of one that is issued by itself.
    ``plans`` are those of each month, of an indicator as it is now that has any; ``plan_amt`` and
    ``plan_canuse_amt`` are of all months together; ``bond_code`` is told of one that has a bond."""

    ledger: str
    bgt_id: str
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
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
    is_contrlbyplan: bool
    bgt_exe_flag: int
    bgt_pman_id: str
    cor_bgt_doc_no: str
    bgt_doc_title: str
    doc_date: str
    sup_bgt_doc_no: str
    source_type_code: str
    budget_level_code: str
    is_gov_pur: bool
    is_dir_code: str
    track_pro_code: str
    ori_bgt_id: str
    mof_dep_code: str
    distributed_from: str
    pending_amt: str
    amount: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    plan_amt: str
    plan_canuse_amt: str
    plans: list[PlanMonthView] | UnsetType = UNSET
    bond_code: str | UnsetType = UNSET
    late: LateFiguresView | UnsetType | None = UNSET
    commit: Committed = UNSET


class ReallocationView(msgspec.Struct, kw_only=True):
    """Both indicators, the giving one first."""

    indicators: tuple[IndicatorView, ...]
    commit: Committed = UNSET


class DetailView(msgspec.Struct, kw_only=True, gc=False):
    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    iden_no: str
    remark: str
    pay_amt: str
    xpay_amt: str | None
    xadd_word: str | None
    card: "CardLineView | UnsetType" = UNSET


class CardLineView(msgspec.Struct, kw_only=True, gc=False):
    """What was spent with an official's card, and is reimbursed by a line."""

    card_no: str
    consume_date: str
    card_auth_no: str
    merchant_name: str
    consume_amt: str


class SignatureView(msgspec.Struct, kw_only=True, gc=False):
    role: Signatory
    by: str
    cert_serial: str
    voucher_sm3: str
    signature: str
    manifest_no: str
    leaf: int
    custody: Custody


class ReceiptView(msgspec.Struct, kw_only=True, gc=False):
    outcome: PaymentState
    xpay_amt: str
    xpay_date: str
    booked_on: str
    agent_business_no: str
    receipt_sm3: str
    cert_serial: str
    signature: str
    manifest_no: str
    leaf: int


class IndicatorFigures(msgspec.Struct, kw_only=True, gc=False):
    """An indicator's figures directly after the payment's last event."""

    bgt_id: str
    amount: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    plan_amt: str
    plan_canuse_amt: str


class PaymentView(msgspec.Struct, kw_only=True, gc=False):
    ledger: str
    pay_app_no: str
    status: PaymentState
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    pay_amt: str
    xpay_amt: str | None
    refund_amt: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    use_des: str
    set_mode_code: str
    current_item_code: str
    pay_bus_type_code: str
    create_date: str
    contract_no: str
    monitor_reason: str
    receiver_code: str
    pay_acct_no: str
    bond_code: str
    details: tuple[DetailView, ...]
    pay_cert_no: str | None
    vou_date: str | None
    pay_bank_code: str | None
    roles: tuple[Signatory, ...]
    signatures: tuple[SignatureView, ...]
    sent: bool
    receipt: ReceiptView | None
    held_by: HeldByView | UnsetType | None = UNSET
    recalls: tuple[RecallView, ...]
    refunds: tuple[RefundView, ...]
    corrections: tuple[CorrectionOfPayment, ...]
    reason: str
    by: str
    checked_by: str | None
    indicator: IndicatorFigures
    late: LateEventsView | UnsetType | None = UNSET
    commit: Committed = UNSET


# ---- from what the books hold


def commit_view(commit: Commit | None) -> CommitView | None:
    if commit is None:
        return None
    return CommitView(
        ledger_text(commit.ledger_id), commit.position, commit.digest.hex(), commit.chain.hex()
    )


def ledger_view(
    ledger_id: int, position: int, chain: bytes, settings: LedgerSettings, commit: Committed = UNSET
) -> LedgerView:
    title, policy = settings.get(TITLE), settings.get(SIGNATURE_POLICY)
    closed = settings.get(PERIODS).closed_through
    return LedgerView(
        ledger=ledger_text(ledger_id),
        mof_div_code=division_of(ledger_id),
        mof_div_name=title.mof_div_name,
        fiscal_year=fiscal_year_of(ledger_id),
        name=title.name,
        position=position,
        chain=chain.hex(),
        roles=policy.roles,
        pay_bank_code=policy.pay_bank_code,
        signing=policy.signing,
        closed_through=closed.isoformat() if closed else None,
        commit=commit,
    )


_STANDING = ("bgt_exe_flag", "bgt_pman_id", "distributed_from", "pending_amt", "plans")
_NOT_ISSUED = {"ledger", "commit", "late", *_STANDING, *Figures.__struct_fields__}
_ISSUED = tuple(name for name in IndicatorView.__struct_fields__ if name not in _NOT_ISSUED)


def indicator_view(
    ledger_id: int,
    indicator: Indicator,
    balances: Balances | None = None,
    commit: Committed = UNSET,
) -> IndicatorView:
    """An indicator with ``balances``, or else with the figures of its own last event."""
    figures = indicator.figures if balances is None else balances.figures()
    issued, pending_amt = indicator.issued, indicator.pending_amt or _NOTHING
    shown = msgspec.structs.asdict(figures)
    if pending_fen := stored_fen(pending_amt):
        shown["amount"] = yuan(pending_fen + stored_fen(figures.amount))
    view = IndicatorView(
        ledger=ledger_text(ledger_id),
        **{name: getattr(issued, name) for name in _ISSUED},
        bgt_exe_flag=indicator.bgt_exe_flag,
        bgt_pman_id=indicator.bgt_pman_id,
        distributed_from=indicator.distributed_from,
        pending_amt=pending_amt,
        **shown,
        commit=commit,
    )
    if issued.bond_code:
        view.bond_code = issued.bond_code
    if indicator.planned:
        months = enumerate(indicator.planned, 1)
        view.plans = [PlanMonthView(plan_month=m, plan_amt=yuan(fen)) for m, fen in months if fen]
    return view


def payment_view(ledger_id: int, payment: Payment, commit: Committed = UNSET) -> PaymentView:
    """The payment as callers see it, field by field: this is made 5,000 times a bulk, and gathering
    the fields by their names costs three times as much."""
    applied, approved, receipt = payment.applied, payment.approved, payment.receipt
    figures = payment.figures
    return PaymentView(
        ledger=ledger_text(ledger_id),
        pay_app_no=applied.pay_app_no,
        status=payment.status,
        bgt_id=applied.bgt_id,
        agency_code=applied.agency_code,
        pro_code=applied.pro_code,
        exp_func_code=applied.exp_func_code,
        gov_bgt_eco_code=applied.gov_bgt_eco_code,
        dep_bgt_eco_code=applied.dep_bgt_eco_code,
        fund_type_code=applied.fund_type_code,
        pay_amt=applied.pay_amt,
        xpay_amt=receipt.xpay_amt if receipt else None,
        refund_amt=yuan(payment.refunded_fen) if payment.refunds else _NOTHING,
        payee_acct_name=applied.payee_acct_name,
        payee_acct_no=applied.payee_acct_no,
        payee_acct_bank_name=applied.payee_acct_bank_name,
        payee_bank_no=applied.payee_bank_no,
        use_des=applied.use_des,
        set_mode_code=applied.set_mode_code,
        current_item_code=applied.current_item_code,
        pay_bus_type_code=applied.pay_bus_type_code,
        create_date=applied.create_date,
        contract_no=applied.contract_no,
        monitor_reason=applied.monitor_reason,
        receiver_code=applied.receiver_code,
        pay_acct_no=applied.pay_acct_no,
        bond_code=applied.bond_code,
        details=_details(payment),
        pay_cert_no=approved.pay_cert_no if approved else None,
        vou_date=approved.vou_date if approved else None,
        pay_bank_code=approved.pay_bank_code if approved else None,
        roles=approved.roles if approved else (),
        signatures=tuple([_same(SignatureView, signed) for signed in payment.signatures]),
        sent=payment.sent,
        receipt=_receipt(payment, receipt) if receipt else None,
        recalls=recalls_of(payment) if payment.recalls else (),
        refunds=refunds_of(payment) if payment.refunds or payment.requests else (),
        corrections=corrections_of(payment) if payment.corrections else (),
        reason=payment.reason,
        by=applied.by,
        checked_by=approved.by if approved else None,
        indicator=IndicatorFigures(
            bgt_id=applied.bgt_id,
            amount=figures.amount,
            frozen_amt=figures.frozen_amt,
            pay_app_amt=figures.pay_app_amt,
            pay_amt=figures.pay_amt,
            canuse_amt=figures.canuse_amt,
            plan_amt=figures.plan_amt,
            plan_canuse_amt=figures.plan_canuse_amt,
        ),
        commit=commit,
    )


def _receipt(payment: Payment, receipt: VoucherReceipted) -> ReceiptView:
    """With both days: the bank's, and the one on which it is booked."""
    shown: ReceiptView = _same(ReceiptView, receipt)
    return msgspec.structs.replace(shown, booked_on=payment.booked_on.isoformat())


def _details(payment: Payment) -> tuple[DetailView, ...]:
    if payment.receipt is None:
        return tuple([_detail(detail, None, None) for detail in payment.details])
    outcomes = payment.outcomes()
    return tuple([_detail(detail, *outcomes[detail.pay_detail_id]) for detail in payment.details])


def _detail(detail: PaymentDetail, paid_fen: int | None, failure: str | None) -> DetailView:
    return DetailView(
        pay_detail_id=detail.pay_detail_id,
        payee_acct_name=detail.payee_acct_name,
        payee_acct_no=detail.payee_acct_no,
        payee_acct_bank_name=detail.payee_acct_bank_name,
        payee_bank_no=detail.payee_bank_no,
        iden_no=detail.iden_no,
        remark=detail.remark,
        pay_amt=detail.pay_amt,
        xpay_amt=None if paid_fen is None else yuan(paid_fen),
        xadd_word=failure,
        card=_same(CardLineView, detail) if detail.card_no else UNSET,
    )


_NOTHING = yuan(0)


def _same(view: type[Any], source: msgspec.Struct) -> Any:
    """The view's fields from a struct that has fields of the same names."""
    return view(**{name: getattr(source, name) for name in view.__struct_fields__})
