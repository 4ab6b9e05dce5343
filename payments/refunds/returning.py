"""以前年度退回, of the year that has paid: what came back is booked in the year in which it came.

A payment's ledger knows what was paid of it and what came back before, so it says once what is of
this payment, in whichever year it came back. What came when its year was over is told to the next
year's ledger (``payments.refunds.prior_returns``), and moves no money here: what was spent
with cards is free to be reimbursed, and a contract has less paid. Pure decisions.
"""

from collections.abc import Sequence

import msgspec

from ledger.account_set import division_of, fiscal_year_of, ledger_id, ledger_text
from ledger.deciding.state import Decision, LedgerState
from ledger.money import yuan
from payments.cards.lines import freed
from payments.contracts.drawing import brought_back
from payments.payment import PAYMENT, Payment
from payments.refunds.booking import (
    Matched,
    Noticed,
    NoticeEvidence,
    Share,
    booked,
    check_left,
    check_new,
    is_of_next_year,
    reimbursed_back,
    returned_of,
    shares_of,
)
from payments.return_events import PaymentReturned, ReturnedShare


def came_back(
    state: LedgerState,
    payment: Payment,
    noticed: Noticed,
    matched: Matched,
    evidence: NoticeEvidence,
    by: str,
    *,
    suspense_no: str = "",
) -> Decision:
    """What a notice that matches a payment makes: a refund of the year, or a return of the next.

    Raises:
        Refusal: as :func:`payments.refunds.booking.booked`.
    """
    decide = _returned if is_of_next_year(state, noticed) else booked
    return decide(state, payment, noticed, matched, evidence, by, suspense_no=suspense_no)


def _returned(
    state: LedgerState,
    payment: Payment,
    noticed: Noticed,
    matched: Matched,
    evidence: NoticeEvidence,
    by: str,
    *,
    suspense_no: str,
) -> Decision:
    check_new(payment, noticed, evidence)
    refund_fen = noticed.refund_fen
    check_left(payment, refund_fen, matched)
    returned, refund_no = returned_of(payment, matched, evidence.notice_no)
    shares = shares_of(payment, returned, refund_fen)
    whole, day = reimbursed_back(payment, returned), state.today
    # point of no return: the money has moved, nothing below refuses
    event = PaymentReturned(
        pay_app_no=payment.pay_app_no,
        refund_no=refund_no,
        refund_amt=yuan(refund_fen),
        pay_detail_id=returned[0].pay_detail_id if len(returned) == 1 else "",
        refund_date=noticed.pay_date.isoformat(),
        reason=noticed.remark,
        pay_cert_no=payment.pay_cert_no,
        suspense_no=suspense_no,
        agent_business_no=noticed.agent_business_no,
        returned=returned,
        shares=_told(shares),
        own_bgt_id=payment.applied.bgt_id,
        to_ledger=ledger_text(next_year_of(state.ledger_id)),
        contract_no=payment.applied.contract_no,
        card_lines=whole,
        pay_acct_no=payment.applied.pay_acct_no,
        by=by,
        **msgspec.structs.asdict(evidence),
    )
    return Decision(
        events=[(PAYMENT, payment.pay_app_no, event)],
        effective_on=day,
        moved=[
            *brought_back(state, payment.applied, day, refund_fen),
            *freed(state, day, whole),
        ],
    )


def next_year_of(key: int) -> int:
    """The key of the next year's ledger of the division."""
    return ledger_id(division_of(key), fiscal_year_of(key) + 1)


def _told(shares: Sequence[Share]) -> tuple[ReturnedShare, ...]:
    """The shares with the elements that the other ledger books them by; whether what was paid drew
    on 财政应返还额度 is of this year alone."""
    kept = ReturnedShare.__struct_fields__
    return tuple(
        ReturnedShare(
            bgt_id=share.bgt_id,
            amt=yuan(share.amount_fen),
            **{name: code for name, code in share.codes.items() if name in kept},
        )
        for share in shares
    )
