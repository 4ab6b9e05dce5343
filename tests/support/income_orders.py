"""收入退付、收入更正, as tests order them and as the central bank answers."""

from datetime import date
from typing import Any

from accounting.income_corrections import ApplyIncomeCorrectionReceipt, OrderIncomeCorrection
from accounting.income_refunds import (
    ApplyIncomeRefundReceipt,
    OrderIncomeRefund,
    ReturnIncomeRefund,
)
from ledger.account_set import ledger_text
from ledger.gm import sm3
from ledger.money import parse_yuan
from ledger.reading.documents import compress_document
from tests.support.bookkeeper import PAYEE


def refund(number: str, kind: str, amt: str, day: date, **more: Any) -> OrderIncomeRefund:
    return OrderIncomeRefund(
        inc_refund_no=number,
        inc_sort_code=kind,
        amt=amt,
        effective_on=day,
        **{"fund_type_code": "111", "reason": "多缴", **PAYEE, **more},
    )


def correction(number: str, kind: str, to: str, amt: str, day: date, **more: Any) -> Any:
    funds = {"fund_type_code": "111", "to_fund_type_code": "111", "reason": "科目用错"}
    return OrderIncomeCorrection(
        inc_cor_no=number,
        inc_sort_code=kind,
        to_inc_sort_code=to,
        amt=amt,
        effective_on=day,
        **{**funds, **more},
    )


def answered(
    ledger_id: int, order: Any, day: date, *, done: bool = True
) -> ApplyIncomeRefundReceipt | ApplyIncomeCorrectionReceipt:
    """The central bank's receipt of an order on a day."""
    refunds = isinstance(order, OrderIncomeRefund)
    of = ("5209", "income_refund") if refunds else ("5407", "income_correction")
    number = order.inc_refund_no if refunds else order.inc_cor_no
    voucher_no = f"{of[0]}:{ledger_text(ledger_id)}:{of[1]}:{number}"
    text = f"receipt {voucher_no} {done}".encode()
    said: dict[str, Any] = {
        "voucher_no": voucher_no,
        "xpay_fen": parse_yuan(order.amt) if done else 0,
        "xpay_date": day,
        "agent_business_no": "SB1",
        "rejected": "" if done else "账号户名不符",
        "receipt_sm3": sm3(text).hex(),
        "cert_serial": "pboc",
        "signature": "test",
        "document": compress_document(text),
    }
    if refunds:
        return ApplyIncomeRefundReceipt(inc_refund_no=number, **said)
    return ApplyIncomeCorrectionReceipt(inc_cor_no=number, **said)


def returned(paid: Any, amt: str, day: date, notice_no: str = "T1") -> ReturnIncomeRefund:
    """The central bank's notice that some of a refund came back."""
    text = f"notice {notice_no} of {paid.voucher_no}".encode()
    return ReturnIncomeRefund(
        inc_refund_no=paid.inc_refund_no,
        voucher_no=paid.voucher_no,
        notice_no=notice_no,
        amt=amt,
        return_date=day,
        agent_business_no=f"B-{notice_no}",
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )
