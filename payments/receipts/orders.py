"""拨款回单, 实拨退款通知书: which order the central bank speaks of, and what the books are told.

What came back of an order whose year is closed for good is none of that year's books, which have
been handed over: it waits in suspense, in the next year's ledger where there is one.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg

from ledger.account_set import division_of, fiscal_year_of, ledger_id
from ledger.calendar import PERIODS
from ledger.deciding.objects import AnyKind
from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.money import parse_yuan, yuan
from ledger.reading.objects import read_head, read_objects
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
from payments.receipts.notices import held_return, held_unreadable
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
        self._connection = connection
        self._places = {body: place for body in bodies if (place := _place(body)) is not None}
        self._ordered: dict[OrderPlace, Any] = {}
        self._told_back: dict[OrderPlace, frozenset[str]] = {}
        numbers: dict[tuple[int, str], set[str]] = {}
        for key, of, number in self._places.values():
            numbers.setdefault((key, of), set()).add(number)
        for (key, of), named in numbers.items():
            found = read_objects(connection, key, ANSWERS[of].kind, sorted(named))
            for number, order in found.items():
                self._ordered[OrderPlace(key, of, number)] = order.ordered
                self._told_back[OrderPlace(key, of, number)] = frozenset(
                    each.notice_no for each in getattr(order, "returns", ())
                )
        self._held_in = {
            body: ledger
            for body, place in self._places.items()
            if body.vt_code == ORDER_RETURN and (ledger := self._behind_closing(body, place))
        }

    def _behind_closing(self, body: VoucherBody, place: OrderPlace) -> int | None:
        """Where it waits what came back of an order of a year that is closed for good; None of one
        whose books take it, and of a notice that they have taken."""
        if body.voucher_no in self._told_back.get(place, ()):
            return None
        head = read_head(self._connection, place.ledger_id)
        if head is None or not head.settings.get(PERIODS).is_final:
            return None
        own, year = division_of(place.ledger_id), fiscal_year_of(place.ledger_id)
        following = ledger_id(own, year + 1)
        return following if read_head(self._connection, following) else place.ledger_id

    def ledger_of(self, body: VoucherBody) -> int | None:
        if (held_in := self._held_in.get(body)) is not None:
            return held_in
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
    ) -> ApplyOrderReturn | TakeNotice:
        notice = orders_5207.parse_return(signed_bytes(body))
        if place is None or place not in self._ordered:
            raise _mismatch(f"no order {notice.original_voucher_no[:100]!r} was given")
        if body in self._held_in:
            return held_return(body, notice, evidence)
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
