"""Claims on the central bank: from the request to its receipt, by real processes."""

from datetime import date

from ledger.reading.objects import read_objects
from payments.clearing.claims import CLEARING, RequestClearing
from payments.delivery import outbox
from payments.simulators.faults import Faults
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank, central_bank
from tests.support.sending import attempts_begun, event_counts, ledger_name, rows, sending
from tests.support.waiting import wait_until

DAY = date(2026, 3, 2)


def paid_and_claimed(
    treasury: SigningTreasury, server: ReceiptServer, clear_no: str = "C1"
) -> None:
    """Payments that the bank has paid, and the claim for them."""
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        numbers = treasury.signed(3)
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 3)
    treasury.keeper.do(RequestClearing(clear_no=clear_no, clear_date=DAY, pay_bank_code="102"))


def clearing_status(treasury: SigningTreasury, clear_no: str = "C1") -> str:
    with treasury.pool.connection() as connection:
        found = read_objects(connection, treasury.keeper.ledger_id, CLEARING, [clear_no])
    return str(found[clear_no].status)


def test_a_claim_is_settled_and_the_zero_balance_account_is_zero(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    paid_and_claimed(treasury, server)
    assert treasury.keeper.books()["零余额账户"] == "-3.00"
    simulator = central_bank(treasury, server.url)
    with simulator, sending(treasury, "", simulator.url) as dispatcher:
        wait_until(lambda: clearing_status(treasury) == "cleared")
        wait_until(lambda: dispatcher.health().sent == 0)
        assert simulator.figures()["paid_amt"] == "3.00"
    books = treasury.keeper.books()
    assert "零余额账户" not in books
    assert books["国库存款"] == "-3.00"


def test_a_rejected_claim_can_be_made_again(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    paid_and_claimed(treasury, server)
    rejecting = central_bank(treasury, server.url, faults=Faults(reject_rate=1.0))
    with rejecting, sending(treasury, "", rejecting.url):
        wait_until(lambda: clearing_status(treasury) == "rejected")
    treasury.keeper.do(RequestClearing(clear_no="C2", clear_date=DAY, pay_bank_code="102"))
    with central_bank(treasury, server.url) as simulator, sending(treasury, "", simulator.url):
        wait_until(lambda: clearing_status(treasury, "C2") == "cleared")
    assert "零余额账户" not in treasury.keeper.books()


def test_a_claim_answered_over_another_amount_is_refused(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    paid_and_claimed(treasury, server)
    wrong = central_bank(treasury, server.url, faults=Faults(wrong_amount_rate=1.0))
    with wrong, sending(treasury, "", wrong.url):
        wait_until(lambda: server.refusals)
        wait_until(lambda: wrong.figures()["receipts_refused"] == 1)
    assert server.refusals == ["receipt_mismatch"]
    assert clearing_status(treasury) == "requested"
    assert treasury.keeper.books()["零余额账户"] == "-3.00"


def test_a_claim_sent_again_after_a_rebuild_is_settled_once(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    paid_and_claimed(treasury, server)
    server.closed = True
    simulator = central_bank(treasury, server.url)
    with simulator, sending(treasury, "", simulator.url):
        wait_until(lambda: rows(treasury) == [(f"{ledger_name(treasury)}:C1:1", "sent")])
        with treasury.pool.connection() as connection:
            outbox.rebuild(connection)  # no event says that a claim was sent: it is due again
        wait_until(lambda: attempts_begun(treasury) == 2)  # tried before, and again
        wait_until(lambda: rows(treasury) == [(f"{ledger_name(treasury)}:C1:1", "sent")])
        server.closed = False
        wait_until(lambda: clearing_status(treasury) == "cleared")
        assert simulator.figures()["paid_amt"] == "3.00"
    assert event_counts(treasury)["clearing.claim_receipted"] == 1
    assert server.refusals == []
