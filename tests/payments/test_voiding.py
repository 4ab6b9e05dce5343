"""作废: a voucher that no bank has is void, and its money free; one that a bank may have is not."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import psycopg
import pytest

import payments.delivery.handing_over  # noqa: F401 - also in a process of its own
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.documents import ApproveDocument
from ledger.postgres.database import Database
from payments.application import ApprovePayment
from payments.delivery import leases, outbox
from payments.found_at_bank import RecordFoundAtBank
from payments.voiding import VoidPayment
from payments.voucher import MarkSent, RefuseVoucher
from tests.support.bookkeeper import Bookkeeper, fresh_pool, payment, receipt, signature
from tests.support.sending import read_all
from tests.support.waiting import HANG_S, lock_waiters, wait_for_end_of_sessions, wait_until

WRONG_PAYEE = "收款人有误"
OTHER_PROCESS = "voids and is killed"


def void(pay_app_no: str = "P1", reason: str = WRONG_PAYEE, **more: Any) -> VoidPayment:
    return VoidPayment(pay_app_no=pay_app_no, reason=reason, **more)


@pytest.fixture
def keeper(bookkeeper: Bookkeeper) -> Bookkeeper:
    """An indicator of 100.00, of which 60.00 are approved to be paid."""
    bookkeeper.issue("B1", "100.00")
    bookkeeper.apply("P1", "B1", "60.00")
    bookkeeper.approve("P1")
    return bookkeeper


def rows(keeper: Bookkeeper) -> list[tuple[str, str, int]]:
    return keeper.sql(
        "SELECT number, state, attempts FROM outbox WHERE ledger_id = %s ORDER BY number"
    )


def waits_for_a_lock(keeper: Bookkeeper) -> None:
    with keeper.pool.connection() as connection:
        connection.autocommit = True
        wait_until(lambda: lock_waiters(connection), "somebody who waits for a lock")
        connection.autocommit = False


# ---- the accountant's examples


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_void_payment_gives_its_indicator_all_back(keeper: Bookkeeper, is_signed: bool) -> None:
    """Of 100.00 60.00 are applied for, approved and void: 100.00 can be used again."""
    before = keeper.books()
    assert before["支付申请"] == "60.00"
    if is_signed:
        keeper.sign("P1")
    ended = keeper.do(void()).subjects[0]
    assert (ended.status, ended.reason) == ("voided", WRONG_PAYEE)
    assert keeper.figures("B1")["available"] == "100.00"
    assert keeper.figures("B1")["occupied"] == "0.00"
    del before["支付申请"]
    assert keeper.books() == {**before, "支出指标": "100.00"}
    event = keeper.events()[-2][2]
    assert (event.pay_cert_no, event.sent_before) == (ended.pay_cert_no, False)
    assert keeper.journals()[-1].event == "payment.voided"


def test_a_void_payment_stays_so(keeper: Bookkeeper) -> None:
    """Its voucher's number is never used again: nothing more is done with the payment."""
    approved = keeper.do(void()).subjects[0]
    for command, by in (
        (ApprovePayment(pay_app_no="P1"), "another"),
        (signature("P1"), "signer"),
        (MarkSent(pay_app_no="P1"), "dispatcher"),
        (receipt(approved), "bank"),
    ):
        assert keeper.refusal(command, by) == "invalid_state"
    assert keeper.refusal(payment("P1", "B1", "1.00")) == "idempotency_conflict"
    keeper.pay("P2", "B1", "100.00")
    assert keeper.figures("B1")["paid"] == "100.00"


def test_what_is_not_approved_has_no_voucher_and_what_is_paid_is_paid(keeper: Bookkeeper) -> None:
    keeper.apply("P2", "B1", "10.00")
    assert keeper.refusal(void("P2")) == "invalid_state"
    keeper.pay("P3", "B1", "20.00")
    assert keeper.refusal(void("P3")) == "invalid_state"
    assert keeper.refusal(void("P4")) == "payment_not_found"


def test_a_void_is_dated_as_other_acts_are(keeper: Bookkeeper) -> None:
    assert keeper.refusal(void(effective_on=date(2026, 3, 3))) == "future_date"
    outcome = keeper.do(void(effective_on=date(2026, 3, 2)))
    day = keeper.sql(
        "SELECT effective_on FROM events WHERE ledger_id = %s AND position = %s",
        outcome.first_position,
    )
    assert day == [(date(2026, 3, 2),)]


def test_another_person_agrees_to_a_void(keeper: Bookkeeper) -> None:
    policy = SetApprovalPolicy(approval_policy={"payment.void": ("treasury_checker",)})
    keeper.do(policy, "admin")
    submitted = keeper.do(void()).subjects[0]
    assert (submitted.state, submitted.number) == ("submitted", "P1")
    assert keeper.figures("B1")["available"] == "40.00"
    agree = ApproveDocument(
        document_kind="payment.void", document_no="P1", roles=("treasury_checker",)
    )
    assert keeper.refusal(agree, "maker") == "same_person"
    voided = keeper.do(agree, "checker").subjects[0]
    assert voided.status == "voided"
    assert keeper.figures("B1")["available"] == "100.00"


# ---- what a bank may have is not void


def test_what_no_sender_has_taken_is_void_and_never_sent(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    keeper.sign("P1")
    read_all(connection, keeper)
    assert rows(keeper) == [("P1", "due", 0)]
    keeper.do(void())
    read_all(connection, keeper)
    assert rows(keeper) == []
    outbox.rebuild(connection)
    assert rows(keeper) == []
    assert leases.take(connection, 10, 60.0) is None


def test_what_a_sender_has_taken_is_to_be_recalled(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    """He may die with it in hand, and nobody knows whether the bank has it."""
    keeper.sign("P1")
    read_all(connection, keeper)
    parcel = leases.take(connection, 10, 60.0)
    assert parcel is not None
    problem = keeper.ask(void()).problem
    assert problem is not None
    assert problem.code.text == "invalid_state"
    assert "recall it" in problem.detail
    # what he gives back untried nobody has
    leases.release(connection, parcel, ["P1"])
    keeper.do(void())


def test_what_was_tried_stays_so_when_the_outbox_is_read_anew(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    keeper.sign("P1")
    read_all(connection, keeper)
    leases.take(connection, 10, 60.0)
    outbox.rebuild(connection)
    assert rows(keeper) == [("P1", "due", 1)]
    assert keeper.refusal(void()) == "invalid_state"


def test_what_was_given_up_and_is_tried_again_may_be_at_the_bank(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    keeper.sign("P1")
    read_all(connection, keeper)
    parcel = leases.take(connection, 10, 60.0)
    assert parcel is not None
    leases.bury(connection, parcel, {"P1": "not in the store"})
    outbox.revive(connection, keeper.ledger_id, "voucher", "P1")
    assert keeper.refusal(void()) == "invalid_state"


def test_what_the_outbox_had_and_has_no_more_may_be_at_the_bank(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    keeper.sign("P1")
    read_all(connection, keeper)
    connection.execute("DELETE FROM outbox")
    assert keeper.refusal(void()) == "invalid_state"


def test_half_signed_is_on_no_way(keeper: Bookkeeper, connection: psycopg.Connection) -> None:
    keeper.policy("finance_first", "treasury")
    keeper.apply("P2", "B1", "10.00")
    keeper.approve("P2")
    keeper.sign("P2", "finance_first")
    read_all(connection, keeper)
    assert keeper.do(void("P2")).subjects[0].status == "voided"


def test_what_the_bank_is_found_to_have_is_not_void(keeper: Bookkeeper) -> None:
    """After a loss of history the payment was told again; the bank has paid it before."""
    found = RecordFoundAtBank(
        voucher_no="44000000020260000000000000000000001",
        pay_app_no="P1",
        paid_amt="60.00",
        bank="102",
        in_books=True,
        epoch_name="2",
    )
    keeper.do(found, "operator")
    assert keeper.refusal(void()) == "invalid_state"
    assert keeper.figures("B1")["available"] == "40.00"


def refused_by_its_bank(
    keeper: Bookkeeper, connection: psycopg.Connection, code: str = "malformed"
) -> None:
    keeper.sign("P1")
    read_all(connection, keeper)
    assert leases.take(connection, 10, 60.0) is not None
    refuse = RefuseVoucher(pay_app_no="P1", code=code, reason="无此收款行")
    keeper.do(refuse, "dispatcher")
    read_all(connection, keeper)
    assert rows(keeper) == [("P1", "dead", 1)]


def test_what_its_bank_has_refused_is_void(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    refused_by_its_bank(keeper, connection)
    keeper.do(void())
    event = keeper.events()[-2][2]
    assert (event.TYPE, event.sent_before) == ("payment.voided", True)
    assert keeper.figures("B1")["available"] == "100.00"
    read_all(connection, keeper)
    assert rows(keeper) == []


def test_what_the_bank_is_asked_for_again_is_not_void(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    refused_by_its_bank(keeper, connection)
    outbox.revive(connection, keeper.ledger_id, "voucher", "P1")
    assert keeper.refusal(void()) == "invalid_state"


def test_what_the_bank_has_under_the_same_number_is_not_void(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    """It refuses the voucher because it has had another of that number, and may have paid it."""
    refused_by_its_bank(keeper, connection, "idempotency_conflict")
    assert keeper.refusal(void()) == "invalid_state"


# ---- a sender at the same time


def test_a_sender_who_is_first_has_it(keeper: Bookkeeper, connection: psycopg.Connection) -> None:
    """He has the row, and has not committed it: the void waits for that, and is refused."""
    keeper.sign("P1")
    read_all(connection, keeper)
    with ThreadPoolExecutor(1) as other:
        with connection.transaction():
            assert leases.take(connection, 10, 60.0) is not None
            voided = other.submit(keeper.ask, void())
            waits_for_a_lock(keeper)
        problem = voided.result(HANG_S).problem
    assert problem is not None
    assert problem.code.text == "invalid_state"
    assert rows(keeper) == [("P1", "due", 1)]
    keeper.do(MarkSent(pay_app_no="P1"), "dispatcher")


def test_a_reader_of_the_outbox_who_is_first_brings_what_is_void(
    keeper: Bookkeeper, connection: psycopg.Connection
) -> None:
    """He reads the last signature; the void waits, and finds the row that nobody has tried."""
    keeper.sign("P1")
    with ThreadPoolExecutor(1) as other:
        with connection.transaction():
            assert outbox.consume(connection, keeper.ledger_id) > 0
            voided = other.submit(keeper.do, void())
            waits_for_a_lock(keeper)
        assert voided.result(HANG_S).subjects[0].status == "voided"
    assert rows(keeper) == [("P1", "due", 0)]


def held_void(keeper: Bookkeeper, other: ThreadPoolExecutor, *before: Any) -> Any:
    """A void that has asked how the voucher stands, and is not committed: the indicator's row,
    which it is about to write, is another's."""
    return other.submit(keeper.submit, *before, void())


@pytest.mark.parametrize("is_read", [False, True])
def test_while_a_void_is_being_committed_no_sender_takes_the_voucher(
    keeper: Bookkeeper, connection: psycopg.Connection, is_read: bool
) -> None:
    """Whether the outbox has read it or not: nothing is read, nothing is taken until the commit;
    and afterwards it is void for whoever takes the row."""
    read_all(connection, keeper)
    keeper.sign("P1")
    if is_read:
        read_all(connection, keeper)
    with ThreadPoolExecutor(1) as other, keeper.pool.connection() as holder:
        holder.execute("SELECT FROM registers WHERE key = 'B1' FOR UPDATE")
        voided = held_void(keeper, other)
        waits_for_a_lock(keeper)
        assert outbox.consume(connection, keeper.ledger_id) == 0
        assert leases.take(connection, 10, 60.0) is None
        holder.rollback()
        assert voided.result(HANG_S)[-1].subjects[0].status == "voided"
    read_all(connection, keeper)
    assert leases.take(connection, 10, 60.0) is None
    assert rows(keeper) == []


def test_a_large_batch_holds_what_it_has_asked_for_until_another_process_has_committed_it(
    keeper: Bookkeeper, connection: psycopg.Connection, database: Database
) -> None:
    keeper.sign("P1")
    read_all(connection, keeper)
    large = Bookkeeper(keeper.pool, writer_conninfo=database.app_conninfo)
    others = [payment(f"N{n}", "B1", "0.01") for n in range(1_100)]
    try:
        with ThreadPoolExecutor(1) as other, keeper.pool.connection() as holder:
            holder.execute("SELECT FROM registers WHERE key = 'B1' FOR UPDATE")
            voided = held_void(large, other, *others)
            waits_for_a_lock(keeper)
            assert leases.take(connection, 10, 60.0) is None
            holder.rollback()
            assert voided.result(HANG_S)[-1].subjects[0].status == "voided"
    finally:
        large.close()


def _void_in_another_process(conninfo: str) -> None:
    with fresh_pool(conninfo) as pool:
        Bookkeeper(pool).ask(void())


def test_a_void_that_is_killed_on_its_way_has_not_been(
    keeper: Bookkeeper, connection: psycopg.Connection, database: Database
) -> None:
    """kill -9 while it asks how the voucher stands: it is as it was, and nothing stays locked."""
    keeper.sign("P1")
    read_all(connection, keeper)
    spawn = multiprocessing.get_context("spawn")
    named = f"{database.app_conninfo} application_name='{OTHER_PROCESS}'"
    process = spawn.Process(target=_void_in_another_process, args=(named,), daemon=True)
    with keeper.pool.connection() as holder:
        holder.execute("SELECT FROM outbox WHERE number = 'P1' FOR UPDATE")
        process.start()
        waits_for_a_lock(keeper)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(HANG_S)
    wait_for_end_of_sessions(database.owner_conninfo, OTHER_PROCESS)
    assert rows(keeper) == [("P1", "due", 0)]
    assert keeper.figures("B1")["available"] == "40.00"
    assert leases.take(connection, 10, 60.0) is not None
