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
from ledger.money import yuan
from transfers.transfer import TRANSFERS

IN_TRANSIT, NOT_ACCEPTED = "transfer_in_transit", "transfer_not_accepted"


def _waiting(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    if not period.is_late:
        return
    for number, row in state.rows_of(TRANSFERS).items():
        if waiting_fen := row.in_transit + row.asked:
            yield OpenItem(kind=IN_TRANSIT, number=number, amt=yuan(waiting_fen))
    for number, cached in state.cached(RECEIVED_TRANSFER).items():
        received: ReceivedTransfer = cached.obj
        if received.status == RECEIVED and received.amt_fen:
            yield OpenItem(kind=NOT_ACCEPTED, number=number, amt=yuan(received.amt_fen))


declare_blockers(
    "transfers",
    Blockers(
        ((TRANSFERS, WHOLE), (RECEIVED_TRANSFER, WHOLE)),
        _waiting,
        dict.fromkeys((IN_TRANSIT, NOT_ACCEPTED), ("transfer.accept", "transfer.give_back")),
    ),
)
