"""在途转移支付: what of transfers keeps a year from being closed.

A month closes with transfers under way, as their money is on nobody's way; a year does not: what is
sent in one year is received in it.
"""

from collections.abc import Iterator

from budget.received import RECEIVED, RECEIVED_TRANSFER, ReceivedTransfer
from ledger.closing import AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import LedgerState
from ledger.events import OpenItem
from transfers.transfer import ISSUED, TRANSFER, Transfer

IN_TRANSIT, NOT_ACCEPTED = "transfer_in_transit", "transfer_not_accepted"


def _waiting(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    if not period.is_late:
        return
    for number, cached in state.cached(TRANSFER).items():
        transfer: Transfer = cached.obj
        if transfer.status == ISSUED:
            yield OpenItem(kind=IN_TRANSIT, number=number, amt=transfer.issued.amt)
    for number, cached in state.cached(RECEIVED_TRANSFER).items():
        received: ReceivedTransfer = cached.obj
        if received.status == RECEIVED:
            yield OpenItem(kind=NOT_ACCEPTED, number=number, amt=received.terms.amt)


declare_blockers(
    "transfers",
    Blockers(
        ((TRANSFER, WHOLE), (RECEIVED_TRANSFER, WHOLE)),
        _waiting,
        {IN_TRANSIT: ("transfer.accept",), NOT_ACCEPTED: ("transfer.accept",)},
    ),
)
