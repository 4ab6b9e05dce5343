"""Writes what a fresh database of this program has; ``make schema`` puts it where it belongs."""

from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from api.schema import MIGRATIONS
from ledger.postgres.catalogue import describe_schema
from ledger.postgres.database import embedded_database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.postgres.migrate import migrate

HEAD = "# Made by `make schema`: what a fresh database has; a test holds it to the migrations.\n"


def schema_text(owner_conninfo: str) -> str:
    """The file's text, of a database that was migrated."""
    with psycopg.connect(owner_conninfo) as connection:
        lines = describe_schema(connection)
    return HEAD + "".join(f"{line}\n" for line in sorted(lines))


if __name__ == "__main__":
    with (
        TemporaryDirectory(prefix="guoku-schema-") as directory,
        EmbeddedPostgres(Path(directory), {"shared_buffers": "32MB"}).own() as server,
    ):
        database = embedded_database(server, "schema")
        migrate(database.owner_conninfo, MIGRATIONS)
        print(schema_text(database.owner_conninfo), end="")
