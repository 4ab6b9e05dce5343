"""实拨, as tests order allocations and as the central bank answers."""

from typing import Any

from ledger.gm import sm3
from ledger.money import parse_yuan
from ledger.reading.documents import compress_document
from payments.orders.allocations import (
    Allocation,
    ApplyAllocationReceipt,
    OrderAllocation,
    ReturnAllocation,
)
from tests.support.advances import MARCH_2
from tests.support.bookkeeper import PAYEE, Bookkeeper


def allocation(alloc_no: str, bgt_id: str, amt: str, **more: Any) -> OrderAllocation:
    return OrderAllocation(alloc_no=alloc_no, bgt_id=bgt_id, amt=amt, **{**PAYEE, **more})


def receipt_of(ordered: Allocation, *, paid: bool = True) -> ApplyAllocationReceipt:
    text = f"receipt {ordered.ordered.voucher_no} {paid}".encode()
    return ApplyAllocationReceipt(
        alloc_no=ordered.ordered.alloc_no,
        voucher_no=ordered.ordered.voucher_no,
        xpay_fen=parse_yuan(ordered.ordered.amt) if paid else 0,
        xpay_date=MARCH_2,
        agent_business_no="SB1",
        rejected="" if paid else "库款余额不足",
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )


def return_of(
    paid: Allocation, amt: str, notice_no: str = "T9", serial: str = ""
) -> ReturnAllocation:
    """``serial`` is the bank's number of the movement; left out, the notice's own."""
    text = f"notice {notice_no} of {paid.ordered.voucher_no}".encode()
    return ReturnAllocation(
        alloc_no=paid.ordered.alloc_no,
        voucher_no=paid.ordered.voucher_no,
        notice_no=notice_no,
        amt=amt,
        return_date=MARCH_2,
        agent_business_no=serial or f"SB-{notice_no}",
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )


def allocated(keeper: Bookkeeper, alloc_no: str, bgt_id: str, amt: str) -> Allocation:
    """An allocation, and the central bank has paid it."""
    ordered = keeper.do(allocation(alloc_no, bgt_id, amt), "accountant").subjects[0]
    done: Allocation = keeper.do(receipt_of(ordered), "pboc").subjects[0]
    return done
