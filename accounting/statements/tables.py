"""The statements that are loaded: the shipped ones, and an office's own beside or before them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from accounting.statements.checks import Surroundings, hold
from accounting.statements.difference_checks import RuleSurroundings, hold_rules
from accounting.statements.differences import shipped_rules
from accounting.statements.table_file import StatementTable, TableFile, read_table_file
from ledger.books import Account, Charts
from ledger.books.toml_form import Fault, refusal
from ledger.errors import ConfigurationError

SHIPPED_FILES = (
    "treasury-2026.toml",
    "unit-2026.toml",
    "final-2026.toml",
    "total-2026.toml",
)


class _Named(NamedTuple):
    """A table as a file has it."""

    from_year: int
    own: bool
    table: StatementTable


class Statements:
    """The tables by name; of two that are valid in a year an office's own counts, then the later.

    Attributes:
        accounts: those of all charts that are loaded, by id.
    """

    def __init__(
        self,
        shipped: Sequence[TableFile],
        own: Sequence[TableFile],
        accounts: Mapping[str, Account],
    ) -> None:
        self.accounts = accounts
        self._named: dict[str, list[_Named]] = {}
        for files, is_own in ((shipped, False), (own, True)):
            for file in files:
                for name, table in file.tables.items():
                    named = _Named(file.from_year, is_own, table)
                    self._named.setdefault(name, []).append(named)
        for found in self._named.values():
            found.sort(key=lambda each: (each.own, each.from_year), reverse=True)

    def of_year(self, year: int) -> dict[str, StatementTable]:
        """All tables that are valid in a fiscal year, by name."""
        return {name: table for name in self._named if (table := self.find(name, year))}

    def find(self, name: str, year: int) -> StatementTable | None:
        """The table of this name in a fiscal year; None where there is none."""
        for each in self._named.get(name, ()):
            if each.from_year <= year:
                return each.table
        return None


def load_statements(charts: Charts, paths: Iterable[Path] = ()) -> Statements:
    """The shipped statements and an office's own files beside them, held against the charts.

    Raises:
        ConfigurationError: a file is none of statements, or does not fit the charts or another
            file; each fault as ``FILE:LINE: reason``, a line to each.
        OSError: a file cannot be read.
    """
    accounts = {
        account.id: account
        for books in charts.by_version.values()
        for account in books.accounts.values()
    }
    shipped = _shipped()
    own = [read_table_file(_text(path), str(path)) for path in paths]
    _told_apart([*shipped, *own])
    tables: dict[str, StatementTable] = {}
    for file in (*shipped, *own):
        tables.update(file.tables)
    if own or _held_with != [accounts]:
        for file in (*shipped, *own):
            hold(file, Surroundings(accounts, {**tables, **file.tables}))
        every = [table for file in (*shipped, *own) for table in file.tables.values()]
        hold_rules(shipped_rules(), RuleSurroundings(accounts, every))
        _held_with[:] = [] if own else [accounts]
    return Statements(shipped, own, accounts)


_held_with: list[Mapping[str, Account]] = []  # the accounts that the shipped ones alone fit


@cache
def _shipped() -> tuple[TableFile, ...]:
    def read(name: str) -> TableFile:
        data = resources.files("accounting.statements").joinpath("shipped", name)
        return read_table_file(data.read_text(encoding="utf-8"), str(data))

    return tuple(map(read, SHIPPED_FILES))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}:1: this is not UTF-8") from None


def _told_apart(files: Iterable[TableFile]) -> None:
    """No two files have the same version. Raises ConfigurationError."""
    first: dict[str, str] = {}
    for file in files:
        if (there := first.setdefault(file.version, file.file)) != file.file:
            reason = f"version {file.version!r} is that of {there} already"
            raise refusal(file.file, file.places, [Fault(("version",), reason)])
