"""收入: what was received of each code, and what the central bank did that its report will repeat.

``INCOME`` says what of a treasury account, code, fund and level is there to be paid back or moved:
what was reported less what was refunded, and what is ordered and not answered. It has no floor:
the central bank's own reports may take back more of a code than a year has brought; an order may
not, which its decision looks at.

``TOLD`` says what the central bank's receipts have booked of a day that no report has come to yet.
A report says all that happened on its day, and since the report before it, what was ordered too; so
what is told there is taken out of it once, and the income of its days is what it says, whichever
came first.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

import msgspec

from accounting.income_events import IncomeCorrected, IncomeLine, IncomeReceived, IncomeReported
from ledger.books import Charts
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
from ledger.errors import Code, GuokuError, IntegrityError, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.income_order_events import (
    IncomeCorrectionOrdered,
    IncomeCorrectionReceipted,
    IncomeRefundOrdered,
    IncomeRefundReceipted,
    IncomeRefundReturned,
)


class IncomePlace(NamedTuple):
    """Of what an amount of income is: the elements by which it is kept."""

    tre_code: str
    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str = ""

    @property
    def key(self) -> str:
        return "/".join(self)

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """As ``accounting.income_booking`` books by them."""
        said = self._asdict()
        said.pop("tre_code")
        return tuple((name, code) for name, code in said.items() if code)


class IncomeMove(NamedTuple):
    """Of what an order takes income, and of what it becomes; None where it leaves the account."""

    gives: IncomePlace
    takes: IncomePlace | None


def income_moved(
    place: IncomePlace, to_place: IncomePlace, inc_refund_no: str, to_tre_code: str
) -> IncomeMove:
    """What a 更正 from a place to another moves: income, from the one to the other; income that is
    another treasury's (调库), from here; a refund (退库更正), so that its code has the income again
    and the other has paid it back."""
    if inc_refund_no:
        return IncomeMove(gives=to_place, takes=place)
    return IncomeMove(gives=place, takes=None if to_tre_code else to_place)


def place_of(key: str) -> IncomePlace:
    """The place with this key."""
    return IncomePlace(*key.split("/"))


class IncomeOf(msgspec.Struct, frozen=True, gc=False):
    """Of a place, in fen: ``received`` so far, ``ordered`` to go and not answered."""

    received: int = 0
    ordered: int = 0

    @property
    def free(self) -> int:
        return self.received - self.ordered


class ToldOf(msgspec.Struct, frozen=True, gc=False):
    """Of a place and day, in fen: what receipts have booked; negative of what went."""

    amount: int = 0


_RECEIVED, _ORDERED, _AMOUNT = 0, 1, 0

PlaceAmounts = Mapping[str, int]  # fen by the key of a place


def told_key(day: str, place: str) -> str:
    """Of a row of ``TOLD``; a place's key begins with the treasury account."""
    return f"{day}/{place}"


def told_until(rows: Iterable[str], tre_code: str, day: str) -> Iterator[tuple[str, str]]:
    """An account's rows of a reported day, and of the days off before it: their keys, each with
    that of its place."""
    for key in sorted(rows):
        on, _, place = key.partition("/")
        if on <= day and place.startswith(f"{tre_code}/"):
            yield key, place


# ---- the folds


class _Reported(msgspec.Struct, frozen=True, gc=False):
    """Of a report."""

    report_no: str
    report_date: str
    tre_code: str
    lines: tuple[IncomeLine, ...]
    replaces: str = ""
    differences: tuple[IncomeLine, ...] = ()


class _Corrected(msgspec.Struct, frozen=True, gc=False):
    report_no: str
    lines: tuple[IncomeLine, ...]


class _Ordered(msgspec.Struct, frozen=True, gc=False):
    """Of an order; ``to_…`` of a correction's, whose ``inc_refund_no`` is that of the refund it
    corrects."""

    voucher_no: str
    amt: str
    cash_acct: str
    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str = ""
    to_inc_sort_code: str = ""
    to_fund_type_code: str = ""
    to_budget_level_code: str = ""
    inc_refund_no: str = ""
    to_tre_code: str = ""

    @property
    def moves(self) -> "IncomeMove":
        codes = self.inc_sort_code, self.fund_type_code, self.budget_level_code
        place = IncomePlace(self.cash_acct, *codes)
        if not self.to_inc_sort_code:
            return IncomeMove(place, None)
        to_codes = self.to_inc_sort_code, self.to_fund_type_code, self.to_budget_level_code
        to_place = IncomePlace(self.cash_acct, *to_codes)
        return income_moved(place, to_place, self.inc_refund_no, self.to_tre_code)


class _Receipted(msgspec.Struct, frozen=True, gc=False):
    voucher_no: str
    xpay_amt: str
    xpay_date: str
    is_reported: bool = False


class _Returned(msgspec.Struct, frozen=True, gc=False):
    voucher_no: str
    amt: str
    return_date: str
    is_reported: bool = False


_OF_ORDERS: Mapping[type[Event], type[msgspec.Struct]] = {
    IncomeRefundOrdered: _Ordered,
    IncomeRefundReceipted: _Receipted,
    IncomeRefundReturned: _Returned,
    IncomeCorrectionOrdered: _Ordered,
    IncomeCorrectionReceipted: _Receipted,
}


def lines_fen(tre_code: str, lines: Iterable[IncomeLine]) -> dict[str, int]:
    """What a report says of each place."""
    found: dict[str, int] = {}
    for line in lines:
        codes = line.inc_sort_code, line.fund_type_code, line.budget_level_code
        key = IncomePlace(tre_code, *codes).key
        found[key] = found.get(key, 0) + stored_fen(line.amt)
    return found


class _OrdersFold(RegisterFold):
    """Its memory is the orders, by the number of their voucher."""

    orders: dict[str, _Ordered] = msgspec.field(default_factory=dict)

    def _booked(self, event: _Receipted | _Returned, day: date) -> Iterator[tuple[str, str, int]]:
        """Day, place and fen of what a receipt or a notice books, reported or not; ``day`` is the
        business day."""
        if (order := self.orders.get(event.voucher_no)) is None:
            raise IntegrityError(f"no order {event.voucher_no!r} was given")
        if isinstance(event, _Returned):
            on = told_on(date.fromisoformat(event.return_date), day).isoformat()
            yield on, order.moves.gives.key, stored_fen(event.amt)
            return
        on = told_on(date.fromisoformat(event.xpay_date), day).isoformat()
        amount_fen = stored_fen(event.xpay_amt)
        gives, takes = order.moves
        yield on, gives.key, -amount_fen
        if takes is not None:
            yield on, takes.key, amount_fen


class ReceivedFold(_OrdersFold):
    """It remembers reports beside, which corrections say anew, and what was told before them."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        IncomeReported: _Reported,
        IncomeReceived: _Reported,
        IncomeCorrected: _Corrected,
        **_OF_ORDERS,
    }

    reports: dict[str, tuple[str, dict[str, int]]] = msgspec.field(default_factory=dict)
    told: dict[str, int] = msgspec.field(default_factory=dict)

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        match event:
            case _Reported():
                said = lines_fen(event.tre_code, event.lines)
                self.reports[event.report_no] = event.tre_code, said
                found = dict(said)
                if event.replaces:  # what a file had told of the day is booked
                    found = lines_fen(event.tre_code, event.differences)
                for key, place in told_until(self.told, event.tre_code, event.report_date):
                    found[place] = found.get(place, 0) - self.told.pop(key)
                return [(key, _RECEIVED, fen) for key, fen in found.items()]
            case _Corrected():
                tre_code, before = self.reports[event.report_no]
                after = lines_fen(tre_code, event.lines)
                self.reports[event.report_no] = tre_code, after
                keys = {**before, **after}
                return [(k, _RECEIVED, after.get(k, 0) - before.get(k, 0)) for k in keys]
            case _Ordered():
                self.orders[event.voucher_no] = event
                return [(event.moves.gives.key, _ORDERED, stored_fen(event.amt))]
        return list(self._answered(event, day))

    def _answered(self, event: _Receipted | _Returned, day: date) -> Iterator[Movement]:
        for on, place, fen in self._booked(event, day):
            if not event.is_reported:
                key = told_key(on, place)
                self.told[key] = self.told.get(key, 0) + fen
                yield place, _RECEIVED, fen
        if isinstance(event, _Receipted):
            order = self.orders[event.voucher_no]
            yield order.moves.gives.key, _ORDERED, -stored_fen(order.amt)


class ToldFold(_OrdersFold):
    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        IncomeReported: _Reported,
        IncomeReceived: _Reported,
        **_OF_ORDERS,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if isinstance(event, _Reported):
            of_day = told_until(rows, event.tre_code, event.report_date)
            return [(key, _AMOUNT, -rows[key][_AMOUNT]) for key, _ in of_day]
        if isinstance(event, _Ordered):
            self.orders[event.voucher_no] = event
            return []
        booked = () if event.is_reported else self._booked(event, day)
        return [(told_key(on, place), _AMOUNT, fen) for on, place, fen in booked]


def _never(short: Shortage) -> GuokuError:
    raise AssertionError(f"{short.key} has no floor")


INCOME: Register[IncomeOf] = declare(
    Register(
        name="income",
        row=IncomeOf,
        floored=(),
        refuse=_never,
        fold=ReceivedFold,
        whole=True,
        keeps_zero=False,
    )
)
TOLD: Register[ToldOf] = declare(
    Register(
        name="income_told",
        row=ToldOf,
        floored=(),
        refuse=_never,
        fold=ToldFold,
        whole=True,
        keeps_zero=False,
    )
)


# ---- for decisions


def received(state: LedgerState, day: date, amounts: PlaceAmounts) -> list[MovedRow]:
    """What was received, once amounts have come, or gone (negative)."""
    return [state.moved(INCOME, key, day, {"received": fen}) for key, fen in amounts.items() if fen]


class ToldBefore(NamedTuple):
    """What receipts have booked of a row of ``TOLD``, in fen."""

    key: str
    place: IncomePlace
    amount: int


def told_before(state: LedgerState, tre_code: str, report_date: str) -> list[ToldBefore]:
    """What receipts have booked that a report says only now."""
    rows = state.rows_of(TOLD)
    return [
        ToldBefore(key, place_of(place), rows[key].amount)
        for key, place in told_until(rows, tre_code, report_date)
    ]


def told_no_more(state: LedgerState, day: date, told: Iterable[ToldBefore]) -> list[MovedRow]:
    """Those rows, now that the report has them."""
    return [state.moved(TOLD, row.key, day, {"amount": -row.amount}) for row in told]


def told_on(said: date, day: date) -> date:
    """The day under which something is told: the central bank's, as far as it has come by the
    business day; a receipt that is dated ahead stands in the report of the day it is learned."""
    return min(said, day)


def is_reported(last_days: Mapping[str, str], tre_code: str, on: date) -> bool:
    """Whether the report that repeats what happened on a day is booked: reports come in order, and
    what happened on a day off without one is in the next."""
    return on.isoformat() <= last_days.get(tre_code, "")


def require_received(
    state: LedgerState, place: IncomePlace, day: date, amount_fen: int, pointer: str
) -> None:
    """That so much was received of a place and has not gone or been ordered to go, on its day and
    on every later one.

    Raises:
        Refusal: ``exceeds_received``.
    """
    dated = state.row_on(INCOME, place.key, day)
    on, least = min(dated.levels(day), key=lambda level: level[1].free)
    if amount_fen > least.free:
        raise Refusal(
            Code.EXCEEDS_RECEIVED,
            f"of {place.inc_sort_code} in fund {place.fund_type_code} {yuan(max(0, least.free))}"
            f" was received by {on} and has not gone 超过已入库收入",
            pointer=pointer,
            available_amt=yuan(max(0, least.free)),
            requested_amt=yuan(amount_fen),
            on=on.isoformat(),
        )
