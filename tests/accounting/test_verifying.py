"""Openings and cash under audit: a history holds as it is, and what is changed is found."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from accounting.openings import OPENING, OPENINGS
from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.objects import read_head, read_objects
from payments.verification.run import Options, verify_ledger
from projections.core.runner import Runner
from tests.conftest import drop_database, new_database
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.exports import export, restore
from tests.support.openings import credit, debit, opening
from tests.support.redeciding import taken_again
from tests.support.tampering import rewritten
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

OPENED = opening(
    "treasury_financial",
    debit("500.00", acct_cls_id="B2", fund_type_code="2"),
    credit("500.00", acct_cls_id="B71"),
)


@pytest.fixture
def books(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.do(OPENED, "accountant")
    return bookkeeper


@pytest.fixture
def other_database(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


def found(database: Database, keeper: Bookkeeper, folder: Path) -> list[str]:
    """What the audit of the year's history finds."""
    report = verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        keeper.ledger_id,
        Options(folder=folder),
    )
    again = taken_again(database.app_conninfo, keeper.ledger_id).all()
    every = (*report.findings, *again)
    return [f"{each.check} at {each.position}: {each.detail}" for each in every]


def test_it_holds(books: Bookkeeper, database: Database, tmp_path: Path) -> None:
    assert found(database, books, tmp_path) == []


def test_it_holds_offline(books: Bookkeeper, database: Database, tmp_path: Path) -> None:
    audited = audited_as_it_stands(database, books)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 0, output


TAMPERED = {
    "opening": ("opening.loaded", b'"500.00"', b'"900.00"', "裁定不符"),
    "journal": ("journal.posted", b'"B71",-1,"500.00"', b'"B71",-1,"400.00"', "借贷不平"),
    "side": ("journal.posted", b'"B71",-1', b'"B17",-1', "裁定不符"),
}


@pytest.mark.parametrize(("type_", "old", "new", "told"), TAMPERED.values(), ids=list(TAMPERED))
def test_what_is_rewritten_is_found(
    books: Bookkeeper,
    database: Database,
    tmp_path: Path,
    type_: str,
    old: bytes,
    new: bytes,
    told: str,
) -> None:
    """With digests and chain made to fit, as whoever owns the database can."""
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        rewritten(type_, 0, old, new)(connection, books.ledger_id)
    assert any(told in each for each in found(database, books, tmp_path))


def test_it_is_brought_elsewhere_and_goes_on(
    books: Bookkeeper, tmp_path: Path, other_database: Database
) -> None:
    export(books.pool, books.ledger_id, tmp_path / "out")
    with fresh_pool(other_database.app_conninfo) as pool:
        restore(pool, tmp_path / "out")
        Runner(pool).catch_up()
        with pool.connection() as connection:
            head = read_head(connection, books.ledger_id)
            opened = read_objects(connection, books.ledger_id, OPENING, [OPENED.number])
        assert head is not None
        assert head.settings.get(OPENINGS).books == ("treasury_financial",)
        assert opened[OPENED.number].loaded.by == "accountant"
        keeper = Bookkeeper(pool)
        other = opening("treasury_financial", debit("1.00", acct_cls_id="B2"))
        assert keeper.refusal(other) == "already_opened"
        keeper.close()
