"""Payments 支付: apply, check, withdraw, refund, show; voucher and receipt as they travel."""

from functools import reduce
from typing import Any

import msgspec
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.commands import command_route, payment_answer
from api.http.door import Call, Operation, Route
from api.http.late import late_events
from api.http.moments import AS_OF_QUERY, as_of, wait_for_head
from api.http.views import PaymentView, payment_view
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import decode
from ledger.reading.objects import read_document, read_events, read_head, read_objects, stream_of
from payments.application import ApplyPayment, ApprovePayment, RejectPayment, WithdrawPayment
from payments.delivery.outgoing import voucher_body
from payments.delivery.proofs import read_proofs, travelling_signature
from payments.messages.envelope import RECEIPT, build_envelope
from payments.payment import APPLIED, APPROVED, PAYMENT, Payment
from payments.voucher import RefundPayment
from projections.core.moments import Moment, one_moment, reach

_ALL = "/v1/ledgers/{ledger}/payments"
_ONE = _ALL + "/{pay_app_no}"
_ON_PAYMENT = (Code.PERIOD_CLOSED, Code.PAYMENT_NOT_FOUND, Code.INVALID_STATE)
_STREAM_EVENTS_MAX = 10_000
SIGNED_BY_BANK = "bank"  # the No of its signature, which nothing is derived from
XML_GBK = "application/xml; charset=GBK"


def not_found(pay_app_no: str) -> Refusal:
    return Refusal(Code.PAYMENT_NOT_FOUND, f"no payment {pay_app_no!r}")


def read_payment(connection: Connection, key: int, pay_app_no: str) -> Payment:
    """The payment; raises ``payment_not_found``."""
    payment: Payment | None = read_objects(connection, key, PAYMENT, [pay_app_no]).get(pay_app_no)
    if payment is None:
        raise not_found(pay_app_no)
    return payment


def _payment_as_of(
    connection: Connection, key: int, pay_app_no: str, moment: Moment
) -> tuple[int, PaymentView]:
    """The last position that counts, and the payment as its events until then make it."""
    with one_moment(connection):
        head = read_head(connection, key)
        reached = reach(connection, key, moment, head.position if head else 0)
        stream_id = stream_of(connection, key, PAYMENT, pay_app_no)
        rows = (
            []
            if stream_id is None
            else read_events(connection, key, 0, _STREAM_EVENTS_MAX, stream_id=stream_id)
        )
    known = (
        decode(row.type, row.payload)
        for row in rows
        if row.position <= reached.upto
        and (reached.through is None or row.effective_on <= reached.through)
    )
    payment: Payment | None = reduce(PAYMENT.fold, known, None)
    if payment is None:
        raise not_found(pay_app_no)
    view = payment_view(key, payment)
    if not moment.is_now:
        view.late = late_events(reached.late, rows)
    return reached.upto, view


async def show_payment(call: Call) -> Response:
    moment, pay_app_no = as_of(call), call.path("pay_app_no")
    key = await call.admit(number=pay_app_no)
    await wait_for_head(call, key)
    upto, view = await call.read(
        lambda connection: _payment_as_of(connection, key, pay_app_no, moment)
    )
    return call.respond(view, position=upto)


async def show_voucher(call: Call) -> Response:
    """The message that the bank was sent, byte for byte: the same function builds both."""
    pay_app_no = call.path("pay_app_no")
    key = await call.admit(number=pay_app_no)

    def read(connection: Connection) -> bytes:
        payment = read_payment(connection, key, pay_app_no)
        if not payment.signatures or payment.status in (APPLIED, APPROVED):
            raise Refusal(Code.INVALID_STATE, f"payment {pay_app_no} has no signed voucher yet")
        document = _document(connection, key, payment.signatures[0].voucher_sm3)
        proofs = read_proofs(connection, key, (s.manifest_no for s in payment.signatures))
        return build_envelope([voucher_body(key, payment, document, proofs)])

    return Response(await call.read(read), media_type=XML_GBK)


async def show_receipt(call: Call) -> Response:
    """The bank's receipt in its envelope: the signed bytes exactly as received, its signature."""
    pay_app_no = call.path("pay_app_no")
    key = await call.admit(number=pay_app_no)

    def read(connection: Connection) -> bytes:
        payment = read_payment(connection, key, pay_app_no)
        if payment.receipt is None:
            raise Refusal(Code.INVALID_STATE, f"payment {pay_app_no} has no receipt yet")
        document = _document(connection, key, payment.receipt.receipt_sm3)
        proofs = read_proofs(connection, key, [payment.receipt.manifest_no])
        signature = travelling_signature(payment.receipt, SIGNED_BY_BANK, proofs)
        unsigned = msgspec.structs.replace(payment, signatures=())
        body = voucher_body(key, unsigned, document, {})
        return build_envelope(
            [msgspec.structs.replace(body, voucher_flag=RECEIPT, signatures=(signature,))]
        )

    return Response(await call.read(read), media_type=XML_GBK)


def _document(connection: Connection, key: int, sm3_hex: str) -> bytes:
    document = read_document(connection, key, bytes.fromhex(sm3_hex))
    if document is None:
        raise IntegrityError(f"document {sm3_hex} is named by an event and not in the store")
    return document


def _read_route(path: str, name: str, summary: str, handler: Any, **more: Any) -> Route:
    operation = Operation(
        name=name,
        method="GET",
        path=path,
        right=Right.READ,
        summary=summary,
        codes=(Code.PAYMENT_NOT_FOUND, *more.pop("codes", ())),
        **more,
    )
    return Route(operation, handler)


ROUTES = (
    command_route(
        ApplyPayment,
        _ALL,
        right=Right.APPLY,
        view=payment_answer,
        answer=PaymentView,
        summary="Apply for a payment 支付申请",
        status=201,
        codes=(
            Code.IDEMPOTENCY_CONFLICT,
            Code.PERIOD_CLOSED,
            Code.INDICATOR_NOT_FOUND,
            Code.INDICATOR_NOT_EXECUTABLE,
            Code.ELEMENT_INVALID,
            Code.ELEMENT_MISMATCH,
            Code.DETAILS_MISMATCH,
            Code.INSUFFICIENT_PLAN,
            Code.INSUFFICIENT_INDICATOR,
        ),
    ),
    _read_route(
        _ONE,
        "payment.show",
        "A payment with its voucher, signatures, receipt and details",
        show_payment,
        answer=PaymentView,
        query=AS_OF_QUERY,
    ),
    _read_route(
        _ONE + "/voucher",
        "payment.voucher",
        "The signed e-voucher exactly as it is sent",
        show_voucher,
        media=XML_GBK,
        codes=(Code.INVALID_STATE,),
    ),
    _read_route(
        _ONE + "/receipt",
        "payment.receipt",
        "The bank's receipt, its document exactly as the bank signed it",
        show_receipt,
        media=XML_GBK,
        codes=(Code.INVALID_STATE,),
    ),
    command_route(
        ApprovePayment,
        _ONE + "/approve",
        in_path=("pay_app_no",),
        right=Right.CHECK,
        view=payment_answer,
        answer=PaymentView,
        summary="Approve 审核通过: issues the voucher",
        codes=(*_ON_PAYMENT, Code.SAME_PERSON),
    ),
    command_route(
        RejectPayment,
        _ONE + "/reject",
        in_path=("pay_app_no",),
        right=Right.CHECK,
        view=payment_answer,
        answer=PaymentView,
        summary="Reject 退回: the indicator gets its amount back",
        codes=(*_ON_PAYMENT, Code.SAME_PERSON),
    ),
    command_route(
        WithdrawPayment,
        _ONE + "/withdraw",
        in_path=("pay_app_no",),
        right=Right.APPLY,
        view=payment_answer,
        answer=PaymentView,
        summary="Withdraw 撤回",
        codes=_ON_PAYMENT,
    ),
    command_route(
        RefundPayment,
        _ONE + "/refunds",
        in_path=("pay_app_no",),
        right=Right.APPLY,
        view=payment_answer,
        answer=PaymentView,
        summary="Money came back 退款: restores the indicator of origin",
        codes=(
            *_ON_PAYMENT,
            Code.IDEMPOTENCY_CONFLICT,
            Code.DETAILS_MISMATCH,
            Code.REFUND_EXCEEDS_PAID,
        ),
    ),
)
