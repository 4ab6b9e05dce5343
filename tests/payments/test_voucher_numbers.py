"""Voucher numbers come from what the caller repeats, not from a place in a history.

After a restore the same payments reached the bank under other numbers, and one was paid twice; five
other payments were given numbers that the bank knew already.
"""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_id
from ledger.postgres.database import Database
from payments import issued
from payments.issued import find_approvals
from payments.voucher_number import bill_no, ledger_of_voucher, voucher_number
from tests.support.bookkeeper import Bookkeeper, fresh_pool

LEDGER = ledger_id("440000000", 2026)


@pytest.fixture
def other(database: Database, pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """The same year of another division, with another history before."""
    keeper = Bookkeeper(pool, division="440100000")
    keeper.open()
    keeper.issue("B", "100.00")
    yield keeper
    keeper.close()


def test_a_number_is_that_of_the_ledger_and_the_payment() -> None:
    """These are what banks know payments by: they may never be made otherwise."""
    assert voucher_number(LEDGER, "SQ-1") == "44000000020262314280296379237379374"
    assert voucher_number(LEDGER, "SQ-2") == "44000000020261669687774635976706593"
    assert voucher_number(ledger_id("440100000", 2026), "SQ-1")[13:] != "2314280296379237379374"
    assert ledger_of_voucher(voucher_number(LEDGER, "SQ-1")) == LEDGER
    assert ledger_of_voucher("44000000020260000000041") == LEDGER  # as it was before
    for other in ("", "4400000002026", "4" * 36, "４" * 35, "4400000002026" + "x" * 22):
        assert ledger_of_voucher(other) is None


def test_a_payment_told_again_in_another_history_has_its_old_number(
    bookkeeper: Bookkeeper, other: Bookkeeper
) -> None:
    bookkeeper.issue("B", "100.00")
    bookkeeper.apply("P1", "B", "1.00")
    first = bookkeeper.approve("P1").pay_cert_no
    assert first == voucher_number(bookkeeper.ledger_id, "P1")
    for number in ("X1", "X2", "P1"):
        other.apply(number, "B", "1.00")
        told = other.approve(number).pay_cert_no
        assert told == voucher_number(other.ledger_id, number) != first


def test_an_approval_is_found_by_its_bill_number_or_its_own(
    bookkeeper: Bookkeeper, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bookkeeper.issue("B", "100.00")
    numbers = {}
    for pay_app_no in ("P1", "P<2>&'", "P3"):
        bookkeeper.apply(pay_app_no, "B", "1.00")
        numbers[pay_app_no] = bookkeeper.approve(pay_app_no).pay_cert_no
    monkeypatch.setattr(issued, "FOLLOWED_MAX", 2)  # events at once
    with fresh_pool(database.app_conninfo) as pool, pool.connection() as connection:
        for pay_app_no, number in numbers.items():
            for named in (pay_app_no, "", "P-other"):  # the last one is not this voucher's
                found = find_approvals(connection, {number: named})
                assert found[number].pay_app_no == pay_app_no
        assert find_approvals(connection, {voucher_number(LEDGER, "P9"): "P1"}) == {}
        assert find_approvals(connection, {voucher_number(99, "P1"): ""}) == {}


def test_a_bill_number_is_read_as_it_was_written() -> None:
    assert bill_no("<BillNo>申请-1&amp;&lt;</BillNo>".encode("gbk")) == "申请-1&<"
    assert bill_no(b"<BillNo></BillNo>") == ""
    assert bill_no(b"<Bill>no</Bill>") == ""


def test_a_voucher_of_a_former_release_is_found_by_its_place(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    """Its number ended with the position of its approval; it stays as it was stored."""
    bookkeeper.issue("B", "100.00")
    bookkeeper.apply("P1", "B", "1.00")
    position = len(bookkeeper.events()) + 1
    former = f"4400000002026{position:010d}"
    bookkeeper.approve("P1")
    new = voucher_number(LEDGER, "P1")
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE events SET payload = convert_to(replace(convert_from(payload, 'UTF8'), %s, %s),"
            " 'UTF8') WHERE ledger_id = %s AND position = %s",
            (new, former, LEDGER, position),
        )
    with fresh_pool(database.app_conninfo) as pool, pool.connection() as connection:
        assert find_approvals(connection, {former: ""})[former].pay_app_no == "P1"
        assert find_approvals(connection, {f"4400000002026{1:010d}": "P1"}) == {}
