"""The migration runner, against a real server."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from api.schema import MIGRATIONS
from ledger.errors import ConfigurationError
from ledger.postgres.database import APP_ROLE, connect, embedded_database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.migrate import MigrationState, load_migrations, migrate, status
from tests.support.paths import ROOT
from tests.support.sources import ROOMS

FIRST = "CREATE TABLE payees (name text);\nGRANT SELECT, INSERT ON payees TO guoku_app;\n"
SECOND = "ALTER TABLE payees ADD account text;\n"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not below pytest's own directory: another session that starts closes that to other users."""
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        yield Path(directory)


_numbers = count(1)


@pytest.fixture
def owner(cluster: EmbeddedPostgres) -> str:
    """The owner's connection string of an empty database."""
    return embedded_database(cluster, f"migrations_{next(_numbers)}").owner_conninfo


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two migrations in a directory of their own."""
    (tmp_path / "0001_payees.sql").write_text(FIRST)
    (tmp_path / "0002_accounts.sql").write_text(SECOND)
    return tmp_path


def ask(conninfo: str, statement: str) -> list[tuple[object, ...]]:
    with connect(conninfo) as connection:
        return connection.execute(statement.encode()).fetchall()


def states(conninfo: str, directory: Path) -> list[tuple[int, str, MigrationState]]:
    found = status(conninfo, [directory])
    assert all((row.applied_at is None) == (row.state is MigrationState.PENDING) for row in found)
    return [(row.version, row.name, row.state) for row in found]


def test_pending_files_are_applied_once_and_in_order(owner: str, directory: Path) -> None:
    assert states(owner, directory) == [
        (1, "payees", MigrationState.PENDING),
        (2, "accounts", MigrationState.PENDING),
    ]
    applied = migrate(owner, [directory])
    assert [migration.file_name for migration in applied] == [
        "0001_payees.sql",
        "0002_accounts.sql",
    ]
    assert migrate(owner, [directory]) == []
    assert states(owner, directory) == [
        (1, "payees", MigrationState.APPLIED),
        (2, "accounts", MigrationState.APPLIED),
    ]


def test_a_later_file_is_applied_to_what_is_there(owner: str, directory: Path) -> None:
    migrate(owner, [directory])
    (directory / "0003_banks.sql").write_text("CREATE TABLE banks ();")
    assert [migration.version for migration in migrate(owner, [directory])] == [3]


def test_the_digest_is_sm3(owner: str, directory: Path) -> None:
    """The example of GB/T 32905-2016, A.1."""
    (directory / "0001_payees.sql").write_bytes(b"abc")
    assert load_migrations([directory])[0].sm3 == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )


def test_the_programs_own_files_apply_and_grant_the_application(cluster: EmbeddedPostgres) -> None:
    database = embedded_database(cluster, "own")
    assert migrate(database.owner_conninfo, MIGRATIONS) == load_migrations(MIGRATIONS)
    assert {row.state for row in status(database.owner_conninfo, MIGRATIONS)} == {
        MigrationState.APPLIED
    }
    versions = ask(database.app_conninfo, "SELECT version FROM schema_migrations ORDER BY 1")
    assert versions == [(migration.version,) for migration in load_migrations(MIGRATIONS)]


def test_every_file_of_the_program_lies_where_it_is_looked_for() -> None:
    lying = {path.name for room in ROOMS for path in (ROOT / room).rglob("migrations/*.sql")}
    assert lying == {migration.file_name for migration in load_migrations(MIGRATIONS)}


def test_the_files_of_two_directories_are_one_sequence(owner: str, directory: Path) -> None:
    other = directory / "other"
    other.mkdir()
    (other / "0001_payees.sql").write_bytes((directory / "0001_payees.sql").read_bytes())
    (directory / "0001_payees.sql").unlink()
    applied = migrate(owner, [directory, other])
    assert [migration.version for migration in applied] == [1, 2]
    with pytest.raises(ConfigurationError, match=r"0002_accounts\.sql stands where 0001 should"):
        load_migrations([directory])


def test_grants_hold_in_each_database_of_a_cluster(
    cluster: EmbeddedPostgres, directory: Path
) -> None:
    for name in ("city", "county"):
        database = embedded_database(cluster, name)
        migrate(database.owner_conninfo, [directory])
        assert ask(database.app_conninfo, "SELECT * FROM payees") == []


# Refusals


@pytest.mark.parametrize("new_name", ["0001_payees.sql", "0001_recipients.sql"])
def test_a_changed_file_is_refused_by_name(owner: str, directory: Path, new_name: str) -> None:
    migrate(owner, [directory])
    (directory / "0001_payees.sql").unlink()
    text = FIRST if new_name != "0001_payees.sql" else FIRST + "-- a harmless remark\n"
    (directory / new_name).write_text(text)
    with pytest.raises(ConfigurationError, match=f"{new_name} was changed after it was applied"):
        migrate(owner, [directory])
    assert states(owner, directory)[0] == (1, "payees", MigrationState.CHANGED)


def test_a_newer_database_is_refused(owner: str, directory: Path) -> None:
    migrate(owner, [directory])
    (directory / "0002_accounts.sql").unlink()
    with pytest.raises(ConfigurationError, match=r"newer than this program: .* 0002_accounts"):
        migrate(owner, [directory])
    assert states(owner, directory)[1] == (2, "accounts", MigrationState.UNKNOWN)


def test_a_hole_in_what_was_applied_is_refused(owner: str, directory: Path) -> None:
    migrate(owner, [directory])
    with connect(owner) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE version = 1")
    with pytest.raises(ConfigurationError, match=r"lacks migration 0001_payees\.sql"):
        migrate(owner, [directory])


def test_a_file_that_fails_leaves_nothing_of_itself(owner: str, directory: Path) -> None:
    third = directory / "0003_limits.sql"
    third.write_text("CREATE TABLE limits ();\n\nALTER TABLE nowhere ADD n integer;\n")
    with pytest.raises(ConfigurationError, match=r'0003_limits\.sql failed: relation "nowhere"'):
        migrate(owner, [directory])
    assert ask(owner, "SELECT to_regclass('limits')::text") == [(None,)]
    assert [state for *_, state in states(owner, directory)] == [
        MigrationState.APPLIED,
        MigrationState.APPLIED,
        MigrationState.PENDING,
    ]
    third.write_text("CREATE TABLE limits ();")
    assert [migration.version for migration in migrate(owner, [directory])] == [3]


def test_a_syntax_error_is_found_by_its_line(owner: str, directory: Path) -> None:
    (directory / "0003_typo.sql").write_text("-- 国库\nSELECT 1;\nCREATE TABEL limits ();\n")
    with pytest.raises(ConfigurationError, match=r"0003_typo\.sql failed at line 3"):
        migrate(owner, [directory])


def test_a_file_may_not_end_its_transaction(owner: str, directory: Path) -> None:
    (directory / "0003_half.sql").write_text("CREATE TABLE half (); COMMIT;")
    with pytest.raises(ConfigurationError, match=r"0003_half\.sql ends its own transaction"):
        migrate(owner, [directory])
    assert states(owner, directory)[2] == (3, "half", MigrationState.PENDING)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0004_gap.sql", "0004_gap.sql stands where 0003 should"),
        ("0002_double.sql", "0002_double.sql stands where 0003 should"),
        ("3_short.sql", "not named"),
        ("0003-dash.sql", "not named"),
    ],
)
def test_file_names_are_strict(directory: Path, name: str, message: str) -> None:
    (directory / name).touch()
    with pytest.raises(ConfigurationError, match=message):
        load_migrations([directory])


# Several at once

PROGRAM = """
import sys
from pathlib import Path
from ledger.postgres.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
print([migration.version for migration in migrate(sys.argv[1], [Path(sys.argv[2])])])
"""


def test_processes_at_once_apply_each_file_once(owner: str, directory: Path) -> None:
    (directory / "0002_accounts.sql").write_text(f"SELECT pg_sleep(0.3);\n{SECOND}")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, owner, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    applied = [version for process in processes for version in eval(process.communicate()[0])]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(applied) == [1, 2]


def test_databases_of_one_cluster_at_once_meet_at_the_role(data_dir: Path, directory: Path) -> None:
    names = ["a", "b", "c", "d"]
    with EmbeddedPostgres(data_dir, {"shared_buffers": "16MB"}).own() as fresh:
        with connect(fresh.conninfo(dbname="postgres"), autocommit=True) as connection:
            for name in names:
                connection.execute(f"CREATE DATABASE {name}".encode())
        owners = [fresh.conninfo(dbname=name) for name in names]
        with ThreadPoolExecutor(len(names)) as together:
            applied = list(together.map(lambda each: migrate(each, [directory]), owners))
        assert [len(each) for each in applied] == [2, 2, 2, 2]
        assert ask(owners[0], f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{APP_ROLE}'") == [
            (False,)
        ]
