"""Where the database is, and how to reach it: two connection strings, connections, pools.

The *owner* makes and migrates the schema. The *application* has its own role, which may do only
what the migrations grant it: it can append events, and never change one.
"""

import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import (
    DuplicateDatabase,
    DuplicateObject,
    InsufficientPrivilege,
    InternalError_,
    UniqueViolation,
)
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from ledger.errors import ConfigurationError
from ledger.postgres.embedded import DATABASE, SUPERUSER, EmbeddedPostgres

APP_ROLE = "guoku_app"
SERVER_VERSION_MIN = 160000
CONNECT_TIMEOUT_S = 10
CHECKOUT_TIMEOUT_S = 10
# Our statements are few and always the same: prepared from the third use on.
PREPARE_THRESHOLD = 2
SEND_BUFFER_BYTES = 4 * 1024 * 1024
# A peer that vanished without a word is noticed in a minute (over TCP; a unix socket ignores it).
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
# Roles belong to the cluster: processes that migrate different databases may meet at them.
_ROLE_ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True, repr=False)
class Database:
    """The connection strings of one database; never shown, since they may hold a password."""

    owner_conninfo: str
    app_conninfo: str
    # why an embedded server is gone for good
    trouble: Callable[[], str] = field(default=lambda: "", compare=False)

    def __repr__(self) -> str:
        return f"<Database {describe(self.owner_conninfo)}>"


@contextmanager
def open_database(dsn: str | None, data_dir: Path, own: bool) -> Iterator[Database]:
    """The database for the length of the block: the one at ``dsn``, or the embedded one.

    Args:
        dsn: a libpq connection string or URI of any Postgres >= 16 (the owner's); None for the
            embedded server.
        data_dir: the embedded server's data directory.
        own: whether this process owns the embedded server (`guoku up`) or joins it.

    Raises:
        ConfigurationError: no connection, a version or an encoding that we cannot work with, or an
            embedded server that cannot be started. It never shows a password.
    """
    if dsn is not None:
        _check_server(dsn)
        yield Database(dsn, _with_role(dsn, APP_ROLE))
        return
    server = EmbeddedPostgres(data_dir)
    with server.own() if own else server.join():
        yield embedded_database(server)


def embedded_database(server: EmbeddedPostgres, dbname: str = DATABASE) -> Database:
    """A database of a running embedded server, made when missing; it has still to be migrated.

    Here the application logs in as its own role, and so cannot become the owner by any command.
    """
    with connect(server.conninfo(dbname=SUPERUSER), autocommit=True) as connection:
        ensure_app_role(connection, login=True)
        exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [dbname])
        if exists.fetchone() is None:
            with suppress(DuplicateDatabase, UniqueViolation):  # another process was faster
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(dbname)))
    owner = server.conninfo(dbname=dbname)
    app = server.conninfo(user=APP_ROLE, dbname=dbname)
    return Database(owner, app, lambda: server.trouble)


def connect(
    conninfo: str,
    *,
    autocommit: bool = False,
    application_name: str = "guoku",
    **options: Any,
) -> Connection[TupleRow]:
    """A connection with our defaults; ``options`` as for ``psycopg.connect``.

    Raises:
        ConfigurationError: the string is malformed, nobody answers, access is denied, or the server
            is older than Postgres 16. It never shows a password.
    """
    arguments = {**_connection_arguments(conninfo, application_name), **options}
    try:
        connection = psycopg.connect(conninfo, autocommit=autocommit, **arguments)
    except psycopg.OperationalError as error:
        message = _without_password(str(error), conninfo)
        if APP_ROLE in message:
            message += " (`guoku db init` makes that role)"
        # `from None`: the original holds the connection string's parts.
        raise ConfigurationError(
            f"no connection to the database {describe(conninfo)}: {message}"
        ) from None
    version = connection.info.server_version
    if version < SERVER_VERSION_MIN:
        connection.close()
        raise ConfigurationError(
            f"the database {describe(conninfo)} is Postgres {version // 10000}; "
            f"guoku needs {SERVER_VERSION_MIN // 10000} or later"
        )
    return connection


def make_pool(
    conninfo: str, min_size: int, max_size: int, name: str
) -> ConnectionPool[Connection[TupleRow]]:
    """A pool of connections with our defaults, not yet open: use it in a ``with`` block.

    ``name`` is shown in the server's list of sessions and in the metrics.
    """
    return ConnectionPool(
        conninfo,
        min_size=min_size,
        max_size=max_size,
        name=name,
        open=False,
        timeout=CHECKOUT_TIMEOUT_S,
        check=_check_at_checkout,
        configure=widen_send_buffer,
        kwargs=_connection_arguments(conninfo, f"guoku {name}"),
    )


def widen_send_buffer(connection: Connection[TupleRow]) -> None:
    """Lets a slice of a batch go to the kernel in one piece, so that its thread need not wait for
    the server to read it (the system's net.core.wmem_max may allow less)."""
    with socket.socket(fileno=os.dup(connection.fileno())) as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def describe(conninfo: str) -> str:
    """Host, port, database and user of a connection string: what may be shown of it."""
    parts = _parse(conninfo)
    shown = ("host", "port", "dbname", "user")
    return " ".join(f"{name}={parts[name]}" for name in shown if parts.get(name)) or "(defaults)"


def ensure_app_role(connection: Connection[TupleRow], *, login: bool = False) -> None:
    """Makes the application's role when missing and lets the current user take it on.

    Args:
        connection: the owner's, in autocommit.
        login: whether a missing role is made so that it can log in (the embedded server).

    Raises:
        ConfigurationError: the current user may not; the message has what an administrator runs.
    """
    role = sql.Identifier(APP_ROLE)
    kind = sql.SQL("LOGIN" if login else "NOLOGIN")
    for attempt in range(1, _ROLE_ATTEMPTS_MAX + 1):
        try:
            with connection.transaction():
                if not _one(connection, "SELECT count(*) FROM pg_roles WHERE rolname = %s"):
                    connection.execute(sql.SQL("CREATE ROLE {} {}").format(role, kind))
                if not _one(connection, "SELECT pg_has_role(current_user, %s, 'SET')"):
                    grant = "GRANT {} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE"
                    connection.execute(sql.SQL(grant).format(role))
            return
        except InsufficientPrivilege:
            user = connection.info.user
            raise ConfigurationError(
                f"the database user {user} may not make or take on the role {APP_ROLE}; an "
                f"administrator runs: CREATE ROLE {APP_ROLE}; GRANT {APP_ROLE} TO {user};"
            ) from None
        except (DuplicateObject, UniqueViolation, InternalError_):
            # Somebody did the same in another database of this cluster: look again.
            if attempt == _ROLE_ATTEMPTS_MAX:
                raise


def _one(connection: Connection[TupleRow], query: str) -> Any:
    row = connection.execute(query.encode(), [APP_ROLE]).fetchone()
    assert row is not None
    return row[0]


def _check_server(dsn: str) -> None:
    with connect(dsn) as connection:
        encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigurationError(
            f"the database {describe(dsn)} is encoded {encoding}; guoku needs UTF8"
        )


def _connection_arguments(conninfo: str, application_name: str) -> dict[str, Any]:
    """Our defaults, except for what the connection string itself says."""
    defaults = {
        "application_name": application_name,
        "connect_timeout": CONNECT_TIMEOUT_S,
        **_KEEPALIVE,
    }
    said = _parse(conninfo)
    chosen = {name: value for name, value in defaults.items() if name not in said}
    return {**chosen, "prepare_threshold": PREPARE_THRESHOLD}


def _check_at_checkout(connection: Connection[TupleRow]) -> None:
    """Asks the server only if something arrived on an idle connection, as its end does; otherwise
    costs one poll of the socket, not a round trip."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)


def _with_role(dsn: str, role: str) -> str:
    said = _parse(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{said} -c role={role}".strip())


def _parse(conninfo: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(conninfo))
    except psycopg.ProgrammingError:
        # The parser quotes the part that it cannot read, which may be the password.
        raise ConfigurationError(
            "GUOKU_DSN is not a valid connection string (postgresql://user@host/database)"
        ) from None


def _without_password(message: str, conninfo: str) -> str:
    password = _parse(conninfo).get("password")
    return message.strip().replace(str(password), "***") if password else message.strip()
