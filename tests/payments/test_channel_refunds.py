"""Refunds over the channel: real signatures, real HTTP, the simulated bank as a process.

The bank is asked to return money and its signed notice books it; it returns some by itself, and
some because it is told to.
"""

from pathlib import Path
from typing import Any

import httpx
import pytest

from payments.payment import Payment
from payments.refunds.booking import is_asked_next
from payments.refunds.requests import RefundPayment
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper, detail
from tests.support.channel_parties import ReceiptServer, SigningTreasury, Simulator, bank
from tests.support.sending import read_all, rows
from tests.support.waiting import wait_until


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


def ask(treasury: SigningTreasury, number: str, amount: str, **more: Any) -> None:
    treasury.keeper.do(
        RefundPayment(
            pay_app_no=number, refund_no=f"R-{number}", refund_amt=amount, reason="退", **more
        )
    )


def one(treasury: SigningTreasury, number: str) -> Payment:
    return treasury.payments([number])[number]


def wait_status(treasury: SigningTreasury, number: str, status: str) -> Payment:
    wait_until(lambda: one(treasury, number).status == status)
    return one(treasury, number)


def told(simulator: Simulator, **body: str) -> httpx.Response:
    return asking.post(f"{simulator.url}/sim/returns", json=body)


def test_the_bank_is_asked_and_its_notice_books_the_money(treasury: SigningTreasury) -> None:
    with ReceiptServer(treasury) as receipts, bank(treasury, receipts.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            treasury.signed(1)
            wait_status(treasury, "P1", "paid")
            ask(treasury, "P1", "1.00")
            back = wait_status(treasury, "P1", "refunded")
            wait_until(lambda: simulator.figures()["receipts_owed"] == 0)
            wait_until(lambda: rows(treasury) == [])
        finally:
            dispatcher.stop()
        [refund] = back.refunds
        assert (refund.refund_no, refund.vt_code, refund.refund_amt) == ("R-P1", "2203", "1.00")
        assert simulator.figures()["paid_amt"] == "0.00"
        assert treasury.keeper.figures("B")["available"] == "1000.00"
        assert receipts.refusals == []


def test_a_line_of_a_payment_is_asked_back(treasury: SigningTreasury) -> None:
    with ReceiptServer(treasury) as receipts, bank(treasury, receipts.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            treasury.keeper.apply(
                "P1", "B", "40.00", details=(detail("d1", "30.00"), detail("d2", "10.00"))
            )
            treasury.keeper.approve("P1")
            treasury.sign(["P1"])
            wait_status(treasury, "P1", "paid")
            ask(treasury, "P1", "7.00", pay_detail_id="d2")
            wait_until(lambda: bool(one(treasury, "P1").refunds))
        finally:
            dispatcher.stop()
        assert one(treasury, "P1").returned_fen("d2") == 700


def ask_twice(treasury: SigningTreasury, *amounts: str) -> None:
    for refund_no, amount in zip(("R1", "R2"), amounts, strict=True):
        treasury.keeper.do(
            RefundPayment(pay_app_no="P1", refund_no=refund_no, refund_amt=amount, reason="退")
        )


@pytest.mark.parametrize("amounts", [("0.50", "0.50"), ("0.60", "0.40")])
def test_two_refunds_of_one_payment_are_both_asked_for_and_both_come_back(
    treasury: SigningTreasury, amounts: tuple[str, str]
) -> None:
    """Of two in one parcel the first was forgotten until its lease ended, because payments were
    read by their stream. And where both were over one amount, the notice of the second was booked
    to the first meanwhile: of that one the bank then never heard, and the second stayed open."""
    with ReceiptServer(treasury) as receipts, bank(treasury, receipts.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        treasury.signed(1)
        wait_status(treasury, "P1", "paid")
        dispatcher.stop()
        ask_twice(treasury, *amounts)
        with treasury.pool.connection() as connection:
            read_all(connection, treasury.keeper)  # so that one parcel has both
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            back = wait_status(treasury, "P1", "refunded")
        finally:
            dispatcher.stop()
        assert {refund.refund_no for refund in back.refunds} == {"R1", "R2"}
        assert simulator.figures()["paid_amt"] == "0.00"


def test_what_waits_for_the_answer_to_another_is_given_back_untried(
    treasury: SigningTreasury,
) -> None:
    with ReceiptServer(treasury) as receipts, bank(treasury, receipts.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            treasury.signed(1)
            wait_status(treasury, "P1", "paid")
            simulator.kill()
            ask_twice(treasury, "0.50", "0.50")
            wait_until(lambda: (row_of(treasury, "R1") or [""])[0] == "held", "R1 to find nobody")
            wait_until(lambda: row_of(treasury, "R2") == ("due", 0), "R2 to be given back")
            simulator.start()
            wait_status(treasury, "P1", "refunded")
        finally:
            dispatcher.stop()


def row_of(treasury: SigningTreasury, number: str) -> tuple[str, int] | None:
    """The state of a refund's row, and how often it was tried."""
    rows = treasury.keeper.sql(
        f"SELECT state, attempts FROM outbox WHERE ledger_id = %s AND number = '{number}'"
    )
    return rows[0] if rows else None


@pytest.mark.parametrize(
    ("asked", "next_ones"),
    [
        ([("R1", "0.50", ""), ("R2", "0.50", "")], {"R1"}),
        ([("R1", "0.50", ""), ("R2", "0.40", "")], {"R1", "R2"}),
        ([("R1", "0.50", "1"), ("R2", "0.50", "2")], {"R1", "R2"}),
        ([("R1", "0.50", ""), ("R2", "0.50", "1")], {"R1"}),
        ([("R1", "0.50", "1"), ("R2", "0.50", "")], {"R1"}),
        ([("R1", "0.50", ""), ("R2", "0.50", "1"), ("R3", "0.50", "2")], {"R1"}),
    ],
)
def test_which_refunds_the_bank_is_asked_for_now(
    treasury: SigningTreasury, asked: list[tuple[str, str, str]], next_ones: set[str]
) -> None:
    keeper = treasury.keeper
    lines = (detail("1", "5.00"), detail("2", "5.00"))
    keeper.pay("P1", "B", "10.00", details=lines)
    for refund_no, amount, line in asked:
        keeper.do(
            RefundPayment(
                pay_app_no="P1",
                refund_no=refund_no,
                refund_amt=amount,
                reason="退",
                pay_detail_id=line,
            )
        )
    payment = one(treasury, "P1")
    assert {n for n, _, _ in asked if is_asked_next(payment, n)} == next_ones


def test_what_the_bank_does_not_know_it_refuses_and_the_refund_says_so(
    treasury: SigningTreasury, tmp_path: Path
) -> None:
    with ReceiptServer(treasury) as receipts, bank(treasury, receipts.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            treasury.signed(1)
            wait_status(treasury, "P1", "paid")
        finally:
            dispatcher.stop()
        other = bank(treasury, receipts.url, data=tmp_path / "another bank")
        with other:  # which has paid nothing
            dispatcher = treasury.dispatcher(other.url)
            dispatcher.start()
            try:
                ask(treasury, "P1", "1.00")
                wait_until(lambda: bool(one(treasury, "P1").declined))
            finally:
                dispatcher.stop()
        declined = one(treasury, "P1")
        assert declined.status == "paid"
        assert "nothing was paid by" in declined.declined[0].reason
        assert declined.open_requests == ()


def test_accounts_of_9994_are_paid_and_sent_back_by_the_bank_itself(
    treasury: SigningTreasury,
) -> None:
    with ReceiptServer(treasury) as receipts, bank(treasury, receipts.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            treasury.signed(1, payee_acct_no="9994000000000000001")
            back = wait_status(treasury, "P1", "refunded")
        finally:
            dispatcher.stop()
        [refund] = back.refunds
        assert back.receipt is not None
        assert (refund.vt_code, refund.refund_amt) == ("2252", "1.00")
        assert treasury.keeper.figures("B")["available"] == "1000.00"


def test_the_simulator_returns_what_it_is_told_to(treasury: SigningTreasury) -> None:
    with ReceiptServer(treasury) as receipts, bank(treasury, receipts.url) as simulator:
        dispatcher = treasury.dispatcher(simulator.url)
        dispatcher.start()
        try:
            treasury.signed(2)
            paid = wait_status(treasury, "P1", "paid")
            wait_status(treasury, "P2", "paid")
        finally:
            dispatcher.stop()
        answer = told(simulator, pay_cert_no=paid.pay_cert_no, amt="0.40", vt_code="2252")
        assert answer.status_code == 200, answer.text
        wait_until(lambda: simulator.figures()["receipts_owed"] == 0)
        # the bank's day is today, and the payment was made in the tests' March
        with treasury.pool.connection() as connection:
            rows = connection.execute(
                "SELECT count(*) FROM events WHERE type IN ('payment.refunded', 'suspense.held')"
            ).fetchone()
        assert rows == (1,)
        assert told(simulator, pay_app_no="P2").status_code == 200
        too_much = told(simulator, pay_cert_no=paid.pay_cert_no, amt="0.61")
        assert (too_much.status_code, too_much.json()["code"]) == (422, "refund_exceeds_paid")
        unknown = told(simulator, pay_app_no="none")
        assert (unknown.status_code, unknown.json()["code"]) == (422, "refund_exceeds_paid")
        assert told(simulator, amount="1").status_code == 400
