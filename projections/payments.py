"""Payments as they stand, their refunds, and the clearing that holds each movement of money.

A clearing takes what the bank has moved up to its date and is in no other clearing; a claim that
the central bank rejects gives its movements back, to be claimed from that date on. This repeats
what the core does with sums (``payments.clearing``) for the single movements, so that a claim can
be opened down to its vouchers.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger import events
from ledger.events import Event
from ledger.money import stored_fen
from payments.payment import (
    APPLIED,
    APPROVED,
    REFUNDED,
    REJECTED,
    SENT,
    SIGNED,
    WITHDRAWN,
)
from projections.projection import Fact, Projection, Rows, Statement, Writes, known
from projections.tables import Table


class PaymentRow(msgspec.Struct):
    """A row of ``proj_payments``."""

    pay_app_no: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    pay_fen: int
    details: int
    effective_on: date
    applied_position: int
    last_position: int
    status: str = APPLIED
    xpay_fen: int = 0
    refund_fen: int = 0
    pay_cert_no: str = ""
    pay_bank_code: str = ""
    receipt_position: int = 0
    claimable_on: date | None = None
    clear_no: str = ""
    claim_no: str = ""


class RefundRow(msgspec.Struct):
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


PAYMENTS = Table("proj_payments", PaymentRow, ("pay_app_no",))
REFUNDS = Table("proj_refunds", RefundRow, ("position",))

_AS_APPLIED = (
    "pay_app_no",
    "bgt_id",
    "agency_code",
    "pro_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "fund_type_code",
    "payee_acct_name",
    "payee_acct_no",
    "payee_acct_bank_name",
    "use_des",
)
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
PAID_CLAIM, REFUND_CLAIM = "2301", "2302"
# (message of the claim, table of its movements, when they had happened)
_MOVEMENTS = (
    (PAID_CLAIM, PAYMENTS.name, "xpay_fen > 0 AND receipt_position <= %(upto)s"),
    (REFUND_CLAIM, REFUNDS.name, "position <= %(upto)s"),
)


class Payments(Projection):
    name: ClassVar[str] = "payments"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table[Any], ...]] = (PAYMENTS, REFUNDS)
    follows: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            events.PaymentApplied,
            events.PaymentApproved,
            events.PaymentRejected,
            events.PaymentWithdrawn,
            events.VoucherSigned,
            events.VoucherSent,
            events.VoucherReceipted,
            events.PaymentRefunded,
            events.ClearingRequested,
            events.ClaimReceipted,
        }
    )

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        numbers, new = set(), set()
        for fact in facts:
            if isinstance(fact.event, events.PaymentApplied):
                new.add(fact.event.pay_app_no)
            elif (number := getattr(fact.event, "pay_app_no", None)) is not None:
                numbers.add(number)
        return {PAYMENTS: numbers - new}

    def apply(self, facts: Sequence[Fact], rows: Mapping[Table[Any], Rows]) -> Writes:
        payments = rows[PAYMENTS]
        touched: dict[str, PaymentRow] = {}
        unclaimed = _Unclaimed()
        refunds: list[RefundRow] = []
        statements: list[Statement] = []
        for fact in facts:
            match fact.event:
                case events.ClearingRequested() as requested:
                    unclaimed.claim(requested)
                    statements += _claimed(requested)
                case events.ClaimReceipted() as receipted:
                    unclaimed.release(receipted)
                    statements += _released(receipted)
                case events.PaymentApplied() as applied:
                    row = _applied(fact, applied)
                    payments[row.pay_app_no,] = touched[row.pay_app_no] = row
                case event:
                    number: str = event.pay_app_no
                    row = touched[number] = known(payments, (number,), fact)
                    _change(row, fact)
                    if isinstance(event, events.VoucherReceipted):
                        unclaimed.add(row)
                    elif isinstance(event, events.PaymentRefunded):
                        refunds.append(_refund(row, fact, event))
        return Writes({PAYMENTS: touched.values(), REFUNDS: refunds}, statements)


class _Unclaimed:
    """The receipts of a batch that no clearing of the batch holds yet.

    A clearing often stands in one batch with what it claims. Then the rows are written as claimed;
    they need not be looked for afterwards and written anew. The statements do the same for rows of
    earlier batches and find these done.
    """

    def __init__(self) -> None:
        self._waiting: list[PaymentRow] = []
        self._held: dict[tuple[str, str], list[PaymentRow]] = {}

    def add(self, row: PaymentRow) -> None:
        if row.xpay_fen:
            self._waiting.append(row)

    def claim(self, requested: events.ClearingRequested) -> None:
        day = date.fromisoformat(requested.clear_date)
        claims = _by_fund(requested, PAID_CLAIM)
        waiting, self._waiting = self._waiting, []
        for row in waiting:
            claim = claims.get(row.fund_type_code)
            due = row.claimable_on is not None and row.claimable_on <= day
            if claim is None or not due or row.pay_bank_code != requested.pay_bank_code:
                self._waiting.append(row)
                continue
            row.clear_no, row.claim_no, row.claimable_on = (
                requested.clear_no,
                claim,
                day,
            )
            self._held.setdefault((row.clear_no, row.claim_no), []).append(row)

    def release(self, receipted: events.ClaimReceipted) -> None:
        if receipted.rejected:
            back = self._held.pop((receipted.clear_no, receipted.voucher_no), [])
            for row in back:
                row.clear_no = row.claim_no = ""
            self._waiting += back


def _applied(fact: Fact, applied: events.PaymentApplied) -> PaymentRow:
    return PaymentRow(
        **{name: getattr(applied, name) for name in _AS_APPLIED},
        pay_fen=stored_fen(applied.pay_amt),
        details=len(applied.details),
        effective_on=fact.effective_on,
        applied_position=fact.position,
        last_position=fact.position,
    )


def _change(row: PaymentRow, fact: Fact) -> None:
    row.last_position = fact.position
    match fact.event:
        case events.PaymentApproved() as approved:
            row.status = APPROVED
            row.pay_cert_no, row.pay_bank_code = approved.pay_cert_no, approved.pay_bank_code
        case events.PaymentRejected():
            row.status = REJECTED
        case events.PaymentWithdrawn():
            row.status = WITHDRAWN
        case events.VoucherSigned() as signed if signed.final:
            row.status = SIGNED
        case events.VoucherSent() if row.status == SIGNED:
            row.status = SENT
        case events.VoucherReceipted() as receipted:
            row.status = receipted.outcome
            row.xpay_fen = stored_fen(receipted.xpay_amt)
            row.receipt_position = fact.position
            row.claimable_on = fact.effective_on
        case events.PaymentRefunded() as refunded:
            row.refund_fen += stored_fen(refunded.refund_amt)
            if row.refund_fen == row.xpay_fen:
                row.status = REFUNDED


def _refund(row: PaymentRow, fact: Fact, refunded: events.PaymentRefunded) -> RefundRow:
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
    )


def _by_fund(requested: events.ClearingRequested, vt_code: str) -> dict[str, str]:
    """The number of each fund type's claim: the first one where it has too many lines for one."""
    claims: dict[str, str] = {}
    for claim in requested.claims:
        if claim.vt_code == vt_code:
            claims.setdefault(claim.fund_type_code, claim.voucher_no)
    return claims


def _claimed(requested: events.ClearingRequested) -> Iterable[Statement]:
    for vt_code, table, moved in _MOVEMENTS:
        if claims := _by_fund(requested, vt_code):
            yield Statement(
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


def _released(receipted: events.ClaimReceipted) -> Iterable[Statement]:
    if receipted.rejected:
        given = {"clear_no": receipted.clear_no, "claim_no": receipted.voucher_no}
        for _, table, _ in _MOVEMENTS:
            yield Statement(_RELEASED.format(table=table), given)
