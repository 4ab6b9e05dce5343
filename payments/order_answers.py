"""拨款单、收入退付、收入更正: the events of orders to the central bank, and of its answers."""

import payments.income_order_events
import payments.order_events
from ledger.events import TYPES, Event
from payments.order_kinds import OrderAnswered, OrderGiven, OrderReturned

_HELD = (payments.income_order_events, payments.order_events)  # whose types are looked through


def _below(mark: type[Event]) -> tuple[type[Event], ...]:
    return tuple(cls for cls in TYPES.values() if issubclass(cls, mark))


ORDERS = _below(OrderGiven)
ORDER_RECEIPTS = _below(OrderAnswered)
ORDER_RETURNS = _below(OrderReturned)
