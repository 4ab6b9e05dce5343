"""更正: what was paid moves to another indicator, and no cash does. Pure decision.

Old and new entries stand beside one another, red and blue (红冲、蓝补): the indicator that bore the
amount has it back, the one that shall bear it has paid it. What the bank has not claimed yet it
claims as the new indicator's; by what it has claimed the treasury's books move, too, and banks that
keep it under another function are told (``payments.corrections.telling``).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product
from typing import ClassVar

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
from division.knowledge import require_workday
from ledger.calendar import day_text, effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import JournalPosted
from ledger.money import parse_yuan, stored_fen, yuan
from payments.application import business_day
from payments.bearing import LineAmounts, borne_by, lines_of, taken
from payments.clearing.uncleared import UNCLEARED
from payments.contracts.drawing import refuse_purchase, require_purchase_control
from payments.correction_events import (
    CorrectedLine,
    CorrectionTaken,
    PaymentCorrected,
    WaitingPart,
)
from payments.corrections.claiming import (
    Claims,
    Undone,
    claims_of,
    singly,
    to_be_told,
    waiting_moved,
)
from payments.corrections.telling import (
    DECLINED,
    TELLING,
    message_number,
    open_tellings,
    settled,
    tell_number,
)
from payments.current_items import require_item
from payments.messages import gbk
from payments.messages.vt_codes import QUOTA_ADJUSTMENT
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
from payments.telling_events import CorrectionTold, ToldPart

# a payment, by the number of a correction of it
PAYMENT_OF_CORRECTION: Kind[Payment] = Kind(
    name="payment_of_correction", opened_by="correction.apply", fold=PAYMENT.fold
)


class CorrectPayment(Command, frozen=True, kw_only=True):
    """更正. ``from_bgt_id`` is who bears the amount now; "" is the payment's own indicator.

    ``undoes`` names the correction that this one takes back as a whole, since a bank has declined
    to adjust its books to it.
    """

    OPERATION: ClassVar[str] = "correction.apply"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "支付更正"
    NUMBER: ClassVar[str] = "cor_no"
    KIND: ClassVar[AnyKind] = PAYMENT
    ALSO: ClassVar[tuple[AnyKind, ...]] = (TELLING,)
    cor_no: str
    pay_app_no: str
    pay_detail_id: str = ""
    from_bgt_id: str = ""
    to_bgt_id: str
    amt: str
    reason: str
    undoes: str = ""
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
        for name in ("cor_no", "reason"):  # banks may have to be told
            gbk.check_encodable(getattr(self, name), pointer=f"/{name}")

    def needs(self) -> Iterable[Need]:
        bearing: tuple[Need, ...] = ((INDICATOR, self.from_bgt_id),) if self.from_bgt_id else ()
        return (
            (PAYMENT, self.pay_app_no),
            (INDICATOR, self.to_bgt_id),
            *bearing,
            (UNCLEARED, WHOLE),
            (TELLING, WHOLE),
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
        undone = self._undone(state, payment, bgt_id)
        lines = self._lines(payment, bgt_id, day, undone)
        amount_fen = sum(fen for _, fen in lines)
        _, parts = taken(payment.bearing, lines, bgt_id)
        claims = claims_of(state, payment, parts, to, undone)
        told = to_be_told(state, claims, undone)
        if QUOTA_ADJUSTMENT in told:
            require_workday(state, day, "/effective_on")
        require_planned(state, to, day, amount_fen)
        amounts = {"corrected": amount_fen, "claimed": 0}
        more = moved(state, day, to.bgt_id, CorrectionTaken.TYPE, amounts)
        less = moved(state, day, bgt_id, PaymentCorrected.TYPE, amounts)
        # point of no return
        gave = self._gave(payment, bgt_id, lines, claims, told, less, day, by)
        took = self._took(payment, to, bgt_id, claims, more, by)
        before, after = payment.codes_borne_by(bgt_id), {**payment.codes, **to.paying_codes}
        if acct_no := payment.applied.pay_acct_no:
            del amounts["claimed"]
        else:
            amounts["claimed"] = claims.claimed_fen  # which moves no indicator
        red_by, blue_by = (special_rule(event.TYPE, acct_no) for event in (gave, took))
        red = self._entry(state, day, gave.TYPE, bgt_id, amounts, before, 0, red_by)
        blue = self._entry(state, day, took.TYPE, to.bgt_id, amounts, after, 2, blue_by)
        tellings = [self._told(state, gave, each, payment, before, after, claims) for each in told]
        ended = () if undone is None else [each.ordered.tell_no for each in undone.declined]
        return Decision(
            events=[
                *((PAYMENT, self.pay_app_no, event) for event in (gave, red, took, blue)),
                *((TELLING, each.tell_no, each) for each in tellings),
                *((TELLING, number, settled(number, self.cor_no)) for number in ended),
            ],
            effective_on=day,
            moved=[less, more, *waiting_moved(state, payment, bgt_id, to, claims, day)],
            opens=[(TELLING, each.tell_no) for each in tellings],
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
        elif to.issued.bond_code != payment.applied.bond_code:
            problem = f"{to.bgt_id} is of another bond (债券代码) than the payment"
        if problem:
            raise Refusal(
                Code.ELEMENT_MISMATCH, problem, pointer="/to_bgt_id", bgt_id=self.to_bgt_id
            )
        if item := payment.applied.current_item_code:
            require_item(state.books(day), item, to.issued.dep_bgt_eco_code, pointer="/to_bgt_id")
        return to

    def _lines(
        self, payment: Payment, bgt_id: str, day: date, undone: Undone | None
    ) -> LineAmounts:
        """The lines it is taken from; not more than the indicator bears of them. What is taken
        back is of the same lines."""
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
        left_fen = borne_by(bearing, bgt_id, line)
        lines: LineAmounts = ()
        if undone is not None:
            lines = [(each.pay_detail_id, stored_fen(each.amt)) for each in undone.correction.lines]
            left_fen = sum(min(fen, borne_by(bearing, bgt_id, line)) for line, fen in lines)
        if wanted_fen > left_fen:
            raise Refusal(
                Code.CORRECTION_EXCEEDS_PAID,
                f"{bgt_id} bears {yuan(left_fen)} of what was paid and has not come back",
                bgt_id=bgt_id,
                available_amt=yuan(left_fen),
                requested_amt=self.amt,
            )
        return lines or lines_of(bearing, bgt_id, line, wanted_fen)

    def _undone(self, state: LedgerState, payment: Payment, bgt_id: str) -> Undone | None:
        """What it takes back; None of an ordinary one.

        Raises:
            Refusal: ``invalid_state`` while banks have not agreed to what they were told of the
                payment before.
        """
        waiting = open_tellings(state, self.pay_app_no)
        declined = [
            each
            for each in waiting
            if each.status == DECLINED and each.ordered.cor_no == self.undoes
        ]
        named = [each for each in payment.corrections if each.cor_no == self.undoes]
        problem = ""
        if len(declined) < len(waiting):
            first = next(each for each in waiting if each not in declined)
            problem = (
                f"the message {first.ordered.tell_no} about {first.ordered.cor_no} is"
                f" {first.status}: it is answered, told again or taken back first"
            )
        elif self.undoes and not (named and declined):
            problem = f"no message about the correction {self.undoes!r} was declined"
        elif named:
            [correction] = named
            back = correction.to_bgt_id, correction.bgt_id, correction.amt
            if back != (bgt_id, self.to_bgt_id, self.amt):
                problem = f"{self.undoes} is taken back as a whole, and as it was made"
            else:
                return Undone(correction, declined)
        if problem:
            raise Refusal(Code.INVALID_STATE, problem)
        return None

    def _told(
        self,
        state: LedgerState,
        gave: PaymentCorrected,
        vt_code: str,
        payment: Payment,
        before: dict[str, str],
        after: dict[str, str],
        claims: Claims,
    ) -> CorrectionTold:
        """What a bank is told: the agent bank of all of it, the central bank of what it has."""
        amt = yuan(claims.to_tell_fen) if vt_code == QUOTA_ADJUSTMENT else self.amt
        tell_no = tell_number(self.cor_no, vt_code)
        return CorrectionTold(
            tell_no=tell_no,
            voucher_no=message_number(state.ledger_id, vt_code, tell_no),
            vt_code=vt_code,
            cor_no=self.cor_no,
            pay_app_no=self.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            pay_bank_code=gave.pay_bank_code,
            fund_type_code=payment.applied.fund_type_code,
            amt=amt,
            was=_part(before, f"-{amt}"),
            now=_part(after, amt),
            reason=self.reason,
            order_date=gave.cor_date,
            by=gave.by,
        )

    def _gave(
        self,
        payment: Payment,
        bgt_id: str,
        lines: LineAmounts,
        claims: Claims,
        told: tuple[str, ...],
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
            claimed_singly=singly(payment) != "",
            told=told,
            undoes=self.undoes,
            figures=less.row.figures(),
            by=by,
        )

    def _took(
        self,
        payment: Payment,
        to: Indicator,
        bgt_id: str,
        claims: Claims,
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
            claimed_singly=singly(payment) != "",
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


def _part(codes: dict[str, str], amt: str) -> ToldPart:
    said = {name: codes[name] for name in ToldPart.__struct_fields__ if name != "amt"}
    return ToldPart(**said, amt=amt)
