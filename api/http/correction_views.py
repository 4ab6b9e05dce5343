"""Corrections 更正 of a payment as callers see them: what waits, and what was corrected."""

import msgspec

from api.http.models.enums import CorrectionState, TellingState
from budget.events import Figures
from ledger.deciding.documents import command_of
from ledger.events import DocumentSubmitted
from payments.corrections.correcting import CorrectPayment
from payments.corrections.telling import Telling
from payments.payment import Payment

SUBMITTED, CORRECTED = "submitted", "corrected"


class CorrectionLineView(msgspec.Struct, kw_only=True, gc=False):
    """What of a line was corrected."""

    pay_detail_id: str
    amt: str


class CorrectionOfPayment(msgspec.Struct, kw_only=True, gc=False):
    """A correction of a payment: ``submitted`` while it waits for another person's agreement.

    ``waiting_amt`` of it was not claimed from the central bank yet, and is claimed as
    ``to_bgt_id``'s; by ``claimed_amt`` the treasury's books have moved as well. ``cor_date`` is its
    business day, null before it is agreed to.
    """

    cor_no: str
    state: CorrectionState
    pay_detail_id: str
    from_bgt_id: str
    to_bgt_id: str
    amt: str
    lines: tuple[CorrectionLineView, ...]
    waiting_amt: str | None
    claimed_amt: str | None
    cor_date: str | None
    reason: str
    undoes: str
    by: str


class CorrectionMessage(msgspec.Struct, kw_only=True):
    """What a bank was told of a correction: by a 5253 the agent bank, by a 5351 the central bank.

    ``amt`` of it is of other subjects; ``reason`` is why its receiver has declined, ``settled_by``
    the message or the correction that came of that.
    """

    tell_no: str
    state: TellingState
    vt_code: str
    voucher_no: str
    cor_no: str
    amt: str
    tell_date: str
    answer_date: str | None
    reason: str
    settled_by: str


class CorrectedIndicator(msgspec.Struct, kw_only=True):
    """An indicator, with its figures behind a correction."""

    bgt_id: str
    amount: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    plan_amt: str
    plan_canuse_amt: str


def corrections_of(payment: Payment) -> tuple[CorrectionOfPayment, ...]:
    """In the order in which they were made."""
    return tuple(
        CorrectionOfPayment(
            cor_no=gave.cor_no,
            state=CORRECTED,
            pay_detail_id=gave.pay_detail_id,
            from_bgt_id=gave.bgt_id,
            to_bgt_id=gave.to_bgt_id,
            amt=gave.amt,
            lines=tuple(
                CorrectionLineView(pay_detail_id=line.pay_detail_id, amt=line.amt)
                for line in gave.lines
            ),
            waiting_amt=took.waiting_amt,
            claimed_amt=took.claimed_amt,
            cor_date=gave.cor_date,
            reason=gave.reason,
            undoes=gave.undoes,
            by=gave.by,
        )
        for gave, took in zip(payment.corrections, payment.corrections_taken, strict=True)
    )


def correction_waiting(submitted: DocumentSubmitted, payment: Payment) -> CorrectionOfPayment:
    """A correction that waits for another person's agreement."""
    asked = command_of(submitted.kind, submitted.body)
    assert isinstance(asked, CorrectPayment)
    return CorrectionOfPayment(
        cor_no=asked.cor_no,
        state=SUBMITTED,
        pay_detail_id=asked.pay_detail_id,
        from_bgt_id=asked.from_bgt_id or payment.applied.bgt_id,
        to_bgt_id=asked.to_bgt_id,
        amt=asked.amt,
        lines=(),
        waiting_amt=None,
        claimed_amt=None,
        cor_date=None,
        reason=asked.reason,
        undoes=asked.undoes,
        by=submitted.by,
    )


def message_shown(telling: Telling) -> CorrectionMessage:
    """A message with its answer."""
    told, receipt = telling.ordered, telling.receipt
    return CorrectionMessage(
        tell_no=told.tell_no,
        state=telling.status,
        vt_code=told.vt_code,
        voucher_no=told.voucher_no,
        cor_no=told.cor_no,
        amt=told.amt,
        tell_date=told.order_date,
        answer_date=receipt.xacc_date if receipt else None,
        reason=telling.reason,
        settled_by=telling.settled_by,
    )


def indicator_behind(bgt_id: str, figures: Figures) -> CorrectedIndicator:
    return CorrectedIndicator(bgt_id=bgt_id, **msgspec.structs.asdict(figures))
