"""What the planner knows of read models that were filled a moment ago."""

import psycopg
import pytest

from projections.catalogue import PROJECTIONS
from projections.core.runner import Runner
from projections.core.statistics import Statistics
from tests.support.bookkeeper import Bookkeeper


def rows_known(keeper: Bookkeeper, table: str) -> float:
    """How many rows the planner believes in; -1 where nobody has counted."""
    [(known,)] = keeper.sql("SELECT reltuples FROM pg_class WHERE %s > 0 AND relname = %s", table)
    return float(known)


@pytest.fixture
def followed(bookkeeper: Bookkeeper) -> Bookkeeper:
    """Three payments, and read models that nobody has analysed."""
    bookkeeper.issue("B", "1000.00")
    for number in range(3):
        bookkeeper.apply(f"P{number}", "B", "1.00")
    Runner(bookkeeper.pool).catch_up()
    assert rows_known(bookkeeper, "proj_payments") == -1
    return bookkeeper


def test_models_that_have_grown_are_analysed_by_the_application_itself(
    followed: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    if owner_conn.info.server_version < 170000:
        pytest.skip("before Postgres 17 only autovacuum may")
    statistics = Statistics(followed.pool, PROJECTIONS, events_min=10)

    statistics.grown(9)
    assert rows_known(followed, "proj_payments") == -1

    statistics.grown(1)
    assert rows_known(followed, "proj_payments") == 3
    assert rows_known(followed, "proj_account_totals") > 0


def test_they_are_analysed_again_when_they_have_doubled(
    followed: Bookkeeper, owner_conn: psycopg.Connection
) -> None:
    if owner_conn.info.server_version < 170000:
        pytest.skip("before Postgres 17 only autovacuum may")
    statistics = Statistics(followed.pool, PROJECTIONS, events_min=10)
    statistics.grown(10)
    followed.apply("P3", "B", "1.00")
    Runner(followed.pool).catch_up()

    statistics.grown(9)
    assert rows_known(followed, "proj_payments") == 3

    statistics.grown(1)
    assert rows_known(followed, "proj_payments") == 4
