"""Invariant 5: positions are gapless; each stream's versions are gapless; nothing is rewritten."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.bookkeeper import Bookkeeper, fresh_pool, payment


def assert_gapless(b: Bookkeeper) -> None:
    rows = b.sql(
        "SELECT position, stream_id, stream_version FROM events WHERE ledger_id = %s"
        " ORDER BY position"
    )
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    versions: dict[object, int] = {}
    for _, stream_id, version in rows:
        assert version == versions.get(stream_id, 0) + 1
        versions[stream_id] = version
    [(head,)] = b.sql("SELECT position FROM ledgers WHERE ledger_id = %s")
    assert head == len(rows)


def test_refusals_and_replays_leave_no_gap(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00")
    for index in range(20):
        b.ask(payment(f"P{index % 7}", "B", "30.00"))
    b.submit(payment("Q1", "B", "1.00"), payment("Q2", "B", "999.00"), atomic=True)
    b.ask(payment("D", "B", "1.00"), dry_run=True)
    assert_gapless(b)


def test_two_processes_write_one_ledger_without_a_gap(bookkeeper: Bookkeeper) -> None:
    """Two sequencers with caches of their own, as two API processes have."""
    one = bookkeeper
    one.issue("B", "100.00")
    with fresh_pool(one.pool.conninfo) as pool:
        two = Bookkeeper(pool)
        with ThreadPoolExecutor(16) as callers:
            codes = list(
                callers.map(
                    lambda i: (one, two)[i % 2].refusal(payment(f"P{i}", "B", "1.50")), range(80)
                )
            )
        two.close()
    assert codes.count("") == 66
    assert one.figures("B")["available"] == "1.00"
    assert_gapless(one)


@pytest.mark.parametrize("table", ["events", "commits", "command_keys", "documents"])
@pytest.mark.parametrize("act", ["UPDATE {} SET ledger_id = 1", "DELETE FROM {}", "TRUNCATE {}"])
def test_history_cannot_be_rewritten(
    bookkeeper: Bookkeeper, owner_conninfo: str, table: str, act: str
) -> None:
    bookkeeper.issue("B", "100.00")
    bookkeeper.pay("P", "B", "1.00")
    with (
        bookkeeper.pool.connection() as application,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        application.execute(act.format(table))
    with (
        psycopg.connect(owner_conninfo) as superuser,
        pytest.raises(psycopg.errors.RestrictViolation),
    ):
        superuser.execute(act.format(table))
