"""What is dated back finds the days it needs: cached, stored, or in no row yet."""

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from api.upgrading import date_floors
from budget import indicators
from budget.balances import BALANCES
from ledger.books import load_charts
from ledger.deciding.opening import DATED_FLOORS
from ledger.postgres.database import Database
from ledger.reading.objects import read_head
from ledger.writing.committer import WRITER_PROCESS_SUBMISSIONS_MIN
from payments.clearing.uncleared import UNCLEARED
from tests.invariants.test_invariant_13_every_day import folded, stored
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.histories import older_ledger

JAN_5, JAN_20, FEB_10, MAR_1, MAR_2, DEC_20 = (
    date(2026, *day) for day in ((1, 5), (1, 20), (2, 10), (3, 1), (3, 2), (12, 20))
)


@pytest.fixture
def several_days(bookkeeper: Bookkeeper) -> Bookkeeper:
    """100.00 from January 20 on, of which 60.00 are applied for on March 1."""
    bookkeeper.issue("B", "100.00", effective_on=JAN_20)
    bookkeeper.adjust("B", "-10.00", effective_on=FEB_10)
    bookkeeper.adjust("B", "10.00", effective_on=MAR_1)
    bookkeeper.apply("P1", "B", "60.00", effective_on=MAR_1)
    return bookkeeper


def another(b: Bookkeeper, **more: str) -> Bookkeeper:
    """The same ledger by a process that has nothing in its cache."""
    keeper = Bookkeeper(b.pool, **more)
    keeper.clock.now = b.clock.now
    return keeper


def assert_kept_as_folded(b: Bookkeeper) -> None:
    for register in (BALANCES, UNCLEARED):
        assert stored(b, register) == folded(b, register)


def test_a_payment_dated_before_its_indicator_is_refused(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "1000.00", effective_on=DEC_20)
    assert b.refusal(payment("P1", "B", "1.00", effective_on=JAN_5)) == "indicator_not_executable"
    assert b.refusal(payment("P2", "B", "1.00")) == "indicator_not_executable"
    assert b.refusal(payment("P3", "B", "1.00", effective_on=DEC_20)) == "future_date"
    b.until(DEC_20)
    b.apply("P4", "B", "1000.00")


def test_money_that_a_later_reallocation_takes_is_not_there_before(
    bookkeeper: Bookkeeper,
) -> None:
    b = bookkeeper
    b.issue("A", "100.00", effective_on=JAN_5)
    b.issue("B", "0.01", effective_on=JAN_5)
    taken = indicators.ReallocateIndicator(
        bgt_id="A", to_bgt_id="B", adj_no="R", amt="70.00", reason="调剂", effective_on=MAR_1
    )
    b.do(taken)
    refused = b.ask(payment("P1", "A", "30.01", effective_on=FEB_10)).problem
    assert refused is not None
    assert refused.code.text == "insufficient_indicator"
    assert (refused.extra["on"], refused.extra["available_amt"]) == ("2026-03-01", "30.00")
    b.apply("P2", "A", "30.00", effective_on=FEB_10)
    b.apply("P3", "B", "0.01", effective_on=FEB_10)  # what came on March 1 was not there
    assert b.refusal(payment("P4", "B", "0.01", effective_on=FEB_10)) == "insufficient_indicator"
    b.apply("P5", "B", "70.00", effective_on=MAR_1)
    assert_kept_as_folded(b)


def test_an_adjustment_dated_back_must_leave_every_day(several_days: Bookkeeper) -> None:
    b = several_days
    cut = indicators.AdjustIndicator(
        bgt_id="B", adj_no="c", adj_amt="-40.01", reason="追减", effective_on=JAN_20
    )
    refused = b.ask(cut).problem
    assert refused is not None
    assert (refused.extra["on"], refused.extra["available_amt"]) == ("2026-03-01", "40.00")
    b.adjust("B", "-40.00", effective_on=JAN_20)
    assert b.figures("B")["available"] == "0.00"
    assert_kept_as_folded(b)


def test_the_plan_holds_on_every_day(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00", is_contrlbyplan=True, effective_on=JAN_5)
    b.plan("B", "50.00", effective_on=FEB_10)
    early = b.ask(payment("P1", "B", "1.00", effective_on=JAN_20)).problem
    assert early is not None
    assert (early.code.text, early.extra["on"]) == ("insufficient_plan", "2026-01-20")
    b.apply("P2", "B", "50.00", effective_on=FEB_10)
    assert b.refusal(payment("P3", "B", "0.01", effective_on=MAR_1)) == "insufficient_plan"


def test_another_process_reads_the_days_it_needs(several_days: Bookkeeper) -> None:
    keeper = another(several_days)
    try:
        early = payment("P2", "B", "40.01", effective_on=FEB_10)
        assert keeper.refusal(early) == "insufficient_indicator"
        keeper.apply("P3", "B", "40.00", effective_on=FEB_10)
        assert_kept_as_folded(keeper)
        several_days.adjust("B", "5.00", effective_on=JAN_20)  # follows what the other has written
        late = payment("P4", "B", "5.01", effective_on=JAN_20)
        assert several_days.refusal(late) == "insufficient_indicator"
        assert_kept_as_folded(several_days)
    finally:
        keeper.close()


def test_a_batch_that_moves_forward_and_back_finds_its_own_days(several_days: Bookkeeper) -> None:
    """The days are read in the middle of a batch that has made new ones itself."""
    keeper = another(several_days)
    try:
        outcomes = keeper.submit(
            payment("F1", "B", "1.00"),
            payment("F2", "B", "1.00", effective_on=MAR_1),
            payment("F3", "B", "38.00", effective_on=FEB_10),
            payment("F4", "B", "0.01", effective_on=JAN_20),
            payment("F5", "B", "0.01"),
        )
        assert [not o.problem for o in outcomes] == [True, True, True, False, False]
        assert_kept_as_folded(keeper)
    finally:
        keeper.close()


def test_what_is_taken_back_leaves_no_day_behind(several_days: Bookkeeper) -> None:
    keeper = another(several_days)
    try:
        before = stored(keeper, BALANCES)
        back = payment("D1", "B", "1.00", effective_on=FEB_10)
        assert keeper.ask(back, dry_run=True).problem is None
        keeper.submit(
            payment("D2", "B", "1.00", effective_on=JAN_20),
            payment("D3", "B", "99.00", effective_on=JAN_20),
            atomic=True,
        )
        assert stored(keeper, BALANCES) == before
        keeper.apply("D4", "B", "40.00", effective_on=JAN_20)
        assert_kept_as_folded(keeper)
    finally:
        keeper.close()


@pytest.fixture
def by_process(pool: ConnectionPool, database: Database) -> Iterator[Bookkeeper]:
    keeper = Bookkeeper(pool, writer_conninfo=database.app_conninfo)
    keeper.open()
    keeper.issue("B", "100000.00", effective_on=JAN_5)
    keeper.adjust("B", "-90000.00", effective_on=FEB_10)
    keeper.apply("P", "B", "1.00")
    yield keeper
    keeper.close()


def test_a_large_batch_of_another_process_is_dated_back(
    by_process: Bookkeeper, database: Database
) -> None:
    keeper = another(by_process, writer_conninfo=database.app_conninfo)
    many = WRITER_PROCESS_SUBMISSIONS_MIN + 50
    try:
        outcomes = keeper.submit(
            *(payment(f"M{n}", "B", "9.99", effective_on=JAN_20) for n in range(many))
        )
        accepted = sum(outcome.problem is None for outcome in outcomes)
        assert accepted == 9_999_00 // 9_99
        assert_kept_as_folded(keeper)
    finally:
        keeper.close()


def test_a_database_of_an_earlier_release_gets_its_days(
    several_days: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    due = stored(several_days, BALANCES)
    owner_conn.execute("UPDATE registers SET day = NULL")
    owner_conn.execute("DELETE FROM register_days")
    owner_conn.commit()
    keeper = another(several_days)
    try:  # before the program was started anew: the first that is needed has them folded
        early = payment("E1", "B", "40.01", effective_on=FEB_10)
        assert keeper.refusal(early) == "insufficient_indicator"
        assert stored(keeper, BALANCES) == due
    finally:
        keeper.close()


def test_an_older_ledger_says_once_from_when_on_its_floors_hold(
    pool: ConnectionPool, owner_conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = older_ledger(pool, monkeypatch)
    keeper.issue("B", "100.00", effective_on=JAN_20)
    keeper.apply("P1", "B", "60.00", effective_on=MAR_1)
    owner_conn.execute("UPDATE registers SET day = NULL")
    owner_conn.execute("DELETE FROM register_days")
    owner_conn.commit()
    try:
        sequencer = keeper.sequencer
        assert date_floors(pool, load_charts(), sequencer) == [keeper.ledger_id]
        assert date_floors(pool, load_charts(), sequencer) == []
        with pool.connection() as connection:
            head = read_head(connection, keeper.ledger_id)
        assert head is not None
        assert head.settings.get(DATED_FLOORS).said
        assert keeper.events()[-1][1] == "ledger.floors_dated"
        assert_kept_as_folded(keeper)
    finally:
        keeper.close()
