"""Payments 支付: apply, check, withdraw, refund; show, list, trace; voucher and receipt as sent."""

from functools import partial, reduce
from typing import Annotated, Any

from fastapi import APIRouter, Query
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.call import Call
from api.http.correction_views import correction_waiting
from api.http.dependencies import LedgerRead
from api.http.held_by import held_by_of
from api.http.late_entries import late_events
from api.http.models.enums import PaymentSort, PaymentStatus, Tag
from api.http.models.lists import PaymentPage
from api.http.moments import AsOf, wait_for_head, wait_for_projections
from api.http.pages import AskedPage, respond_with_page
from api.http.parameters import Day, PayAppNo, WithTotal
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.refund_views import refund_waiting
from api.http.routes import CommandRoute, Completion, Operation
from api.http.units import of_applicant, prefixes_of, require_units
from api.http.views import PaymentView, commit_view, payment_view
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import decode
from ledger.reading.objects import read_document, read_events, read_head, read_objects, stream_of
from payments.application import ApplyPayment, ApprovePayment, RejectPayment, WithdrawPayment
from payments.corrections.correcting import CorrectPayment
from payments.delivery.outgoing import receipt_body, voucher_body
from payments.delivery.proofs import read_proofs
from payments.messages.envelope import build_envelope
from payments.payment import APPLIED, APPROVED, PAYMENT, Payment
from payments.recalls import RecallPayment
from payments.refunds.requests import RefundPayment
from payments.voiding import VoidPayment
from projections import queries
from projections.core.moments import Moment, one_moment, reach
from projections.document_lists import waiting_about
from projections.tracing.payment import PaymentTrace, trace_payment

_ALL = "/v1/ledgers/{ledger}/payments"
_ONE = _ALL + "/{pay_app_no}"
_STREAM_EVENTS_MAX = 10_000
XML_GBK = "application/xml; charset=GBK"
_ENVELOPE = "the e-voucher message 电子凭证, XML in GBK; the signed document stands in it in base64"

_YUAN = Query(description="of what was applied for, in yuan", examples=["1000.00"])
_RECEIPT = Query(description="of the bank's receipt, included")

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


class Envelope(Response):
    """A message as it travels."""

    media_type = XML_GBK


@router.get(
    _ALL,
    operation_id="payment.list",
    summary="Payments by date of application, or sorted otherwise; with their total",
    response_model=PaymentPage,
    responses=refusals(*OF_LEDGER_READ),
)
async def list_payments(
    call: LedgerRead,
    asked: AskedPage,
    status: PaymentStatus | None = None,
    agency_code: str | None = None,
    bgt_id: str | None = None,
    since: Annotated[Day | None, Query(alias="from")] = None,
    upto: Annotated[Day | None, Query(alias="to")] = None,
    payee_acct_no: str | None = None,
    payee_acct_name: str | None = None,
    min_amt: Annotated[str | None, _YUAN] = None,
    max_amt: Annotated[str | None, _YUAN] = None,
    pay_cert_no: str | None = None,
    clear_no: str | None = None,
    exp_func_code: Annotated[str | None, Query(description="also a class of them")] = None,
    made_by: str | None = None,
    checked_by: str | None = None,
    received_from: Annotated[Day | None, _RECEIPT] = None,
    received_to: Annotated[Day | None, _RECEIPT] = None,
    sort: Annotated[PaymentSort | None, Query(description="- is from the last")] = None,
    with_total: WithTotal = False,
) -> Response:
    filters = {
        "payee_acct_no": payee_acct_no,
        "payee_acct_name": payee_acct_name,
        "min_amt": min_amt,
        "max_amt": max_amt,
        "pay_cert_no": pay_cert_no,
        "clear_no": clear_no,
        "exp_func_code": exp_func_code,
        "made_by": made_by,
        "checked_by": checked_by,
        "received_from": received_from,
        "received_to": received_to,
        "status": status,
        "agency_code": agency_code,
        "bgt_id": bgt_id,
        "from": since,
        "to": upto,
        "agency_prefixes": ",".join(prefixes_of(call.caller, call.right)),
    }
    read = partial(queries.list_payments, sort=sort or "", with_total=with_total)
    return await respond_with_page(call, asked, filters, read)


@router.get(
    _ONE,
    operation_id="payment.show",
    summary="A payment with its voucher, signatures, receipt and details",
    response_model=PaymentView,
    responses=refusals(*OF_LEDGER_READ, Code.PAYMENT_NOT_FOUND),
)
async def show_payment(call: LedgerRead, pay_app_no: PayAppNo, moment: AsOf) -> Response:
    key = await admit(call, number=pay_app_no)
    await require_units(call, key, pay_app_nos=[pay_app_no])
    await wait_for_head(call, key)
    upto, view = await call.read(
        lambda connection: _payment_as_of(call, connection, key, pay_app_no, moment)
    )
    return call.respond(view, position=upto)


def read_payment(connection: Connection, key: int, pay_app_no: str) -> Payment:
    """The payment; raises ``payment_not_found``."""
    payment: Payment | None = read_objects(connection, key, PAYMENT, [pay_app_no]).get(pay_app_no)
    if payment is None:
        raise not_found(pay_app_no)
    return payment


def _payment_as_of(
    call: Call, connection: Connection, key: int, pay_app_no: str, moment: Moment
) -> tuple[int, PaymentView]:
    """The last position that counts, and the payment as its events until then make it; why it
    waits is said of now alone."""
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
    if moment.is_now:
        named = f"{PAYMENT.name}/{pay_app_no}"
        waiting = waiting_about(connection, key, named, head.position if head else 0)
        asked = [each for each in waiting if each.kind == RefundPayment.OPERATION]
        view.refunds = (*view.refunds, *map(refund_waiting, asked))
        corrections = [each for each in waiting if each.kind == CorrectPayment.OPERATION]
        view.corrections = (
            *view.corrections,
            *(correction_waiting(each, payment) for each in corrections),
        )
        view.held_by = held_by_of(
            call, connection, key, payment, head, rows[-1].recorded_at, waiting
        )
    else:
        view.late = late_events(reached.late, rows)
    return reached.upto, view


def not_found(pay_app_no: str) -> Refusal:
    return Refusal(Code.PAYMENT_NOT_FOUND, f"no payment {pay_app_no!r}")


@router.get(
    _ONE + "/trace",
    operation_id="payment.trace",
    summary="From project and budget to receipt, clearing and journals, and back 溯源",
    response_model=PaymentTrace,
    responses=refusals(*OF_LEDGER_READ, Code.PAYMENT_NOT_FOUND),
)
async def trace(call: LedgerRead, pay_app_no: PayAppNo) -> Response:
    key = await admit(call, number=pay_app_no)
    await require_units(call, key, pay_app_nos=[pay_app_no])
    await wait_for_projections(call, key)
    return call.respond(
        await call.read(lambda connection: trace_payment(connection, key, pay_app_no))
    )


@router.get(
    _ONE + "/voucher",
    operation_id="payment.voucher",
    summary="The signed e-voucher exactly as it is sent",
    response_class=Envelope,
    response_description=_ENVELOPE,
    responses=refusals(*OF_LEDGER_READ, Code.PAYMENT_NOT_FOUND, Code.INVALID_STATE),
)
async def show_voucher(call: LedgerRead, pay_app_no: PayAppNo) -> Response:
    """The message that the bank was sent, byte for byte: the same function builds both."""
    key = await admit(call, number=pay_app_no)
    await require_units(call, key, pay_app_nos=[pay_app_no])

    def read(connection: Connection) -> bytes:
        payment = read_payment(connection, key, pay_app_no)
        if not payment.signatures or payment.status in (APPLIED, APPROVED):
            raise Refusal(Code.INVALID_STATE, f"payment {pay_app_no} has no signed voucher yet")
        document = _document(connection, key, payment.signatures[0].voucher_sm3)
        proofs = read_proofs(connection, key, (s.manifest_no for s in payment.signatures))
        return build_envelope([voucher_body(key, payment, document, proofs)])

    return Envelope(await call.read(read))


@router.get(
    _ONE + "/receipt",
    operation_id="payment.receipt",
    summary="The bank's receipt, its document exactly as the bank signed it",
    response_class=Envelope,
    response_description=_ENVELOPE,
    responses=refusals(*OF_LEDGER_READ, Code.PAYMENT_NOT_FOUND, Code.INVALID_STATE),
)
async def show_receipt(call: LedgerRead, pay_app_no: PayAppNo) -> Response:
    """The bank's receipt in its envelope: the signed bytes exactly as received, its signature."""
    key = await admit(call, number=pay_app_no)
    await require_units(call, key, pay_app_nos=[pay_app_no])

    def read(connection: Connection) -> bytes:
        payment = read_payment(connection, key, pay_app_no)
        if payment.receipt is None:
            raise Refusal(Code.INVALID_STATE, f"payment {pay_app_no} has no receipt yet")
        document = _document(connection, key, payment.receipt.receipt_sm3)
        proofs = read_proofs(connection, key, [payment.receipt.manifest_no])
        return build_envelope([receipt_body(key, payment.receipt, document, proofs)])

    return Envelope(await call.read(read))


def _document(connection: Connection, key: int, sm3_hex: str) -> bytes:
    document = read_document(connection, key, bytes.fromhex(sm3_hex))
    if document is None:
        raise IntegrityError(f"document {sm3_hex} is named by an event and not in the store")
    return document


# ---- commands


def _changed(key: int, _command: Command, outcome: Outcome) -> Any:
    return payment_view(key, outcome.subjects[0], commit=commit_view(outcome.commit))


def payment_act(
    command: type[Command],
    path: str,
    right: Right,
    summary: str,
    *codes: Code,
    complete: Completion | None = None,
) -> CommandRoute:
    return CommandRoute(
        command,
        f"{_ONE}/{path}",
        in_path=("pay_app_no",),
        right=right,
        complete=complete,
        view=_changed,
        answer=PaymentView,
        summary=summary,
        tag=Tag.PAYMENTS,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.PAYMENT_NOT_FOUND,
            Code.INVALID_STATE,
            *codes,
        ),
    )


DIRECT = (
    CommandRoute(
        ApplyPayment,
        _ALL,
        right=Right.APPLY,
        view=_changed,
        answer=PaymentView,
        summary="Apply for a payment 支付申请",
        tag=Tag.PAYMENTS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.INDICATOR_NOT_FOUND,
            Code.INDICATOR_NOT_EXECUTABLE,
            Code.CONTRACT_NOT_FOUND,
            Code.ELEMENT_INVALID,
            Code.ELEMENT_MISMATCH,
            Code.CONTRACT_REQUIRED,
            Code.ACCOUNT_INVALID,
            Code.DETAILS_MISMATCH,
            Code.CARD_LINE_REPEATED,
            Code.INSUFFICIENT_CONTRACT,
            Code.INSUFFICIENT_PLAN,
            Code.INSUFFICIENT_INDICATOR,
            Code.INSUFFICIENT_CASH,
            Code.INTERCEPTED,
            Code.CONFIRMATION_REQUIRED,
        ),
    ),
    payment_act(
        ApprovePayment,
        "approve",
        Right.CHECK,
        "Approve 审核通过: issues the voucher",
        Code.INSUFFICIENT_CASH,
        Code.SAME_PERSON,
        Code.MONITORED,
        Code.ACCOUNT_INVALID,
    ),
    payment_act(
        RejectPayment,
        "reject",
        Right.CHECK,
        "Reject 退回: the indicator gets its amount back",
        Code.SAME_PERSON,
    ),
    payment_act(WithdrawPayment, "withdraw", Right.APPLY, "Withdraw 撤回", complete=of_applicant),
    payment_act(
        VoidPayment,
        "void",
        Right.APPLY,
        "Void 作废 what is approved or signed and no bank has: the indicator gets its amount back",
    ),
    payment_act(
        RecallPayment,
        "recall",
        Right.APPLY,
        "Ask the bank to stop 撤销 a voucher; nothing moves before its receipt",
    ),
    payment_act(
        RefundPayment,
        "refunds",
        Right.APPLY,
        "Ask the bank to return money 退款申请; nothing moves before its notice",
        Code.DETAILS_MISMATCH,
        Code.REFUND_EXCEEDS_PAID,
    ),
)
