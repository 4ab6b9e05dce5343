"""以前年度退回: what the year of the payment says came back, against the year that books it.

Each of the two ledgers is verified by itself. Here the one is held against the other, as it stands
in the same database: nothing is booked that the year before has not told, nor told otherwise, nor
twice.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ledger.account_set import ledger_text, parse_ledger
from ledger.events import Event, decode, type_names
from ledger.money import yuan
from ledger.reading.loading import chains_at
from ledger.reading.objects import read_head, read_objects, read_payloads
from ledger.verification.amounts import Amounts
from ledger.verification.checks import name_check
from ledger.verification.following import EventCheck, FollowedEvent, join
from payments.messages.message_types import SignedBy
from payments.messages.vt_codes import REFUND_CLAIM
from payments.payment import returned_lines
from payments.refunds.notices import notice_key
from payments.refunds.prior_returns import PRIOR_RETURN, HandedReturn, PriorReturn, handed_return
from payments.return_events import (
    PaymentReturned,
    PriorReturnBooked,
    PriorReturnCarried,
    PriorReturnTakenBack,
)
from payments.verification.refunds import RefundCheck

_SETTLED = (PriorReturnCarried, PriorReturnTakenBack)
# what is read of each: all of it
WANTED_OF_RETURNS: Mapping[type[Event], type[Event]] = {
    cls: cls for cls in (PaymentReturned, PriorReturnBooked, *_SETTLED)
}


class ReturnSteps:
    """What came back counts against what its payment was paid; what is booked of it comes to as
    much, and is claimed back."""

    def __init__(
        self,
        wrong: Callable[[int, str], None],
        note: Callable[..., None],
        not_asked: Callable[..., None],
        refunds: RefundCheck,
        amounts: Amounts,
    ) -> None:
        self._wrong, self._note, self._not_asked = wrong, note, not_asked
        self._refunds, self._amounts = refunds, amounts
        self._unsettled: tuple[str, int] = ("", 0)  # of the last one booked

    def steps(
        self, pay: Callable[[int, str, int, str], None]
    ) -> Mapping[type[Event], Callable[[int, bytes, Any], None]]:
        """By type what takes it; ``pay`` takes what a bank was given back (position, message type,
        fen, the special account that has it)."""

        def settled(position: int, _stream: bytes, event: Any) -> None:
            amount_fen = self._amounts[event.amt]
            return_no, left_fen = self._unsettled
            self._unsettled = return_no, left_fen - amount_fen
            if return_no != event.return_no or amount_fen > left_fen:
                self._wrong(position, "it settles what did not come back")
            pay(position, REFUND_CLAIM, amount_fen, event.pay_acct_no)

        return {
            PaymentReturned: self._returned,
            PriorReturnBooked: self._booked,
            **dict.fromkeys(_SETTLED, settled),
        }

    def _returned(self, position: int, stream_id: bytes, event: PaymentReturned) -> None:
        for refund_no in {event.refund_no, *(line.refund_no for line in event.returned)}:
            self._not_asked(position, "refund", refund_no)
        for line, amount in returned_lines(event):
            self._refunds.refunded(position, stream_id, line, self._amounts[amount])
        for share in event.shares:
            own = share.bgt_id == event.own_bgt_id
            borne_fen = self._amounts[share.amt]
            self._refunds.restored(position, stream_id, "" if own else share.bgt_id, borne_fen)
        self._of_notice(position, event)

    def _booked(self, position: int, _stream: bytes, event: PriorReturnBooked) -> None:
        self._unsettled = event.return_no, self._amounts[event.refund_amt]
        self._of_notice(position, event)

    def _of_notice(self, position: int, event: PaymentReturned | PriorReturnBooked) -> None:
        back_fen = self._amounts[event.refund_amt]
        lines_fen = sum(self._amounts[line.refund_amt] for line in event.returned)
        shares_fen = sum(self._amounts[share.amt] for share in event.shares)
        if not back_fen == lines_fen == shares_fen:
            told = f"{yuan(lines_fen)} by lines, {yuan(shares_fen)} by indicators"
            self._wrong(position, f"{event.refund_amt} came back, {told}")
        subject = SignedBy.AGENT_BANK.subject(event.pay_bank_code)
        self._note(position, event.notice_sm3, subject, event, ())


@join
class PriorReturnCheck(EventCheck):
    """See the module."""

    NAME = name_check(
        "prior_return", "以前年度退回 told by one year, booked by the next", "returns"
    )

    def follows(self) -> Iterable[str]:
        for cls in (PaymentReturned, PriorReturnBooked):
            yield from type_names(cls)

    def take(self, row: FollowedEvent) -> None:
        self.findings.count(self.NAME, 1)
        event = decode(row.type, row.payload)
        if isinstance(event, PriorReturnBooked):
            self._hold_to_year_before(row.position, event)
        elif isinstance(event, PaymentReturned):
            self._hold_to_next_year(row.position, event)

    def _hold_to_year_before(self, position: int, booked: PriorReturnBooked) -> None:
        """It names a place of that history where just this is told, for this ledger."""
        key, at = parse_ledger(booked.from_ledger), booked.from_position
        asking, own = self.context.asking, ledger_text(self.context.place.ledger_id)
        if read_head(asking, key) is None:
            what = f"{booked.from_ledger} is not in this database: hold the exports together"
            self.findings.note(self.NAME, position, what)
            return
        chain = chains_at(asking, key, [at]).get(at)
        if chain is None or chain.hex() != booked.from_chain:
            self._wrong(position, f"{booked.from_ledger} has not that chain at {at} 链不符")
        found = read_payloads(asking, key, [at]).get(at)
        told = decode(*found) if found else None
        if not isinstance(told, PaymentReturned) or told.to_ledger != own:
            self._wrong(position, f"{booked.from_ledger} tells of no return at {at}")
            return
        if _number(told) != booked.return_no or handed_return(told) != handed_return(booked):
            self._wrong(position, f"{booked.from_ledger} tells of it otherwise")

    def _hold_to_next_year(self, position: int, told: PaymentReturned) -> None:
        """Where that has booked it, it has booked just this; it may be brought still."""
        asking, number = self.context.asking, _number(told)
        found: dict[str, PriorReturn] = read_objects(
            asking, parse_ledger(told.to_ledger), PRIOR_RETURN, [number]
        )
        booked: HandedReturn | None = handed_return(found[number].booked) if found else None
        if booked is not None and booked != handed_return(told):
            self._wrong(position, f"{told.to_ledger} has booked {number} otherwise")

    def _wrong(self, position: int, what: str) -> None:
        self.findings.add(self.NAME, position, f"{what} 以前年度退回不符")


def _number(told: PaymentReturned) -> str:
    return notice_key(told.pay_bank_code, told.notice_no)
