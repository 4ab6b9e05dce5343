"""The central bank's answers to orders over HTTP, where no simulator runs."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import msgspec

from ledger.account_set import parse_ledger
from ledger.deciding.objects import AnyKind
from ledger.reading.objects import read_objects
from payments.messages import income_orders, orders_5207
from payments.messages.envelope import RECEIPT, SEND, VoucherBody, VoucherFlag
from payments.messages.orders_5207 import OrderReturn
from payments.messages.vt_codes import INCOME_REFUND_RETURN, ORDER, ORDER_RETURN
from payments.orders.ordering import vt_code_of
from payments.signing.orders import order_document
from tests.support.http_server import HttpTreasury


def order_answered(
    http: HttpTreasury,
    kind: AnyKind,
    number: str,
    *,
    paid: bool = True,
    day: date | None = None,
    otherwise: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The order's receipt, delivered by a bank, which may repeat the order otherwise; what became
    of it."""
    key = parse_ledger(http.ledger)
    with http.treasury.pool.connection() as connection:
        ordered = read_objects(connection, key, kind, [number])[number].ordered
    document, vt_code = order_document(key, ordered), vt_code_of(ordered.voucher_no)
    order: Any = (orders_5207 if vt_code == ORDER else income_orders).parse(document)
    order = msgspec.structs.replace(order, **otherwise)
    said = f"S{number}", day or order.vou_date
    if vt_code == ORDER:
        receipt = orders_5207.receipt_of(order, *said, paid=paid)
    else:
        receipt = income_orders.receipt_of(order, *said, done=paid)
    return delivered(
        http, vt_code, order.voucher_no, RECEIPT, receipt, "" if paid else "库款余额不足"
    )


def order_returned(
    http: HttpTreasury, kind: AnyKind, number: str, notice_no: str, amount_fen: int, day: date
) -> str:
    """A 3208: some of what an order has paid has come back; what became of it."""
    key = parse_ledger(http.ledger)
    with http.treasury.pool.connection() as connection:
        ordered = read_objects(connection, key, kind, [number])[number].ordered
    notice = OrderReturn(
        adm_div_code=http.ledger[:6],
        st_year=int(http.ledger[-4:]),
        vou_date=day,
        voucher_no=notice_no,
        original_voucher_no=ordered.voucher_no,
        agent_business_no=f"T{notice_no}",
        pay_amt=amount_fen,
        remark="收回",
    )
    return delivered(http, ORDER_RETURN, notice_no, SEND, orders_5207.build_return(notice))


def refund_returned(
    http: HttpTreasury, voucher_no: str, notice_no: str, amount_fen: int, day: date
) -> str:
    """A 3210: some of a refund of income has come back; what became of it."""
    notice = OrderReturn(
        adm_div_code=http.ledger[:6],
        st_year=int(http.ledger[-4:]),
        vou_date=day,
        voucher_no=notice_no,
        original_voucher_no=voucher_no,
        agent_business_no=f"T{notice_no}",
        pay_amt=amount_fen,
        remark="账号户名不符",
    )
    text = orders_5207.build_return(notice, vt_code=INCOME_REFUND_RETURN)
    return delivered(http, INCOME_REFUND_RETURN, notice_no, SEND, text)


def delivered(
    http: HttpTreasury,
    vt_code: str,
    voucher_no: str,
    flag: VoucherFlag,
    text: bytes,
    return_reason: str = "",
) -> str:
    """What became of a message of the central bank."""
    body = VoucherBody(
        adm_div_code=http.ledger[:6],
        st_year=int(http.ledger[-4:]),
        vt_code=vt_code,
        voucher_no=voucher_no,
        voucher_flag=flag,
        return_reason=return_reason,
        voucher=text,
    )
    answer = http.deliver(http.message_of(body, "pboc/1")).json()
    [result] = answer.get("results", [{"problem": answer}])
    return str(result.get("problem", {}).get("code") or result["status"])
