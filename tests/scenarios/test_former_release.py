"""What the release before has left: its history comes in and holds, its database is brought up.

``tests/fixtures/histories`` keeps an export that release 0.1.0 made of the worked example, with its
own banks' signatures. It is never made anew.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from api.schema import MIGRATIONS
from budget.balances import BALANCES, Balances
from ledger.account_set import parse_ledger
from ledger.calendar import PERIODS
from ledger.deciding.command import Submission
from ledger.deciding.opening import TITLE
from ledger.deciding.settings import decoded
from ledger.postgres.database import Database, connect, embedded_database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.migrate import load_migrations, migrate
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head
from payments.clearing.uncleared import UNCLEARED, Uncleared
from payments.clearing.uncleared_key import UnclearedKey
from payments.signature_policy import SIGNATURE_POLICY
from projections.core.runner import Runner
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.command_line import clean_environment, run
from tests.support.exports import restore
from tests.support.paths import FIXTURES

HISTORY = FIXTURES / "histories" / "0.1.0-440000000-2026"
HEAD = "cfb746ac45690f671525766625082220ec1759a2b66cc79c961b48a17a63f76a"
LAST_OF_0_1 = 10  # the last migration that release 0.1.0 had
LEDGER = parse_ledger("440000000-2026")
DAY, CLOSED = date(2026, 3, 2), date(2026, 1, 31)


def test_a_history_of_0_1_comes_in_with_its_head_and_holds(
    pool: ConnectionPool, database: Database, tmp_path: Path
) -> None:
    imported = restore(pool, HISTORY)
    assert imported.position == 43
    with pool.connection() as connection:
        head = read_head(connection, LEDGER)
        balances = read_rows(connection, LEDGER, BALANCES)
        owed = read_rows(connection, LEDGER, UNCLEARED)
    assert head is not None
    assert head.chain.hex() == HEAD
    assert {bgt_id: b.amount for bgt_id, b in balances.items()} == {"B-2026-0001": 90_000_000}
    assert owed == {}, "all of it is cleared"
    Runner(pool).catch_up()
    variables = clean_environment(GUOKU_DSN=database.owner_conninfo, GUOKU_DATA=str(tmp_path))
    done = run("audit", "verify", environment=variables)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_number_of_0_1_is_known_and_nothing_is_paid_twice(pool: ConnectionPool) -> None:
    restore(pool, HISTORY)
    keeper = Bookkeeper(pool, division="440000000")
    with pool.connection() as connection:
        used = connection.execute(
            "SELECT count(*) FROM command_keys WHERE ledger_id = %s AND length(fingerprint) = 32",
            (LEDGER,),
        ).fetchone()
        assert used == (19,), "the fingerprints are as 0.1.0 has kept them"
    try:
        other = payment("P1", "B-2026-0001", "1.00")
        [outcome] = keeper.sequencer.submit(LEDGER, [Submission(command=other, by="x")]).result(120)
        assert outcome.problem is not None
        assert outcome.problem.code.text == "idempotency_conflict"
    finally:
        keeper.close()


@pytest.fixture
def of_0_1(cluster: EmbeddedPostgres, tmp_path: Path) -> Iterator[str]:
    """The owner's connection string of a database with the schema of release 0.1.0."""
    owner = embedded_database(cluster, "of_0_1").owner_conninfo
    for migration in load_migrations(MIGRATIONS)[:LAST_OF_0_1]:
        (tmp_path / migration.file_name).write_bytes(migration.script)
    migrate(owner, [tmp_path])
    yield owner
    with psycopg.connect(cluster.conninfo(dbname="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE of_0_1 WITH (FORCE)")


def test_what_0_1_kept_in_columns_is_in_registers_and_settings(of_0_1: str) -> None:
    with connect(of_0_1) as connection:
        connection.execute(
            "INSERT INTO ledgers (ledger_id, position, chain, recorded_at, settings) VALUES"
            ' (%s, 7, %s, now(), \'{"name": "省本级", "mof_div_name": "广东省",'
            ' "roles": ["unit", "treasury"], "pay_bank_code": "105", "signing": "manifest",'
            ' "closed_through": "2026-01-31"}\')',
            (LEDGER, bytes(32)),
        )
        connection.execute(
            "INSERT INTO controlled_balances VALUES (%s, 'ZB-\"1\"', 6, 1, 2, 1, 5)", (LEDGER,)
        )
        connection.execute(
            "INSERT INTO uncleared VALUES (%s, '102', '2026-03-02', '2301', '111', '101',"
            " '2010102', '50201', 9999999999999999999)",
            (LEDGER,),
        )
    migrate(of_0_1, MIGRATIONS)
    key = UnclearedKey("102", DAY, "2301", "111", "101", "2010102", "50201")
    with connect(of_0_1) as connection:
        assert read_rows(connection, LEDGER, BALANCES) == {'ZB-"1"': Balances(6, 1, 2, 1, 5)}
        assert read_rows(connection, LEDGER, UNCLEARED) == {key.text: Uncleared(10**19 - 1)}
        [(row,)] = connection.execute("SELECT convert_to(settings::text, 'UTF8') FROM ledgers")
    settings = decoded(row)
    assert (settings.get(TITLE).name, settings.get(TITLE).mof_div_name) == ("省本级", "广东省")
    assert settings.get(PERIODS).closed_through == CLOSED
    policy = settings.get(SIGNATURE_POLICY)
    assert policy.roles == ("unit", "treasury")
    assert (policy.pay_bank_code, policy.signing) == ("105", "manifest")
