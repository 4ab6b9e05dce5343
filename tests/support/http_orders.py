"""The central bank's answer to an order over HTTP, where no simulator runs."""

from datetime import date

from ledger.account_set import parse_ledger
from ledger.deciding.objects import AnyKind
from ledger.reading.objects import read_objects
from payments.messages import orders_5207
from payments.messages.envelope import RECEIPT, VoucherBody
from payments.messages.vt_codes import ORDER
from payments.signing.orders import order_document
from tests.support.http_server import HttpTreasury


def order_answered(
    http: HttpTreasury, kind: AnyKind, number: str, *, paid: bool = True, day: date | None = None
) -> str:
    """The order's receipt, delivered by a bank; what became of it."""
    key = parse_ledger(http.ledger)
    with http.treasury.pool.connection() as connection:
        ordered = read_objects(connection, key, kind, [number])[number].ordered
    order = orders_5207.parse(order_document(key, ordered))
    body = VoucherBody(
        adm_div_code=order.adm_div_code,
        st_year=order.st_year,
        vt_code=ORDER,
        voucher_no=order.voucher_no,
        voucher_flag=RECEIPT,
        return_reason="" if paid else "库款余额不足",
        voucher=orders_5207.receipt_of(order, f"S{number}", day or order.vou_date, paid=paid),
    )
    answer = http.deliver(http.message_of(body, "pboc/1"))
    [result] = http.ok(answer)["results"]
    return str(result.get("problem", {}).get("code") or result["status"])
