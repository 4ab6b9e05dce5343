"""Connections, roles and pools, against a real server."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.schema import MIGRATIONS
from ledger.errors import ConfigurationError
from ledger.postgres import database
from ledger.postgres.database import (
    APP_ROLE,
    Database,
    connect,
    describe,
    embedded_database,
    ensure_app_role,
    make_pool,
    open_database,
)
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.migrate import migrate


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not below pytest's own directory: another session that starts closes that to other users."""
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def books(cluster: EmbeddedPostgres) -> Database:
    return embedded_database(cluster, "books")


def who(conninfo: str) -> tuple[object, ...]:
    with connect(conninfo) as connection:
        row = connection.execute("SELECT session_user::text, current_user::text").fetchone()
    assert row is not None
    return row


def administrate(cluster: EmbeddedPostgres, *statements: str) -> None:
    with connect(cluster.conninfo(dbname="postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def everything_shown(error: pytest.ExceptionInfo[ConfigurationError]) -> str:
    """The error as a log shows it, causes included, without this file's own source lines."""
    told = traceback.TracebackException.from_exception(error.value, lookup_lines=False)
    causes = (told, told.__cause__, None if told.__suppress_context__ else told.__context__)
    return " ".join(str(cause) for cause in causes if cause) + str(error.value.extra)


def test_the_application_is_its_own_role_and_cannot_become_the_owner(books: Database) -> None:
    assert who(books.owner_conninfo) == ("postgres", "postgres")
    assert who(books.app_conninfo) == (APP_ROLE, APP_ROLE)
    for forbidden in (b"SET ROLE postgres", b"CREATE TABLE mine ()"):
        denied = pytest.raises(psycopg.errors.InsufficientPrivilege)
        with connect(books.app_conninfo) as connection, denied:
            connection.execute(forbidden)


def test_the_embedded_database_opens_again_with_its_data(data_dir: Path) -> None:
    with open_database(None, data_dir, own=True) as opened:
        with connect(opened.owner_conninfo) as connection:
            connection.execute("CREATE TABLE kept ()")
        with open_database(None, data_dir, own=False) as joined:
            assert joined == opened
    with (
        open_database(None, data_dir, own=False) as opened,
        connect(opened.owner_conninfo) as connection,
    ):
        assert connection.execute("SELECT to_regclass('kept')::text").fetchone() == ("kept",)


def test_a_dsn_takes_the_role_on_and_keeps_its_own_options(
    cluster: EmbeddedPostgres, books: Database, data_dir: Path
) -> None:
    dsn = make_conninfo(books.owner_conninfo, options="-c work_mem=7MB")
    with open_database(dsn, data_dir, own=False) as opened:
        assert opened.owner_conninfo == dsn
        assert who(opened.app_conninfo) == ("postgres", APP_ROLE)
        with connect(opened.app_conninfo) as connection:
            assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)
    assert list(data_dir.iterdir()) == [], "no embedded server is made beside a DSN"


def test_an_owner_without_superuser_makes_the_role_and_migrates(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, {"shared_buffers": "16MB"}).own() as fresh:
        administrate(
            fresh, "CREATE ROLE clerk LOGIN CREATEROLE", "CREATE DATABASE hall OWNER clerk"
        )
        dsn = fresh.conninfo(user="clerk", dbname="hall")
        with open_database(dsn, data_dir, own=False) as opened:
            assert migrate(opened.owner_conninfo, MIGRATIONS)
            assert who(opened.app_conninfo) == ("clerk", APP_ROLE)
        # A second owner, of another database in the same cluster, has no right to the role.
        administrate(fresh, "CREATE ROLE other LOGIN", "CREATE DATABASE annex OWNER other")
        with pytest.raises(ConfigurationError, match=r"an administrator runs: .* TO other;"):
            migrate(fresh.conninfo(user="other", dbname="annex"), MIGRATIONS)
        administrate(fresh, f"GRANT {APP_ROLE} TO other")
        assert migrate(fresh.conninfo(user="other", dbname="annex"), MIGRATIONS)


def test_before_the_role_exists_the_way_to_it_is_told(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, {"shared_buffers": "16MB"}).own() as fresh:
        dsn = fresh.conninfo(dbname="postgres")
        with (
            open_database(dsn, data_dir, own=False) as opened,
            pytest.raises(ConfigurationError, match="guoku db init"),
        ):
            connect(opened.app_conninfo)


def test_making_the_role_twice_changes_nothing(cluster: EmbeddedPostgres, books: Database) -> None:
    with connect(books.owner_conninfo, autocommit=True) as connection:
        ensure_app_role(connection)
        row = connection.execute(
            "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls "
            "FROM pg_roles WHERE rolname = %s",
            [APP_ROLE],
        ).fetchone()
    assert row == (True, False, False, False, False)


@pytest.mark.parametrize(
    "conninfo",
    [
        "postgresql://clerk:geheim@127.0.0.1:1/books",
        "host=127.0.0.1 port=1 user=clerk password=geheim dbname=books",
        "host=/nowhere password=geheim",
        "postgresql://clerk:%zzgeheim@127.0.0.1:1/books",
        "host=127.0.0.1 password='geheim",
        "geheim",
    ],
)
def test_no_error_shows_a_password(conninfo: str, data_dir: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        connect(conninfo)
    assert "geheim" not in everything_shown(error)
    opening = open_database(conninfo, data_dir, own=False)
    with pytest.raises(ConfigurationError) as error, opening:
        pass
    assert "geheim" not in everything_shown(error)


def test_a_database_is_shown_without_its_password() -> None:
    dsn = "postgresql://clerk:geheim@db.example/books"
    assert describe(dsn) == "host=db.example dbname=books user=clerk"
    shown = Database(dsn, dsn)
    assert "geheim" not in f"{shown} {shown!r}"


def test_another_encoding_is_refused(cluster: EmbeddedPostgres, data_dir: Path) -> None:
    administrate(
        cluster,
        "CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' "
        "LOCALE_PROVIDER libc LOCALE 'C'",
    )
    with (
        pytest.raises(ConfigurationError, match="SQL_ASCII"),
        open_database(cluster.conninfo(dbname="bytes"), data_dir, own=False),
    ):
        pass


def test_an_older_server_is_refused(books: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SERVER_VERSION_MIN", 190000)
    with pytest.raises(ConfigurationError, match="is Postgres 18; guoku needs 19 or later"):
        connect(books.owner_conninfo)


def test_a_pool_never_hands_out_a_dead_connection(
    cluster: EmbeddedPostgres, books: Database
) -> None:
    with make_pool(books.app_conninfo, 1, 1, "till") as pool:
        with pool.connection() as connection:
            first = connection.info.backend_pid
            row = connection.execute("SHOW application_name").fetchone()
            assert row == ("guoku till",)
        administrate(cluster, f"SELECT pg_terminate_backend({first}, 10000)")
        with pool.connection() as connection:
            assert connection.info.backend_pid != first
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_connection_string_overrides_our_defaults(books: Database) -> None:
    named = make_conninfo(books.owner_conninfo, application_name="audit")
    with connect(named) as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("audit",)
