"""核验项: the name of every check, what it is called, and which tables it holds against the events.

A check enters itself where it is written. So the command line shows what there is, and a test asks
of every table of the schema which check covers it, or why it may be lost.
"""

import struct
from typing import NamedTuple

import msgspec
import psycopg

from ledger.errors import GuokuError

# What a row that somebody has been at may raise where it is read; it is a finding, and no end.
BROKEN: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    GuokuError,
    LookupError,
    TypeError,
    ValueError,
    msgspec.MsgspecError,
    struct.error,
)
UNREADABLE: tuple[type[Exception], ...] = (*BROKEN, psycopg.Error)


class NamedCheck(NamedTuple):
    """A check as people are shown it.

    Attributes:
        title: in both languages.
        unit: what of it is counted.
        tables: those whose rows it holds against the events, or against what follows from them.
    """

    name: str
    title: str
    unit: str
    tables: tuple[str, ...]


_named: dict[str, NamedCheck] = {}
_disposable: dict[str, str] = {}


def name_check(name: str, title: str, unit: str, *tables: str) -> str:
    """Enters a check, and gives its name; raises ValueError for a name that is taken."""
    check = NamedCheck(name, title, unit, tables)
    if _named.setdefault(name, check) != check:
        raise ValueError(f"the check {name!r} is entered twice")
    return name


def named_checks() -> dict[str, NamedCheck]:
    """Every check that the loaded modules have, by its name."""
    return dict(_named)


def dispose(table: str, reason: str) -> None:
    """Says of a table that its rows may be lost or made up without harm, and why."""
    _disposable[table] = reason


def disposable() -> dict[str, str]:
    """The tables that no check covers, with the reason of each."""
    return dict(_disposable)
