"""``guoku db``: the schema, and copies of the embedded server's data."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.accept_loss import accept_loss
from api.cli.language import said
from api.cli.session import load_settings, require_database, start_logging
from api.cli.terminal import show_fields, show_table

app = typer.Typer(
    no_args_is_help=True, help="Database 数据库: init, status, backup, restore, accept-loss."
)
app.command("accept-loss")(accept_loss)


@app.command()
def init() -> None:
    """Makes or migrates the schema, and says which files were applied now."""
    from api.schema import MIGRATIONS
    from ledger.postgres.database import describe, open_database
    from ledger.postgres.migrate import migrate

    settings = load_settings()
    start_logging(settings)
    with open_database(dsn=settings.dsn, data_dir=settings.data, own=False) as database:
        applied = migrate(database.owner_conninfo, MIGRATIONS)
        shown = describe(database.owner_conninfo)
    names = [migration.file_name for migration in applied]
    show_fields([("database", shown), ("applied", names or said("up_to_date"))])


@app.command()
def status() -> None:
    """Shows where the database is, its version and how each migration stands. Changes nothing.

    Exit code 1 unless every migration is applied as this program has it.
    """
    from api.schema import MIGRATIONS
    from ledger.postgres import migrate
    from ledger.postgres.database import connect, describe, open_database

    settings = load_settings()
    start_logging(settings)
    require_database(settings, schema=False)
    with open_database(dsn=settings.dsn, data_dir=settings.data, own=False) as database:
        migrations = migrate.status(database.owner_conninfo, MIGRATIONS)
        with connect(database.owner_conninfo) as opened:
            row = opened.execute(
                "SELECT current_setting('server_version'), pg_database_size(current_database()),"
                " current_setting('fsync'), current_setting('synchronous_commit')"
            ).fetchone()
        assert row is not None
        version, size_bytes, fsync, synchronous_commit = row
        show_fields(
            (
                ("database", describe(database.owner_conninfo)),
                ("postgres", version),
                ("size_mb", round(size_bytes / 1e6, 1)),
                ("fsync", fsync),
                ("synchronous_commit", synchronous_commit),
            )
        )
    show_table(
        ("version", "migration", "state", "applied_at"),
        ((f"{m.version:04d}", m.name, m.state.value, m.applied_at) for m in migrations),
    )
    if any(m.state is not migrate.MigrationState.APPLIED for m in migrations):
        raise typer.Exit(1)


@app.command()
def backup(directory: Annotated[Path, typer.Argument(help="A new or empty directory.")]) -> None:
    """Copies the embedded server's data, key store and checkpoint files, while the server runs.

    The copy has its own manifest and is verified with pg_verifybackup before this ends.
    """
    from api.cli.backup import back_up

    settings = load_settings()
    start_logging(settings)
    require_database(settings, schema=False)
    size_bytes = back_up(settings, directory)
    size = f"{size_bytes / 1e6:.1f} MB, verified"
    show_fields([("backup", directory.resolve()), ("size", size)])


@app.command()
def restore(
    directory: Annotated[Path, typer.Argument(help="What `guoku db backup` made.")],
) -> None:
    """Puts a backup into GUOKU_DATA, which may not hold a database yet.

    What was written after the backup is lost: nothing is written or sent before `guoku db
    accept-loss` has said so.
    """
    from api.cli.backup import restore as put_back

    settings = load_settings()
    start_logging(settings)
    put_back(settings, directory)
    show_fields([("restored", settings.data.resolve()), ("next", said("restored"))])
