"""The form of files that people write in TOML: tables, keys and types, each fault with its line."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec

from ledger.books.toml_lines import KeyPath, line_of, lines_of
from ledger.errors import ConfigurationError

K = TypeVar("K", str, int)
T = TypeVar("T")

_CALLED: dict[type, str] = {
    str: "text",
    int: "whole number",
    date: "date",
    dict: "table",
    list: "array of tables",
}


class Fault(NamedTuple):
    """What is wrong in a file, and where."""

    place: KeyPath
    reason: str


def read_tables(
    text: str,
    file: str,
    kinds: Mapping[str, type],
    *,
    optional: Callable[[Mapping[str, object]], Iterable[str]],
) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """What stands at the top of a file, and the line of each place in it.

    Args:
        file: what it is called in what is said of it.
        kinds: the keys that it may have at its top, and their types.
        optional: which of them it may lack, as what it has says.

    Raises:
        ConfigurationError: it is no TOML, or a key is unknown, missing or of another type.
    """
    tables = tables_of(text, file)
    lines = lines_of(text)
    if faults := list(_wrong_tables(tables, kinds, tuple(optional(tables)))):
        raise refusal(file, lines, faults)
    return tables, lines


def tables_of(text: str, file: str) -> dict[str, Any]:
    """What a file of TOML says; raises ConfigurationError, with its line, where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, reason = _where(str(error), text)
        raise ConfigurationError(f"{file}:{line}: {reason}") from None


def refusal(file: str, lines: Mapping[KeyPath, int], faults: Iterable[Fault]) -> ConfigurationError:
    """The error that names every fault as ``FILE:LINE: reason``, a line to each."""
    placed = sorted((line_of(lines, fault.place), fault.reason) for fault in faults)
    return ConfigurationError("\n".join(f"{file}:{line}: {reason}" for line, reason in placed))


def entries_of(
    kind: type[T], table: str, entries: Iterable[tuple[K, object]], faults: list[Fault]
) -> Iterator[tuple[K, T]]:
    """The entries of a table as ``kind``; what is wrong with the others goes to ``faults``."""
    for key, entry in entries:
        try:
            yield key, msgspec.convert(entry, kind)
        except msgspec.ValidationError as error:
            faults.append(_fault((table, key), str(error)))


def _where(problem: str, text: str) -> tuple[int, str]:
    """The line that tomllib names in its message, and the message without it."""
    reason, _, place = problem.rpartition(" (at ")
    if found := re.match(r"line (\d+)", place):
        return int(found[1]), reason
    return text.rstrip("\n").count("\n") + 1, reason  # at end of document


def _wrong_tables(
    tables: Mapping[str, object], kinds: Mapping[str, type], optional: tuple[str, ...]
) -> Iterator[Fault]:
    for key in tables:
        if key not in kinds:
            yield Fault((key,), f"unknown key {key!r}; known are {', '.join(kinds)}")
    for key, kind in kinds.items():
        if key not in tables:
            if key not in optional:
                yield Fault((), f"{key} is missing")
        elif type(tables[key]) is not kind:
            yield Fault((key,), f"{key} is no {_CALLED[kind]}")
    if tables.get("version") == "":
        yield Fault(("version",), "version is empty")


def _fault(entry: KeyPath, problem: str) -> Fault:
    """What msgspec says of an entry, at the key that it names: "... - at `$.lines[0]`"."""
    if unknown := re.fullmatch("Object contains unknown field `(.*)`", problem):
        return Fault((*entry, unknown[1]), f"unknown key {unknown[1]!r}")
    if missing := re.fullmatch("Object missing required field `(.*)`", problem):
        return Fault(entry, f"{missing[1]} is missing")
    reason, _, at = problem.partition(" - at ")
    keys = [int(i) if i else key for key, i in re.findall(r"\.(\w+)|\[(\d+)\]", at)]
    return Fault((*entry, *keys), ".".join(map(str, keys)) + f": {reason}" if keys else reason)
