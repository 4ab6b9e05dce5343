"""A bank that does not answer: one message asks, all others wait, and all go when it is back."""

import socket
import threading
from dataclasses import replace

import pytest
from starlette.responses import Response
from structlog.testing import capture_logs

from payments.delivery import outbox
from payments.delivery.outages import (
    end_outage,
    hold_for,
    let_go_of_the_forgotten,
    note_outage,
    read_outages,
    take_probe,
)
from payments.messages.envelope import VoucherBody
from tests.support.channel_parties import FAST, ReceiptServer, SigningTreasury, bank
from tests.support.receiver import Receiver, accepting
from tests.support.sending import due_rows, event_counts, sending, taken_rows
from tests.support.waiting import wait_until

URL = "http://127.0.0.1:1/vouchers"


def held(treasury: SigningTreasury) -> list[tuple[str, int]]:
    """Number, and attempts begun, of what waits for a bank."""
    return treasury.keeper.sql(
        "SELECT number, attempts FROM outbox WHERE ledger_id = %s AND state = 'held'"
        " ORDER BY position"
    )


def asked(treasury: SigningTreasury) -> int:
    """Messages in a row that had no answer."""
    with treasury.pool.connection() as connection:
        return sum(outage.asked for outage in read_outages(connection).values())


def test_while_a_bank_is_down_one_message_asks_and_the_log_tells_it_once(
    treasury: SigningTreasury,
) -> None:
    """Each voucher had its own attempts, its own lines, and a time-out of ten seconds to itself."""
    numbers = treasury.applied(60)
    policy = replace(FAST, items_max=10, senders=1)
    with (
        Receiver(lambda _: Response(b"<h1>Bad Gateway</h1>", 502)) as gateway,
        capture_logs() as logs,
        sending(treasury, gateway.url, policy=policy) as dispatcher,
    ):
        treasury.sign(numbers[:20])
        wait_until(lambda: len(held(treasury)) == 20)
        treasury.sign(numbers[20:])
        wait_until(lambda: len(held(treasury)) > 50)
        before = asked(treasury)
        wait_until(lambda: asked(treasury) > before + 2)
        assert dispatcher.health().due == 60
    assert gateway.asked_at_once == 1
    assert max(len(came) for came in gateway.came) <= 16
    assert [entry["event"] for entry in logs if entry["log_level"] != "debug"] == [
        "a bank does not answer"
    ]
    assert "502" in logs[0]["error"]


def test_what_waits_goes_at_once_when_the_bank_answers(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    numbers = treasury.applied(40)
    patient = replace(FAST, retry_cap_s=3600.0, items_max=5)
    simulator = bank(treasury, server.url)
    with simulator, sending(treasury, simulator.url, policy=patient):
        simulator.kill()
        treasury.sign(numbers)
        wait_until(lambda: len(held(treasury)) == 40)
        simulator.start()
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 40)
        assert simulator.figures()["paid_amt"] == "40.00"
        with treasury.pool.connection() as connection:
            assert read_outages(connection) == {}
    assert event_counts(treasury)["voucher.receipted"] == 40


def test_one_banks_outage_is_not_anothers(treasury: SigningTreasury, server: ReceiptServer) -> None:
    keeper = treasury.keeper
    keeper.policy("treasury", pay_bank_code="105")
    others = treasury.applied(3, "Q")
    keeper.policy("treasury", pay_bank_code="102")
    silent = socket.create_server(("127.0.0.1", 0))
    more = {"105": f"http://127.0.0.1:{silent.getsockname()[1]}"}
    policy = replace(FAST, timeout_s=1.0)
    with (
        silent,
        bank(treasury, server.url) as simulator,
        sending(treasury, simulator.url, policy=policy, more_banks=more),
    ):
        treasury.sign(others)
        wait_until(lambda: len(held(treasury)) == 3)
        numbers = treasury.signed(3)
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 3)
        assert treasury.statuses(others) == ["signed"] * 3


def test_one_voucher_that_alone_has_no_answer_keeps_nobody_back(treasury: SigningTreasury) -> None:
    """A gateway that refuses one of them with a bare 400 looks like a bank that is not there."""
    numbers = treasury.applied(9)
    cert_nos = {n: p.pay_cert_no for n, p in treasury.payments(numbers).items()}
    bad = cert_nos["P1"]
    taken_in: set[str] = set()
    lock = threading.Lock()

    def picky(came: list[VoucherBody]) -> Response:
        if any(body.voucher_no == bad for body in came):
            return Response(b"too ugly", 400)
        with lock:
            taken_in.update(body.voucher_no for body in came)
        return accepting(came)

    with Receiver(picky) as gateway, sending(treasury, gateway.url):
        treasury.sign(numbers[:1])
        wait_until(lambda: asked(treasury) > 2)
        treasury.sign(numbers[1:])
        wait_until(lambda: treasury.statuses(numbers) == ["signed"] + ["sent"] * 8)
    assert taken_in == set(cert_nos.values()) - {bad}


def test_letting_go_ends_no_lease(treasury: SigningTreasury) -> None:
    """What another sender has in hand stays in his hands when all that waits is let go."""
    treasury.signed(4)
    with treasury.pool.connection() as connection:
        connection.autocommit = True
        outbox.consume(connection, treasury.keeper.ledger_id)
        in_hand = taken_rows(connection, 2)
        waiting = taken_rows(connection, 2)
        note_outage(connection, URL, "102", "down", was_probe=False, first_s=3600.0, cap_s=3600.0)
        hold_for(connection, waiting, URL, list(waiting.attempts), "down")
        before = due_rows(treasury)
        end_outage(connection, URL)
        connection.autocommit = False
    after = {number: due_at for number, _, due_at in due_rows(treasury)}
    assert {number: after[number] for number in in_hand.attempts} == {
        number: due_at for number, _, due_at in before
    }
    assert after.keys() == in_hand.attempts.keys() | waiting.attempts.keys()


def test_nothing_is_held_for_an_outage_that_is_over(treasury: SigningTreasury) -> None:
    treasury.signed(2)
    with treasury.pool.connection() as connection:
        connection.autocommit = True
        outbox.consume(connection, treasury.keeper.ledger_id)
        parcel = taken_rows(connection, 2)
        hold_for(connection, parcel, URL, list(parcel.attempts))
        assert held(treasury) == []
        assert [attempts for _, attempts, _ in due_rows(treasury)] == [0, 0]
        connection.execute("UPDATE outbox SET state = 'held', url = %s", (URL,))
        let_go_of_the_forgotten(connection)
        assert held(treasury) == []
        connection.autocommit = False


def test_a_probe_takes_what_was_tried_least_and_one_at_a_time(treasury: SigningTreasury) -> None:
    treasury.signed(40)
    with treasury.pool.connection() as connection:
        connection.autocommit = True
        outbox.consume(connection, treasury.keeper.ledger_id)
        parcel = taken_rows(connection, 40)
        tried = [f"P{index}" for index in range(1, 31)]
        untried = [f"P{index}" for index in range(31, 41)]
        note_outage(connection, URL, "102", "down", was_probe=False, first_s=0.0, cap_s=0.0)
        hold_for(connection, parcel, URL, tried, "down")
        hold_for(connection, parcel, URL, untried)
        probe = take_probe(connection, 60.0)
        assert probe is not None
        assert probe.parcel.attempts.keys() == {*untried, *tried[:6]}
        assert take_probe(connection, 60.0) is None
        connection.autocommit = False


@pytest.mark.parametrize("waiting", [0, 3])
def test_an_outage_that_nobody_waits_for_is_over(treasury: SigningTreasury, waiting: int) -> None:
    numbers = treasury.signed(3)
    with treasury.pool.connection() as connection:
        connection.autocommit = True
        outbox.consume(connection, treasury.keeper.ledger_id)
        note_outage(connection, URL, "102", "down", was_probe=False, first_s=0.0, cap_s=0.0)
        hold_for(connection, taken_rows(connection, 3), URL, numbers[:waiting], "down")
        assert (take_probe(connection, 60.0) is None) == (waiting == 0)
        assert bool(read_outages(connection)) == (waiting > 0)
        connection.autocommit = False
