"""上级转移支付: what the tier above has sent, and what of it is not allotted yet.

As with a row of the budget, what is not allotted is the credit balance of 支出预算 for it, which
may not fall below zero: indicators that are issued by its document take of it, and so does what is
sent on to a tier further below. It is known by that document, ``sup_bgt_doc_no``.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.events import IndicatorAdjusted, IndicatorIssued, IndicatorRecalled
from budget.transfer_events import (
    EventPlace,
    TransferAccepted,
    TransferGivenBack,
    TransferIssued,
    TransferReceived,
    TransferReduced,
    TransferReductionDeclined,
    TransferReductionTaken,
    TransferTerms,
)
from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.registers import (
    MovedRow,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan

RECEIVED, ACCEPTED, RETURNED = "received", "accepted", "returned"
# what whoever gets a part of it keeps: 直达资金标识, 追踪项目
MARKS = ("is_dir_code", "track_pro_code")


class ReceivedAmounts(msgspec.Struct, frozen=True, gc=False):
    """Of one document, in fen: what is not allotted, and what was received."""

    rest: int = 0
    received: int = 0


class ReceivedTransfer(msgspec.Struct, frozen=True):
    """What was received, and what has become of it.

    Attributes:
        amt_fen: what of it has not gone back.
        accepted: the event by which a person has accepted it; None before.
        return_no: by which all of it has gone back; "" of all others.
        answers: what the sender is told of it, in order: (operation, its number).
    """

    received: TransferReceived
    amt_fen: int
    accepted: TransferAccepted | None = None
    return_no: str = ""
    answers: tuple[tuple[str, str], ...] = ()

    @property
    def rec_no(self) -> str:
        return "" if self.accepted is None else self.accepted.rec_no

    @property
    def sup_bgt_doc_no(self) -> str:
        return self.received.sup_bgt_doc_no

    @property
    def terms(self) -> TransferTerms:
        return self.received.terms

    @property
    def issued(self) -> EventPlace:
        return self.received.issued

    @property
    def status(self) -> str:
        if self.return_no:
            return RETURNED
        return RECEIVED if self.accepted is None else ACCEPTED


def _fold(obj: ReceivedTransfer | None, event: Event) -> ReceivedTransfer | None:
    if isinstance(event, TransferReceived):
        return ReceivedTransfer(event, stored_fen(event.terms.amt))
    if obj is None:
        return None
    changes: dict[str, Any] = {}
    number = ""
    match event:
        case TransferAccepted():
            number, changes = event.rec_no, {"accepted": event}
        case TransferReductionTaken():
            number = reduction_number(event.from_ledger, event.reduce_no)
            changes = {"amt_fen": obj.amt_fen - stored_fen(event.amt)}
        case TransferReductionDeclined():
            number = reduction_number(event.from_ledger, event.reduce_no)
        case TransferGivenBack():
            number, changes = event.return_no, {"amt_fen": 0, "return_no": event.return_no}
        case _:
            return obj
    answers = (*obj.answers, (event.TRAITS.asked_by, number))
    return msgspec.structs.replace(obj, answers=answers, **changes)


def reduction_number(from_ledger: str, reduce_no: str) -> str:
    """By which a reduction is known to the receiver."""
    return f"{from_ledger}/{reduce_no}"


# ---- what is not allotted


class _Begun(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReceived``."""

    sup_bgt_doc_no: str
    terms: TransferTerms
    issued: EventPlace


class _SentOn(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferIssued``."""

    amt: str
    sup_bgt_doc_no: str = ""


class _GivenUp(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReductionTaken`` and ``TransferGivenBack``."""

    sup_bgt_doc_no: str
    from_ledger: str
    amt: str
    was_accepted: bool


class _CameBack(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReduced``: the tier below has given up what was sent on."""

    amt: str
    sup_bgt_doc_no: str = ""


class _Issued(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorIssued``."""

    amount: str
    from_transfer: str = ""


class _Adjusted(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorAdjusted``."""

    adj_amt: str
    from_transfer: str = ""


class _Recalled(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorRecalled``."""

    amt: str
    from_transfer: str = ""


class ReceivedTransferFold(RegisterFold):
    """What was received, and what indicators and other tiers have of it."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        TransferReceived: _Begun,
        TransferReductionTaken: _GivenUp,
        TransferGivenBack: _GivenUp,
        TransferIssued: _SentOn,
        TransferReduced: _CameBack,
        IndicatorIssued: _Issued,
        IndicatorAdjusted: _Adjusted,
        IndicatorRecalled: _Recalled,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        match event:
            case _Begun():
                amt_fen = stored_fen(event.terms.amt)
                return [(event.sup_bgt_doc_no, 0, amt_fen), (event.sup_bgt_doc_no, 1, amt_fen)]
            case _GivenUp(sup_bgt_doc_no=key):
                amt_fen = stored_fen(event.amt)
                return [(key, 0, -amt_fen), (key, 1, -amt_fen)]
            case _CameBack(sup_bgt_doc_no=key):
                rest_fen = stored_fen(event.amt)
            case _SentOn(sup_bgt_doc_no=key):
                rest_fen = -stored_fen(event.amt)
            case _Issued(from_transfer=key):
                rest_fen = -stored_fen(event.amount)
            case _Adjusted(from_transfer=key):
                rest_fen = -stored_fen(event.adj_amt)
            case _:
                key, rest_fen = event.from_transfer, stored_fen(event.amt)
        return [(key, 0, rest_fen)] if key else ()


def _touched(event: Event) -> Iterator[str]:
    if event.TRAITS.subject in ("transfer", "received_transfer"):
        key = getattr(event, "sup_bgt_doc_no", "")
    else:
        key = getattr(event, "from_transfer", "")
    if key:
        yield key


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_BUDGET,
        f"of what the tier above has sent by {short.key} too little is left on {short.on}"
        " 上级转移支付未分配数不足",
        sup_bgt_doc_no=short.key,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


RECEIVED_AMOUNTS: Register[ReceivedAmounts] = declare(
    Register(
        name="received_transfer",
        row=ReceivedAmounts,
        floored=("rest",),
        refuse=_refuse,
        fold=ReceivedTransferFold,
        touched=_touched,
    )
)


# ---- by sender


class FromAbove(msgspec.Struct, frozen=True, gc=False):
    """What a ledger above has sent here, in fen: not accepted yet, and accepted."""

    waiting: int = 0
    accepted: int = 0


class _Accepted(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferAccepted``."""

    from_ledger: str
    amt: str


class FromAboveFold(RegisterFold):
    """What came, and what was accepted of it."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        TransferReceived: _Begun,
        TransferAccepted: _Accepted,
        TransferReductionTaken: _GivenUp,
        TransferGivenBack: _GivenUp,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, _Begun):
            return [(event.issued.ledger, 0, stored_fen(event.terms.amt))]
        amt_fen = stored_fen(event.amt)
        if isinstance(event, _GivenUp):
            return [(event.from_ledger, int(event.was_accepted), -amt_fen)]
        return [(event.from_ledger, 0, -amt_fen), (event.from_ledger, 1, amt_fen)]


def _touched_sender(event: Event) -> Iterator[str]:
    if isinstance(event, TransferReceived):
        yield event.issued.ledger
    elif isinstance(event, TransferAccepted | TransferReductionTaken | TransferGivenBack):
        yield event.from_ledger


def _refuse_sender(short: Shortage) -> Refusal:
    return Refusal(
        Code.INVALID_STATE,
        f"of {short.key} {yuan(max(0, short.available_fen))} is {short.field} on {short.on}",
    )


FROM_ABOVE: Register[FromAbove] = declare(
    Register(
        name="from_above",
        row=FromAbove,
        floored=("waiting", "accepted"),
        refuse=_refuse_sender,
        fold=FromAboveFold,
        touched=_touched_sender,
    )
)

RECEIVED_TRANSFER: Kind[ReceivedTransfer] = Kind(
    name="received_transfer",
    opened_by="transfer.receive",
    fold=_fold,
    rows=lambda obj: (
        (RECEIVED_AMOUNTS, obj.sup_bgt_doc_no),
        (FROM_ABOVE, obj.issued.ledger),
    ),
)


def require_received(
    state: LedgerState, sup_bgt_doc_no: str, *, pointer: str = "/sup_bgt_doc_no"
) -> ReceivedTransfer:
    """What the document has brought; raises Refusal ``not_found``."""
    if (received := state.get(RECEIVED_TRANSFER, sup_bgt_doc_no)) is None:
        raise Refusal(
            Code.NOT_FOUND,
            f"nothing was received by {sup_bgt_doc_no!r} 无此上级转移支付",
            pointer=pointer,
        )
    return received


def hold_to_received(received: ReceivedTransfer, codes: Mapping[str, str]) -> None:
    """That what is made of it stays what it is: of its fund, of its project where it has one, and
    with its marks.

    Args:
        codes: fund, project and marks of what is made of it.

    Raises:
        Refusal: ``element_mismatch``.
    """
    terms = received.terms
    for element in ("fund_type_code", "pro_code", *MARKS):
        due = getattr(terms, element)
        is_free = element == "pro_code" and not due
        if codes[element] != due and not is_free:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"{received.sup_bgt_doc_no} is of {element} {due or 'none'}, and so is what is"
                f" made of it, not {codes[element] or 'none'}",
                pointer=f"/{element}",
                sup_bgt_doc_no=received.sup_bgt_doc_no,
            )


def require_accepted(received: ReceivedTransfer) -> None:
    """Raises Refusal ``invalid_state`` before it was accepted, and when it has gone back."""
    if received.status != ACCEPTED:
        raise Refusal(
            Code.INVALID_STATE,
            f"what {received.sup_bgt_doc_no} brings was not accepted 未接收",
            pointer="/sup_bgt_doc_no",
        )


def moved_received(state: LedgerState, sup_bgt_doc_no: str, day: date, rest_fen: int) -> MovedRow:
    """What is left of it after so much more, or less, of it is not allotted.

    Raises:
        Refusal: ``insufficient_budget``.
    """
    return state.moved(RECEIVED_AMOUNTS, sup_bgt_doc_no, day, {"rest": rest_fen})
