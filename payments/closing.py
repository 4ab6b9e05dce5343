"""未了事项: what of payments and clearings keeps a period from being closed."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from ledger.closing import AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import LedgerState
from ledger.events import OpenItem
from ledger.money import stored_fen, yuan
from payments.clearing.claims import CLEARING, REQUESTED, Clearing
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import UnclearedKey
from payments.orders.advance import ADVANCE, Advance
from payments.orders.allocations import ALLOCATION, Allocation
from payments.orders.ordering import ORDERED
from payments.orders.placements import PLACEMENT, Placement
from payments.payment import APPLIED, APPROVED, PAYMENT, SENT, SIGNED, Payment

UNFINISHED = (APPLIED, APPROVED, SIGNED, SENT)
NOT_CLEARED = "uncleared"
_ANSWERED = "bank.receipts"  # the bank's own word, whenever it comes
_ORDERS: tuple[AnyKind, ...] = (ADVANCE, ALLOCATION, PLACEMENT)
_ACTS = {
    APPLIED: ("payment.approve", "payment.reject", "payment.withdraw"),
    APPROVED: ("voucher.sign", "payment.void"),
    SIGNED: (_ANSWERED, "payment.void"),
    SENT: (_ANSWERED, "payment.recall"),
}


def _payments(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """Payments under way; a voucher of the period's own month that the bank has taken in is on its
    way and will be answered."""
    for number, cached in state.cached(PAYMENT).items():
        payment: Payment = cached.obj
        if payment.status in UNFINISHED and (day := _day_of(payment)) <= period.last_day:
            yield OpenItem(
                kind=payment.status,
                number=number,
                amt=payment.applied.pay_amt,
                in_transit=payment.status == SENT and day.month == period.month == 12,
            )


def _day_of(payment: Payment) -> date:
    approved = payment.approved
    return date.fromisoformat(approved.vou_date if approved else payment.applied.create_date)


def _uncleared(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """What a bank has paid ahead or received back and not claimed, by bank, day, message and fund;
    claims that the central bank has not answered."""
    owed: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for text, row in state.rows_of(UNCLEARED).items():
        key = UnclearedKey.parsed(text)
        if row.amount and key.effective_on <= period.last_day:
            day = key.effective_on.isoformat()
            owed[key.pay_bank_code, day, key.vt_code, key.fund_type_code] += row.amount
    for parts, amount_fen in owed.items():
        yield OpenItem(kind=NOT_CLEARED, number="/".join(parts), amt=yuan(amount_fen))
    for number, cached in state.cached(CLEARING).items():
        clearing: Clearing = cached.obj
        on = date.fromisoformat(clearing.requested.clear_date)
        if clearing.status == REQUESTED and on <= period.last_day:
            open_fen = sum(stored_fen(claim.pay_amt) for claim in clearing.open_claims)
            yield OpenItem(kind=NOT_CLEARED, number=number, amt=yuan(open_fen))


def _orders(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """Orders that the central bank has not answered; those of the year's last month are on their
    way. What stands out of advances waits for nobody."""
    cached = [item for kind in _ORDERS for item in state.cached(kind).items()]
    for number, each in cached:
        order: Advance | Allocation | Placement = each.obj
        day = date.fromisoformat(order.ordered.order_date)
        if order.status == ORDERED and day <= period.last_day:
            yield OpenItem(
                kind=ORDERED,
                number=number,
                amt=order.ordered.amt,
                in_transit=day.month == period.month == 12,
            )


declare_blockers("payments", Blockers(((PAYMENT, WHOLE),), _payments, _ACTS))
declare_blockers(
    "clearings",
    Blockers(
        ((UNCLEARED, WHOLE), (CLEARING, WHOLE)),
        _uncleared,
        {NOT_CLEARED: ("clearing.request", _ANSWERED)},
    ),
)
declare_blockers(
    "orders", Blockers(tuple((kind, WHOLE) for kind in _ORDERS), _orders, {ORDERED: (_ANSWERED,)})
)
