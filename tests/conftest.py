"""Fixtures: one real Postgres for the session, a fresh migrated database for each test that asks.

fsync stays on: what the tests show holds for the settings that run in production.
"""

import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from api.domains import DOMAINS as DOMAINS  # whatever a test reads may hold any of them
from api.schema import MIGRATIONS
from ledger.postgres.database import APP_ROLE, Database, embedded_database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.migrate import migrate
from tests.support.audited_books import Audited, prepare_audited
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.redeciding import all_taken_again, found

TEMPLATE = "template_guoku"
SMALL = {"shared_buffers": "32MB", "max_wal_size": "256MB", "min_wal_size": "32MB"}
_serial = count(1)

# What tests write lies in memory where there is room for it: no test takes the power away, and a
# hundred thousand commits that wait for a disk tell nothing more.
MEMORY = Path("/dev/shm")
MEMORY_MIN_BYTES = 8 << 30
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_MIN_BYTES:
    os.environ.setdefault("TMPDIR", str(MEMORY))
    tempfile.tempdir = None  # so that it is looked up anew
# A database is copied by its files where that is in memory, with half the work; on a disk each of
# its three hundred files would be synced.
COPYING = "FILE_COPY" if Path(tempfile.gettempdir()).is_relative_to(MEMORY) else "WAL_LOG"

# Tests start programs of ours some hundred times. Where the environment forbids Python to keep what
# it has compiled, each start would compile all of it: a third of what a server's start takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Folders whose files have few tests that take long. Begun first, they leave no worker alone with
# one of them at the end.
LONG = ("faults", "bench", "scenarios", "processes", "house", "payments", "projections")

# A shell starts what it runs in the background with Ctrl-C ignored, and programs inherit that: the
# tests that interrupt one then waited for an end that never came.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded for the tests stays: there is no garbage to be looked for in it, now or ever
    again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=place)


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    # not below pytest's own directory: another session that starts takes its permissions away
    with (
        TemporaryDirectory(prefix="guoku-test-") as directory,
        EmbeddedPostgres(Path(directory), SMALL).own() as server,
    ):
        yield server
        if (connection := _administrators.pop(server, None)) is not None:
            connection.close()


_administrators: dict[EmbeddedPostgres, psycopg.Connection] = {}


def administer(cluster: EmbeddedPostgres, statement: sql.Composed) -> None:
    """Does it by one connection to each cluster: opening one costs what copying a database does."""
    connection = _administrators.get(cluster)
    if connection is None or connection.closed:
        connection = psycopg.connect(cluster.conninfo(dbname="postgres"), autocommit=True)
        _administrators[cluster] = connection
    connection.execute(statement)


@pytest.fixture(scope="session")
def template(cluster: EmbeddedPostgres) -> str:
    """A migrated database that others are copied from."""
    database = embedded_database(cluster, TEMPLATE)
    migrate(database.owner_conninfo, MIGRATIONS)
    return TEMPLATE


def new_database(cluster: EmbeddedPostgres, template: str) -> Database:
    """A copy of the template, for the role that was made with it."""
    name = f"test_{next(_serial)}"
    copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}")
    named = sql.Identifier(name), sql.Identifier(template)
    administer(cluster, copied.format(*named, sql.SQL(COPYING)))
    app = cluster.conninfo(user=APP_ROLE, dbname=name)
    return Database(cluster.conninfo(dbname=name), app, lambda: cluster.trouble)


def drop_database(cluster: EmbeddedPostgres, database: Database) -> None:
    """Hundreds of databases would make the server's stop slow."""
    name = sql.Identifier(str(conninfo_to_dict(database.owner_conninfo)["dbname"]))
    administer(cluster, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def audited(
    cluster: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Audited:
    """A database with a ledger that an auditor is to look at; it is copied and not written to."""
    return prepare_audited(new_database(cluster, template), tmp_path_factory.mktemp("audited"))


@pytest.fixture
def copied(cluster: EmbeddedPostgres, audited: Audited) -> Iterator[Database]:
    """A copy of the audited database, to be tampered with."""
    made = new_database(cluster, audited.dbname)
    yield made
    drop_database(cluster, made)


@pytest.fixture
def database(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


@pytest.fixture
def decided_again(database: Database) -> Iterator[None]:
    """At the end of the test every decision of every ledger is taken again (invariant 15)."""
    yield
    for again in all_taken_again(database.app_conninfo).values():
        assert found(again) == []


@pytest.fixture(scope="module")
def module_database(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


@pytest.fixture
def owner_conninfo(database: Database) -> str:
    return database.owner_conninfo


@pytest.fixture
def owner_conn(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_conninfo) as connection:
        yield connection


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    with fresh_pool(database.app_conninfo) as pool:
        yield pool


@pytest.fixture
def bookkeeper(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """An open ledger of 2026 in a database of its own."""
    keeper = Bookkeeper(pool)
    keeper.open()
    yield keeper
    keeper.close()
