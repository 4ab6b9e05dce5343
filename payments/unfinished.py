"""未了事项 beside money on its way: runs that are not paid out, what stands in suspense, advances
that have to be cleared within their year.

A closing of an earlier release did not look for them (``Blockers.since``).
"""

from collections.abc import Iterator
from datetime import date

from ledger.closing import UNFINISHED, AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import LedgerState
from ledger.events import OpenItem
from ledger.money import yuan
from payments.disbursement.run import CLOSED, DISBURSEMENT, EXECUTED, Run
from payments.orders.advance import ADVANCE, Advance
from payments.refunds.suspense import SUSPENSE, WAITING, SuspenseItem

RUN_UNFINISHED, IN_SUSPENSE, ADVANCE_LEFT = "run_unfinished", "suspense_waiting", "advance_left"
_DECEMBER = 12


def ends_year(period: AccountingPeriod) -> bool:
    """Whether what has no date of its own would be stranded by its closing: nothing that is dated
    by the day on which it is done takes effect in the year behind December."""
    return period.month >= _DECEMBER


def _runs(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """Runs of which a voucher is still to be drawn. One that is dated pays on its day alone, one
    that is not on any day of the year."""
    for number, cached in state.cached(DISBURSEMENT).items():
        run: Run = cached.obj
        if run.status in (EXECUTED, CLOSED):
            continue
        day = run.effective_on
        if ends_year(period) if day is None else day <= period.last_day:
            yield OpenItem(kind=RUN_UNFINISHED, number=number, amt=yuan(run.reserved_fen))


def _suspense(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """What a bank has signed and nobody has settled; of what day it is where that could not be
    read, nobody knows, so it may be of the period."""
    for number, cached in state.cached(SUSPENSE).items():
        item: SuspenseItem = cached.obj
        day = item.held.pay_date
        if item.state == WAITING and (not day or date.fromisoformat(day) <= period.last_day):
            yield OpenItem(kind=IN_SUSPENSE, number=number, amt=item.held.refund_amt or yuan(0))


def _advances(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """预拨经费 that stands out at the end of a year; 预拨下年度经费, which its ``due_on`` tells,
    is carried on, and so are 借出款项 and 其他应收款."""
    if not ends_year(period):
        return
    accounts = state.books(period.last_day).accounts
    for number, cached in state.cached(ADVANCE).items():
        advance: Advance = cached.obj
        left_fen, due_on = advance.left_fen, advance.ordered.due_on
        account = accounts.get(advance.ordered.acct_cls_id)
        if account is None or not account.clears_within_year:
            continue
        if left_fen and (not due_on or date.fromisoformat(due_on) <= period.last_day):
            yield OpenItem(kind=ADVANCE_LEFT, number=number, amt=yuan(left_fen))


declare_blockers(
    "disbursements",
    Blockers(
        ((DISBURSEMENT, WHOLE),),
        _runs,
        {RUN_UNFINISHED: ("disbursement.execute", "disbursement.stop", "disbursement.close")},
        since=UNFINISHED,
    ),
)
declare_blockers(
    "suspense",
    Blockers(
        ((SUSPENSE, WHOLE),), _suspense, {IN_SUSPENSE: ("suspense.resolve",)}, since=UNFINISHED
    ),
)
declare_blockers(
    "advances",
    Blockers(
        ((ADVANCE, WHOLE),),
        _advances,
        {ADVANCE_LEFT: ("advance.to_expense", "advance.recover")},
        since=UNFINISHED,
    ),
)
