"""以前年度退回 over the channel: the simulated bank is asked for money of a closed year, and its
signed notice is booked in the new one."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from accounting.handing_over import HandingOver
from budget.year_end.carrying import CarryOver
from budget.year_end.closing import CloseYear
from budget.year_end_events import CarryOverItem
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.writing.submitting import submit_to
from payments.receipts.bringing_returns import BringingReturns
from payments.return_events import PaymentReturned
from payments.simulators.faults import AS_ASKED, Faults
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank
from tests.support.waiting import wait_until


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


def test_the_bank_is_asked_under_the_old_numbers_and_this_year_books_it(
    treasury: SigningTreasury,
) -> None:
    keeper = treasury.keeper
    with (
        ReceiptServer(treasury) as receipts,
        bank(treasury, receipts.url, faults=Faults(day=AS_ASKED)) as simulator,
    ):
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            treasury.signed(1)
            wait_until(lambda: treasury.statuses(["P1"]) == ["paid"])
            keeper.clock.now = datetime(2027, 1, 4, 2, tzinfo=UTC)
            keeper.clear("C1", date(2026, 12, 31))
            keeper.do(ClosePeriod(through="2026-12-31"), "accountant")
            left = (CarryOverItem(bgt_id="B", carryovers_amt="999.00"),)
            keeper.do(CarryOver(carry_no="JZ", items=left), "accountant")
            keeper.do(CloseYear(), "accountant")
            assert HandingOver(keeper.pool, submit_to(keeper.sequencer), load_charts()).look() == 1
            keeper.until(date(2027, 1, 20))
            keeper.ask_back("P1", "0.40", refund_no="TK-1")
            wait_until(lambda: treasury.payments(["P1"])["P1"].refunds != ())
            wait_until(lambda: simulator.figures()["receipts_owed"] == 0)
        finally:
            dispatcher.stop()
        [refund] = treasury.payments(["P1"])["P1"].refunds
        assert isinstance(refund, PaymentReturned)
        assert (refund.refund_no, refund.refund_date) == ("TK-1", "2027-01-20")
        assert (simulator.figures()["paid_amt"], receipts.refusals) == ("0.60", [])
    bringing = BringingReturns(keeper.pool, submit_to(keeper.sequencer), keeper.clock)
    assert bringing.look() == 1
    keeper.ledger_id = ledger_id(keeper.division, 2027)
    assert keeper.figures("JZ2026-B")["available"] == "999.40"
    [(day,)] = keeper.sql(
        "SELECT effective_on FROM events WHERE ledger_id = %s AND type = 'prior_return.booked'"
    )
    assert day == date(2027, 1, 20)
