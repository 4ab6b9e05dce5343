"""Recalls 撤销: what the bank was asked to stop of a payment."""

import msgspec

from api.http.models.enums import RecallState, RecallStatus
from payments.payment import Payment


class RecallView(msgspec.Struct, kw_only=True, gc=False):
    """A recall that the bank was asked for; the payment's receipt says what became of one that is
    ``answered``."""

    recall_no: str
    state: RecallState
    request_date: str
    reason: str
    by: str


def recalls_of(payment: Payment) -> tuple[RecallView, ...]:
    refused = {refusal.recall_no: refusal.reason for refusal in payment.recalls_refused}
    waits = payment.open_recall
    return tuple(
        RecallView(
            recall_no=asked.recall_no,
            state=RecallStatus.ASKED
            if asked is waits
            else RecallStatus.REFUSED
            if asked.recall_no in refused
            else RecallStatus.ANSWERED,
            request_date=asked.request_date,
            reason=refused.get(asked.recall_no, asked.reason),
            by=asked.by,
        )
        for asked in payment.recalls
    )
