"""A bank that does not answer, and one that says no: what is tried again, and what is final."""

from dataclasses import replace
from datetime import UTC, datetime

from division import certificates
from payments.delivery import outbox
from payments.signature_policy import SetSignaturePolicy
from payments.signing.credentials import person
from payments.voiding import VoidPayment
from tests.support.at_machine import FREELY
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank
from tests.support.sending import (
    attempts_begun,
    dead,
    event_counts,
    last_error,
    rows,
    sending,
)
from tests.support.waiting import wait_until


def test_it_tries_again_while_the_bank_is_down_and_goes_on_when_it_is_back(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    simulator = bank(treasury, server.url)
    with simulator, sending(treasury, simulator.url) as dispatcher:
        simulator.kill()
        numbers = treasury.signed(3)
        wait_until(lambda: attempts_begun(treasury) >= 3)
        assert dispatcher.health().due == 3
        assert "ConnectError" in last_error(treasury)
        simulator.start()
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 3)


def test_a_definitive_refusal_is_dead_at_once_and_keeps_nobody_back(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    numbers = treasury.applied(3)
    treasury.sign(numbers[:1], by="left.the.treasury")
    treasury.sign(numbers[1:], by="signer")
    with treasury.pool.connection() as connection:
        gone = certificates.current(connection, person("left.the.treasury"), datetime.now(UTC))
        certificates.revoke(connection, gone.serial, datetime.now(UTC), FREELY)
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        wait_until(lambda: treasury.statuses(numbers) == ["signed", "paid", "paid"])
        wait_until(lambda: dead(treasury))
        assert simulator.figures()["vouchers"] == 2
    assert "certificate_invalid: " in dead(treasury)["P1"]
    [(attempts,)] = treasury.keeper.sql(
        "SELECT attempts FROM outbox WHERE ledger_id = %s AND number = 'P1'"
    )
    assert attempts == 1


def test_the_banks_refusal_is_on_record_with_its_own_words(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    """It was a row in a table of the sender, and the payment said nothing of it."""
    treasury.keeper.apply("R", "B", "1.00", payee_acct_no="9993000000000001")
    treasury.keeper.approve("R")
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        treasury.sign(["R"])
        wait_until(lambda: treasury.payments(["R"])["R"].refused is not None)
        wait_until(lambda: "R" in dead(treasury))
        assert simulator.figures()["vouchers"] == 0
        treasury_retries(treasury, "R")
        wait_until(lambda: refusals_told(treasury) == 2)
    payment = treasury.payments(["R"])["R"]
    assert payment.refused is not None
    assert (payment.refused.code, payment.refused.pay_bank_code) == ("malformed", "102")
    assert "收款账号无效" in payment.refused.reason
    assert (payment.status, payment.sent) == ("signed", False)
    assert "收款账号无效" in dead(treasury)["R"]
    assert event_counts(treasury)["voucher.refused"] == 1, "the same words are no new event"
    assert treasury.keeper.figures("B")["occupied"] == "1.00"


def treasury_retries(treasury: SigningTreasury, number: str) -> None:
    """An operator's ``guoku outbox revive``."""
    with treasury.pool.connection() as connection:
        outbox.revive(connection, treasury.keeper.ledger_id, "voucher", number)


def refusals_told(treasury: SigningTreasury) -> int:
    """How often it was asked, as the row counts on when it is revived."""
    [(state, attempts)] = treasury.keeper.sql(
        "SELECT state, attempts FROM outbox WHERE ledger_id = %s"
    )
    return int(attempts) if state == "dead" else 0


def test_a_voucher_that_the_bank_takes_in_after_all_is_paid(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    """What was wrong is mended at the bank, and an operator lets it go again under its number."""
    picky = bank(treasury, server.url, required_roles=("unit",))
    numbers = treasury.signed(2)
    with picky, sending(treasury, picky.url):
        wait_until(lambda: dead(treasury).keys() == {"P1", "P2"})
        picky.kill()
        picky.config = replace(picky.config, required_roles=())
        picky.start()
        treasury_retries(treasury, "P2")
        wait_until(lambda: treasury.statuses(numbers) == ["signed", "paid"])
        assert picky.figures()["paid_amt"] == "1.00"
    refused = {n: p.refused is not None for n, p in treasury.payments(numbers).items()}
    assert refused == {"P1": True, "P2": False}


def test_refused_ones_are_still_refused_when_the_outbox_is_read_again(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    numbers = treasury.signed(2, payee_acct_no="9993000000000001")
    with bank(treasury, server.url) as simulator, sending(treasury, simulator.url):
        wait_until(lambda: event_counts(treasury)["voucher.refused"] == 2)
        wait_until(lambda: dead(treasury).keys() == set(numbers))
    with treasury.pool.connection() as connection:
        outbox.rebuild(connection)
    assert dead(treasury).keys() == set(numbers)


def test_what_cannot_be_sent_to_any_bank_was_not_tried_and_can_be_void(
    treasury: SigningTreasury,
) -> None:
    """It counted as tried though nothing had left: it could be neither void nor called back."""
    policy = SetSignaturePolicy(roles=("treasury",), pay_bank_code="103")
    treasury.keeper.do(policy, "admin")
    [number] = treasury.signed(1)
    with sending(treasury, "http://127.0.0.1:1"):
        wait_until(lambda: rows(treasury))
        wait_until(lambda: "no address is set for bank 103" in last_error(treasury))
    assert attempts_begun(treasury) == 0
    void = VoidPayment(pay_app_no=number, reason="代理银行已撤")
    assert treasury.keeper.do(void).subjects[0].status == "voided"
