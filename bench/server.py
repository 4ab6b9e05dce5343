"""A Postgres of the bench's own: real, with production's settings, gone when it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from api.schema import MIGRATIONS
from ledger.postgres.database import Database, connect, embedded_database
from ledger.postgres.embedded import SUPERUSER, EmbeddedPostgres
from ledger.postgres.migrate import migrate

_serial = count(1)


@contextmanager
def own_server(parent: Path | None) -> Iterator[EmbeddedPostgres]:
    """Runs an embedded server with the settings of ``guoku up`` in a new directory.

    Only its connections are more: the contestants of a round hold 64 each.

    Args:
        parent: where the directory is made; None for the system's directory of temporary files.
    """
    with (
        TemporaryDirectory(prefix="guoku-bench-", dir=parent) as directory,
        EmbeddedPostgres(Path(directory), {"max_connections": "400"}).own() as server,
    ):
        yield server


def new_database(server: EmbeddedPostgres, purpose: str, *, migrated: bool = True) -> Database:
    """A database that nothing was written to before."""
    database = embedded_database(server, f"{purpose}_{next(_serial)}")
    if migrated:
        migrate(database.owner_conninfo, MIGRATIONS)
    return database


def checkpoint(server: EmbeddedPostgres) -> None:
    """Writes out what earlier measurements left, before a new one begins."""
    with connect(server.conninfo(dbname=SUPERUSER), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
