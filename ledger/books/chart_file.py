"""A file of charts and rules (TOML, see ledger/data/books/) as it stands, each entry with its line.

Only form is looked at here: tables, keys and types. What a chart must be is in
``ledger.books.checks``.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Literal, NamedTuple, TypeVar

import msgspec

from ledger.books.postings import Choice, Rule
from ledger.books.toml_lines import KeyPath, line_of, lines_of
from ledger.errors import ConfigurationError

K = TypeVar("K", str, int)
T = TypeVar("T")

_TABLES: dict[str, type] = {
    "version": str,
    "valid_from": date,
    "books": dict,
    "accounts": dict,
    "choices": dict,
    "rules": list,
}
_CALLED: dict[type, str] = {str: "text", date: "date", dict: "table", list: "array of tables"}


class Fault(NamedTuple):
    """What is wrong in a file, and where."""

    place: KeyPath
    reason: str


class BookEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    title: str


class AccountEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    side: Literal["debit", "credit"]
    code: str = ""
    control: str = ""


class ChartFile(NamedTuple):
    """One file: ``books`` by letter, ``accounts`` by id, ``choices`` by name."""

    file: str
    lines: Mapping[KeyPath, int]
    version: str
    valid_from: date
    books: dict[str, BookEntry]
    accounts: dict[str, AccountEntry]
    choices: dict[str, Choice]
    rules: list[Rule]

    def book_of(self, name: str) -> str:
        """The book of an account, or of the accounts of a choice, which are of one."""
        return self.books[self.accounts_of(name)[0][:1]].name

    def accounts_of(self, name: str) -> list[str]:
        """The account itself, or those that a choice may pick."""
        found, waiting, seen = [], [name], {""}
        while waiting:
            if (name := waiting.pop(0)) in seen:
                continue
            seen.add(name)
            choice = None if name in self.accounts else self.choices.get(name)
            if choice is None:
                found.append(name)
            else:
                waiting += choice.prefixes.values()
        return found


def read_chart(text: str, file: str) -> ChartFile:
    """The entries of a file; ``file`` is what it is called in what is said of it.

    Raises:
        ConfigurationError: it is no TOML, or a key is unknown, missing or of another type.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, reason = _where(str(error), text)
        raise ConfigurationError(f"{file}:{line}: {reason}") from None
    lines = lines_of(text)
    if faults := list(_wrong_tables(tables)):
        raise refusal(file, lines, faults)
    chart = ChartFile(
        file=file,
        lines=lines,
        version=tables["version"],
        valid_from=tables["valid_from"],
        books=dict(_entries(BookEntry, "books", tables["books"].items(), faults)),
        accounts=dict(_entries(AccountEntry, "accounts", tables["accounts"].items(), faults)),
        choices=dict(_entries(Choice, "choices", tables["choices"].items(), faults)),
        rules=[rule for _, rule in _entries(Rule, "rules", enumerate(tables["rules"]), faults)],
    )
    if faults:
        raise refusal(file, lines, faults)
    return chart


def refusal(file: str, lines: Mapping[KeyPath, int], faults: Iterable[Fault]) -> ConfigurationError:
    """The error that names every fault as ``FILE:LINE: reason``, a line to each."""
    placed = sorted((line_of(lines, fault.place), fault.reason) for fault in faults)
    return ConfigurationError("\n".join(f"{file}:{line}: {reason}" for line, reason in placed))


def _where(problem: str, text: str) -> tuple[int, str]:
    """The line that tomllib names in its message, and the message without it."""
    reason, _, place = problem.rpartition(" (at ")
    if found := re.match(r"line (\d+)", place):
        return int(found[1]), reason
    return text.rstrip("\n").count("\n") + 1, reason  # at end of document


def _wrong_tables(tables: Mapping[str, object]) -> Iterator[Fault]:
    for key in tables:
        if key not in _TABLES:
            yield Fault((key,), f"unknown key {key!r}; known are {', '.join(_TABLES)}")
    for key, kind in _TABLES.items():
        if key not in tables:
            yield Fault((), f"{key} is missing")
        elif type(tables[key]) is not kind:
            yield Fault((key,), f"{key} is no {_CALLED[kind]}")
    if tables.get("version") == "":
        yield Fault(("version",), "version is empty")


def _entries(
    kind: type[T], table: str, entries: Iterable[tuple[K, object]], faults: list[Fault]
) -> Iterator[tuple[K, T]]:
    """The entries of a table as ``kind``; what is wrong with the others goes to ``faults``."""
    for key, entry in entries:
        try:
            yield key, msgspec.convert(entry, kind)
        except msgspec.ValidationError as error:
            faults.append(_fault((table, key), str(error)))


def _fault(entry: KeyPath, problem: str) -> Fault:
    """What msgspec says of an entry, at the key that it names: "... - at `$.lines[0]`"."""
    if unknown := re.fullmatch("Object contains unknown field `(.*)`", problem):
        return Fault((*entry, unknown[1]), f"unknown key {unknown[1]!r}")
    if missing := re.fullmatch("Object missing required field `(.*)`", problem):
        return Fault(entry, f"{missing[1]} is missing")
    reason, _, at = problem.partition(" - at ")
    keys = [int(i) if i else key for key, i in re.findall(r"\.(\w+)|\[(\d+)\]", at)]
    return Fault((*entry, *keys), ".".join(map(str, keys)) + f": {reason}" if keys else reason)
