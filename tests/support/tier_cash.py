"""库款调度, as tests order it, and as the central bank answers it and tells of it."""

from datetime import date
from typing import Any

from ledger.account_set import ledger_text
from ledger.gm import sm3
from ledger.money import parse_yuan
from ledger.reading.documents import compress_document
from tests.support.advances import MARCH_2
from tests.support.bookkeeper import Bookkeeper
from transfers.arriving import TakeFunds
from transfers.dispatching import ApplyDispatchReceipt, DispatchFunds, ReturnDispatch
from transfers.settling import SettleFunds
from transfers.tier_funds import FundDispatch


def dispatch(number: str, to: str, amt: str, **more: Any) -> DispatchFunds:
    fields = {"dispatch_no": number, "rec_div_code": to, "amt": amt, "fund_type_code": "111"}
    return DispatchFunds(**{**fields, **more})


def settlement(number: str, to: str, amt: str, **more: Any) -> SettleFunds:
    fields = {"settle_no": number, "rec_div_code": to, "amt": amt, "fund_type_code": "111"}
    return SettleFunds(**{**fields, **more})


def receipt_of(dispatched: FundDispatch, *, paid: bool = True) -> ApplyDispatchReceipt:
    ordered = dispatched.ordered
    text = f"receipt {ordered.voucher_no} {paid}".encode()
    return ApplyDispatchReceipt(
        dispatch_no=ordered.dispatch_no,
        voucher_no=ordered.voucher_no,
        xpay_fen=parse_yuan(ordered.amt) if paid else 0,
        xpay_date=MARCH_2,
        agent_business_no="SB1",
        rejected="" if paid else "库款余额不足",
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )


def return_of(dispatched: FundDispatch, amt: str = "", notice_no: str = "3208-1") -> ReturnDispatch:
    """The central bank's notice that it has come back."""
    ordered = dispatched.ordered
    text = f"return {ordered.voucher_no} {amt} {notice_no}".encode()
    return ReturnDispatch(
        dispatch_no=ordered.dispatch_no,
        voucher_no=ordered.voucher_no,
        notice_no=notice_no,
        amt=amt or ordered.amt,
        return_date=MARCH_2,
        agent_business_no="SB2",
        reason="账号户名不符",
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )


def arrival_of(
    sender: Bookkeeper, dispatched: FundDispatch, day: date = MARCH_2, **more: Any
) -> TakeFunds:
    """The central bank's notice that it is there."""
    ordered = dispatched.ordered
    text = f"arrival {ordered.voucher_no} {more}".encode()
    fields = {
        "voucher_no": ordered.voucher_no,
        "from_ledger": ledger_text(sender.ledger_id),
        "dispatch_no": ordered.dispatch_no,
        "fund_type_code": ordered.fund_type_code,
        "is_dir_code": ordered.is_dir_code,
        "amt": ordered.amt,
        "tre_code": f"{ordered.rec_div_code}0",
        "notice_no": f"DZ-{ordered.dispatch_no}",
        "arrived_on": day,
        "agent_business_no": "SB1",
        "notice_sm3": sm3(text).hex(),
        "cert_serial": "pboc",
        "signature": "test",
        "document": compress_document(text),
    }
    return TakeFunds(**{**fields, **more})


def dispatched(
    sender: Bookkeeper, to: Bookkeeper, number: str, div: str, amt: str, **more: Any
) -> None:
    """Ordered, paid, and there."""
    ordered: FundDispatch = sender.do(dispatch(number, div, amt, **more)).subjects[0]
    paid: FundDispatch = sender.do(receipt_of(ordered), "pboc").subjects[0]
    to.do(arrival_of(sender, paid), "pboc")
