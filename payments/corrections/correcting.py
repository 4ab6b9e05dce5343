"""更正: what was paid moves to another indicator, and no cash does. Pure decision.

Old and new entries stand beside one another, red and blue (红冲、蓝补): the indicator that bore the
amount has it back, the one that shall bear it has paid it. What the bank has not claimed yet it
claims as the new indicator's; by what it has claimed the treasury's books move, too.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product
from typing import ClassVar, NamedTuple

from budget.indicator import (
    INDICATOR,
    Indicator,
    moved,
    require_executable,
    require_not_pending,
)
from budget.indicator import require as require_indicator
from budget.plans import require_planned
from budget.special_funds import require_kept
from ledger.calendar import day_text, effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import JournalPosted
from ledger.money import parse_yuan, yuan
from payments.application import business_day
from payments.bearing import Borne, LineAmounts, borne_by, lines_of, taken
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import Claimable, single_key
from payments.contracts.drawing import refuse_purchase, require_purchase_control
from payments.correction_events import (
    CorrectedLine,
    CorrectionTaken,
    PaymentCorrected,
    WaitingPart,
)
from payments.current_items import require_item
from payments.payment import (
    PAID,
    PARTIALLY_PAID,
    PAYMENT,
    REFUNDED,
    Payment,
    require,
    require_status,
)
from payments.special_accounts.cash import special_rule

# a payment, by the number of a correction of it
PAYMENT_OF_CORRECTION: Kind[Payment] = Kind(
    name="payment_of_correction", opened_by="correction.apply", fold=PAYMENT.fold
)
TREASURY_CODES = ("gov_bgt_eco_code", "fund_type_code")  # by which claims are booked
REPORTED_CODES = ("fund_type_code", "exp_func_code")  # by which the central bank keeps outlays


class _Claims(NamedTuple):
    """What of a correction is told by claims.

    Attributes:
        waiting: (day, fen) of what waited, and is claimed as the other indicator's.
        claimed_fen: what was claimed, and by which the treasury's books move.
    """

    waiting: tuple[tuple[date, int], ...] = ()
    claimed_fen: int = 0

    @property
    def waiting_fen(self) -> int:
        return sum(fen for _, fen in self.waiting)


class CorrectPayment(Command, frozen=True, kw_only=True):
    """更正. ``from_bgt_id`` is who bears the amount now; "" is the payment's own indicator."""

    OPERATION: ClassVar[str] = "correction.apply"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "支付更正"
    NUMBER: ClassVar[str] = "cor_no"
    KIND: ClassVar[AnyKind] = PAYMENT
    cor_no: str
    pay_app_no: str
    pay_detail_id: str = ""
    from_bgt_id: str = ""
    to_bgt_id: str
    amt: str
    reason: str
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        event: PaymentCorrected = told.event
        named = (event.bgt_id,) if event.bgt_id != event.own_bgt_id else ("", event.bgt_id)
        for from_bgt_id, dated in product(named, (None, told.day)):
            yield cls(**fields_in(cls, event, from_bgt_id=from_bgt_id, effective_on=dated))

    def check(self) -> None:
        parse_yuan(self.amt, pointer="/amt")
        if self.to_bgt_id == self.from_bgt_id:
            raise RequestError(
                Code.MALFORMED, "a correction is to another indicator", pointer="/to_bgt_id"
            )

    def needs(self) -> Iterable[Need]:
        bearing: tuple[Need, ...] = ((INDICATOR, self.from_bgt_id),) if self.from_bgt_id else ()
        return (
            (PAYMENT, self.pay_app_no),
            (INDICATOR, self.to_bgt_id),
            *bearing,
            (UNCLEARED, WHOLE),
        )

    def decide(self, state: LedgerState, by: str) -> Decision:
        if self.effective_on is not None:
            effective_day(state, self.effective_on)
        payment = require(state, self.pay_app_no)
        day = business_day(state, payment, self.effective_on)
        bgt_id = self._bearing(state, payment)
        to = self._taking(state, payment, bgt_id, day)
        refuse_purchase(payment.applied)
        require_purchase_control(state, to.issued, None, pointer="/to_bgt_id")
        lines = self._lines(payment, bgt_id, day)
        amount_fen = sum(fen for _, fen in lines)
        _, parts = taken(payment.bearing, lines, bgt_id)
        claims = _claims(state, payment, parts, to, day)
        require_planned(state, to, day, amount_fen)
        amounts = {"corrected": amount_fen, "claimed": 0}
        more = moved(state, day, to.bgt_id, CorrectionTaken.TYPE, amounts)
        less = moved(state, day, bgt_id, PaymentCorrected.TYPE, amounts)
        # point of no return
        gave = self._gave(payment, bgt_id, lines, claims, less, day, by)
        took = self._took(payment, to, bgt_id, claims, more, by)
        before, after = payment.codes_borne_by(bgt_id), {**payment.codes, **to.paying_codes}
        if acct_no := payment.applied.pay_acct_no:
            del amounts["claimed"]
        else:
            amounts["claimed"] = claims.claimed_fen  # which moves no indicator
        red_by, blue_by = (special_rule(event.TYPE, acct_no) for event in (gave, took))
        red = self._entry(state, day, gave.TYPE, bgt_id, amounts, before, 0, red_by)
        blue = self._entry(state, day, took.TYPE, to.bgt_id, amounts, after, 2, blue_by)
        events = (gave, red, took, blue)
        return Decision(
            events=[(PAYMENT, self.pay_app_no, event) for event in events],
            effective_on=day,
            moved=[less, more, *_waiting_moved(state, payment, bgt_id, to, claims, day)],
        )

    def _bearing(self, state: LedgerState, payment: Payment) -> str:
        """The indicator that bears the amount until now."""
        if not self.from_bgt_id:
            return payment.applied.bgt_id
        return require_indicator(state, self.from_bgt_id, pointer="/from_bgt_id").bgt_id

    def _taking(self, state: LedgerState, payment: Payment, bgt_id: str, day: date) -> Indicator:
        """The indicator that shall bear it: another one of its unit, which can be paid from."""
        to = require_indicator(state, self.to_bgt_id, day, pointer="/to_bgt_id")
        require_not_pending(to, pointer="/to_bgt_id")
        require_executable(to)
        require_kept(state, to.issued.fund_type_code, "/to_bgt_id")
        problem = ""
        if to.bgt_id == bgt_id:
            problem = f"{bgt_id} bears it already"
        elif to.issued.agency_code != payment.applied.agency_code:
            problem = f"{to.bgt_id} is of another unit than the payment (预算单位)"
        elif to.issued.fund_type_code != payment.applied.fund_type_code:
            problem = f"{to.bgt_id} is of another fund (资金性质), which is not corrected here yet"
        if problem:
            raise Refusal(
                Code.ELEMENT_MISMATCH, problem, pointer="/to_bgt_id", bgt_id=self.to_bgt_id
            )
        if item := payment.applied.current_item_code:
            require_item(state.books(day), item, to.issued.dep_bgt_eco_code, pointer="/to_bgt_id")
        return to

    def _lines(self, payment: Payment, bgt_id: str, day: date) -> LineAmounts:
        """The lines it is taken from; not more than the indicator bears of them."""
        line = self.pay_detail_id
        if line and line not in {detail.pay_detail_id for detail in payment.details}:
            raise Refusal(
                Code.DETAILS_MISMATCH,
                f"the payment has no detail {line!r}",
                pointer="/pay_detail_id",
            )
        require_status(payment, PAID, PARTIALLY_PAID, REFUNDED)
        if day < payment.booked_on:
            raise Refusal(Code.INVALID_STATE, f"it was paid on {payment.booked_on}, after {day}")
        bearing, wanted_fen = payment.bearing, parse_yuan(self.amt, pointer="/amt")
        if wanted_fen > (left_fen := borne_by(bearing, bgt_id, line)):
            raise Refusal(
                Code.CORRECTION_EXCEEDS_PAID,
                f"{bgt_id} bears {yuan(left_fen)} of what was paid and has not come back",
                bgt_id=bgt_id,
                available_amt=yuan(left_fen),
                requested_amt=self.amt,
            )
        return lines_of(bearing, bgt_id, line, wanted_fen)

    def _gave(
        self,
        payment: Payment,
        bgt_id: str,
        lines: LineAmounts,
        claims: _Claims,
        less: MovedRow,
        day: date,
        by: str,
    ) -> PaymentCorrected:
        assert payment.approved is not None
        return PaymentCorrected(
            pay_app_no=self.pay_app_no,
            cor_no=self.cor_no,
            pay_detail_id=self.pay_detail_id,
            agency_code=payment.applied.agency_code,
            bgt_id=bgt_id,
            own_bgt_id=payment.applied.bgt_id,
            to_bgt_id=self.to_bgt_id,
            amt=self.amt,
            reason=self.reason,
            cor_date=day_text(day),
            lines=tuple(CorrectedLine(line, yuan(fen)) for line, fen in lines),
            pay_bank_code=payment.approved.pay_bank_code,
            waiting=tuple(WaitingPart(day_text(since), yuan(fen)) for since, fen in claims.waiting),
            claimed_amt=yuan(claims.claimed_fen),
            claimed_singly=_singly(payment) != "",
            figures=less.row.figures(),
            by=by,
        )

    def _took(
        self,
        payment: Payment,
        to: Indicator,
        bgt_id: str,
        claims: _Claims,
        more: MovedRow,
        by: str,
    ) -> CorrectionTaken:
        return CorrectionTaken(
            pay_app_no=self.pay_app_no,
            cor_no=self.cor_no,
            bgt_id=to.bgt_id,
            from_bgt_id=bgt_id,
            amt=self.amt,
            waiting_amt=yuan(claims.waiting_fen),
            claimed_amt=yuan(claims.claimed_fen),
            claimed_singly=_singly(payment) != "",
            figures=more.row.figures(),
            by=by,
            is_carried=to.is_carried,
            **to.codes,
        )

    def _entry(
        self,
        state: LedgerState,
        day: date,
        event: str,
        bgt_id: str,
        amounts_fen: dict[str, int],
        codes: dict[str, str],
        ahead: int,
        rule_name: str,
    ) -> JournalPosted:
        return state.books(day).post(
            event,
            source=state.next_position + ahead,
            number=self.cor_no,
            amounts_fen=amounts_fen,
            codes=codes,
            bgt_id=bgt_id,
            rule_name=rule_name,
        )


def _claims(
    state: LedgerState, payment: Payment, parts: Iterable[Borne], to: Indicator, day: date
) -> _Claims:
    """What of it waits to be claimed, and what was claimed, if the two indicators are claimed or
    booked otherwise.

    Claims sum over a bank's day, unit, function, fund and economy, and what waits under these is
    taken as the correction's, first that of the day of the payment.

    Raises:
        Refusal: ``invalid_state`` where the central bank would have to be told (支出更正).
    """
    assert payment.approved is not None
    if payment.applied.pay_acct_no:  # a special account has paid, and nothing is claimed
        return _Claims()
    bank, waiting, claimed_fen = payment.approved.pay_bank_code, dict[date, int](), 0
    codes = to.codes
    for part in parts:
        before = payment.codes_borne_by(part.bgt_id)
        keyed = (*TREASURY_CODES, *REPORTED_CODES)
        if all(before[name] == codes[name] for name in keyed):
            continue
        key = single_key(bank, part.since, Claimable(before), _singly(payment))
        left_fen = state.row(UNCLEARED, key).amount - waiting.get(part.since, 0)
        waiting_fen = min(part.amount_fen, max(0, left_fen))
        if waiting_fen:
            waiting[part.since] = waiting.get(part.since, 0) + waiting_fen
        claimed_fen += part.amount_fen - waiting_fen
        if claimed_fen and any(before[name] != codes[name] for name in REPORTED_CODES):
            raise Refusal(
                Code.INVALID_STATE,
                f"of it {yuan(claimed_fen)} is claimed from the central bank already: function and "
                "fund of that are corrected there, too, which is not done from here yet",
                available_amt=yuan(sum(waiting.values())),
                requested_amt=yuan(part.amount_fen),
            )
    return _Claims(tuple(waiting.items()), claimed_fen)


def _waiting_moved(
    state: LedgerState,
    payment: Payment,
    bgt_id: str,
    to: Indicator,
    claims: _Claims,
    day: date,
) -> list[MovedRow]:
    """What the bank claims less under the one indicator, and more under the other."""
    if not claims.waiting:
        return []
    assert payment.approved is not None
    bank, before = payment.approved.pay_bank_code, Claimable(payment.codes_borne_by(bgt_id))
    singly = _singly(payment)
    changes = {single_key(bank, since, before, singly): -fen for since, fen in claims.waiting}
    changes[single_key(bank, day, to.issued, singly)] = claims.waiting_fen
    return [state.moved(UNCLEARED, key, day, {"amount": fen}) for key, fen in changes.items()]


def _singly(payment: Payment) -> str:
    """The payment where its bank claims it singly, else ""."""
    receipt = payment.receipt
    return payment.pay_app_no if receipt is not None and receipt.claimed_singly else ""
