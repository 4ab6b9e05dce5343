"""预拨、暂付, as tests order them and as the central bank answers."""

from datetime import date
from typing import Any

from ledger.gm import sm3
from ledger.money import parse_yuan
from ledger.reading.documents import compress_document
from payments.orders.advance import Advance
from payments.orders.advances import ApplyAdvanceReceipt, OrderAdvance, ReturnAdvance
from tests.support.bookkeeper import PAYEE, Bookkeeper

MARCH_2 = date(2026, 3, 2)
APPROPRIATED, LENT, OWED = "B37", "B35", "B39"  # 预拨经费, 借出款项, 其他应收款


def advance(adv_no: str, amt: str, account: str = APPROPRIATED, **more: Any) -> OrderAdvance:
    given = {"object": "样例单位", **PAYEE, **more}
    return OrderAdvance(adv_no=adv_no, acct_cls_code=account, amt=amt, **given)


def answer(ordered: Advance, *, paid: bool = True, day: date = MARCH_2) -> ApplyAdvanceReceipt:
    text = f"receipt {ordered.ordered.voucher_no} {paid}".encode()
    return ApplyAdvanceReceipt(
        adv_no=ordered.ordered.adv_no,
        voucher_no=ordered.ordered.voucher_no,
        xpay_fen=parse_yuan(ordered.ordered.amt) if paid else 0,
        xpay_date=day,
        agent_business_no="SB1",
        rejected="" if paid else "库款余额不足",
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )


def returned(
    adv_no: str, voucher_no: str, amt: str, notice_no: str = "T1", serial: str = ""
) -> ReturnAdvance:
    """``serial`` is the bank's number of the movement; left out, the notice's own."""
    text = f"notice {notice_no}".encode()
    return ReturnAdvance(
        adv_no=adv_no,
        voucher_no=voucher_no,
        notice_no=notice_no,
        amt=amt,
        return_date=MARCH_2,
        agent_business_no=serial or f"SB-{notice_no}",
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )


def paid(keeper: Bookkeeper, adv_no: str, amt: str, *account: str, **more: Any) -> Advance:
    """An advance, and the central bank has paid it."""
    ordered = keeper.do(advance(adv_no, amt, *account, **more), "accountant").subjects[0]
    done: Advance = keeper.do(answer(ordered), "pboc").subjects[0]
    return done
