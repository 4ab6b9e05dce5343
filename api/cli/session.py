"""How a command reaches the core: its settings, a connection, or the whole of it.

Every command that runs with the same ``GUOKU_DATA`` (or ``GUOKU_DSN``) works on the same books: it
joins the embedded server that is running there, or starts one for as long as it needs it. Where
there are none it says where it looked: only ``guoku up``, ``db init``, ``demo`` and ``bench`` make
books, and ``db restore`` puts a copy of them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from api.cli.language import said
from ledger.errors import ConfigurationError

if TYPE_CHECKING:
    from psycopg import Connection

    from api.machine import AtMachine
    from api.settings import Settings
    from api.treasury import Treasury
    from ledger.gm.keystore import KeyStore


def load_settings(**chosen: Any) -> Settings:
    """The settings of the environment, and of this command's options where they are given.

    Raises:
        ConfigurationError: a variable has a value that it cannot have.
    """
    from pydantic import ValidationError

    from api.settings import Settings

    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = (
            f"GUOKU_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError("; ".join(problems)) from None


def start_logging(settings: Settings, *, quiet: bool = True) -> None:
    """Sets up the log; ``quiet``, for short commands, shows only warnings and errors."""
    from api.logging import configure_logging

    if quiet and settings.log_level == "info":
        settings = settings.model_copy(update={"log_level": "warning"})
    configure_logging(settings)


def require_database(settings: Settings, *, schema: bool = True) -> None:
    """That there are books where the settings say; nothing is made.

    A command in another folder made a database of its own and printed a token that no server knew.

    Args:
        schema: whether they must have their tables already.

    Raises:
        ConfigurationError: there are none; it says where it looked and what makes them.
    """
    from ledger.postgres.database import connect, describe
    from ledger.postgres.embedded import EmbeddedPostgres

    if settings.dsn is None:
        place = EmbeddedPostgres(settings.data)
        if not (place.cluster / "PG_VERSION").exists():
            raise ConfigurationError(said("no_database", place=place.data_dir, given=settings.data))
        return
    if schema:
        with connect(settings.dsn) as opened:
            found = opened.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
        if found != (True,):
            raise ConfigurationError(said("no_tables", place=describe(settings.dsn)))


@contextmanager
def connection() -> Iterator[Connection]:
    """A connection as the application's role to the migrated database; commits at the end."""
    with acting() as machine:
        yield machine.connection


@contextmanager
def acting() -> Iterator[AtMachine]:
    """The same for a command that writes, with the conditions on which it does."""
    import api.domains  # noqa: F401 - a command may read whatever a history holds
    from api.machine import at_machine
    from api.schema import MIGRATIONS
    from division.adopting import adopt
    from ledger.errors import UnavailableError
    from ledger.postgres.database import open_database
    from ledger.postgres.migrate import migrate

    settings = load_settings()
    start_logging(settings)
    require_database(settings)
    with open_database(dsn=settings.dsn, data_dir=settings.data, own=False) as database:
        migrate(database.owner_conninfo, MIGRATIONS)
        with at_machine(settings, database.app_conninfo) as machine:
            with suppress(UnavailableError):  # a server that runs says why
                adopt(*machine)
            yield machine


@contextmanager
def treasury(*, as_found: bool = False) -> Iterator[Treasury]:
    """The whole core, joined; ``as_found``, as :func:`api.treasury.treasury_on` has it."""
    from api.treasury import open_treasury

    settings = load_settings()
    start_logging(settings)
    require_database(settings)
    with open_treasury(settings, as_found=as_found) as opened:
        yield opened


def key_store() -> KeyStore:
    """The key store that lies with the database, which need not run."""
    from api.key_store import key_store_of

    settings = load_settings()
    if settings.dsn is None:
        require_database(settings)
    return key_store_of(settings)
