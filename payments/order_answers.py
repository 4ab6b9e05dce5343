"""拨款单、收入退付、收入更正、支付调整: the events of orders and messages, and of their answers."""

import payments.dispatch_events
import payments.income_order_events
import payments.order_events
import payments.placement_events
import payments.telling_events
from ledger.events import TYPES, Event
from payments.order_kinds import OrderAnswered, OrderGiven, OrderReturned
from payments.telling_events import TellingAnswered

# whose types are looked through
_HELD = (
    payments.dispatch_events,
    payments.income_order_events,
    payments.order_events,
    payments.placement_events,
    payments.telling_events,
)


def _below(mark: type[Event]) -> tuple[type[Event], ...]:
    return tuple(cls for cls in TYPES.values() if issubclass(cls, mark))


ORDERS = _below(OrderGiven)
ORDER_RECEIPTS = _below(OrderAnswered)
ORDER_RETURNS = _below(OrderReturned)
TELLING_ANSWERS = _below(TellingAnswered)
