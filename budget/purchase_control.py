"""采购控制: whether a ledger keeps what is for purchases to contracts, from row to payment."""

import msgspec

from ledger.deciding.settings import Setting, declare
from ledger.events import Event, LedgerOpened


class PurchaseControl(msgspec.Struct, frozen=True):
    """Whether an indicator that is marked 是否政府采购 is paid by contracts under a plan alone; a
    ledger that an earlier release opened does not know of it."""

    on: bool = False


def _control(control: PurchaseControl, event: Event) -> PurchaseControl:
    return PurchaseControl(event.purchase_control) if isinstance(event, LedgerOpened) else control


PURCHASE_CONTROL = declare(Setting("purchase_control", PurchaseControl(), _control))
