"""From the last signature to the receipt: a real dispatcher, real bank processes, real kills."""

import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.account_set import ledger_text
from ledger.reading.objects import read_objects
from payments.clearing.claims import CLEARING, RequestClearing
from payments.delivery import outbox
from payments.delivery.dispatcher import Dispatcher
from payments.delivery.sending import SendingPolicy
from payments.signing import certificates
from payments.signing.credentials import person
from payments.signing.fresh_documents import FreshDocuments
from payments.simulators.counterparty import Faults
from tests.support.bookkeeper import Bookkeeper, detail
from tests.support.channel_parties import FAST, Desk, Office, bank, central_bank
from tests.support.waiting import wait_until

DAY = date(2026, 3, 2)


@pytest.fixture
def office(bookkeeper: Bookkeeper, tmp_path: Path) -> Office:
    bookkeeper.issue("B", "1000000.00")
    return Office(bookkeeper, tmp_path)


@pytest.fixture
def desk(office: Office) -> Iterator[Desk]:
    with Desk(office) as desk:
        yield desk


@contextmanager
def sending(
    office: Office, bank_url: str, pboc_url: str = "", policy: SendingPolicy = FAST, **more: Any
) -> Iterator[Dispatcher]:
    dispatcher = office.dispatcher(bank_url, pboc_url, policy, **more)
    dispatcher.start()
    try:
        yield dispatcher
    finally:
        dispatcher.stop()


def event_counts(office: Office) -> Counter[str]:
    return Counter(name for _, name, _ in office.keeper.events())


def dead(office: Office) -> dict[str, str]:
    with office.pool.connection() as connection:
        return {item.number: item.last_error for item in outbox.list_dead(connection)}


def test_a_voucher_is_sent_paid_and_receipted(office: Office, desk: Desk) -> None:
    with bank(office, desk.url) as simulator, sending(office, simulator.url) as dispatcher:
        numbers = office.signed(25)
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 25)
        wait_until(lambda: all(payment.sent for payment in office.payments(numbers).values()))
        wait_until(lambda: dispatcher.health().lag_events == 0)
        health = dispatcher.health()
        figures = simulator.figures()
    assert (figures["vouchers"], figures["paid_amt"]) == (25, "25.00")
    assert (health.due, health.sent, health.dead, health.last_error) == (0, 0, 0, "")
    assert health.running
    assert health.last_loop_at is not None
    assert office.keeper.figures("B")["paid"] == "25.00"
    assert office.keeper.figures("B")["occupied"] == "0.00"


def test_what_a_dead_dispatcher_had_in_hand_does_not_wait(office: Office, desk: Desk) -> None:
    numbers = office.signed(3)
    with office.pool.connection() as connection:
        outbox.consume(connection, office.keeper.ledger_id)
        connection.commit()
        assert outbox.take(connection, 10, lease_s=3600.0) is not None
        connection.commit()
    with bank(office, desk.url) as simulator, sending(office, simulator.url):
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 3)


def test_what_a_living_dispatcher_has_in_hand_is_left_to_it(office: Office, desk: Desk) -> None:
    """Its one sender waits for the answer of a bank that gives none."""
    numbers = office.signed(3)
    silent = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    one_sender = replace(FAST, senders=1)
    with bank(office, desk.url) as simulator, sending(office, url, policy=one_sender), silent:
        wait_until(lambda: [attempts for _, attempts, _ in _leases(office)] == [1, 1, 1])
        held = _leases(office)
        with sending(office, simulator.url):
            [other] = office.signed(1, "Q")
            wait_until(lambda: office.statuses([other]) == ["paid"])
            wait_until(lambda: len(_leases(office)) == 3)
        assert _leases(office) == held
        assert office.statuses(numbers) == ["signed"] * 3


def _leases(office: Office) -> list[tuple[str, int, datetime]]:
    """Number, attempts begun, and when it is due again, of what waits to be sent."""
    return office.keeper.sql(
        "SELECT number, attempts, next_attempt_at FROM outbox"
        " WHERE ledger_id = %s AND state = 'due' ORDER BY number"
    )


@pytest.mark.parametrize("signing", ["voucher", "manifest"])
def test_what_was_just_signed_goes_out_as_it_was_signed(
    office: Office, desk: Desk, signing: str
) -> None:
    """The bank takes only what verifies; what is not at hand any more comes from the store."""
    office.keeper.policy("treasury", signing=signing)
    fresh = FreshDocuments()
    numbers = office.applied(6)
    with bank(office, desk.url) as simulator, sending(office, simulator.url, fresh=fresh):
        fresh.keep(b"another's", b"")
        office.sign(numbers[:3], fresh=fresh)
        office.sign(numbers[3:])
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 6)
        assert simulator.figures()["vouchers"] == 6
    assert len(fresh) == 1, "the sender has said that he comes, and has come for his own"
    assert dead(office) == {}


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


def test_nothing_is_sent_before_the_last_signature(office: Office, desk: Desk) -> None:
    office.keeper.policy("finance_first", "treasury")
    with bank(office, desk.url) as simulator, sending(office, simulator.url):
        [half, whole] = office.applied(2)
        office.sign([half, whole], "finance_first", "first")
        office.sign([whole], "treasury", "second")
        wait_until(lambda: office.statuses([whole]) == ["paid"])
        assert simulator.figures()["vouchers"] == 1
        assert office.statuses([half]) == ["approved"]


def test_a_bank_killed_between_paying_and_answering_pays_once(office: Office, desk: Desk) -> None:
    slow = Faults(ack_delay_s=60.0, delay_s=0.5)
    simulator = bank(office, desk.url, faults=slow)
    book = simulator.config.data / "book.sqlite"
    with simulator, sending(office, simulator.url):
        numbers = office.signed(7)
        wait_until(lambda: _paid(book) == 7)
        simulator.kill()
        assert not any(payment.sent for payment in office.payments(numbers).values())
        simulator.config = replace(simulator.config, faults=Faults())
        simulator.start()
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 7)
        wait_until(lambda: _rows(office) == [])  # whichever came first, receipt or acknowledgement
        figures = simulator.figures()
    assert (figures["vouchers"], figures["paid_amt"]) == (7, "7.00")
    assert event_counts(office)["voucher.receipted"] == 7
    assert desk.refusals == []


def _paid(book: Path) -> int:
    with closing(sqlite3.connect(book)) as connection:
        count: int = connection.execute("SELECT count(*) FROM vouchers").fetchone()[0]
        return count


def test_receipts_owed_by_a_killed_bank_come_after_its_restart(office: Office, desk: Desk) -> None:
    desk.closed = True
    with bank(office, desk.url) as simulator:
        with sending(office, simulator.url):
            numbers = office.signed(5)
            wait_until(lambda: office.statuses(numbers) == ["sent"] * 5)
        simulator.kill()
        desk.closed = False
        assert office.statuses(numbers) == ["sent"] * 5
        simulator.start()
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 5)
    assert event_counts(office)["voucher.receipted"] == 5


def test_a_receipt_whose_acknowledgement_is_lost_is_applied_once(
    office: Office, desk: Desk
) -> None:
    desk.ignores = True
    with bank(office, desk.url) as simulator, sending(office, simulator.url):
        numbers = office.signed(3)
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 3)
        taken_in = len(desk.messages)
        wait_until(lambda: len(desk.messages) > taken_in)
        assert simulator.figures()["receipts_owed"] == 3
        desk.ignores = False
        wait_until(lambda: simulator.figures()["receipts_owed"] == 0)
    assert event_counts(office)["voucher.receipted"] == 3
    assert desk.refusals == []


def test_lost_acknowledgements_of_the_bank_do_not_pay_twice(office: Office, desk: Desk) -> None:
    lossy = Faults(seed=7, drop_ack_rate=0.6, duplicate_receipts=True)
    policy = replace(FAST, items_max=3)
    with (
        bank(office, desk.url, faults=lossy) as simulator,
        sending(office, simulator.url, policy=policy),
    ):
        numbers = office.signed(30)
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 30)
        wait_until(lambda: simulator.figures()["receipts_owed"] == 0)
        assert simulator.figures()["paid_amt"] == "30.00"
    assert event_counts(office)["voucher.receipted"] == 30
    assert office.keeper.figures("B")["paid"] == "30.00"


def test_it_tries_again_while_the_bank_is_down_and_goes_on_when_it_is_back(
    office: Office, desk: Desk
) -> None:
    simulator = bank(office, desk.url)
    with simulator, sending(office, simulator.url) as dispatcher:
        simulator.kill()
        numbers = office.signed(3)
        wait_until(lambda: _attempts(office) >= 3)
        assert dispatcher.health().due == 3
        assert "ConnectError" in _last_error(office)
        simulator.start()
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 3)


def _attempts(office: Office) -> int:
    [(attempts,)] = office.keeper.sql(
        "SELECT coalesce(max(attempts), 0) FROM outbox WHERE ledger_id = %s"
    )
    return int(attempts)


def _last_error(office: Office) -> str:
    return str(office.keeper.sql("SELECT last_error FROM outbox WHERE ledger_id = %s")[0][0])


def test_attempts_end_and_a_person_can_let_it_go_on(office: Office, desk: Desk) -> None:
    simulator = bank(office, desk.url)
    policy = replace(FAST, attempts_max=3)
    with sending(office, simulator.url, policy=policy) as dispatcher:
        office.signed(1)
        wait_until(lambda: dispatcher.health().dead == 1)
        assert "ConnectError" in dead(office)["P1"]
        with simulator:
            with office.pool.connection() as connection:
                outbox.revive(connection, office.keeper.ledger_id, "voucher", "P1")
            wait_until(lambda: office.statuses(["P1"]) == ["paid"])


def test_a_definitive_refusal_is_dead_at_once_and_keeps_nobody_back(
    office: Office, desk: Desk
) -> None:
    numbers = office.applied(3)
    office.sign(numbers[:1], by="left.the.office")
    office.sign(numbers[1:], by="signer")
    with office.pool.connection() as connection:
        gone = certificates.current(connection, person("left.the.office"), datetime.now(UTC))
        certificates.revoke(connection, gone.serial, datetime.now(UTC))
    with bank(office, desk.url) as simulator, sending(office, simulator.url):
        wait_until(lambda: office.statuses(numbers) == ["signed", "paid", "paid"])
        wait_until(lambda: dead(office))
        assert simulator.figures()["vouchers"] == 2
    assert "certificate_invalid (422)" in dead(office)["P1"]
    [(attempts,)] = office.keeper.sql(
        "SELECT attempts FROM outbox WHERE ledger_id = %s AND number = 'P1'"
    )
    assert attempts == 1


def test_several_dispatchers_send_each_voucher_once(office: Office, desk: Desk) -> None:
    policy = replace(FAST, items_max=4)
    with (
        bank(office, desk.url) as simulator,
        sending(office, simulator.url, policy=policy),
        sending(office, simulator.url, policy=policy),
    ):
        numbers = office.signed(40)
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 40)
        wait_until(lambda: event_counts(office)["voucher.sent"] == 40)
    counts = event_counts(office)
    assert counts["voucher.sent"] == counts["voucher.receipted"] == 40
    assert "command.refused" not in counts


def test_every_course_that_the_payee_account_asks_for(office: Office, desk: Desk) -> None:
    pay = office.keeper.apply
    pay("fails", "B", "1.00", payee_acct_no="9999000000000001")
    pay("twice", "B", "1.00", payee_acct_no="9997000000000001")
    pay("never", "B", "1.00", payee_acct_no="9995000000000001")
    lines = (detail("1", "150.00"), detail("2", "50.00", "9999000000000002"))
    pay("part", "B", "200.00", details=lines)
    pay("after-next", "B", "1.00", payee_acct_no="9996000000000001")
    numbers = ["fails", "twice", "never", "part", "after-next"]
    for number in numbers:
        office.keeper.approve(number)
    with bank(office, desk.url) as simulator, sending(office, simulator.url):
        office.sign(numbers)
        done = ["failed", "paid", "sent", "partially_paid", "sent"]
        wait_until(lambda: office.statuses(numbers) == done)
        wait_until(lambda: simulator.figures()["receipts_owed"] == 1)
        office.signed(1, "next")
        wait_until(lambda: office.statuses(["after-next", "next1"]) == ["paid", "paid"])
    events = office.keeper.events()
    order = [event.pay_app_no for _, name, event in events if name == "voucher.receipted"]
    assert order.index("after-next") > order.index("next1")
    assert order.count("twice") == 1
    assert office.payments(["fails"])["fails"].outcomes() == {"1": (0, "账号户名不符")}
    assert office.payments(["part"])["part"].outcomes() == {
        "1": (15000, ""),
        "2": (0, "账号户名不符"),
    }
    assert desk.refusals == []
    figures = office.keeper.figures("B")
    assert (figures["paid"], figures["occupied"]) == ("153.00", "1.00")


def test_a_rebuilt_outbox_says_the_same_and_sends_nothing_again(office: Office, desk: Desk) -> None:
    never = "9995000000000001"
    with bank(office, desk.url) as simulator:
        with sending(office, simulator.url) as dispatcher:
            paid = office.signed(4)
            unanswered = office.signed(3, "N", payee_acct_no=never)
            wait_until(lambda: office.statuses(paid + unanswered) == ["paid"] * 4 + ["sent"] * 3)
            wait_until(lambda: dispatcher.health().lag_events == 0)
        before = _rows(office)
        with office.pool.connection() as connection:
            outbox.rebuild(connection)
        assert _rows(office) == before == [(f"N{i}", "sent") for i in (1, 2, 3)]
        with sending(office, simulator.url):
            [new] = office.signed(1, "new")
            wait_until(lambda: office.statuses([new]) == ["paid"])
        assert simulator.figures()["vouchers"] == 8
    assert event_counts(office)["voucher.sent"] == 8
    assert "command.refused" not in event_counts(office)


def _rows(office: Office) -> list[tuple[str, str]]:
    return office.keeper.sql(
        "SELECT number, state FROM outbox WHERE ledger_id = %s ORDER BY number"
    )


# ---- claims on the central bank


def paid_and_claimed(office: Office, desk: Desk, clear_no: str = "C1") -> None:
    """Payments that the bank has paid, and the claim for them."""
    with bank(office, desk.url) as simulator, sending(office, simulator.url):
        numbers = office.signed(3)
        wait_until(lambda: office.statuses(numbers) == ["paid"] * 3)
    office.keeper.do(RequestClearing(clear_no=clear_no, clear_date=DAY, pay_bank_code="102"))


def clearing_status(office: Office, clear_no: str = "C1") -> str:
    with office.pool.connection() as connection:
        found = read_objects(connection, office.keeper.ledger_id, CLEARING, [clear_no])
    return str(found[clear_no].status)


def test_a_claim_is_settled_and_the_zero_balance_account_is_zero(
    office: Office, desk: Desk
) -> None:
    paid_and_claimed(office, desk)
    assert office.keeper.books()["零余额账户"] == "-3.00"
    simulator = central_bank(office, desk.url)
    with simulator, sending(office, "", simulator.url) as dispatcher:
        wait_until(lambda: clearing_status(office) == "cleared")
        wait_until(lambda: dispatcher.health().sent == 0)
        assert simulator.figures()["paid_amt"] == "3.00"
    books = office.keeper.books()
    assert "零余额账户" not in books
    assert books["国库存款"] == "-3.00"


def test_a_rejected_claim_can_be_made_again(office: Office, desk: Desk) -> None:
    paid_and_claimed(office, desk)
    rejecting = central_bank(office, desk.url, faults=Faults(reject_rate=1.0))
    with rejecting, sending(office, "", rejecting.url):
        wait_until(lambda: clearing_status(office) == "rejected")
    office.keeper.do(RequestClearing(clear_no="C2", clear_date=DAY, pay_bank_code="102"))
    with central_bank(office, desk.url) as simulator, sending(office, "", simulator.url):
        wait_until(lambda: clearing_status(office, "C2") == "cleared")
    assert "零余额账户" not in office.keeper.books()


def test_a_claim_answered_over_another_amount_is_refused(office: Office, desk: Desk) -> None:
    paid_and_claimed(office, desk)
    wrong = central_bank(office, desk.url, faults=Faults(wrong_amount_rate=1.0))
    with wrong, sending(office, "", wrong.url):
        wait_until(lambda: desk.refusals)
        wait_until(lambda: wrong.figures()["receipts_refused"] == 1)
    assert desk.refusals == ["receipt_mismatch"]
    assert clearing_status(office) == "requested"
    assert office.keeper.books()["零余额账户"] == "-3.00"


def test_a_claim_sent_again_after_a_rebuild_is_settled_once(office: Office, desk: Desk) -> None:
    paid_and_claimed(office, desk)
    desk.closed = True
    simulator = central_bank(office, desk.url)
    with simulator, sending(office, "", simulator.url):
        wait_until(lambda: _rows(office) == [(f"{_ledger(office)}:C1:1", "sent")])
        with office.pool.connection() as connection:
            outbox.rebuild(connection)  # no event says that a claim was sent: it is due again
        wait_until(lambda: _attempts(office) == 1)
        wait_until(lambda: _rows(office) == [(f"{_ledger(office)}:C1:1", "sent")])
        desk.closed = False
        wait_until(lambda: clearing_status(office) == "cleared")
        assert simulator.figures()["paid_amt"] == "3.00"
    assert event_counts(office)["clearing.claim_receipted"] == 1
    assert desk.refusals == []


def _ledger(office: Office) -> str:
    return ledger_text(office.keeper.ledger_id)
