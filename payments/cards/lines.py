"""公务卡消费: what was spent with an official's card, and that it is reimbursed once.

What was spent is known by card, day and authorisation. The payment that is applied for takes it,
whichever way it was asked for; it is free again where the payment ends without money for that
line, or all of the line's money has come back. A division's years share cards, so a payment looks,
locked, at those beside its own as well: what was spent in December may be reimbursed in either
year, once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.books import Charts
from ledger.deciding.other_years import in_other_years
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
from ledger.money import stored_fen
from payments.events import (
    FailedDetail,
    PaymentApplied,
    PaymentDetail,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherReceipted,
)
from payments.return_events import PaymentReturned
from payments.void_events import PaymentVoided


def line_key(detail: PaymentDetail) -> str:
    """What was spent, as registers and events name it; "" of a line without a card."""
    if not detail.card_no:
        return ""
    return f"{detail.card_no}/{detail.consume_date}/{detail.card_auth_no}"


def lines_of(details: Iterable[PaymentDetail]) -> tuple[str, ...]:
    """What lines were spent."""
    return tuple(line_key(detail) for detail in details if detail.card_no)


# ---- in this year's ledger


class Reimbursement(msgspec.Struct, frozen=True, gc=False):
    """How many payments reimburse what was spent: one, or none."""

    payments: int = 0


class _Moved(msgspec.Struct, frozen=True, gc=False):
    """Of an event that takes lines or sets them free."""

    ONLY_WITH: ClassVar[str] = "card_lines"
    card_lines: tuple[str, ...] = ()


class _Taken(_Moved, frozen=True, gc=False):
    """Of ``PaymentApplied``."""


class ReimbursementFold(RegisterFold):
    """An application takes lines; what sets them free says which."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        PaymentApplied: _Taken,
        PaymentRejected: _Moved,
        PaymentWithdrawn: _Moved,
        PaymentVoided: _Moved,
        VoucherReceipted: _Moved,
        PaymentRefunded: _Moved,
        PaymentReturned: _Moved,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterator[Movement]:
        change = 1 if isinstance(event, _Taken) else -1
        for key in event.card_lines:
            yield key, 0, change


def _touched(event: Event) -> Iterable[str]:
    return getattr(event, "card_lines", ())


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INVALID_STATE,
        f"what was spent {short.key} is not reimbursed yet on {short.on}",
        on=short.on.isoformat(),
    )


REIMBURSED: Register[Reimbursement] = declare(
    Register(
        name="card_line",
        row=Reimbursement,
        floored=("payments",),
        refuse=_refuse,
        fold=ReimbursementFold,
        touched=_touched,
        keeps_zero=False,
    )
)


# ---- in the division's other years


OTHER_YEAR = in_other_years(REIMBURSED)  # by line


# ---- what payments do


def taken(
    state: LedgerState, day: date, details: Sequence[PaymentDetail], keys: Iterable[str]
) -> list[MovedRow]:
    """The lines, reimbursed by one payment more.

    Raises:
        Refusal: ``card_line_repeated``: a payment reimburses it already, in this year or another.
    """
    places = (place for place, detail in enumerate(details) if detail.card_no)
    moved = []
    for place, key in zip(places, keys, strict=True):
        other = state.fact(OTHER_YEAR, key).ledger
        if other or state.row(REIMBURSED, key).payments:
            where = f" in {other}" if other else ""
            raise Refusal(
                Code.CARD_LINE_REPEATED,
                f"what was spent {key} is reimbursed by a payment already{where} 重复报销",
                pointer=f"/details/{place}/card_auth_no",
            )
        moved.append(state.moved(REIMBURSED, key, day, {"payments": 1}))
    return moved


def freed(state: LedgerState, day: date, keys: Iterable[str]) -> list[MovedRow]:
    """The lines, free to be reimbursed."""
    return [state.moved(REIMBURSED, key, day, {"payments": -1}) for key in keys]


def failed_lines(
    details: Iterable[PaymentDetail], failed: Iterable[FailedDetail]
) -> tuple[str, ...]:
    """Those that the bank has not paid."""
    ids = {line.pay_detail_id for line in failed}
    return lines_of(detail for detail in details if detail.pay_detail_id in ids)


def returned_whole(
    back_fen: Mapping[str, int], details: Iterable[PaymentDetail]
) -> tuple[str, ...]:
    """Those of which all has come back; ``back_fen`` by detail id: with what comes now."""
    return lines_of(
        detail
        for detail in details
        if back_fen.get(detail.pay_detail_id) == stored_fen(detail.pay_amt)
    )
