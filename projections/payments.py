"""Payments as they stand, their refunds, and the clearing that holds each movement of money."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from ledger.events import Event, types_that
from ledger.money import stored_fen
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.clearing.uncleared import UNCLEARED
from payments.payment import (
    APPLIED,
    APPROVED,
    PAYMENT,
    REFUNDED,
    REJECTED,
    SENT,
    SIGNED,
    VOIDED,
    WITHDRAWN,
)
from projections.claimed import Unclaimed, claimed, released
from projections.core.fold import (
    BulkStatement,
    Fact,
    Fold,
    Projection,
    Rows,
    RowsByTable,
    Writes,
    known,
)
from projections.core.tables import Table
from projections.corrections import BETWEEN_INDICATORS, CORRECTIONS, CorrectionRow, correction_row
from projections.payment_tables import (
    PAYMENTS,
    REFUNDS,
    PaymentRow,
    PaymentStanding,
    RefundRow,
)
from projections.prior_returns import PRIOR_RETURNS, PriorReturnRow, prior_return_row
from projections.views import (
    VIEWS,
    Applied,
    Approved,
    PriorTakenBack,
    Receipted,
    Refunded,
    Rejected,
    Returned,
    Sent,
    Signed,
    Voided,
    Withdrawn,
)

HELD_MAX = 30_000  # payments in memory; then they are written


class Payments(Projection):
    name: ClassVar[str] = "payments"
    version: ClassVar[int] = 5
    tables: ClassVar[tuple[Table[Any], ...]] = (PAYMENTS, REFUNDS, CORRECTIONS, PRIOR_RETURNS)
    follows: ClassVar[frozenset[type[Event]]] = frozenset(
        types_that(lambda traits: traits.subject == PAYMENT.name or UNCLEARED.name in traits.moves)
    )

    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = VIEWS

    def fold(self, after: int) -> Fold:
        return _PaymentFold(after)


class _PaymentFold(Fold):
    """Keeps the payments that were touched, until they are many: those are then written, and read
    again if an event is about one of them."""

    def __init__(self, after: int) -> None:
        self._written = after > 0  # whether the tables hold rows
        self._begin()

    def _begin(self) -> None:
        self._new: dict[str, PaymentRow] = {}
        self._held: Rows = {}
        self._changed: dict[str, PaymentStanding] = {}
        self._refunds: list[RefundRow] = []
        self._corrections: list[CorrectionRow] = []
        self._prior_returns: list[PriorReturnRow] = []
        self._unclaimed = Unclaimed()
        self._statements: list[BulkStatement] = []

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        if not self._written:
            return {}
        named = {getattr(fact.event, "pay_app_no", None) for fact in facts}
        new = {f.event.pay_app_no for f in facts if isinstance(f.event, Applied)}
        named -= {None, *new}
        return {PAYMENTS: {n for n in named if n not in self._new and (n,) not in self._held}}

    def hold(self, table: Table[Any], rows: Rows) -> None:
        self._held |= rows

    def take(self, facts: Sequence[Fact]) -> None:
        new, unclaimed = self._new, self._unclaimed
        for fact in facts:
            match fact.event:
                case Applied() as applied:
                    new[applied.pay_app_no] = _applied(fact, applied)
                case ClearingRequested() as requested:
                    unclaimed.claim(requested)
                    if self._written:
                        self._statements += claimed(requested)
                case ClaimReceipted() as receipted:
                    unclaimed.release(receipted)
                    if self._written:
                        self._statements += released(receipted)
                case PriorTakenBack() as of_prior_year:
                    self._prior_returns.append(back := prior_return_row(fact, of_prior_year))
                    unclaimed.add(back)
                case event:
                    row = new.get(event.pay_app_no) or self._earlier(fact, event.pay_app_no)
                    _change(row, fact)
                    if isinstance(event, Receipted):
                        unclaimed.add(row)
                    elif isinstance(event, Refunded):
                        self._refunds.append(refund := _refund(row, fact, event))
                        unclaimed.add(refund)
                    if isinstance(event, BETWEEN_INDICATORS):
                        made = correction_row(fact, event)
                        self._corrections += [made] if made else []

    def _earlier(self, fact: Fact, number: str) -> PaymentStanding:
        row: PaymentStanding = known(self._held, (number,), fact)
        self._changed[number] = row
        return row

    def settled(self, upto: int) -> Writes:
        if len(self._new) + len(self._held) < HELD_MAX:
            return Writes()
        writes = self.rest(upto)
        self._written = True
        self._begin()
        return writes

    def rest(self, upto: int) -> Writes:
        new: RowsByTable = {
            PAYMENTS: self._new.values(),
            REFUNDS: self._refunds,
            CORRECTIONS: self._corrections,
            PRIOR_RETURNS: self._prior_returns,
        }
        return Writes(new, {PAYMENTS: self._changed.values()}, statements=self._statements)


def _applied(fact: Fact, applied: Applied) -> PaymentRow:
    return PaymentRow(
        pay_app_no=applied.pay_app_no,
        bgt_id=applied.bgt_id,
        agency_code=applied.agency_code,
        pro_code=applied.pro_code,
        exp_func_code=applied.exp_func_code,
        gov_bgt_eco_code=applied.gov_bgt_eco_code,
        dep_bgt_eco_code=applied.dep_bgt_eco_code,
        fund_type_code=applied.fund_type_code,
        payee_acct_name=applied.payee_acct_name,
        payee_acct_no=applied.payee_acct_no,
        payee_acct_bank_name=applied.payee_acct_bank_name,
        use_des=applied.use_des,
        made_by=applied.by,
        pay_fen=stored_fen(applied.pay_amt),
        details=len(applied.details),
        effective_on=fact.effective_on,
        applied_position=fact.position,
        last_position=fact.position,
        status=APPLIED,
        checked_by="",
        received_on=None,
        xpay_fen=0,
        refund_fen=0,
        returned_fen=0,
        pay_cert_no="",
        pay_bank_code="",
        receipt_position=0,
        claimable_on=None,
        clear_no="",
        claim_no="",
    )


def _change(row: PaymentStanding, fact: Fact) -> None:
    row.last_position = fact.position
    match fact.event:
        case Approved() as approved:
            row.status, row.checked_by = APPROVED, approved.by
            row.pay_cert_no, row.pay_bank_code = approved.pay_cert_no, approved.pay_bank_code
        case Rejected() as rejected:
            row.status, row.checked_by = REJECTED, rejected.by
        case Withdrawn():
            row.status = WITHDRAWN
        case Voided():
            row.status = VOIDED
        case Signed() as signed if signed.final:
            row.status = SIGNED
        case Sent() if row.status == SIGNED:
            row.status = SENT
        case Receipted() as receipted:
            row.status = receipted.outcome
            row.xpay_fen = stored_fen(receipted.xpay_amt)
            row.receipt_position = fact.position
            row.received_on = fact.effective_on
            row.claimable_on = None if receipted.claimed_singly else fact.effective_on
        case Refunded() | Returned() as refunded:
            row.refund_fen += stored_fen(refunded.refund_amt)
            row.returned_fen += stored_fen(refunded.refund_amt) * isinstance(refunded, Returned)
            if row.refund_fen == row.xpay_fen:
                row.status = REFUNDED


def _refund(row: PaymentStanding, fact: Fact, refunded: Refunded) -> RefundRow:
    return RefundRow(
        position=fact.position,
        refund_no=refunded.refund_no,
        pay_app_no=row.pay_app_no,
        pay_cert_no=row.pay_cert_no,
        pay_detail_id=refunded.pay_detail_id,
        fund_type_code=row.fund_type_code,
        refund_fen=stored_fen(refunded.refund_amt),
        pay_bank_code=row.pay_bank_code,
        effective_on=fact.effective_on,
        claimable_on=fact.effective_on,
        notice_no=refunded.notice_no,
    )
