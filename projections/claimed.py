"""Which clearing holds each movement of money.

A clearing takes what the bank has moved up to its date and is in no other clearing; a claim that
the central bank rejects gives its movements back, to be claimed from that date on. This repeats
what the core does with sums (``payments.clearing.claims``) for the single movements, so that a
claim can be opened down to its vouchers. A payment that is claimed singly has no day from which on
sums may take it.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import LiteralString

from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from projections.core.fold import BulkStatement
from projections.payment_tables import PAYMENTS, REFUNDS, PaymentStanding, RefundRow
from projections.prior_returns import PRIOR_RETURNS, PriorReturnRow

_Movement = PaymentStanding | RefundRow | PriorReturnRow  # of money, for a clearing to claim
_CLAIMED = """
UPDATE {table} SET clear_no = %(clear_no)s, claim_no = c.claim_no, claimable_on = %(clear_date)s
FROM unnest(%(funds)s::text[], %(claims)s::text[]) AS c (fund_type_code, claim_no)
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s
  AND clear_no = '' AND pay_bank_code = %(pay_bank_code)s AND claimable_on <= %(clear_date)s
  AND {table}.fund_type_code = c.fund_type_code AND {moved}"""
_CLAIMED_SINGLY = """
UPDATE {table} SET clear_no = %(clear_no)s, claim_no = c.claim_no
FROM unnest(%(payments)s::text[], %(claims)s::text[]) AS c (pay_app_no, claim_no)
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s
  AND clear_no = '' AND claimable_on IS NULL AND {table}.pay_app_no = c.pay_app_no"""
_RELEASED = """
UPDATE {table} SET clear_no = '', claim_no = ''
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s
  AND clear_no = %(clear_no)s AND claim_no = %(claim_no)s"""
_ClaimedBy = tuple[str, bool]  # a message, and whether it is of what the year before has paid
# (what claims it, table of its movements, when they had happened)
_MOVEMENTS: tuple[tuple[_ClaimedBy, LiteralString, LiteralString], ...] = (
    ((CLAIM, False), PAYMENTS.name, "xpay_fen > 0 AND receipt_position <= %(upto)s"),
    ((REFUND_CLAIM, False), REFUNDS.name, "position <= %(upto)s"),
    ((REFUND_CLAIM, True), PRIOR_RETURNS.name, "position <= %(upto)s"),
)


class Unclaimed:
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
        day, singly_by = date.fromisoformat(requested.clear_date), _by_payment(requested)
        for by, waiting in self._waiting.items():
            claims = _by_fund(requested, by)
            left: list[_Movement] = []
            for row in waiting if claims or singly_by else ():
                singly = _singly_in(row, singly_by)
                claim = singly or claims.get(row.fund_type_code)
                due = bool(singly) or (row.claimable_on is not None and row.claimable_on <= day)
                if claim is None or not due or row.pay_bank_code != requested.pay_bank_code:
                    left.append(row)
                    continue
                row.clear_no, row.claim_no = requested.clear_no, claim
                row.claimable_on = row.claimable_on and day
                self._held.setdefault((row.clear_no, row.claim_no), []).append(row)
            if claims or singly_by:
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


def _by_fund(requested: ClearingRequested, by: _ClaimedBy) -> dict[str, str]:
    """The number of each fund type's claim: the first one where it has too many lines for one; of
    those that sum over what is not claimed singly."""
    claims: dict[str, str] = {}
    for claim in requested.claims:
        summed = any(not line.pay_app_no for line in claim.lines)
        if summed and (claim.vt_code, bool(claim.paid_year)) == by:
            claims.setdefault(claim.fund_type_code, claim.voucher_no)
    return claims


def _by_payment(requested: ClearingRequested) -> dict[str, str]:
    """The number of the claim of each payment that is claimed singly."""
    lines = ((line.pay_app_no, c.voucher_no) for c in requested.claims for line in c.lines)
    return {pay_app_no: claim for pay_app_no, claim in lines if pay_app_no}


def _singly_in(row: _Movement, claims: Mapping[str, str]) -> str | None:
    """The claim of a payment that is claimed singly, where it is among these."""
    singly = isinstance(row, PaymentStanding) and row.claimable_on is None
    return claims.get(row.pay_app_no) if singly else None


def claimed(requested: ClearingRequested) -> Iterable[BulkStatement]:
    if by_payment := _by_payment(requested):
        yield BulkStatement(
            _CLAIMED_SINGLY.format(table=PAYMENTS.name),
            {
                "clear_no": requested.clear_no,
                "payments": list(by_payment),
                "claims": list(by_payment.values()),
            },
        )
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


def released(receipted: ClaimReceipted) -> Iterable[BulkStatement]:
    if receipted.rejected:
        given = {"clear_no": receipted.clear_no, "claim_no": receipted.voucher_no}
        for _, table, _ in _MOVEMENTS:
            yield BulkStatement(_RELEASED.format(table=table), given)
