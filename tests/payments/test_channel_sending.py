"""From the last signature to the receipt: a real dispatcher, real bank processes, real kills."""

import socket
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from ledger.deciding.state import BEIJING
from payments.delivery import leases, outbox
from payments.signing.fresh_documents import FreshDocuments
from payments.simulators.faults import Faults
from tests.support.bookkeeper import Bookkeeper, detail
from tests.support.channel_parties import FAST, ReceiptServer, SigningTreasury, bank
from tests.support.sending import dead, due_rows, event_counts, rows, sending
from tests.support.waiting import wait_until

DAY = date(2026, 3, 2)


def test_a_voucher_is_sent_paid_and_receipted(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url) as dispatcher:
        numbers = treasury.signed(25)
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 25)
        wait_until(lambda: all(payment.sent for payment in treasury.payments(numbers).values()))
        wait_until(lambda: dispatcher.health().lag_events == 0)
        health = dispatcher.health()
        figures = simulator.figures()
    assert (figures["vouchers"], figures["paid_amt"]) == (25, "25.00")
    assert (health.due, health.sent, health.dead, health.last_error) == (0, 0, 0, "")
    assert health.running
    assert health.last_loop_at is not None
    assert treasury.keeper.figures("B")["paid"] == "25.00"
    assert treasury.keeper.figures("B")["occupied"] == "0.00"


def test_what_a_dead_dispatcher_had_in_hand_does_not_wait(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    numbers = treasury.signed(3)
    with treasury.pool.connection() as connection:
        outbox.consume(connection, treasury.keeper.ledger_id)
        connection.commit()
        assert leases.take(connection, 10, lease_s=3600.0) is not None
        connection.commit()
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 3)


def test_what_a_living_dispatcher_has_in_hand_is_left_to_it(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    """Its one sender waits for the answer of a bank that gives none."""
    numbers = treasury.signed(3)
    silent = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    one_sender = replace(FAST, senders=1)
    with bank(treasury, server.url) as simulator, sending(treasury, url, policy=one_sender), silent:
        wait_until(lambda: [attempts for _, attempts, _ in due_rows(treasury)] == [1, 1, 1])
        held = due_rows(treasury)
        with sending(treasury, simulator.url):
            [other] = treasury.signed(1, "Q")
            wait_until(lambda: treasury.statuses([other]) == ["paid"])
            wait_until(lambda: len(due_rows(treasury)) == 3)
        assert due_rows(treasury) == held
        assert treasury.statuses(numbers) == ["signed"] * 3


@pytest.mark.parametrize("signing", ["voucher", "manifest"])
def test_what_was_just_signed_goes_out_as_it_was_signed(
    treasury: SigningTreasury, server: ReceiptServer, signing: str
) -> None:
    """The bank takes only what verifies; what is not at hand any more comes from the store."""
    treasury.keeper.policy("treasury", signing=signing)
    fresh = FreshDocuments()
    numbers = treasury.applied(6)
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url, fresh=fresh):
        fresh.keep(b"another's", b"")
        treasury.sign(numbers[:3], fresh=fresh)
        treasury.sign(numbers[3:])
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 6)
        assert simulator.figures()["vouchers"] == 6
    assert len(fresh) == 1, "the sender has said that he comes, and has come for his own"
    assert dead(treasury) == {}


def test_fresh_documents_are_bounded_and_kept_only_for_somebody_who_comes() -> None:
    fresh = FreshDocuments(bytes_max=250)
    fresh.keep(b"0", b"0" * 100)
    assert len(fresh) == 0
    fresh.want()
    for digest in (b"1", b"2", b"2", b"3"):
        fresh.keep(digest, digest * 100)
    assert fresh.take([b"1", b"2", b"4"]) == {b"2": b"2" * 100}
    assert fresh.take([b"2"]) == {}
    fresh.keep(b"5", b"5" * 251)
    assert len(fresh) == 0


def test_nothing_is_sent_before_the_last_signature(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    treasury.keeper.policy("finance_first", "treasury")
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        [half, whole] = treasury.applied(2)
        treasury.sign([half, whole], "finance_first", "first")
        treasury.sign([whole], "treasury", "second")
        wait_until(lambda: treasury.statuses([whole]) == ["paid"])
        assert simulator.figures()["vouchers"] == 1
        assert treasury.statuses([half]) == ["approved"]


def test_a_bank_killed_between_paying_and_answering_pays_once(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    slow = Faults(ack_delay_s=60.0, delay_s=0.5)
    simulator = bank(treasury, server.url, faults=slow)
    book = simulator.config.data / "book.sqlite"
    with simulator, sending(treasury, simulator.url):
        numbers = treasury.signed(7)
        wait_until(lambda: _paid(book) == 7)
        simulator.kill()
        assert not any(payment.sent for payment in treasury.payments(numbers).values())
        simulator.config = replace(simulator.config, faults=Faults())
        simulator.start()
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 7)
        wait_until(lambda: rows(treasury) == [])  # whichever came first, receipt or acknowledgement
        figures = simulator.figures()
    assert (figures["vouchers"], figures["paid_amt"]) == (7, "7.00")
    assert event_counts(treasury)["voucher.receipted"] == 7
    assert server.refusals == []


def _paid(book: Path) -> int:
    with closing(sqlite3.connect(book)) as connection:
        count: int = connection.execute("SELECT count(*) FROM vouchers").fetchone()[0]
        return count


def test_receipts_owed_by_a_killed_bank_come_after_its_restart(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    server.closed = True
    with bank(treasury, server.url) as simulator:
        with sending(treasury, simulator.url):
            numbers = treasury.signed(5)
            wait_until(lambda: treasury.statuses(numbers) == ["sent"] * 5)
        simulator.kill()
        server.closed = False
        assert treasury.statuses(numbers) == ["sent"] * 5
        simulator.start()
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 5)
    assert event_counts(treasury)["voucher.receipted"] == 5


def test_a_receipt_whose_acknowledgement_is_lost_is_applied_once(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    server.ignores = True
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        numbers = treasury.signed(3)
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 3)
        taken_in = len(server.messages)
        wait_until(lambda: len(server.messages) > taken_in)
        assert simulator.figures()["receipts_owed"] == 3
        server.ignores = False
        wait_until(lambda: simulator.figures()["receipts_owed"] == 0)
    assert event_counts(treasury)["voucher.receipted"] == 3
    assert server.refusals == []


def test_lost_acknowledgements_of_the_bank_do_not_pay_twice(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    lossy = Faults(seed=7, drop_ack_rate=0.6, duplicate_receipts=True)
    policy = replace(FAST, items_max=3)
    with (
        bank(treasury, server.url, faults=lossy) as simulator,
        sending(treasury, simulator.url, policy=policy),
    ):
        numbers = treasury.signed(30)
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 30)
        wait_until(lambda: simulator.figures()["receipts_owed"] == 0)
        assert simulator.figures()["paid_amt"] == "30.00"
    assert event_counts(treasury)["voucher.receipted"] == 30
    assert treasury.keeper.figures("B")["paid"] == "30.00"


def test_several_dispatchers_send_each_voucher_once(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    policy = replace(FAST, items_max=4)
    with (
        bank(treasury, server.url) as simulator,
        sending(treasury, simulator.url, policy=policy),
        sending(treasury, simulator.url, policy=policy),
    ):
        numbers = treasury.signed(40)
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 40)
        wait_until(lambda: event_counts(treasury)["voucher.sent"] == 40)
    counts = event_counts(treasury)
    assert counts["voucher.sent"] == counts["voucher.receipted"] == 40
    assert "command.refused" not in counts


def test_every_course_that_the_payee_account_asks_for(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    pay = treasury.keeper.apply
    pay("fails", "B", "1.00", payee_acct_no="9999000000000001")
    pay("twice", "B", "1.00", payee_acct_no="9997000000000001")
    pay("never", "B", "1.00", payee_acct_no="9995000000000001")
    lines = (detail("1", "150.00"), detail("2", "50.00", "9999000000000002"))
    pay("part", "B", "200.00", details=lines)
    pay("after-next", "B", "1.00", payee_acct_no="9996000000000001")
    numbers = ["fails", "twice", "never", "part", "after-next"]
    for number in numbers:
        treasury.keeper.approve(number)
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        treasury.sign(numbers)
        done = ["failed", "paid", "sent", "partially_paid", "sent"]
        wait_until(lambda: treasury.statuses(numbers) == done)
        wait_until(lambda: simulator.figures()["receipts_owed"] == 1)
        treasury.signed(1, "next")
        wait_until(lambda: treasury.statuses(["after-next", "next1"]) == ["paid", "paid"])
    events = treasury.keeper.events()
    order = [event.pay_app_no for _, name, event in events if name == "voucher.receipted"]
    assert order.index("after-next") > order.index("next1")
    assert order.count("twice") == 1
    assert treasury.payments(["fails"])["fails"].outcomes() == {"1": (0, "账号户名不符")}
    assert treasury.payments(["part"])["part"].outcomes() == {
        "1": (15000, ""),
        "2": (0, "账号户名不符"),
    }
    assert server.refusals == []
    figures = treasury.keeper.figures("B")
    assert (figures["paid"], figures["occupied"]) == ("153.00", "1.00")


def test_a_rebuilt_outbox_says_the_same_and_sends_nothing_again(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    never = "9995000000000001"
    with bank(treasury, server.url) as simulator:
        with sending(treasury, simulator.url) as dispatcher:
            paid = treasury.signed(4)
            unanswered = treasury.signed(3, "N", payee_acct_no=never)
            wait_until(lambda: treasury.statuses(paid + unanswered) == ["paid"] * 4 + ["sent"] * 3)
            wait_until(lambda: dispatcher.health().lag_events == 0)
        before = rows(treasury)
        with treasury.pool.connection() as connection:
            outbox.rebuild(connection)
        assert rows(treasury) == before == [(f"N{i}", "sent") for i in (1, 2, 3)]
        with sending(treasury, simulator.url):
            [new] = treasury.signed(1, "new")
            wait_until(lambda: treasury.statuses([new]) == ["paid"])
        assert simulator.figures()["vouchers"] == 8
    assert event_counts(treasury)["voucher.sent"] == 8
    assert "command.refused" not in event_counts(treasury)


def test_a_voucher_that_is_dated_ahead_waits_for_its_day(
    pool: ConnectionPool, tmp_path: Path
) -> None:
    """An earlier release took such payments; here the books are two days ahead of the sender."""
    ahead = datetime.now(UTC) + timedelta(days=2)
    keeper = Bookkeeper(pool, year=ahead.astimezone(BEIJING).year)
    keeper.clock.now = ahead
    keeper.open()
    keeper.issue("B", "10.00")
    treasury = SigningTreasury(keeper, tmp_path)
    [number] = treasury.signed(1)
    [payment] = treasury.payments([number]).values()
    assert payment.approved is not None
    begins = datetime.fromisoformat(f"{payment.approved.vou_date}T00:00:00+08:00")
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, sending(treasury, f"http://127.0.0.1:{silent.getsockname()[1]}"):
        wait_until(lambda: [due for _, _, due in due_rows(treasury)] == [begins])
        assert [attempts for _, attempts, _ in due_rows(treasury)] == [0]
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has come
            silent.accept()
    keeper.close()
