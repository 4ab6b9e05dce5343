"""上下级往来: what lies between a ledger's treasury and those of other tiers, by fund and mark.

The register follows what this ledger itself has on record. What is owed between two tiers follows
from it, and from the other tier's: they are the same but for what is on its way.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import product
from typing import Any, ClassVar, NamedTuple

import msgspec

from budget.transfer_events import TransferIssued, TransferReduced
from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.registers import Movement, Register, RegisterFold, Rows, Shortage, declare
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.clearing.cash import kind_of
from payments.dispatch_events import (
    DispatchReceipted,
    DispatchReturned,
    FundsArrived,
    FundsDispatched,
)
from payments.orders.ordering import ORDERED, PAID, REJECTED, day_paid
from transfers.tier_events import ArrivalNoted, FundsSettled, SettlementNoted, SettlementTaken
from transfers.tiers import is_below

SUBSIDY, REMITTANCE = "subsidy", "remittance"
ARRIVED, RETURNED = "arrived", "returned"


class TierFunds(msgspec.Struct, frozen=True, gc=False):
    """Between this ledger and one other tier, of one kind of fund and one mark, in fen.

    Attributes:
        leaving: ordered, and not answered by the central bank.
        in_transit: has left, and the other side is not known to have it.
        unsettled: settled here, and the other side is not known to have that.
        sent, arrived: what the central bank has paid to the other tier, and from it.
        subsidies, remittances: what was settled as 补助, as 上解.
        transferred: what transfers have sent to the tier below, less what has come back.
    """

    leaving: int = 0
    in_transit: int = 0
    unsettled: int = 0
    sent: int = 0
    arrived: int = 0
    subsidies: int = 0
    remittances: int = 0
    transferred: int = 0

    @property
    def due_from_below(self) -> int:
        """与下级往来, where the other tier is below: positive where it owes."""
        return self.sent - self.arrived - self.subsidies + self.remittances

    @property
    def due_to_above(self) -> int:
        """与上级往来, where the other tier is above: positive where this one owes."""
        return self.arrived - self.sent - self.subsidies + self.remittances


LEAVING, IN_TRANSIT, UNSETTLED, SENT, FROM, SUBSIDIES, REMITTANCES, GIVEN = range(8)


class TierKey(NamedTuple):
    """Of a row: the other tier's division, the kind of fund (11, 12, 13), and 直达资金标识."""

    div_code: str
    fund_kind: str
    is_dir_code: str

    @property
    def text(self) -> str:
        return "/".join(self)

    @classmethod
    def parsed(cls, text: str) -> "TierKey":
        return cls(*text.split("/"))


def tier_key(div_code: str, fund_type_code: str, is_dir_code: str) -> str:
    return TierKey(div_code, kind_of(fund_type_code), is_dir_code).text


def owed(own: str, key: TierKey, row: TierFunds) -> int:
    """What stands on 与下级往来 or 与上级往来 for it, on that account's own side."""
    return row.due_from_below if is_below(own, key.div_code) else row.due_to_above


class _ToTier(msgspec.Struct, frozen=True, gc=False):
    rec_div_code: str
    fund_type_code: str
    amt: str
    is_dir_code: str = ""

    @property
    def key(self) -> str:
        return tier_key(self.rec_div_code, self.fund_type_code, self.is_dir_code)


class _Ordered(_ToTier, frozen=True, gc=False):
    """Of ``FundsDispatched``."""


class _Receipted(_ToTier, frozen=True, gc=False):
    """Of ``DispatchReceipted``."""

    rejected: str = ""


class _Returned(_ToTier, frozen=True, gc=False):
    """Of ``DispatchReturned``."""


class _ArrivalNoted(_ToTier, frozen=True, gc=False):
    """Of ``ArrivalNoted``."""


class _Settled(_ToTier, frozen=True, gc=False):
    """Of ``FundsSettled``."""

    settle_kind: str = SUBSIDY


class _SettlementNoted(_ToTier, frozen=True, gc=False):
    """Of ``SettlementNoted``."""


class _FromTier(msgspec.Struct, frozen=True, gc=False):
    """Of ``FundsArrived``."""

    from_div_code: str
    fund_type_code: str
    amt: str
    is_dir_code: str = ""

    @property
    def key(self) -> str:
        return tier_key(self.from_div_code, self.fund_type_code, self.is_dir_code)


class _Taken(_FromTier, frozen=True, gc=False):
    """Of ``SettlementTaken``."""

    settle_kind: str = SUBSIDY


class _Issued(_ToTier, frozen=True, kw_only=True, gc=False):
    """Of ``TransferIssued``."""

    transfer_no: str


class _Reduced(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReduced``; an earlier release did not say of which fund."""

    transfer_no: str
    amt: str


class TierFundsFold(RegisterFold):
    """By the other tier, the kind of fund and the mark; it remembers those of each transfer."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        FundsDispatched: _Ordered,
        DispatchReceipted: _Receipted,
        DispatchReturned: _Returned,
        ArrivalNoted: _ArrivalNoted,
        FundsArrived: _FromTier,
        FundsSettled: _Settled,
        SettlementNoted: _SettlementNoted,
        SettlementTaken: _Taken,
        TransferIssued: _Issued,
        TransferReduced: _Reduced,
    }

    keys: dict[str, str] = msgspec.field(default_factory=dict)

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        fen = stored_fen(event.amt)
        if isinstance(event, _Reduced):
            if (its := self.keys.get(event.transfer_no)) is None:
                raise IntegrityError(f"no transfer {event.transfer_no!r} was issued")
            return [(its, GIVEN, -fen)]
        key = event.key
        match event:
            case _Issued():
                self.keys[event.transfer_no] = key
                return [(key, GIVEN, fen)]
            case _Ordered():
                return [(key, LEAVING, fen)]
            case _Receipted():
                gone = [] if event.rejected else [(key, IN_TRANSIT, fen), (key, SENT, fen)]
                return [(key, LEAVING, -fen), *gone]
            case _Returned():
                return [(key, IN_TRANSIT, -fen), (key, SENT, -fen)]
            case _ArrivalNoted():
                return [(key, IN_TRANSIT, -fen)]
            case _Settled():
                return [(key, _settled_as(event.settle_kind), fen), (key, UNSETTLED, fen)]
            case _SettlementNoted():
                return [(key, UNSETTLED, -fen)]
            case _Taken():
                return [(key, _settled_as(event.settle_kind), fen)]
        return [(key, FROM, fen)]


def _settled_as(settle_kind: str) -> int:
    return SUBSIDIES if settle_kind == SUBSIDY else REMITTANCES


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INVALID_STATE,
        f"between {short.key} {yuan(max(0, short.available_fen))} is {short.field} on {short.on}",
    )


_FUND_KINDS, _MARKS = ("11", "12", "13"), ("", "01", "02", "09")


def _touched(event: Event) -> Iterator[str]:
    told: Any = event
    if "tier_funds" not in event.TRAITS.moves:
        return
    if not told.fund_type_code:  # an earlier release did not say of which fund it is
        yield from ("/".join((told.rec_div_code, *of)) for of in product(_FUND_KINDS, _MARKS))
    else:
        other = getattr(told, "rec_div_code", "") or told.from_div_code
        yield tier_key(other, told.fund_type_code, told.is_dir_code)


TIER_FUNDS: Register[TierFunds] = declare(
    Register(
        name="tier_funds",
        row=TierFunds,
        floored=("leaving", "in_transit", "unsettled"),
        refuse=_refuse,
        fold=TierFundsFold,
        touched=_touched,
        whole=True,
    )
)


# ---- objects


class FundDispatch(msgspec.Struct, frozen=True, kw_only=True):
    """调度, the central bank's answer, and that it has come to the other side, or come back."""

    ordered: FundsDispatched
    receipt: DispatchReceipted | None = None
    noted: ArrivalNoted | None = None
    returned: DispatchReturned | None = None

    @property
    def status(self) -> str:
        if self.receipt is None:
            return ORDERED
        if self.receipt.rejected:
            return REJECTED
        if self.returned is not None:
            return RETURNED
        return PAID if self.noted is None else ARRIVED

    @property
    def paid_on(self) -> str:
        """The day on which it was booked; "" of one that was not paid."""
        return day_paid(self.receipt)

    @property
    def key(self) -> str:
        ordered = self.ordered
        return tier_key(ordered.rec_div_code, ordered.fund_type_code, ordered.is_dir_code)


class FundSettlement(msgspec.Struct, frozen=True, kw_only=True):
    """结算 of a tier below, and that it has it."""

    settled: FundsSettled
    noted: SettlementNoted | None = None

    @property
    def key(self) -> str:
        settled = self.settled
        return tier_key(settled.rec_div_code, settled.fund_type_code, settled.is_dir_code)


def _fold_dispatch(dispatch: FundDispatch | None, event: Event) -> FundDispatch | None:
    if isinstance(event, FundsDispatched):
        return FundDispatch(ordered=event)
    if dispatch is not None and isinstance(event, DispatchReceipted):
        return msgspec.structs.replace(dispatch, receipt=event)
    if dispatch is not None and isinstance(event, DispatchReturned):
        return msgspec.structs.replace(dispatch, returned=event)
    if dispatch is not None and isinstance(event, ArrivalNoted):
        return msgspec.structs.replace(dispatch, noted=event)
    return dispatch


def _fold_settlement(settlement: FundSettlement | None, event: Event) -> FundSettlement | None:
    if isinstance(event, FundsSettled):
        return FundSettlement(settled=event)
    if settlement is not None and isinstance(event, SettlementNoted):
        return msgspec.structs.replace(settlement, noted=event)
    return settlement


def _fold_arrival(arrived: FundsArrived | None, event: Event) -> FundsArrived | None:
    return event if isinstance(event, FundsArrived) else arrived


def _fold_taken(taken: SettlementTaken | None, event: Event) -> SettlementTaken | None:
    return event if isinstance(event, SettlementTaken) else taken


FUND_DISPATCH: Kind[FundDispatch] = Kind(
    name="fund_dispatch", opened_by="transfer.dispatch", fold=_fold_dispatch
)
FUND_SETTLEMENT: Kind[FundSettlement] = Kind(
    name="fund_settlement", opened_by="transfer.settle", fold=_fold_settlement
)
FUND_ARRIVAL: Kind[FundsArrived] = Kind(
    name="fund_arrival", opened_by="transfer.take_funds", fold=_fold_arrival
)
TAKEN_SETTLEMENT: Kind[SettlementTaken] = Kind(
    name="taken_settlement", opened_by="transfer.take_settlement", fold=_fold_taken
)


def taken_number(from_ledger: str, settle_no: str) -> str:
    """By which a settlement of another ledger is known."""
    return f"{from_ledger}/{settle_no}"
