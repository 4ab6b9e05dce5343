"""往来: what of the cash between tiers keeps a period from being closed.

An order that the central bank has not answered keeps its month open. A year is not closed while
cash or a settlement is on its way, nor while something is owed between tiers that transfers would
settle: what stands then is no 往来 any more, but 补助.
"""

from collections.abc import Iterator
from datetime import date

from ledger.account_set import division_of
from ledger.closing import AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import LedgerState
from ledger.events import OpenItem
from ledger.money import yuan
from payments.orders.ordering import ORDERED
from transfers.tier_funds import FUND_DISPATCH, TIER_FUNDS, FundDispatch, TierKey
from transfers.tiers import is_below

FUNDS_IN_TRANSIT, UNSETTLED = "funds_in_transit", "funds_unsettled"


def _waiting(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    for number, each in state.cached(FUND_DISPATCH).items():
        dispatch: FundDispatch = each.obj
        day = date.fromisoformat(dispatch.ordered.order_date)
        if dispatch.status == ORDERED and day <= period.last_day:
            yield OpenItem(
                kind=ORDERED,
                number=number,
                amt=dispatch.ordered.amt,
                in_transit=day.month == period.month == 12,
            )
    if not period.is_late:
        return
    own = division_of(state.ledger_id)
    for text, row in state.rows_of(TIER_FUNDS).items():
        if way_fen := row.in_transit + row.unsettled:
            yield OpenItem(kind=FUNDS_IN_TRANSIT, number=text, amt=yuan(way_fen))
        if is_below(own, TierKey.parsed(text).div_code):
            could_fen = min(row.due_from_below, row.transferred - row.subsidies)
            if could_fen > 0:
                yield OpenItem(kind=UNSETTLED, number=text, amt=yuan(could_fen))


declare_blockers(
    "tier funds",
    Blockers(
        ((FUND_DISPATCH, WHOLE), (TIER_FUNDS, WHOLE)),
        _waiting,
        {
            ORDERED: ("bank.receipts",),
            FUNDS_IN_TRANSIT: ("bank.receipts",),
            UNSETTLED: ("transfer.settle",),
        },
    ),
)
