"""The rows of one payment: as it stands, and what happened to it."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from ledger.events import Event
from ledger.money import parse_yuan
from payments.events import PaymentApplied, PaymentRefunded, VoucherReceipted, VoucherSigned
from payments.payment import Payment
from projections.core.fold import Fact
from projections.exchange.rows import (
    ExportedPayment,
    ExportedPaymentDetail,
    ExportedReceipt,
    ExportedRefund,
    ExportedRevenue,
    ExportedVoucher,
    ExportedVoucherSignature,
)
from projections.exchange.subject import Subject, flag

_AS_APPLIED = tuple(
    name
    for name in ExportedPayment.__struct_fields__
    if name in PaymentApplied.__struct_fields__ and name not in ("pay_amt", "create_date")
)
_AS_DETAILED = ("pay_detail_id", "payee_acct_name", "payee_acct_no", "payee_acct_bank_name",
                "payee_bank_no", "iden_no", "remark")  # fmt: skip


def payment_row(payment: Payment, facts: Sequence[Fact]) -> Subject:
    """The payment itself; ``facts`` are all of its events."""
    applied = payment.applied
    given = {name: getattr(applied, name) for name in _AS_APPLIED}
    return ExportedPayment(
        **given,
        pay_amt=payment.pay_fen,
        xpay_amt=payment.paid_fen if payment.receipt else None,
        refund_amt=payment.refunded_fen,
        create_date=date.fromisoformat(applied.create_date),
        detail_count=len(payment.details),
        status=payment.status,
        pay_cert_no=payment.pay_cert_no,
        reason=payment.reason,
        made_by=applied.by,
        checked_by=payment.approved.by if payment.approved else "",
        applied_position=facts[0].position,
        last_position=facts[-1].position,
        create_time=facts[0].recorded_at,
        update_time=facts[-1].recorded_at,
    )


def voucher_row(payment: Payment, facts: Sequence[Fact]) -> Subject:
    """The voucher of a payment that was approved."""
    approved, receipt = payment.approved, payment.receipt
    assert approved is not None
    return ExportedVoucher(
        pay_cert_no=approved.pay_cert_no,
        pay_app_no=payment.pay_app_no,
        vou_date=date.fromisoformat(approved.vou_date),
        pay_bank_code=approved.pay_bank_code,
        pay_amt=payment.pay_fen,
        xpay_amt=payment.paid_fen if receipt else None,
        xpay_date=date.fromisoformat(receipt.xpay_date) if receipt else None,
        agent_business_no=receipt.agent_business_no if receipt else "",
        create_time=facts[0].recorded_at,
        update_time=facts[-1].recorded_at,
    )


def detail_rows(payment: Payment) -> Iterator[Subject]:
    """Its lines to payees, with what became of each."""
    outcomes = payment.outcomes()
    for detail in payment.details:
        paid_fen, word = outcomes.get(detail.pay_detail_id, (None, ""))
        yield ExportedPaymentDetail(
            pay_app_no=payment.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            agency_code=payment.applied.agency_code,
            **{name: getattr(detail, name) for name in _AS_DETAILED},
            pay_amt=parse_yuan(detail.pay_amt),
            xpay_amt=paid_fen,
            xadd_word=word,
        )


def movement_rows(fact: Fact, payment: Payment) -> Iterator[Subject]:
    """Signature, receipt and refund of a payment, each with what it brought its unit."""
    place: dict[str, Any] = {"position": fact.position, "recorded_at": fact.recorded_at}
    match fact.event:
        case VoucherSigned() as e:
            yield ExportedVoucherSignature(
                **_same(e, ExportedVoucherSignature), is_final=flag(e.final), **place
            )
        case VoucherReceipted() as e:
            given = _same(e, ExportedReceipt)
            given["xpay_amt"] = paid_fen = parse_yuan(e.xpay_amt, zero=True)
            given["xpay_date"] = day = date.fromisoformat(e.xpay_date)
            yield ExportedReceipt(
                **given, failed_count=len(e.failed), effective_on=fact.effective_on, **place
            )
            if paid_fen:
                yield _revenue(payment, "", day, paid_fen)
        case PaymentRefunded() as e:
            given = _same(e, ExportedRefund)
            given["refund_amt"] = refund_fen = parse_yuan(e.refund_amt)
            given["refund_date"] = day = date.fromisoformat(e.refund_date)
            given["pay_cert_no"] = payment.pay_cert_no  # an event of old does not say it
            yield ExportedRefund(
                **given,
                bgt_id=payment.applied.bgt_id,
                agency_code=payment.applied.agency_code,
                position=fact.position,
                create_time=fact.recorded_at,
            )
            yield _revenue(payment, e.refund_no, day, -refund_fen)


def _revenue(payment: Payment, refund_no: str, day: date, amount_fen: int) -> Subject:
    a = payment.applied
    return ExportedRevenue(
        a.agency_code,
        a.pro_code,
        a.exp_func_code,
        a.fund_type_code,
        a.pay_app_no,
        refund_no,
        day,
        amount_fen,
    )


def _same(event: Event, row: type[Subject]) -> dict[str, Any]:
    """What an event and a row have under the same name."""
    names = row.__struct_fields__
    made = {"made_by": event.by} if "made_by" in names else {}  # type: ignore[attr-defined]
    return made | {name: getattr(event, name) for name in event.__struct_fields__ if name in names}
