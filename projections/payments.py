"""Payments as they stand, their refunds, and the clearing that holds each movement of money.

A clearing takes what the bank has moved up to its date and is in no other clearing; a claim that
the central bank rejects gives its movements back, to be claimed from that date on. This repeats
what the core does with sums (``payments.clearing.claims``) for the single movements, so that a
claim can be opened down to its vouchers.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, LiteralString

import msgspec

from ledger.events import Event, types_that
from ledger.money import stored_fen
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.clearing.uncleared import UNCLEARED
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
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
from projections.prior_returns import (
    PRIOR_RETURNS,
    UNCLAIMED,
    PriorReturnRow,
    prior_return_row,
)  # fmt: skip
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


class PaymentStanding(msgspec.Struct, gc=False):
    """What events change of a payment's row, and what they are judged by; of ``refund_fen`` the
    next year's ledger has ``returned_fen``."""

    pay_app_no: str
    fund_type_code: str
    last_position: int
    status: str
    xpay_fen: int
    refund_fen: int
    returned_fen: int
    pay_cert_no: str
    pay_bank_code: str
    receipt_position: int
    claimable_on: date | None
    clear_no: str
    claim_no: str


class PaymentRow(PaymentStanding, gc=False):
    """A row of ``proj_payments``: as it was applied for, and as it stands."""

    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    pay_fen: int
    details: int
    effective_on: date
    applied_position: int


class RefundRow(msgspec.Struct, gc=False):
    """A row of ``proj_refunds``."""

    position: int
    refund_no: str
    pay_app_no: str
    pay_cert_no: str
    pay_detail_id: str
    fund_type_code: str
    refund_fen: int
    pay_bank_code: str
    effective_on: date
    claimable_on: date
    clear_no: str = ""
    claim_no: str = ""
    notice_no: str = ""


_Movement = PaymentStanding | RefundRow | PriorReturnRow  # of money, for a clearing to claim
PAYMENTS = Table(
    "proj_payments",
    PaymentRow,
    ("pay_app_no",),
    state=PaymentStanding,
    integers=("details",),
    indexes=(
        "(ledger_id, generation, pay_bank_code, claimable_on) WHERE clear_no = '' AND xpay_fen > 0",
        "(ledger_id, generation, clear_no) WHERE clear_no <> ''",
    ),
)
REFUNDS = Table("proj_refunds", RefundRow, ("position",), indexes=UNCLAIMED)

_CLAIMED = """
UPDATE {table} SET clear_no = %(clear_no)s, claim_no = c.claim_no, claimable_on = %(clear_date)s
FROM unnest(%(funds)s::text[], %(claims)s::text[]) AS c (fund_type_code, claim_no)
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s
  AND clear_no = '' AND pay_bank_code = %(pay_bank_code)s AND claimable_on <= %(clear_date)s
  AND {table}.fund_type_code = c.fund_type_code AND {moved}"""
_RELEASED = """
UPDATE {table} SET clear_no = '', claim_no = ''
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s
  AND clear_no = %(clear_no)s AND claim_no = %(claim_no)s"""
HELD_MAX = 30_000  # payments in memory; then they are written
_ClaimedBy = tuple[str, bool]  # a message, and whether it is of what the year before has paid
# (what claims it, table of its movements, when they had happened)
_MOVEMENTS: tuple[tuple[_ClaimedBy, LiteralString, LiteralString], ...] = (
    ((CLAIM, False), PAYMENTS.name, "xpay_fen > 0 AND receipt_position <= %(upto)s"),
    ((REFUND_CLAIM, False), REFUNDS.name, "position <= %(upto)s"),
    ((REFUND_CLAIM, True), PRIOR_RETURNS.name, "position <= %(upto)s"),
)


class Payments(Projection):
    name: ClassVar[str] = "payments"
    version: ClassVar[int] = 4
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
        self._unclaimed = _Unclaimed()
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
                        self._statements += _claimed(requested)
                case ClaimReceipted() as receipted:
                    unclaimed.release(receipted)
                    if self._written:
                        self._statements += _released(receipted)
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


class _Unclaimed:
    """Receipts and refunds that a fold holds and that no clearing holds yet.

    A clearing often stands near what it claims. Then the rows are written as claimed; they need not
    be looked for afterwards and written anew. The statements do the same for rows that the tables
    hold, and find these done.
    """

    def __init__(self) -> None:
        self._waiting: dict[_ClaimedBy, list[_Movement]] = {by: [] for by, _, _ in _MOVEMENTS}
        self._held: dict[tuple[str, str], list[_Movement]] = {}

    def add(self, row: _Movement) -> None:
        if not isinstance(row, PaymentStanding) or row.xpay_fen:
            self._waiting[_claimed_by(row)].append(row)

    def claim(self, requested: ClearingRequested) -> None:
        day = date.fromisoformat(requested.clear_date)
        for by, waiting in self._waiting.items():
            claims = _by_fund(requested, by)
            left: list[_Movement] = []
            for row in waiting if claims else ():
                claim = claims.get(row.fund_type_code)
                due = row.claimable_on is not None and row.claimable_on <= day
                if claim is None or not due or row.pay_bank_code != requested.pay_bank_code:
                    left.append(row)
                    continue
                row.clear_no, row.claim_no, row.claimable_on = requested.clear_no, claim, day
                self._held.setdefault((row.clear_no, row.claim_no), []).append(row)
            if claims:
                waiting[:] = left

    def release(self, receipted: ClaimReceipted) -> None:
        back = self._held.pop((receipted.clear_no, receipted.voucher_no), [])
        if receipted.rejected:
            for row in back:
                row.clear_no = row.claim_no = ""
                self._waiting[_claimed_by(row)].append(row)


def _claimed_by(row: _Movement) -> _ClaimedBy:
    vt_code = CLAIM if isinstance(row, PaymentStanding) else REFUND_CLAIM
    return vt_code, isinstance(row, PriorReturnRow)


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
        pay_fen=stored_fen(applied.pay_amt),
        details=len(applied.details),
        effective_on=fact.effective_on,
        applied_position=fact.position,
        last_position=fact.position,
        status=APPLIED,
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
            row.status = APPROVED
            row.pay_cert_no, row.pay_bank_code = approved.pay_cert_no, approved.pay_bank_code
        case Rejected():
            row.status = REJECTED
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
            row.claimable_on = fact.effective_on
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


def _by_fund(requested: ClearingRequested, by: _ClaimedBy) -> dict[str, str]:
    """The number of each fund type's claim: the first one where it has too many lines for one."""
    claims: dict[str, str] = {}
    for claim in requested.claims:
        if (claim.vt_code, bool(claim.paid_year)) == by:
            claims.setdefault(claim.fund_type_code, claim.voucher_no)
    return claims


def _claimed(requested: ClearingRequested) -> Iterable[BulkStatement]:
    for by, table, moved in _MOVEMENTS:
        if claims := _by_fund(requested, by):
            yield BulkStatement(
                _CLAIMED.format(table=table, moved=moved),
                {
                    "clear_no": requested.clear_no,
                    "clear_date": date.fromisoformat(requested.clear_date),
                    "pay_bank_code": requested.pay_bank_code,
                    "upto": requested.upto_position,
                    "funds": list(claims),
                    "claims": list(claims.values()),
                },
            )


def _released(receipted: ClaimReceipted) -> Iterable[BulkStatement]:
    if receipted.rejected:
        given = {"clear_no": receipted.clear_no, "claim_no": receipted.voucher_no}
        for _, table, _ in _MOVEMENTS:
            yield BulkStatement(_RELEASED.format(table=table), given)
