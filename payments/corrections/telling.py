"""支付调整: what banks are told of a correction, and what becomes of that. Pure decisions.

Of what was claimed the central bank keeps its outlays by function, and the agent bank claims by it.
So a correction that is of another function is told to both, and each answers. The correction stands
in the books from its own day on, and nothing moves by an answer. What was declined has to be told
again, or the correction to be taken back: nothing else is corrected of that payment before.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, ClassVar

import msgspec

from division.knowledge import require_workday
from ledger.calendar import day_text, evidence_day
from ledger.closing import AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event, OpenItem
from payments.orders.ordering import ADJUSTMENTS, order_number
from payments.telling_events import (
    CorrectionTold,
    CorrectionToldAgain,
    TellingAnswered,
    TellingConfirmed,
    TellingDeclined,
    TellingSettled,
)

TOLD, CONFIRMED, DECLINED, SETTLED = "told", "confirmed", "declined", "settled"
_ACTS = {TOLD: ("bank.receipts",), DECLINED: ("correction.tell", "correction.apply")}


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """A message about a correction, its answer, and what settled one that was declined."""

    ordered: CorrectionTold | CorrectionToldAgain
    receipt: TellingConfirmed | TellingDeclined | None = None
    settled_by: str = ""

    @property
    def status(self) -> str:
        if self.receipt is None:
            return TOLD
        if isinstance(self.receipt, TellingConfirmed):
            return CONFIRMED
        return SETTLED if self.settled_by else DECLINED

    @property
    def reason(self) -> str:
        """Why it was declined."""
        return self.receipt.reason if isinstance(self.receipt, TellingDeclined) else ""


def _fold(telling: Telling | None, event: Event) -> Telling | None:
    match event:
        case CorrectionTold() | CorrectionToldAgain():
            return Telling(ordered=event)
        case TellingConfirmed() | TellingDeclined() if telling is not None:
            return msgspec.structs.replace(telling, receipt=event)
        case TellingSettled() if telling is not None:
            return msgspec.structs.replace(telling, settled_by=event.settled_by)
    return telling


TELLING: Kind[Telling] = Kind(name="correction_telling", opened_by="correction.tell", fold=_fold)


def tell_number(cor_no: str, vt_code: str) -> str:
    """The number of the first message of a kind about a correction."""
    return f"{cor_no}-{vt_code}"


def open_tellings(state: LedgerState, pay_app_no: str) -> list[Telling]:
    """What was told of a payment and waits for its answer, or was declined. Their kind is at hand
    as a whole."""
    cached = state.cached(TELLING).values()
    waiting = [telling for each in cached if isinstance(telling := each.obj, Telling)]
    return [
        telling
        for telling in waiting
        if telling.ordered.pay_app_no == pay_app_no and telling.status in (TOLD, DECLINED)
    ]


class TellAgain(Command, frozen=True, kw_only=True):
    """再通知: what was declined is told once more, under another number."""

    OPERATION: ClassVar[str] = "correction.tell"
    CHANNEL: ClassVar[str] = "支付更正"
    NUMBER: ClassVar[str] = "tell_no"
    KIND: ClassVar[AnyKind] = TELLING
    tell_no: str
    again_of: str

    def check(self) -> None:
        """Raises RequestError ``malformed``."""
        if self.tell_no.rpartition("-")[2] in ADJUSTMENTS:
            raise RequestError(
                Code.MALFORMED, "only the first message is numbered so", pointer="/tell_no"
            )

    def needs(self) -> Iterable[Need]:
        return (TELLING, self.again_of), (TELLING, self.tell_no)

    def decide(self, state: LedgerState, by: str) -> Decision:
        declined = state.get(TELLING, self.again_of)
        if declined is None:
            raise Refusal(Code.NOT_FOUND, f"no message {self.again_of!r} about a correction")
        if declined.status != DECLINED:
            raise Refusal(Code.INVALID_STATE, f"the message {self.again_of} is {declined.status}")
        day = state.today
        require_workday(state, day, "/tell_no")
        # point of no return
        before = msgspec.structs.asdict(declined.ordered)
        before.pop("again_of", None)
        told = CorrectionToldAgain(
            **{
                **before,
                "tell_no": self.tell_no,
                "voucher_no": message_number(
                    state.ledger_id, declined.ordered.vt_code, self.tell_no
                ),
                "again_of": self.again_of,
                "order_date": day_text(day),
                "by": by,
            }
        )
        return Decision(
            events=[
                (TELLING, self.tell_no, told),
                (TELLING, self.again_of, settled(self.again_of, self.tell_no)),
            ],
            effective_on=day,
        )


def settled(tell_no: str, by: str) -> TellingSettled:
    return TellingSettled(tell_no=tell_no, settled_by=by)


def message_number(ledger_id: int, vt_code: str, tell_no: str) -> str:
    """The message's voucher number, unique at whoever is told."""
    return order_number(ledger_id, ADJUSTMENTS[vt_code], tell_no)


class AnswerTelling(Command, frozen=True, kw_only=True):
    """支付调整回单 of the agent bank or the central bank, signature verified: ``declined`` is why
    it has not adjusted its books, "" where it has."""

    OPERATION: ClassVar[str] = "correction.answer"
    KIND: ClassVar[AnyKind] = TELLING
    KEEPS_REFUSAL: ClassVar[bool] = False
    tell_no: str
    voucher_no: str
    xacc_date: date
    declined: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    document: bytes

    @property
    def number(self) -> str:
        return f"{self.voucher_no}/{self.receipt_sm3[:16]}"

    @property
    def body(self) -> object:
        """The answer is its bytes; it may be signed anew."""
        return self.receipt_sm3

    @classmethod
    def number_in(cls, event: TellingAnswered) -> str:
        return f"{event.voucher_no}/{event.receipt_sm3[:16]}"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: Any = told.event
        dated = date.fromisoformat(event.xacc_date)
        declined = event.reason if isinstance(event, TellingDeclined) else ""
        fields = fields_in(cls, event, xacc_date=dated, declined=declined, document=b"")
        return (cls(**fields),)

    def needs(self) -> Iterable[Need]:
        return ((TELLING, self.tell_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        telling = state.get(TELLING, self.tell_no)
        if telling is None or telling.ordered.voucher_no != self.voucher_no:
            raise Refusal(Code.RECEIPT_MISMATCH, f"no message {self.voucher_no!r} was sent")
        if telling.receipt is not None:
            raise Refusal(Code.INVALID_STATE, "the message has its answer already")
        since = date.fromisoformat(telling.ordered.order_date)
        day = evidence_day(state, self.xacc_date, since=since)
        # point of no return: whoever was told has decided
        said: dict[str, Any] = {
            "tell_no": self.tell_no,
            "voucher_no": self.voucher_no,
            "vt_code": telling.ordered.vt_code,
            "pay_bank_code": telling.ordered.pay_bank_code,
            "xacc_date": day_text(self.xacc_date),
            "booked_on": "" if day == self.xacc_date else day_text(day),
            "receipt_sm3": self.receipt_sm3,
            "cert_serial": self.cert_serial,
            "signature": self.signature,
            "by": by,
        }
        answered = (
            TellingDeclined(**said, reason=self.declined)
            if self.declined
            else TellingConfirmed(**said)
        )
        return Decision(
            events=[(TELLING, self.tell_no, answered)],
            effective_on=day,
            documents=[(bytes.fromhex(self.receipt_sm3), self.document)],
        )


# ---- what keeps a month open


def _open(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """What was not answered, and what was declined and not settled; in the year's last month an
    answer is on its way."""
    for number, each in state.cached(TELLING).items():
        telling: Telling = each.obj
        day = date.fromisoformat(telling.ordered.order_date)
        if telling.status in (TOLD, DECLINED) and day <= period.last_day:
            yield OpenItem(
                kind=telling.status,
                number=number,
                amt=telling.ordered.amt,
                in_transit=telling.status == TOLD and day.month == period.month == 12,
            )


declare_blockers("corrections told", Blockers(((TELLING, WHOLE),), _open, _ACTS))
