"""Invariant 17: what a year begins with is what the year before has left, and begins once.

Of indicators it holds by :class:`payments.verification.carried.CarriedCheck`, of books by
``accounting.verification``; the first test shows that two years that are one another's hold, the
others that a fen too much is found.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from accounting.handing_over import HandingOver
from budget.year_end.closing import CloseYear
from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.closing import ClosePeriod
from ledger.postgres.database import Database
from ledger.writing.submitting import submit_to
from tests.accounting.test_year_end import carry, item
from tests.budget.test_verifying import found, tampered
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

NEXT = ledger_id("440000000", 2025)


@pytest.fixture
def keeper(database: Database) -> Iterator[Bookkeeper]:
    """Of 1,000.00 in 2024 300.00 go on and 700.00 back; 2025 has the 300.00."""
    with fresh_pool(database.app_conninfo) as pool:
        keeper = Bookkeeper(pool, year=2024)
        keeper.open()
        keeper.issue("B1", "1000.00")
        keeper.clock.now = datetime(2025, 1, 4, 2, tzinfo=UTC)
        keeper.do(ClosePeriod(through="2024-12-31"), "accountant")
        keeper.do(carry("JZ-1", item("B1", "300.00", "700.00")), "accountant")
        keeper.do(CloseYear(), "accountant")
        HandingOver(pool, submit_to(keeper.sequencer), load_charts()).look()
        yield keeper
        keeper.close()


def both_years(database: Database, keeper: Bookkeeper, folder: Path) -> list[str]:
    this_year = found(database, keeper, folder / "1")
    keeper.ledger_id = NEXT
    return [*this_year, *found(database, keeper, folder / "2")]


def test_two_years_hold_here_and_offline(
    keeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    begun, ended = "indicator.carried_in", "indicator.written_off"
    rows = keeper.sql(
        "SELECT type FROM events WHERE ledger_id IN (%s, %s) AND type = ANY(%s)",
        NEXT,
        [begun, ended],
    )
    assert sorted(name for (name,) in rows) == [begun, ended]
    assert both_years(database, keeper, tmp_path) == []
    before, after = exports(database, keeper, tmp_path)
    for asked in ((before,), (after,), (after, "--before", before)):
        code, output = run(*asked, *TRUSTED, *WITNESSED)
        assert code == 0, output
    assert "books closed by their journals" in output


def exports(database: Database, keeper: Bookkeeper, folder: Path) -> list[str]:
    """Both years, exported."""
    made = []
    for key in (NEXT - 1, NEXT):
        keeper.ledger_id = key
        audited = audited_as_it_stands(database, keeper)
        made.append(str(export_audited(database, key, folder / str(key), audited.notes)))
    return made


CARRIED_IN, CARRIED_OVER = "indicator.carried_in", "indicator.carried_over"
OTHERWISE = """UPDATE events SET payload = convert_to(
    replace(convert_from(payload, 'UTF8'), '"300.00"', '"300.01"'), 'UTF8') WHERE type = '{}'"""


@pytest.mark.parametrize("type_name", [CARRIED_IN, CARRIED_OVER])
def test_a_fen_more_on_either_side_is_found(
    keeper: Bookkeeper, database: Database, tmp_path: Path, type_name: str
) -> None:
    tampered(database, OTHERWISE.format(type_name))
    wrong = both_years(database, keeper, tmp_path)
    assert any("JZ2024-B1 begins with" in each for each in wrong)


def test_what_is_said_to_be_handed_over_and_never_began_is_found(
    keeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "DELETE FROM command_keys WHERE ledger_id = %s AND number = 'JZ2024-B1'", (NEXT,)
        )
    wrong = both_years(database, keeper, tmp_path)
    assert any("B1 has not begun in 440000000-2025" in each for each in wrong)


# ---- of the books

BOOKS = """UPDATE events SET payload = convert_to(
    replace(convert_from(payload, 'UTF8'), '"300.00"', '"300.01"'), 'UTF8')
    WHERE {} AND payload LIKE '%"unit/101001"%'::bytea"""
OPENED = "type = 'journal.posted' AND payload LIKE '%\"opening.carried\"%'::bytea"
CLOSED = "type = 'books.closed'"
OTHER_BOOKS = {
    OPENED: "openings at 6: unit/101001 does not begin with what it had left",
    CLOSED: "unit/101001 held 30001 fen on D1201 101001, its journals make it 30000",
}


@pytest.mark.parametrize("where", OTHER_BOOKS)
def test_a_fen_more_in_closed_or_opened_books_is_found(
    keeper: Bookkeeper, database: Database, tmp_path: Path, where: str
) -> None:
    tampered(database, BOOKS.format(where))
    wrong = both_years(database, keeper, tmp_path)
    assert any(OTHER_BOOKS[where] in each for each in wrong), wrong


@pytest.mark.parametrize("where", OTHER_BOOKS)
def test_the_same_is_found_with_both_exports(
    keeper: Bookkeeper, database: Database, tmp_path: Path, where: str
) -> None:
    tampered(database, BOOKS.format(where))
    before, after = exports(database, keeper, tmp_path)
    code, output = run(after, "--before", before, *TRUSTED)
    assert code == 1
    found = "does not begin with what" if where == OPENED else "journals make it 300.00"
    assert found in output


def test_books_that_were_closed_and_never_began_are_found(
    keeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "DELETE FROM command_keys WHERE ledger_id = %s AND number = 'unit/101001'", (NEXT,)
        )
    wrong = both_years(database, keeper, tmp_path)
    assert any("unit/101001 has not begun in 440000000-2025" in each for each in wrong)
