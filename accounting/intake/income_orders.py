"""收入退付、收入更正: what the central bank answers, and what it says came back of a 退付."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from accounting.income_corrections import ApplyIncomeCorrectionReceipt
from accounting.income_orders import INCOME_CORRECTION, INCOME_REFUND
from accounting.income_refunds import ApplyIncomeRefundReceipt, ReturnIncomeRefund
from ledger.deciding.objects import AnyKind
from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.money import yuan
from ledger.reading.objects import read_objects
from payments.delivery.orders import deliver
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.income_orders import said_otherwise
from payments.messages.message_types import (
    CENTRAL_BANK_CODE,
    INCOME_REFUND_RETURNED,
    Concern,
    MessageType,
)
from payments.messages.orders_5207 import OrderReceipt
from payments.orders.answered import ApplyOrderReceipt
from payments.orders.ordering import (
    INCOME_CORRECTIONS,
    INCOME_REFUNDS,
    OrderPlace,
    split_order_number,
)
from payments.receipts.concerns import Judging, judges
from payments.receipts.evidence import ReceiptEvidence
from payments.receipts.notices import held_unreadable
from payments.receipts.orders import REASON_CHARACTERS_MAX, REJECTED_WITHOUT_REASON
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice
from payments.signing.orders import income_order

_KINDS: Mapping[str, AnyKind] = {
    INCOME_REFUNDS: INCOME_REFUND,
    INCOME_CORRECTIONS: INCOME_CORRECTION,
}

for _of, _kind in _KINDS.items():
    deliver(_of, _kind)

IncomeAnswer = ApplyOrderReceipt | ReturnIncomeRefund | TakeNotice


@judges(Concern.INCOME_ORDER)
@judges(Concern.INCOME_ORDER_RETURN)
class IncomeOrdersAnswered(Judging):
    """Signed by the central bank."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._places = {body: place for body in bodies if (place := _place(body)) is not None}
        self._ordered: dict[OrderPlace, Any] = {}
        for place in {*self._places.values()}:  # they are few
            found = read_objects(connection, place.ledger_id, _KINDS[place.of], [place.number])
            for order in found.values():
                self._ordered[place] = order.ordered

    def ledger_of(self, body: VoucherBody) -> int | None:
        place = self._places.get(body)
        return place.ledger_id if place else super().ledger_of(body)

    def command(self, message: MessageType[Any], body: VoucherBody) -> IncomeAnswer:
        """For the books to judge.

        Raises:
            Refusal: ``receipt_mismatch``: of no order of ours, or it repeats it otherwise.
        """
        evidence = self.senders.verified(message, body, CENTRAL_BANK_CODE)
        place = self._places.get(body)
        ordered = None if place is None else self._ordered.get(place)
        try:
            said = message.parse(signed_bytes(body))
        except RequestError as error:
            return held_unreadable(body, "", evidence, error)
        if place is None or ordered is None:
            raise _mismatch(f"no order is named by {body.voucher_no!r}")
        if message is INCOME_REFUND_RETURNED:
            return _returned(place, said, evidence)
        return _receipt(place, ordered, body, said, evidence)


def _receipt(
    place: OrderPlace,
    ordered: Any,
    body: VoucherBody,
    said: OrderReceipt,
    evidence: ReceiptEvidence,
) -> ApplyOrderReceipt:
    due = income_order(place.ledger_id, ordered)
    for tag, theirs, ours in said_otherwise(due, signed_bytes(body)):
        raise _mismatch(f"{tag} is {theirs!r}, of the order {ours!r}")
    answer: dict[str, Any] = {
        "voucher_no": body.voucher_no,
        "xpay_fen": said.x_pay_amt,
        "xpay_date": said.x_pay_date,
        "agent_business_no": said.x_agent_business_no,
        "rejected": ""
        if said.x_pay_amt
        else body.return_reason[:REASON_CHARACTERS_MAX] or REJECTED_WITHOUT_REASON,
        **evidence,
    }
    if place.of == INCOME_REFUNDS:
        return ApplyIncomeRefundReceipt(inc_refund_no=place.number, **answer)
    return ApplyIncomeCorrectionReceipt(inc_cor_no=place.number, **answer)


def _returned(place: OrderPlace, notice: Any, evidence: ReceiptEvidence) -> ReturnIncomeRefund:
    if place.of != INCOME_REFUNDS:
        raise _mismatch("nothing comes back of a correction")
    return ReturnIncomeRefund(
        inc_refund_no=place.number,
        voucher_no=notice.original_voucher_no,
        notice_no=notice.voucher_no,
        amt=yuan(notice.pay_amt),
        return_date=notice.vou_date,
        agent_business_no=notice.agent_business_no,
        reason=notice.remark[:REASON_CHARACTERS_MAX],
        **evidence,
    )


def _place(body: VoucherBody) -> OrderPlace | None:
    """The order that a document names: by its own number, or as the one that came back."""
    number = body.voucher_no
    if body.vt_code == INCOME_REFUND_RETURNED.vt_code:
        try:
            number = INCOME_REFUND_RETURNED.parse(signed_bytes(body)).original_voucher_no
        except GuokuError:
            return None  # which is said when it is judged
    place = split_order_number(number)
    return place if place is not None and place.of in _KINDS else None


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, f"the receipt is refused: {detail}")
