"""撤销: a bank is asked for what it may have, and its signed receipt says what became of it."""

import psycopg
import pytest

from payments.delivery import leases, outbox
from payments.delivery.bank_client import BankClient
from payments.delivery.contents import VOUCHERS_PATH
from payments.messages.envelope import VoucherBody
from payments.recalls import DeclineRecall, RecallPayment
from payments.signing.bank_requests import recall_request
from payments.simulators.bank import AFTER_NEXT, NEVER
from payments.voiding import VoidPayment
from payments.voucher import MarkSent, RefuseVoucher
from tests.support.bookkeeper import Bookkeeper, receipt
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank
from tests.support.sending import read_all, sending
from tests.support.waiting import HANG_S, wait_until

WRONG_PAYEE = "收款人有误"


def recall(pay_app_no: str = "P1", recall_no: str = "", reason: str = WRONG_PAYEE) -> RecallPayment:
    return RecallPayment(pay_app_no=pay_app_no, reason=reason, recall_no=recall_no)


@pytest.fixture
def keeper(bookkeeper: Bookkeeper) -> Bookkeeper:
    """Of 100.00 60.00 are on their way to the payee."""
    bookkeeper.issue("B1", "100.00")
    bookkeeper.apply("P1", "B1", "60.00")
    bookkeeper.approve("P1")
    bookkeeper.sign("P1")
    bookkeeper.do(MarkSent(pay_app_no="P1"), "dispatcher")
    return bookkeeper


def rows(keeper: Bookkeeper) -> list[tuple[str, str, str]]:
    return keeper.sql(
        "SELECT kind, number, state FROM outbox WHERE ledger_id = %s ORDER BY kind, number"
    )


# ---- decisions


def test_a_recall_moves_nothing_until_the_bank_answers(keeper: Bookkeeper) -> None:
    before = keeper.books()
    asked = keeper.do(recall()).subjects[0]
    assert (asked.status, asked.open_recall.recall_no) == ("sent", "P1")
    assert keeper.books() == before
    keeper.do(receipt(asked, "1"), "bank")
    assert keeper.figures("B1")["available"] == "100.00"
    assert "支付申请" not in keeper.books()


def test_what_the_bank_has_paid_stays_paid(keeper: Bookkeeper) -> None:
    asked = keeper.do(recall()).subjects[0]
    declined = DeclineRecall(pay_app_no="P1", recall_no="P1", reason="已支付")
    refused = keeper.do(declined, "dispatcher").subjects[0]
    assert refused.open_recall is None
    keeper.do(receipt(asked), "bank")
    assert keeper.figures("B1")["paid"] == "60.00"
    assert keeper.refusal(recall("P1", "C2")) == "invalid_state"


def test_one_recall_at_a_time_and_another_after_a_refusal(keeper: Bookkeeper) -> None:
    keeper.do(recall())
    assert keeper.refusal(recall("P1", "C2")) == "invalid_state"
    assert keeper.refusal(recall(reason="另一理由")) == "idempotency_conflict"
    keeper.do(DeclineRecall(pay_app_no="P1", recall_no="P1", reason="签名有误"), "dispatcher")
    again = keeper.do(recall("P1", "C2")).subjects[0]
    assert again.open_recall.recall_no == "C2"
    late = DeclineRecall(pay_app_no="P1", recall_no="P1", reason="迟到")
    assert keeper.refusal(late, "dispatcher") == "invalid_state"


def test_what_the_bank_has_refused_or_was_never_given_is_void_instead(keeper: Bookkeeper) -> None:
    keeper.apply("P2", "B1", "10.00")
    keeper.approve("P2")
    assert keeper.refusal(recall("P2")) == "invalid_state"
    keeper.sign("P2")
    keeper.do(RefuseVoucher(pay_app_no="P2", code="malformed", reason="无此行"), "dispatcher")
    problem = keeper.ask(recall("P2")).problem
    assert problem is not None
    assert "void" in problem.detail


def test_rows_of_recalls_follow_the_events(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    asked = keeper.do(recall()).subjects[0]
    read_all(connection, keeper)
    assert rows(keeper) == [("recall", "P1", "due"), ("voucher", "P1", "sent")]
    parcel = leases.take(connection, 10, 60.0)
    assert parcel is not None
    leases.taken_in(connection, parcel, ["P1"])
    keeper.do(DeclineRecall(pay_app_no="P1", recall_no="P1", reason="签名有误"), "dispatcher")
    keeper.do(recall("P1", "C2"))
    read_all(connection, keeper)
    assert rows(keeper)[0] == ("recall", "P1", "due"), "the second is another than the first"
    keeper.do(receipt(asked, "1"), "bank")
    read_all(connection, keeper)
    assert rows(keeper) == []


# ---- with a bank


def answer_to(body: VoucherBody, url: str) -> str:
    client = BankClient(HANG_S)
    try:
        return client.post(url + VOUCHERS_PATH, [body]).answers[body.voucher_no].status
    finally:
        client.close()


def waiting_at_the_bank(treasury: SigningTreasury, number: str, account: str) -> None:
    treasury.keeper.apply(number, "B", "60.00", payee_acct_no=f"{account}000000000001")
    treasury.keeper.approve(number)
    treasury.sign([number])
    wait_until(lambda: treasury.statuses([number]) == ["sent"])


@pytest.mark.parametrize("account", [NEVER, AFTER_NEXT])
@pytest.mark.parametrize("signing", ["voucher", "manifest"])
def test_what_the_bank_has_not_paid_comes_back(
    treasury: SigningTreasury, server: ReceiptServer, account: str, signing: str
) -> None:
    keeper = treasury.keeper
    keeper.policy("treasury", signing=signing)
    before = keeper.figures("B")["available"]
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        waiting_at_the_bank(treasury, "P1", account)
        keeper.do(recall())
        wait_until(lambda: treasury.statuses(["P1"]) == ["failed"])
        assert simulator.figures()["paid_amt"] == "0.00"
    assert keeper.figures("B")["available"] == before
    payment = treasury.payments(["P1"])["P1"]
    assert payment.receipt is not None
    assert [line.xadd_word for line in payment.receipt.failed] == ["已撤销"]


def test_what_the_bank_has_paid_is_refused_and_receipted(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    """The receipt is held at our door, so that the recall is asked after the bank has paid."""
    server.closed = True
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        waiting_at_the_bank(treasury, "P1", "6222")
        treasury.keeper.do(recall())
        wait_until(lambda: treasury.payments(["P1"])["P1"].recalls_refused)
        server.closed = False
        wait_until(lambda: treasury.statuses(["P1"]) == ["paid"])
    payment = treasury.payments(["P1"])["P1"]
    assert "已支付" in payment.recalls_refused[0].reason
    assert treasury.keeper.figures("B")["paid"] == "60.00"


def test_a_voucher_that_comes_after_its_recall_is_returned(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    """The sender that had it in hand was killed; the recall is at the bank before it goes again."""
    [number] = treasury.signed(1)
    keeper = treasury.keeper
    with keeper.pool.connection() as connection:
        outbox.consume(connection, keeper.ledger_id)
        connection.commit()
        assert leases.take(connection, 10, 0.0) is not None
        connection.commit()
    assert keeper.refusal(VoidPayment(pay_app_no=number, reason=WRONG_PAYEE)) == "invalid_state"
    asked = keeper.do(recall(number)).subjects[0]
    with bank(treasury, server.url) as simulator:
        signer = treasury.signing().claim_signer(keeper.ledger_id)
        body = recall_request(signer, asked, asked.open_recall)
        assert answer_to(body, simulator.url) == "accepted"
        simulator.kill()
        simulator.start()
        assert answer_to(body, simulator.url) == "replayed"
        with sending(treasury, simulator.url):
            wait_until(lambda: treasury.statuses([number]) == ["failed"])
            wait_until(lambda: rows(keeper) == [])
        assert simulator.figures()["paid_amt"] == "0.00"
    assert keeper.figures("B")["paid"] == "0.00"
