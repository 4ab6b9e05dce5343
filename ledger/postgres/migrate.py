"""Brings a database's schema up to the program's, one numbered SQL file at a time.

Files ``NNNN_name.sql``, gapless from 0001, in directories that the caller names: each room keeps
those of its own tables. Applied files are history: the table ``schema_migrations`` keeps the digest
of each, and a program whose copy differs refuses to run. There is no way down: a mistake is mended
by a further file.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from importlib.abc import Traversable

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from ledger.errors import ConfigurationError
from ledger.postgres.database import APP_ROLE, connect, describe, ensure_app_role

LOCK_TIMEOUT_S = 600
_LOCK_KEY = int.from_bytes(b"guokumig")  # one bigint; every version of the program uses the same
_FILE_NAME = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql", re.ASCII)

_TABLE = f"""
CREATE TABLE schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sm3        text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON schema_migrations TO {APP_ROLE}""".encode()


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, the name after it, its bytes and their SM3 digest in hex."""

    version: int
    name: str
    script: bytes
    sm3: str

    @property
    def file_name(self) -> str:
        return f"{self.version:04d}_{self.name}.sql"


class MigrationState(Enum):
    APPLIED = "applied"
    PENDING = "pending"
    CHANGED = "changed"  # applied, but the program's file is another
    UNKNOWN = "unknown"  # applied, but the program has no such file: the database is newer


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """How one version stands in a database. ``applied_at`` is None while it is pending."""

    version: int
    name: str
    state: MigrationState
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Applied:
    version: int
    name: str
    sm3: str
    applied_at: datetime


def migrate(owner_conninfo: str, directories: Iterable[Traversable]) -> list[Migration]:
    """Applies what is pending and gives it, in order; an empty list when all is up to date.

    Each file is one transaction, under one lock: of several processes that start at once each
    file is applied by one, and the others wait. An interrupted run is simply run again.

    Args:
        owner_conninfo: connection string of the schema's owner.
        directories: where the files are.

    Raises:
        ConfigurationError: an applied file was changed, the database is newer than the program, a
            file fails, or the owner may not make the application's role. Files before the failed
            one stay applied; of that one nothing does.
    """
    migrations = load_migrations(directories)
    applied_now: list[Migration] = []
    with connect(owner_conninfo, autocommit=True, application_name="guoku migrate") as connection:
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'".encode())
        ensure_app_role(connection)
        while (migration := _apply_next(connection, migrations)) is not None:
            applied_now.append(migration)
    return applied_now


def status(owner_conninfo: str, directories: Iterable[Traversable]) -> list[MigrationStatus]:
    """How every version known to the program or to the database stands, in order. Changes nothing.

    Raises:
        ConfigurationError: no connection, or a malformed set of files.
    """
    ours = {migration.version: migration for migration in load_migrations(directories)}
    with connect(owner_conninfo, application_name="guoku migrate") as connection:
        theirs = {row.version: row for row in _applied(connection)}
    return [
        _status(version, ours.get(version), theirs.get(version))
        for version in sorted(ours.keys() | theirs.keys())
    ]


def load_migrations(directories: Iterable[Traversable]) -> list[Migration]:
    """The migrations of all directories, in order.

    Raises:
        ConfigurationError: a .sql file is named otherwise, or the numbers have a gap or a double.
    """
    migrations = []
    for file in (file for directory in directories for file in directory.iterdir()):
        if not file.name.endswith(".sql"):
            continue
        name = _FILE_NAME.fullmatch(file.name)
        if name is None:
            raise ConfigurationError(f"migration {file.name} is not named NNNN_name.sql")
        script = file.read_bytes()
        digest = hashlib.new("sm3", script).hexdigest()
        migrations.append(Migration(int(name[1]), name[2], script, digest))
    migrations.sort(key=lambda migration: (migration.version, migration.name))
    for expected, migration in enumerate(migrations, start=1):
        if migration.version != expected:
            raise ConfigurationError(
                f"migrations are numbered without gap or double from 0001: "
                f"{migration.file_name} stands where {expected:04d} should"
            )
    return migrations


def _apply_next(connection: Connection[TupleRow], migrations: list[Migration]) -> Migration | None:
    """One transaction: takes the lock, looks again, applies the first pending file."""
    with connection.transaction():
        try:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
        except psycopg.errors.LockNotAvailable:
            raise ConfigurationError(
                f"another process has been migrating {describe(connection.info.dsn)} for more "
                f"than {LOCK_TIMEOUT_S} s"
            ) from None
        if not _has_table(connection):
            connection.execute(_TABLE)
        applied = _applied(connection)
        _check_history(applied, migrations)
        if len(applied) == len(migrations):
            return None
        migration = migrations[len(applied)]
        _execute(connection, migration)
        connection.execute(
            "INSERT INTO schema_migrations (version, name, sm3) VALUES (%s, %s, %s)",
            [migration.version, migration.name, migration.sm3],
        )
        return migration


def _execute(connection: Connection[TupleRow], migration: Migration) -> None:
    try:
        connection.execute(migration.script)
    except psycopg.Error as error:
        position = error.diag.statement_position
        characters = migration.script.decode(errors="replace")
        line = characters.count("\n", 0, int(position)) + 1 if position else None
        where = f" at line {line}" if line else ""
        raise ConfigurationError(
            f"migration {migration.file_name} failed{where}: {error.diag.message_primary or error}"
        ) from error
    if connection.info.transaction_status is not TransactionStatus.INTRANS:
        raise ConfigurationError(
            f"migration {migration.file_name} ends its own transaction: take COMMIT or ROLLBACK out"
        )


def _check_history(applied: list[_Applied], migrations: list[Migration]) -> None:
    """Raises unless what was applied is exactly the beginning of what the program has."""
    if len(applied) > len(migrations):
        newest = applied[-1]
        raise ConfigurationError(
            f"the database is newer than this program: it has migration {newest.version:04d}_"
            f"{newest.name}, the program ends at {len(migrations):04d}; install a newer program"
        )
    for row, migration in zip(applied, migrations, strict=False):
        if row.version != migration.version:
            raise ConfigurationError(
                f"the database lacks migration {migration.file_name} but has later ones"
            )
        if (row.name, row.sm3) != (migration.name, migration.sm3):
            raise ConfigurationError(
                f"migration {migration.file_name} was changed after it was applied on "
                f"{row.applied_at:%Y-%m-%d}: put the file back and write the change as a new one"
            )


def _has_table(connection: Connection[TupleRow]) -> bool:
    found = connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
    return found == (True,)


def _applied(connection: Connection[TupleRow]) -> list[_Applied]:
    if not _has_table(connection):
        return []
    rows = connection.execute(
        "SELECT version, name, sm3, applied_at FROM schema_migrations ORDER BY version"
    )
    return [_Applied(*row) for row in rows]


def _status(version: int, ours: Migration | None, theirs: _Applied | None) -> MigrationStatus:
    if theirs is None:
        assert ours is not None
        return MigrationStatus(version, ours.name, MigrationState.PENDING, None)
    if ours is None:
        state = MigrationState.UNKNOWN
    elif (ours.name, ours.sm3) == (theirs.name, theirs.sm3):
        state = MigrationState.APPLIED
    else:
        state = MigrationState.CHANGED
    return MigrationStatus(version, theirs.name, state, theirs.applied_at)
