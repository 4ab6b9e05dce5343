"""收入退付、收入更正: an order as its events have left it, and how it is booked. Pure.

It is booked on the central bank's word: what goes of a kind of income is negative income of it. The
day's report repeats what was done on it. Where that was booked first, the receipt ends the order
and books nothing; else the report takes out what the receipt has booked (``income_register``).
"""

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from accounting.income_booking import entries, require_codes
from accounting.income_events import IncomeLine
from accounting.income_register import (
    TOLD,
    IncomeMove,
    IncomePlace,
    income_moved,
    is_reported,
    told_key,
    told_on,
)
from accounting.income_report import REPORTED_DAYS
from ledger.books.given import given_journal
from ledger.calendar import evidence_day
from ledger.closing import AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import LedgerState
from ledger.elements.register import ElementRegister
from ledger.errors import Code, Refusal
from ledger.events import Event, OpenItem
from payments.clearing.cash import CONTROL
from payments.income_order_events import (
    IncomeCorrectionOrdered,
    IncomeCorrectionReceipted,
    IncomeRefundOrdered,
    IncomeRefundReceipted,
    IncomeRefundReturned,
)
from payments.orders.ordering import (
    ORDERED,
    REJECTED,
    day_paid,
    left_of,
    status_of,
)

CORRECTED = "corrected"


class IncomeRefund(msgspec.Struct, frozen=True, kw_only=True):
    """收入退付, the central bank's answer, and what came back of it."""

    ordered: IncomeRefundOrdered
    receipt: IncomeRefundReceipted | None = None
    returns: tuple[IncomeRefundReturned, ...] = ()

    @property
    def paid_on(self) -> str:
        """The day on which it was booked; "" of one that was not paid."""
        return day_paid(self.receipt)

    @property
    def left_fen(self) -> int:
        """What was paid and has not come back."""
        return left_of(self.receipt, self.returns)

    @property
    def status(self) -> str:
        return status_of(self.receipt, self.left_fen)

    @property
    def place(self) -> IncomePlace:
        return place_ordered(self.ordered)


class IncomeCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """收入更正 and the central bank's answer."""

    ordered: IncomeCorrectionOrdered
    receipt: IncomeCorrectionReceipted | None = None

    @property
    def status(self) -> str:
        if self.receipt is None:
            return ORDERED
        return REJECTED if self.receipt.rejected else CORRECTED

    @property
    def corrected_on(self) -> str:
        """The day on which it was booked; "" of one that was not corrected."""
        return day_paid(self.receipt)

    @property
    def moves(self) -> IncomeMove:
        """Of what the income goes, and of what it becomes."""
        ordered = self.ordered
        to_place = IncomePlace(
            ordered.cash_acct,
            ordered.to_inc_sort_code,
            ordered.to_fund_type_code,
            ordered.to_budget_level_code,
        )
        place = place_ordered(ordered)
        return income_moved(place, to_place, ordered.inc_refund_no, ordered.to_tre_code)


def place_ordered(ordered: IncomeRefundOrdered | IncomeCorrectionOrdered) -> IncomePlace:
    """Of what it is ordered."""
    codes = ordered.inc_sort_code, ordered.fund_type_code, ordered.budget_level_code
    return IncomePlace(ordered.cash_acct, *codes)


def _fold_refund(refund: IncomeRefund | None, event: Event) -> IncomeRefund | None:
    if isinstance(event, IncomeRefundOrdered):
        return IncomeRefund(ordered=event)
    if refund is not None and isinstance(event, IncomeRefundReceipted):
        return msgspec.structs.replace(refund, receipt=event)
    if refund is not None and isinstance(event, IncomeRefundReturned):
        return msgspec.structs.replace(refund, returns=(*refund.returns, event))
    return refund


def _fold_correction(correction: IncomeCorrection | None, event: Event) -> IncomeCorrection | None:
    if isinstance(event, IncomeCorrectionOrdered):
        return IncomeCorrection(ordered=event)
    if correction is not None and isinstance(event, IncomeCorrectionReceipted):
        return msgspec.structs.replace(correction, receipt=event)
    return correction


INCOME_REFUND: Kind[IncomeRefund] = Kind(
    name="income_refund",
    opened_by="income.refund",
    fold=_fold_refund,
    cost=lambda refund: 1 + len(refund.returns),
)
INCOME_CORRECTION: Kind[IncomeCorrection] = Kind(
    name="income_correction", opened_by="correction.income_codes", fold=_fold_correction
)


# ---- what is asked


def check_place(command: object, prefix: str = "") -> None:
    """That the codes of an order have their shape; raises RequestError ``malformed``."""
    for name in ("inc_sort_code", "fund_type_code", "budget_level_code"):
        if code := getattr(command, prefix + name):
            ElementRegister.check_shape(prefix + name, code, f"/{prefix}{name}")


def require_place(
    state: LedgerState, day: date, codes: tuple[str, str, str], prefix: str = ""
) -> None:
    """That these are codes of income as a report has them; raises Refusal ``element_invalid``."""
    names = ("inc_sort_code", "fund_type_code", "budget_level_code")
    line = IncomeLine(**dict(zip(names, codes, strict=True)), amt="0.00")
    require_codes(state, state.books(day), {f"/{prefix}": line}, day)


def account_of(state: LedgerState, tre_code: str) -> str:
    """The treasury account that an order is about: as asked, or the only one that is reported of.

    Raises:
        Refusal: ``element_invalid``.
    """
    reported = state.settings.get(REPORTED_DAYS).last
    if tre_code in reported:
        return tre_code
    if not tre_code and len(reported) == 1:
        return next(iter(reported))
    known = ", ".join(reported) or "none"
    raise Refusal(
        Code.ELEMENT_INVALID,
        f"income is reported of the treasury accounts {known}; tre_code says of which it is",
        pointer="/tre_code",
    )


# ---- what is done


class IncomeDone(msgspec.Struct, frozen=True):
    """What the central bank did with income on a day, and when it is booked.

    Attributes:
        on: the day whose report tells of it. day: the business day.
        amounts: fen that came, by place; negative of what went.
        in_report: whether the report of that day is booked, which says it as well, or will be in
            the next year's ledger.
    """

    on: date
    day: date
    amounts: Mapping[IncomePlace, int]
    in_report: bool

    @property
    def received(self) -> dict[str, int]:
        """What it books, by the key of the place."""
        return {place.key: fen for place, fen in self.booked.items()}

    @property
    def booked(self) -> dict[IncomePlace, int]:
        """What it books itself."""
        return {} if self.in_report else {place: fen for place, fen in self.amounts.items() if fen}


def done(
    state: LedgerState,
    tre_code: str,
    said: date,
    since: date,
    amounts: Mapping[IncomePlace, int],
) -> IncomeDone:
    """What happened on the central bank's day; ``since`` is the day of what it answers."""
    last = state.settings.get(REPORTED_DAYS).last
    day = evidence_day(state, said, since=since)
    on = told_on(said, day)
    # whose ledger has the report of that day
    of_next_year = min(said, state.calendar_day).year > state.fiscal_year
    reported = of_next_year or is_reported(last, tre_code, on)
    return IncomeDone(on, day, amounts, in_report=any(amounts.values()) and reported)


def moved_told(state: LedgerState, of: IncomeDone) -> list[MovedRow]:
    """What its day's report will say again."""
    return [
        state.moved(TOLD, told_key(of.on.isoformat(), place.key), of.day, {"amount": fen})
        for place, fen in of.booked.items()
    ]


def journal(
    state: LedgerState, kind: AnyKind, number: str, event: Event, of: IncomeDone
) -> Iterator[tuple[AnyKind, str, Event]]:
    """The entry of what it books itself, as income is booked; none where the report has it."""
    if of.booked:
        [tre_code] = {place.tre_code for place in of.booked}
        amounts = {place.codes: fen for place, fen in of.booked.items()}
        books = state.books(of.day)
        lines = list(entries(books, tre_code, amounts))
        entry = given_journal(
            books,
            event.TYPE,
            source=state.next_position,
            number=number,
            lines=lines,
            moves=(CONTROL,),
        )
        yield kind, number, entry


# ---- what keeps a month open


def _open(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """Orders that the central bank has not answered; those of the year's last month are on their
    way."""
    cached = [*state.cached(INCOME_REFUND).items(), *state.cached(INCOME_CORRECTION).items()]
    for number, each in cached:
        order: IncomeRefund | IncomeCorrection = each.obj
        day = date.fromisoformat(order.ordered.order_date)
        if order.status == ORDERED and day <= period.last_day:
            yield OpenItem(
                kind=ORDERED,
                number=number,
                amt=order.ordered.amt,
                in_transit=day.month == period.month == 12,
            )


declare_blockers(
    "income orders",
    Blockers(
        ((INCOME_REFUND, WHOLE), (INCOME_CORRECTION, WHOLE)),
        _open,
        {ORDERED: ("bank.receipts",)},
    ),
)
