"""A head's row that says other settings than the events: nobody decides by it.

By ``UPDATE ledgers SET settings`` two payments were once paid on one signature instead of four.
"""

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger.errors import Code, UnavailableError
from tests.support.bookkeeper import Bookkeeper, payment, signature

FOUR = ("unit", "finance_first", "finance_second", "treasury")
SET_ROLES = (
    "UPDATE ledgers SET settings = jsonb_set(settings, '{signature_policy,roles}', %s::jsonb)"
)
ONE_SIGNATURE, AS_IT_WAS = '["treasury"]', json.dumps(FOUR)


@pytest.fixture
def keeper(bookkeeper: Bookkeeper) -> Bookkeeper:
    """A ledger in which four persons sign, and an application that is approved."""
    bookkeeper.issue("B", "100.00")
    bookkeeper.policy(*FOUR)
    return bookkeeper


@pytest.fixture
def another(keeper: Bookkeeper, pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """Another process on the same ledger, which has not worked on it yet."""
    other = Bookkeeper(pool)
    other.clock.now = keeper.clock.now
    yield other
    other.close()


def rewrite(conn: psycopg.Connection, statement: str, *values: str) -> None:
    conn.execute(statement, values)
    conn.commit()


def refusal(keeper: Bookkeeper, number: str) -> UnavailableError:
    with pytest.raises(UnavailableError) as raised:
        keeper.ask(payment(number, "B", "1.00"))
    return raised.value


def reasons(keeper: Bookkeeper) -> list[str]:
    with keeper.pool.connection() as connection:
        return [
            reason
            for reason in keeper.sequencer.conditions.reasons(connection)
            if "signature_policy" in reason
        ]


def test_a_process_that_begins_does_not_believe_a_rewritten_row(
    keeper: Bookkeeper, another: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    rewrite(owner_conn, SET_ROLES, ONE_SIGNATURE)
    error = refusal(another, "P1")
    assert error.code is Code.HISTORY_CUT
    assert "signature_policy is stored as" in error.detail
    assert '"finance_second"' in error.detail
    assert [error.detail] == reasons(another)

    rewrite(owner_conn, SET_ROLES, AS_IT_WAS)
    another.do(payment("P1", "B", "1.00"))
    assert reasons(another) == []


def test_nor_does_a_process_that_has_been_at_work(
    keeper: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    keeper.do(payment("P1", "B", "1.00"))
    rewrite(owner_conn, SET_ROLES, ONE_SIGNATURE)
    assert refusal(keeper, "P2").code is Code.HISTORY_CUT


def test_what_is_left_out_of_the_row_is_as_the_events_say(
    keeper: Bookkeeper, another: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    """As of a row that an earlier release has written, which knew no such part."""
    rewrite(owner_conn, "UPDATE ledgers SET settings = settings - 'signature_policy'")
    another.apply("P1", "B", "1.00")
    another.approve("P1")
    assert another.refusal(signature("P1")) == "signature_order"
    assert another.ask(signature("P1", role="unit"), "unit").problem is None


def test_what_cannot_be_read_is_refused(
    keeper: Bookkeeper, another: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    rewrite(owner_conn, "UPDATE ledgers SET settings = '{\"signature_policy\": 1}'")
    assert "cannot be read" in refusal(another, "P1").detail


def test_processes_that_set_policies_in_turn_believe_each_other(
    keeper: Bookkeeper, another: Bookkeeper
) -> None:
    for turn, roles in enumerate((("treasury",), FOUR, ("finance_first",))):
        mine, theirs = (keeper, another) if turn % 2 else (another, keeper)
        theirs.clock.now = mine.clock.now = max(mine.clock.now, theirs.clock.now)
        mine.policy(*roles)
        theirs.do(payment(f"P{turn}", "B", "1.00"))
