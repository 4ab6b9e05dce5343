"""支付调整回单 5253, 5351: which message about a correction a bank answers, and how."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ledger.errors import Code, Refusal, RequestError
from ledger.reading.objects import read_objects
from payments.corrections.telling import TELLING, AnswerTelling, Telling
from payments.messages.adjustments import AdjustmentAnswer, said_otherwise
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import CENTRAL_BANK_CODE, Concern, MessageType
from payments.orders.ordering import ADJUSTMENTS, OrderPlace, split_order_number
from payments.receipts.concerns import Judging, judges
from payments.receipts.notices import held_unreadable
from payments.receipts.orders import REASON_CHARACTERS_MAX
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice
from payments.signing.tellings import adjustment


@judges(Concern.ADJUSTMENT)
class TellingsAnswered(Judging):
    """Signed by the agent bank or the central bank, whoever was told."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._places = {body: place for body in bodies if (place := _place(body)) is not None}
        self._told: dict[OrderPlace, Telling] = {}
        for place in {*self._places.values()}:  # they are few
            found = read_objects(connection, place.ledger_id, TELLING, [place.number])
            if (telling := found.get(place.number)) is not None:
                self._told[place] = telling

    def ledger_of(self, body: VoucherBody) -> int | None:
        place = self._places.get(body)
        return place.ledger_id if place else super().ledger_of(body)

    def command(self, message: MessageType[Any], body: VoucherBody) -> AnswerTelling | TakeNotice:
        """For the books to judge.

        Raises:
            Refusal: ``receipt_mismatch``: of no message of ours, or it repeats it otherwise.
        """
        place = self._places.get(body)
        telling = None if place is None else self._told.get(place)
        bank = "" if telling is None else telling.ordered.told_bank or CENTRAL_BANK_CODE
        evidence = self.senders.verified(message, body, bank or self.senders.bank_of(body))
        if place is None or telling is None:
            raise _mismatch(f"no message {body.voucher_no[:100]!r} was sent")
        try:
            said: AdjustmentAnswer = message.parse(signed_bytes(body))
            due = adjustment(place.ledger_id, telling.ordered)
            for tag, theirs, ours in said_otherwise(due, signed_bytes(body)):
                raise _mismatch(f"{tag} is {theirs!r}, of the message {ours!r}")
        except RequestError as error:
            return held_unreadable(body, telling.ordered.told_bank, evidence, error)
        return AnswerTelling(
            tell_no=place.number,
            voucher_no=body.voucher_no,
            xacc_date=said.x_acc_date,
            declined=said.declined[:REASON_CHARACTERS_MAX],
            **evidence,
        )


def _place(body: VoucherBody) -> OrderPlace | None:
    place = split_order_number(body.voucher_no)
    return place if place is not None and place.of in ADJUSTMENTS.values() else None


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, f"the answer is refused: {detail}")
