"""What a bank's notice is about, and booking it. Pure functions.

A notice is matched by number, line and amount: the original voucher is known by its number, a line
by its id and its payee, and a request by payment, line and amount. What is booked agrees with the
signed document field by field; ``payments.verification.notices`` compares the two again.
"""

from collections.abc import Collection, Sequence
from datetime import date

import msgspec

from budget.indicator import moved
from ledger.account_set import fiscal_year_of
from ledger.calendar import evidence_day
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import stored_fen, yuan
from payments.events import PaymentDetail, PaymentRefunded, RefundRequested, ReturnedLine
from payments.messages.vt_codes import REFUND_CLAIM
from payments.payment import PAYMENT, Payment
from payments.refunds.requests import exceeds_paid, left_of
from payments.voucher import owed


class NoticeEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """A notice's document, and the signature under it."""

    vt_code: str
    notice_no: str
    pay_bank_code: str
    notice_sm3: str
    cert_serial: str
    signature: str


class NoticedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as the notice names it; fen."""

    detail_id: str
    payee_acct_no: str
    refund_fen: int


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice that can be read says of money that came back."""

    pay_date: date
    agent_business_no: str
    remark: str
    lines: tuple[NoticedLine, ...]

    @property
    def refund_fen(self) -> int:
        return sum(line.refund_fen for line in self.lines)


def noticed_of(refunded: PaymentRefunded) -> Noticed:
    """What the notice said of what was booked on it."""
    return Noticed(
        pay_date=date.fromisoformat(refunded.refund_date),
        agent_business_no=refunded.agent_business_no,
        remark=refunded.reason,
        lines=tuple(
            NoticedLine(
                detail_id=line.pay_detail_id,
                payee_acct_no=line.payee_acct_no,
                refund_fen=stored_fen(line.refund_amt),
            )
            for line in refunded.returned
        ),
    )


Matched = list[tuple[PaymentDetail, NoticedLine]]


def match(
    state: LedgerState, payment: Payment, noticed: Noticed, pay_detail_id: str = ""
) -> Matched | str:
    """The lines of the payment that came back, or why it cannot be booked to it.

    Args:
        pay_detail_id: where a person has named the line that the notice does not.
    """
    if payment.receipt is None:
        return f"payment {payment.pay_app_no} is {payment.status}: the bank has not said it paid"
    year = fiscal_year_of(state.ledger_id)
    if year < noticed.pay_date.year and noticed.pay_date <= state.calendar_day:
        return f"it came back on {noticed.pay_date}, after the fiscal year {year}"
    return _lines_of(payment, noticed, pay_detail_id)


def _lines_of(payment: Payment, noticed: Noticed, pay_detail_id: str) -> Matched | str:
    details = {detail.pay_detail_id: detail for detail in payment.details}
    matched: Matched = []
    for line in noticed.lines:
        named = pay_detail_id if len(noticed.lines) == 1 and pay_detail_id else line.detail_id
        detail = details.get(named)
        if detail is None and len(details) == len(noticed.lines) == 1:
            [detail] = details.values()  # banks count the lines of a single payment their own way
        if detail is None:
            return f"payment {payment.pay_app_no} has no line {named!r}"
        if line.payee_acct_no and line.payee_acct_no != detail.payee_acct_no:
            return f"line {named!r} was paid to another account than the notice names"
        matched.append((detail, line))
    if len({detail.pay_detail_id for detail, _ in matched}) < len(matched):
        return "a line is there twice"
    return matched


def booked(
    state: LedgerState,
    payment: Payment,
    noticed: Noticed,
    matched: Sequence[tuple[PaymentDetail, NoticedLine]],
    evidence: NoticeEvidence,
    by: str,
    *,
    suspense_no: str = "",
) -> Decision:
    """The refund on the bank's day, its journal, and what the bank is owed less.

    Args:
        suspense_no: where persons have resolved it: that stands before it in the same decision.

    Raises:
        Refusal: ``receipt_mismatch``: this money came back before, by another notice;
            ``refund_exceeds_paid``.
    """
    _check_new(payment, noticed, evidence)
    refund_fen = noticed.refund_fen
    _check_left(payment, refund_fen, matched)
    day = evidence_day(state, noticed.pay_date, since=payment.booked_on)
    amounts, bgt_id = {"refund": refund_fen}, payment.applied.bgt_id
    after = moved(state, day, bgt_id, PaymentRefunded.TYPE, amounts)
    # point of no return: the money has moved, nothing below refuses
    returned, refund_no = _returned(payment, matched, evidence.notice_no)
    refunded = PaymentRefunded(
        pay_app_no=payment.pay_app_no,
        refund_no=refund_no,
        refund_amt=yuan(refund_fen),
        pay_detail_id=returned[0].pay_detail_id if len(returned) == 1 else "",
        refund_date=noticed.pay_date.isoformat(),
        reason=noticed.remark,
        figures=after.row.figures(),
        pay_cert_no=payment.pay_cert_no,
        suspense_no=suspense_no,
        agent_business_no=noticed.agent_business_no,
        returned=returned,
        by=by,
        **msgspec.structs.asdict(evidence),
    )
    entry = state.books(day).post(
        refunded.TYPE,
        source=state.next_position + bool(suspense_no),
        number=refunded.refund_no,
        amounts_fen=amounts,
        codes=payment.codes,
        bgt_id=bgt_id,
    )
    number = payment.pay_app_no
    return Decision(
        events=[(PAYMENT, number, refunded), (PAYMENT, number, entry)],
        effective_on=day,
        moved=[after, *owed(state, payment, day, REFUND_CLAIM, refund_fen)],
    )


def _check_new(payment: Payment, noticed: Noticed, evidence: NoticeEvidence) -> None:
    """The bank's number of a movement is that of one movement."""
    serial = noticed.agent_business_no
    for refund in payment.refunds:
        if serial and refund.agent_business_no == serial:
            raise Refusal(
                Code.RECEIPT_MISMATCH,
                f"notice {evidence.notice_no} tells again of what came back by notice"
                f" {refund.notice_no}, under the bank's number {serial}",
            )


def _check_left(
    payment: Payment, refund_fen: int, matched: Sequence[tuple[PaymentDetail, NoticedLine]]
) -> None:
    """No more comes back than was paid, of each line and of all."""
    for detail, line in matched:
        if line.refund_fen > (left_fen := left_of(payment, detail.pay_detail_id)):
            raise exceeds_paid(left_fen, yuan(line.refund_fen))
    if refund_fen > (left_fen := payment.paid_fen - payment.refunded_fen):
        raise exceeds_paid(left_fen, yuan(refund_fen))


def _returned(
    payment: Payment, matched: Sequence[tuple[PaymentDetail, NoticedLine]], notice_no: str
) -> tuple[tuple[ReturnedLine, ...], str]:
    """The lines with the refunds that they answer, and the number of all of them together."""
    waiting, several = list(payment.open_requests), len(matched) > 1
    total = sum(line.refund_fen for _, line in matched)
    whole = _answered(waiting, ("",), total) if several else None
    lines: list[ReturnedLine] = []
    for detail, line in matched:
        id_ = detail.pay_detail_id
        request = whole or _answered(waiting, (id_, ""), line.refund_fen)
        own = f"{notice_no}/{id_}" if several else notice_no
        lines.append(
            ReturnedLine(
                pay_detail_id=id_,
                refund_no=request.refund_no if request else own,
                refund_amt=yuan(line.refund_fen),
                payee_acct_no=line.payee_acct_no,
            )
        )
    if several:
        return tuple(lines), whole.refund_no if whole else notice_no
    return tuple(lines), lines[0].refund_no


def is_asked_next(payment: Payment, refund_no: str) -> bool:
    """Whether the bank may be asked for this refund now.

    A notice names a line and an amount, and no request. So of several requests that it could answer
    the bank is asked for one at a time, the one to which its notice will be booked: booked to
    another, that one would never be asked for, and this one never answered. It is the one announced
    first: what is announced while the bank is at work on another takes nothing from that.
    """
    waiting = payment.open_requests
    place = next(at for at, each in enumerate(waiting) if each.refund_no == refund_no)
    return not any(_alike(earlier, waiting[place]) for earlier in waiting[:place])


def _alike(one: RefundRequested, other: RefundRequested) -> bool:
    """Whether one notice could answer either."""
    lines = {one.pay_detail_id, other.pay_detail_id}
    return one.refund_amt == other.refund_amt and (len(lines) == 1 or "" in lines)


def _answered(
    waiting: list[RefundRequested], lines: Collection[str], amount_fen: int
) -> RefundRequested | None:
    """The first request over one of these lines and this amount, taken out of those that wait: the
    one that the bank was asked for (:func:`is_asked_next`)."""
    for request in waiting:
        if request.pay_detail_id in lines and stored_fen(request.refund_amt) == amount_fen:
            waiting.remove(request)
            return request
    return None
