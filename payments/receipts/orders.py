"""拨款回单, 实拨退款通知书: which order the central bank speaks of, and what the books are told."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg

from ledger.deciding.objects import AnyKind
from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.money import parse_yuan, yuan
from ledger.reading.objects import read_objects
from payments.messages import orders_5207
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import CENTRAL_BANK_CODE, Concern, MessageType
from payments.messages.vt_codes import ORDER_RETURN
from payments.orders.advance import ADVANCE
from payments.orders.advances import ApplyAdvanceReceipt, ReturnAdvance
from payments.orders.allocations import ALLOCATION, ApplyAllocationReceipt, ReturnAllocation
from payments.orders.answered import ApplyOrderReceipt, ApplyOrderReturn
from payments.orders.ordering import (
    ADVANCES,
    ALLOCATIONS,
    PLACEMENTS,
    OrderPlace,
    split_order_number,
)
from payments.orders.placements import (
    PLACEMENT,
    ApplyPlacementReceipt,
    ReturnPlacement,
)
from payments.receipts.concerns import Judging, judges
from payments.receipts.evidence import ReceiptEvidence
from payments.receipts.notices import held_unreadable
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice

REASON_CHARACTERS_MAX = 300
REJECTED_WITHOUT_REASON = "退回"

OrderCommand = ApplyOrderReceipt | ApplyOrderReturn | TakeNotice


class OrderAnswers(NamedTuple):
    """Of one kind of order: the object, and the commands by which it is answered."""

    kind: AnyKind
    number: str  # the field of its number
    receipt: Callable[..., ApplyOrderReceipt]
    returned: Callable[..., ApplyOrderReturn]


ANSWERS: dict[str, OrderAnswers] = {
    ADVANCES: OrderAnswers(ADVANCE, "adv_no", ApplyAdvanceReceipt, ReturnAdvance),
    ALLOCATIONS: OrderAnswers(ALLOCATION, "alloc_no", ApplyAllocationReceipt, ReturnAllocation),
    PLACEMENTS: OrderAnswers(PLACEMENT, "place_no", ApplyPlacementReceipt, ReturnPlacement),
}


def answer_orders(of: str, answers: OrderAnswers) -> None:
    """Enters the orders of a room above."""
    assert ANSWERS.setdefault(of, answers) is answers, f"{of} is answered twice"


@judges(Concern.ORDER)
@judges(Concern.ORDER_RETURN)
class OrdersAnswered(Judging):
    """Signed by the central bank. The orders that the documents of one message are about are read
    together."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._places = {body: place for body in bodies if (place := _place(body)) is not None}
        self._ordered: dict[OrderPlace, Any] = {}
        numbers: dict[tuple[int, str], set[str]] = {}
        for ledger_id, of, number in self._places.values():
            numbers.setdefault((ledger_id, of), set()).add(number)
        for (ledger_id, of), named in numbers.items():
            found = read_objects(connection, ledger_id, ANSWERS[of].kind, sorted(named))
            for number, order in found.items():
                self._ordered[OrderPlace(ledger_id, of, number)] = order.ordered

    def ledger_of(self, body: VoucherBody) -> int | None:
        place = self._places.get(body)
        return place.ledger_id if place else super().ledger_of(body)

    def command(self, message: MessageType[Any], body: VoucherBody) -> OrderCommand:
        """For the books to judge.

        Raises:
            Refusal: ``receipt_mismatch``: of no order of ours, or over another amount or payee.
        """
        evidence = self.senders.verified(message, body, CENTRAL_BANK_CODE)
        place = self._places.get(body)
        ordered = None if place is None else self._ordered.get(place)
        try:
            if body.vt_code == ORDER_RETURN:
                return self._returned(body, place, evidence)
            receipt = orders_5207.parse_receipt(signed_bytes(body))
        except RequestError as error:
            return held_unreadable(body, "", evidence, error)
        if place is None or ordered is None:
            raise _mismatch(f"no order {body.voucher_no!r} was given")
        said = receipt.pay_amt, receipt.payee_acct_no
        if said != (parse_yuan(ordered.amt), ordered.payee_acct_no):
            raise _mismatch(f"the order was over {ordered.amt} to {ordered.payee_acct_no}")
        reason = body.return_reason[:REASON_CHARACTERS_MAX] or REJECTED_WITHOUT_REASON
        answers = ANSWERS[place.of]
        return answers.receipt(
            **{answers.number: place.number},
            voucher_no=body.voucher_no,
            xpay_fen=receipt.x_pay_amt,
            xpay_date=receipt.x_pay_date,
            agent_business_no=receipt.x_agent_business_no,
            rejected="" if receipt.x_pay_amt else reason,
            **evidence,
        )

    def _returned(
        self, body: VoucherBody, place: OrderPlace | None, evidence: ReceiptEvidence
    ) -> ApplyOrderReturn:
        notice = orders_5207.parse_return(signed_bytes(body))
        if place is None or place not in self._ordered:
            raise _mismatch(f"no order {notice.original_voucher_no[:100]!r} was given")
        answers = ANSWERS[place.of]
        return answers.returned(
            **{answers.number: place.number},
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
    if body.vt_code == ORDER_RETURN:
        try:
            number = orders_5207.parse_return(signed_bytes(body)).original_voucher_no
        except GuokuError:
            return None  # which is said when it is judged
    place = split_order_number(number)
    return place if place is not None and place.of in ANSWERS else None


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, f"the receipt is refused: {detail}")
