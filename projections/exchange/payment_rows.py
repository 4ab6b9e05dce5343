"""The rows of one payment: as it stands, and what happened to it."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from budget.special_funds import is_of_unit
from ledger.events import Event
from ledger.money import parse_yuan
from payments.correction_events import CorrectionTaken, PaymentCorrected, RefundShared
from payments.events import PaymentApplied, PaymentRefunded, VoucherReceipted, VoucherSigned
from payments.payment import Payment
from projections.core.fold import Fact
from projections.exchange.rows import (
    ExportedCorrection,
    ExportedPayment,
    ExportedReceipt,
    ExportedRefund,
    ExportedRevenue,
    ExportedVoucherSignature,
)
from projections.exchange.subject import Subject, flag
from projections.exchange.unit_rows import detail_of, payment_of, voucher_of

_AS_APPLIED = tuple(
    name
    for name in ExportedPayment.__struct_fields__
    if name in PaymentApplied.__struct_fields__ and name not in ("pay_amt", "create_date")
)
_AS_DETAILED = ("pay_detail_id", "payee_acct_name", "payee_acct_no", "payee_acct_bank_name",
                "payee_bank_no", "iden_no", "remark", "card_no", "consume_date", "card_auth_no",
                "merchant_name")  # fmt: skip


def payment_row(payment: Payment, facts: Sequence[Fact]) -> Subject:
    """The payment itself; ``facts`` are all of its events."""
    applied = payment.applied
    given = {name: getattr(applied, name) for name in _AS_APPLIED}
    return payment_of(applied.fund_type_code)(
        **given,
        pay_amt=payment.pay_fen,
        xpay_amt=payment.paid_fen if payment.receipt else None,
        refund_amt=_refunded_fen(payment),
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


def _refunded_fen(payment: Payment) -> int:
    """What came back in the year; what came later, 以前年度退回, is of the next year's export."""
    in_year = (each for each in payment.refunds if isinstance(each, PaymentRefunded))
    return sum(parse_yuan(each.refund_amt) for each in in_year)


def voucher_row(payment: Payment, facts: Sequence[Fact]) -> Subject:
    """The voucher of a payment that was approved."""
    approved, receipt = payment.approved, payment.receipt
    assert approved is not None
    return voucher_of(payment.applied.fund_type_code)(
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
    outcomes, row = payment.outcomes(), detail_of(payment.applied.fund_type_code)
    for detail in payment.details:
        paid_fen, word = outcomes.get(detail.pay_detail_id, (None, ""))
        yield row(
            pay_app_no=payment.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            agency_code=payment.applied.agency_code,
            **{name: getattr(detail, name) for name in _AS_DETAILED},
            pay_amt=parse_yuan(detail.pay_amt),
            xpay_amt=paid_fen,
            xadd_word=word,
            consume_amt=parse_yuan(detail.consume_amt) if detail.card_no else None,
        )


def movement_rows(fact: Fact, payment: Payment) -> Iterator[Subject]:
    """Signature, receipt, refund, correction of a payment, each with what it brought its unit."""
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
                yield from _revenue(payment, fact, "", day, paid_fen)
        case PaymentRefunded() as e:
            given = _same(e, ExportedRefund)
            given["refund_date"] = day = date.fromisoformat(e.refund_date)
            given["pay_cert_no"] = payment.pay_cert_no  # an event of old does not say it
            given["bgt_id"] = bgt_id = e.bgt_id or payment.applied.bgt_id
            given["refund_amt"] = refund_fen = parse_yuan(e.borne_amt or e.refund_amt)
            yield ExportedRefund(
                **given,
                agency_code=payment.applied.agency_code,
                position=fact.position,
                create_time=fact.recorded_at,
            )
            yield from _revenue(payment, fact, e.refund_no, day, -refund_fen, bgt_id)
        case RefundShared() | PaymentCorrected() | CorrectionTaken():
            yield from _between_indicators(fact, payment)


def _between_indicators(fact: Fact, payment: Payment) -> Iterator[Subject]:
    """What a correction moves, and what a refund restores of it; revenue is of who bears it."""
    place: dict[str, Any] = {"position": fact.position, "create_time": fact.recorded_at}
    match fact.event:
        case RefundShared() as shared:
            refund_fen = parse_yuan(shared.refund_amt)
            [refund] = [r for r in payment.refunds if r.refund_no == shared.refund_no]
            given = _same(refund, ExportedRefund)
            given |= {"bgt_id": shared.bgt_id, "refund_amt": refund_fen}
            given["refund_date"] = day = date.fromisoformat(refund.refund_date)
            yield ExportedRefund(**given, agency_code=payment.applied.agency_code, **place)
            yield from _revenue(payment, fact, shared.refund_no, day, -refund_fen, shared.bgt_id)
        case PaymentCorrected() as gave:
            given = _same(gave, ExportedCorrection)
            given["amt"] = amount_fen = parse_yuan(gave.amt)
            given["claimed_amt"] = parse_yuan(gave.claimed_amt, zero=True)
            given["cor_date"] = day = date.fromisoformat(gave.cor_date)
            yield ExportedCorrection(
                **given, from_bgt_id=gave.bgt_id, pay_cert_no=payment.pay_cert_no, **place
            )
            yield from _revenue(payment, fact, "", day, -amount_fen, gave.bgt_id)
        case CorrectionTaken() as took:
            day = fact.effective_on
            yield from _revenue(payment, fact, "", day, parse_yuan(took.amt), took.bgt_id)


def _revenue(
    payment: Payment, fact: Fact, refund_no: str, day: date, amount_fen: int, bgt_id: str = ""
) -> Iterator[Subject]:
    """What a unit received by it; its own money 单位资金 is no 财政拨款."""
    codes = payment.codes_borne_by(bgt_id or payment.applied.bgt_id)
    if is_of_unit(codes["fund_type_code"]):
        return
    yield ExportedRevenue(
        codes["agency_code"],
        codes["pro_code"],
        codes["exp_func_code"],
        codes["fund_type_code"],
        payment.pay_app_no,
        refund_no,
        day,
        amount_fen,
        fact.position,
    )


def _same(event: Event, row: type[Subject]) -> dict[str, Any]:
    """What an event and a row have under the same name."""
    names = row.__struct_fields__
    made = {"made_by": event.by} if "made_by" in names else {}  # type: ignore[attr-defined]
    return made | {name: getattr(event, name) for name in event.__struct_fields__ if name in names}
