"""Corrections 更正 of a payment as callers see them: what waits, and what was corrected."""

import msgspec

from api.http.models.enums import CorrectionState
from budget.events import Figures
from ledger.deciding.documents import command_of
from ledger.events import DocumentSubmitted
from payments.corrections.correcting import CorrectPayment
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
    by: str


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
        by=submitted.by,
    )


def indicator_behind(bgt_id: str, figures: Figures) -> CorrectedIndicator:
    return CorrectedIndicator(bgt_id=bgt_id, **msgspec.structs.asdict(figures))
