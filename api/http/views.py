"""What callers see of ledgers, indicators, payments and clearings: the answers of the contract.

Structs, because the OpenAPI document is made from them. Amounts are yuan text. ``commit`` stands in
the answer of a write only, and is null for a dry run.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ledger.account_set import division_of, fiscal_year_of, ledger_text
from ledger.balances import Balances
from ledger.budget import Indicator
from ledger.commands import Commit
from ledger.events import Claim, ClaimReceipted, Figures, PaymentApplied
from ledger.money import parse_yuan, yuan
from ledger.state import Settings
from payments.clearing import Clearing
from payments.payment import Payment


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
    roles: tuple[str, ...]
    pay_bank_code: str
    signing: str
    closed_through: str | None = None
    commit: Committed = UNSET


class PolicyView(msgspec.Struct, kw_only=True):
    ledger: str
    roles: tuple[str, ...]
    pay_bank_code: str
    signing: str
    commit: Committed = UNSET


class PeriodView(msgspec.Struct, kw_only=True):
    ledger: str
    closed_through: str | None
    commit: Committed = UNSET


class IndicatorView(msgspec.Struct, kw_only=True):
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
    amount: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    plan_amt: str
    plan_canuse_amt: str
    commit: Committed = UNSET


class ReallocationView(msgspec.Struct, kw_only=True):
    """Both indicators, the giving one first."""

    indicators: tuple[IndicatorView, ...]
    commit: Committed = UNSET


class DetailView(msgspec.Struct, kw_only=True):
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


class SignatureView(msgspec.Struct, kw_only=True):
    role: str
    by: str
    cert_serial: str
    voucher_sm3: str
    signature: str
    manifest_no: str
    leaf: int


class ReceiptView(msgspec.Struct, kw_only=True):
    outcome: str
    xpay_amt: str
    xpay_date: str
    agent_business_no: str
    receipt_sm3: str
    cert_serial: str
    signature: str
    manifest_no: str
    leaf: int


class RefundView(msgspec.Struct, kw_only=True):
    refund_no: str
    refund_amt: str
    pay_detail_id: str
    refund_date: str
    reason: str
    by: str


class IndicatorFigures(msgspec.Struct, kw_only=True):
    """An indicator's figures directly after the payment's last event."""

    bgt_id: str
    amount: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    plan_amt: str
    plan_canuse_amt: str


class PaymentView(msgspec.Struct, kw_only=True):
    ledger: str
    pay_app_no: str
    status: str
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
    pay_bus_type_code: str
    create_date: str
    details: tuple[DetailView, ...]
    pay_cert_no: str | None
    vou_date: str | None
    pay_bank_code: str | None
    roles: tuple[str, ...]
    signatures: tuple[SignatureView, ...]
    sent: bool
    receipt: ReceiptView | None
    refunds: tuple[RefundView, ...]
    reason: str
    by: str
    checked_by: str | None
    indicator: IndicatorFigures
    commit: Committed = UNSET


class ClaimView(msgspec.Struct, kw_only=True):
    """One claim on the central bank (2301, or 2302 for refunds), its lines and its receipt."""

    vt_code: str
    voucher_no: str
    fund_type_code: str
    pay_amt: str
    lines: tuple[dict[str, str], ...]
    status: str
    receipt: dict[str, str] | None


class ClearingView(msgspec.Struct, kw_only=True):
    ledger: str
    clear_no: str
    status: str
    clear_date: str
    pay_bank_code: str
    pay_amt: str
    refund_amt: str
    claims: tuple[ClaimView, ...]
    lines: tuple[dict[str, str], ...]
    receipt: dict[str, str] | None
    vouchers: list[dict[str, Any]] | UnsetType = UNSET
    vouchers_next_cursor: str | UnsetType | None = UNSET
    by: str
    commit: Committed = UNSET


# ---- from what the books hold


def commit_view(commit: Commit | None) -> CommitView | None:
    if commit is None:
        return None
    return CommitView(
        ledger_text(commit.ledger_id), commit.position, commit.digest.hex(), commit.chain.hex()
    )


def ledger_view(
    ledger_id: int, position: int, chain: bytes, settings: Settings, commit: Committed = UNSET
) -> LedgerView:
    return LedgerView(
        ledger=ledger_text(ledger_id),
        mof_div_code=division_of(ledger_id),
        mof_div_name=settings.mof_div_name,
        fiscal_year=fiscal_year_of(ledger_id),
        name=settings.name,
        position=position,
        chain=chain.hex(),
        roles=settings.roles,
        pay_bank_code=settings.pay_bank_code,
        signing=settings.signing,
        closed_through=settings.closed_through.isoformat() if settings.closed_through else None,
        commit=commit,
    )


_ISSUED = tuple(
    name
    for name in IndicatorView.__struct_fields__
    if name not in {"ledger", "commit", *Figures.__struct_fields__}
)


def indicator_view(
    ledger_id: int,
    indicator: Indicator,
    balances: Balances | None = None,
    commit: Committed = UNSET,
) -> IndicatorView:
    """An indicator with ``balances``, or else with the figures of its own last event."""
    figures = indicator.figures if balances is None else balances.figures()
    issued = indicator.issued
    return IndicatorView(
        ledger=ledger_text(ledger_id),
        **{name: getattr(issued, name) for name in _ISSUED},
        **msgspec.structs.asdict(figures),
        commit=commit,
    )


_APPLIED = tuple(
    name
    for name in PaymentView.__struct_fields__
    if name in PaymentApplied.__struct_fields__ and name not in ("pay_app_no", "details")
)


def payment_view(ledger_id: int, payment: Payment, commit: Committed = UNSET) -> PaymentView:
    applied, approved = payment.applied, payment.approved
    return PaymentView(
        ledger=ledger_text(ledger_id),
        pay_app_no=payment.pay_app_no,
        status=payment.status,
        **{name: getattr(applied, name) for name in _APPLIED},
        xpay_amt=payment.receipt.xpay_amt if payment.receipt else None,
        refund_amt=yuan(payment.refunded_fen),
        details=_details(payment),
        pay_cert_no=approved.pay_cert_no if approved else None,
        vou_date=approved.vou_date if approved else None,
        pay_bank_code=approved.pay_bank_code if approved else None,
        roles=approved.roles if approved else (),
        signatures=tuple(_same(SignatureView, signed) for signed in payment.signatures),
        sent=payment.sent,
        receipt=_same(ReceiptView, payment.receipt) if payment.receipt else None,
        refunds=tuple(_same(RefundView, refund) for refund in payment.refunds),
        reason=payment.reason,
        checked_by=approved.by if approved else None,
        indicator=IndicatorFigures(
            bgt_id=applied.bgt_id, **msgspec.structs.asdict(payment.figures)
        ),
        commit=commit,
    )


def _details(payment: Payment) -> tuple[DetailView, ...]:
    outcomes = payment.outcomes()
    views = []
    for detail in payment.details:
        paid_fen, failure = outcomes.get(detail.pay_detail_id, (None, None))
        views.append(
            DetailView(
                **msgspec.structs.asdict(detail),
                xpay_amt=None if paid_fen is None else yuan(paid_fen),
                xadd_word=failure,
            )
        )
    return tuple(views)


def _same(view: type[Any], source: msgspec.Struct) -> Any:
    """The view's fields from a struct that has fields of the same names."""
    return view(**{name: getattr(source, name) for name in view.__struct_fields__})


def clearing_view(ledger_id: int, clearing: Clearing, commit: Committed = UNSET) -> ClearingView:
    requested = clearing.requested
    claims = tuple(_claim(clearing, claim) for claim in requested.claims)
    receipts = [claim.receipt for claim in claims if claim.receipt]
    return ClearingView(
        ledger=ledger_text(ledger_id),
        clear_no=requested.clear_no,
        status=clearing.status,
        clear_date=requested.clear_date,
        pay_bank_code=requested.pay_bank_code,
        pay_amt=_sum(requested.claims, "2301"),
        refund_amt=_sum(requested.claims, "2302"),
        claims=claims,
        lines=tuple(
            {"vt_code": claim.vt_code, "fund_type_code": claim.fund_type_code, **line}
            for claim in claims
            for line in claim.lines
        ),
        receipt=receipts[-1] if len(receipts) == len(claims) else None,
        by=requested.by,
        commit=commit,
    )


def _claim(clearing: Clearing, claim: Claim) -> ClaimView:
    receipt: ClaimReceipted | None = clearing.receipts.get(claim.voucher_no)
    answered = "" if receipt is None else "rejected" if receipt.rejected else "cleared"
    return ClaimView(
        vt_code=claim.vt_code,
        voucher_no=claim.voucher_no,
        fund_type_code=claim.fund_type_code,
        pay_amt=claim.pay_amt,
        lines=tuple(msgspec.structs.asdict(line) for line in claim.lines),
        status=answered or "requested",
        receipt=_receipt(receipt) if receipt else None,
    )


def _receipt(receipt: ClaimReceipted) -> dict[str, str]:
    fields = msgspec.structs.asdict(receipt)
    return {name: fields[name] for name in fields if name not in ("clear_no", "by")}


def _sum(claims: tuple[Claim, ...], vt_code: str) -> str:
    return yuan(sum(parse_yuan(claim.pay_amt) for claim in claims if claim.vt_code == vt_code))
