"""What a bank's notice is about, and booking it. Pure functions.

A notice is matched by number, line and amount: the original voucher is known by its number, a line
by its id and its payee, and a request by payment, line and amount. What is booked agrees with the
signed document field by field; ``payments.verification.notices`` compares the two again.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from budget.indicator import moved, with_held
from ledger.account_set import fiscal_year_of
from ledger.calendar import PERIODS, evidence_day
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.bearing import taken
from payments.cards.lines import freed, returned_whole
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import Claimable, uncleared_key
from payments.contracts.drawing import brought_back, held_again
from payments.correction_events import RefundShared
from payments.events import PaymentDetail, PaymentRefunded, RefundRequested, ReturnedLine
from payments.messages.vt_codes import REFUND_CLAIM
from payments.payment import PAYMENT, Payment, Refund
from payments.refunds.requests import exceeds_paid, left_of
from payments.return_events import PriorReturnBooked
from payments.special_accounts.cash import key_of, moved_special, special_rule


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


def noticed_of(refunded: Refund | PriorReturnBooked) -> Noticed:
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
    day, year = _learned(state, noticed), fiscal_year_of(state.ledger_id)
    if day.year > year + 1:
        return f"it came back on {day}, behind the year after the fiscal year {year}"
    return _lines_of(payment, noticed, pay_detail_id)


def is_of_next_year(state: LedgerState, noticed: Noticed) -> bool:
    """以前年度退回: whether it came back when the year of the payment was over, or closed."""
    closed = state.settings.get(PERIODS).year_closed
    return closed or _learned(state, noticed).year > fiscal_year_of(state.ledger_id)


def _learned(state: LedgerState, noticed: Noticed) -> date:
    """The bank's day; today, where that has not come."""
    return min(noticed.pay_date, state.calendar_day)


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
    check_new(payment, noticed, evidence)
    refund_fen = noticed.refund_fen
    check_left(payment, refund_fen, matched)
    day = evidence_day(state, noticed.pay_date, since=payment.booked_on)
    returned, refund_no = returned_of(payment, matched, evidence.notice_no)
    own, *further = shares_of(payment, returned, refund_fen)
    rows = [_restored(state, payment, day, share) for share in (own, *further)]
    whole = reimbursed_back(payment, returned)
    rows_beside = _rows_beside(state, payment, day, refund_fen, whole, (own, *further))
    acct_no = payment.applied.pay_acct_no
    cash = moved_special(state, day, key_of(payment.applied), amount_fen=refund_fen)
    # point of no return: the money has moved, nothing below refuses
    refunded = PaymentRefunded(
        pay_app_no=payment.pay_app_no,
        refund_no=refund_no,
        refund_amt=yuan(refund_fen),
        pay_detail_id=returned[0].pay_detail_id if len(returned) == 1 else "",
        refund_date=noticed.pay_date.isoformat(),
        reason=noticed.remark,
        figures=rows[0].row.figures(),
        pay_cert_no=payment.pay_cert_no,
        suspense_no=suspense_no,
        agent_business_no=noticed.agent_business_no,
        returned=returned,
        bgt_id=own.bgt_id if own.bgt_id != payment.applied.bgt_id else "",
        borne_amt=yuan(own.amount_fen) if further else "",
        contract_no=payment.applied.contract_no,
        card_lines=whole,
        pay_acct_no=acct_no,
        by=by,
        **msgspec.structs.asdict(evidence),
    )
    first = state.next_position + bool(suspense_no)
    told: list[tuple[PaymentRefunded | RefundShared, Share]] = [(refunded, own)]
    told += _shared(refunded, further, rows[1:])
    return Decision(
        events=[*_with_entries(state, payment, day, first, told), *cash.told],
        effective_on=day,
        moved=[*rows, *rows_beside, *cash.rows],
    )


def _rows_beside(
    state: LedgerState,
    payment: Payment,
    day: date,
    refund_fen: int,
    whole: Iterable[str],
    shares: Iterable["Share"],
) -> list[MovedRow]:
    """What a contract has again, what was spent with cards, and what the bank is owed less."""
    return [
        *brought_back(state, payment.applied, day, refund_fen),
        *freed(state, day, whole),
        *_owed(state, payment, day, shares),
    ]


def reimbursed_back(payment: Payment, returned: Sequence[ReturnedLine]) -> tuple[str, ...]:
    """What was spent with cards, and of which all that was reimbursed has come back by now."""
    if not payment.applied.card_lines:
        return ()
    back_fen = {
        line.pay_detail_id: payment.returned_fen(line.pay_detail_id) + stored_fen(line.refund_amt)
        for line in returned
    }
    return returned_whole(back_fen, payment.details)


def _restored(state: LedgerState, payment: Payment, day: date, share: "Share") -> MovedRow:
    """An indicator's balances with its share; of a purchase its plan holds it again."""
    amounts = {"refund": share.amount_fen}
    held_fen = held_again(payment.applied, share.amount_fen)
    return moved(state, day, share.bgt_id, PaymentRefunded.TYPE, amounts, held_fen)


def _shared(
    refunded: PaymentRefunded, further: Iterable["Share"], rows: Iterable[MovedRow]
) -> Iterator[tuple[RefundShared, "Share"]]:
    """What further indicators are restored by."""
    for share, row in zip(further, rows, strict=True):
        shared = RefundShared(
            pay_app_no=refunded.pay_app_no,
            refund_no=refunded.refund_no,
            bgt_id=share.bgt_id,
            refund_amt=yuan(share.amount_fen),
            pay_acct_no=refunded.pay_acct_no,
            figures=row.row.figures(),
            by=refunded.by,
        )
        yield shared, share


def _with_entries(
    state: LedgerState,
    payment: Payment,
    day: date,
    first: int,
    told: Iterable[tuple[PaymentRefunded | RefundShared, "Share"]],
) -> Iterator[tuple[AnyKind, str, Event]]:
    """Each event with its journal behind it, the first one at a position."""
    books = state.books(day)
    for place, (event, share) in enumerate(told):
        entry = books.post(
            event.TYPE,
            source=first + 2 * place,
            number=event.refund_no,
            amounts_fen={"refund": share.amount_fen},
            codes=share.codes,
            bgt_id=share.bgt_id,
            rule_name=special_rule(event.TYPE, payment.applied.pay_acct_no),
        )
        held_fen = held_again(payment.applied, share.amount_fen)
        yield PAYMENT, payment.pay_app_no, event
        yield PAYMENT, payment.pay_app_no, with_held(books, entry, held_fen, share.codes)


def _owed(
    state: LedgerState, payment: Payment, day: date, shares: Iterable["Share"]
) -> Iterator[MovedRow]:
    """What is claimed back: two indicators may be claimed under the same elements. What is back on
    a special account is not cleared."""
    if payment.applied.pay_acct_no:
        return
    back_fen: dict[str, int] = {}
    assert payment.approved is not None
    for share in shares:
        bank, of = payment.approved.pay_bank_code, Claimable(share.codes)
        key = uncleared_key(bank, day, REFUND_CLAIM, of)
        back_fen[key] = back_fen.get(key, 0) + share.amount_fen
    for key, fen in back_fen.items():
        yield state.moved(UNCLEARED, key, day, {"amount": fen})


class Share(NamedTuple):
    """What of a refund restores one indicator; the elements are those by which it has paid."""

    bgt_id: str
    amount_fen: int
    codes: dict[str, str]


def shares_of(payment: Payment, returned: Sequence[ReturnedLine], refund_fen: int) -> list[Share]:
    """Whom it restores: who bears the lines now, what was corrected last first; the payment's own
    indicator stands first where it is among them."""
    own = payment.applied.bgt_id
    if not payment.corrections:
        return [Share(own, refund_fen, payment.codes)]
    lines = [(line.pay_detail_id, stored_fen(line.refund_amt)) for line in returned]
    _, parts = taken(payment.bearing, lines)
    back_fen = {own: refund_fen - sum(part.amount_fen for part in parts)}
    for part in parts:
        back_fen[part.bgt_id] = back_fen.get(part.bgt_id, 0) + part.amount_fen
    return [Share(id_, fen, payment.codes_borne_by(id_)) for id_, fen in back_fen.items() if fen]


def check_new(payment: Payment, noticed: Noticed, evidence: NoticeEvidence) -> None:
    """The bank's number of a movement is that of one movement."""
    serial = noticed.agent_business_no
    for refund in payment.refunds:
        if serial and refund.agent_business_no == serial:
            raise Refusal(
                Code.RECEIPT_MISMATCH,
                f"notice {evidence.notice_no} tells again of what came back by notice"
                f" {refund.notice_no}, under the bank's number {serial}",
            )


def check_left(
    payment: Payment, refund_fen: int, matched: Sequence[tuple[PaymentDetail, NoticedLine]]
) -> None:
    """No more comes back than was paid, of each line and of all."""
    for detail, line in matched:
        if line.refund_fen > (left_fen := left_of(payment, detail.pay_detail_id)):
            raise exceeds_paid(left_fen, yuan(line.refund_fen))
    if refund_fen > (left_fen := payment.paid_fen - payment.refunded_fen):
        raise exceeds_paid(left_fen, yuan(refund_fen))


def returned_of(
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
