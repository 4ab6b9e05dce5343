"""A file of charts and rules (TOML, see ledger/data/books/) as it stands, each entry with its line.

Only form is looked at here: tables, keys and types. What a chart must be is in
``ledger.books.checks``.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple, TypeVar

import msgspec

from ledger.books.choices import NOTHING, Choice, PrefixChoice, TableChoice
from ledger.books.parallel import Parallel
from ledger.books.postings import Rule
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
    "parallel": dict,
    "follows": str,
}
_OPTIONAL = ("parallel", "follows")
_FROM_BEFORE = (
    "books",
    "accounts",
    "choices",
    "rules",
    "parallel",
)  # a file that follows another may lack them
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
    by_hand: bool = True


class ChartFile(NamedTuple):
    """One file: ``books`` by letter, ``accounts`` by id, ``choices`` by name.

    ``parallel`` is what vouchers by hand are held against, by name.
    ``follows`` is the version of the chart that it changes, "" of one that stands by itself.
    """

    file: str
    lines: Mapping[KeyPath, int]
    version: str
    valid_from: date
    books: dict[str, BookEntry]
    accounts: dict[str, AccountEntry]
    choices: dict[str, Choice]
    rules: list[Rule]
    parallel: dict[str, Parallel]
    follows: str = ""

    def book_of(self, name: str) -> str:
        """The book of an account, or of the accounts of a choice, which are of one."""
        return self.books[self.accounts_of(name)[0][:1]].name

    def accounts_of(self, name: str) -> list[str]:
        """The account itself, or those that a choice may pick."""
        return [n for n in self.named([name]) if n not in self.choices or n in self.accounts]

    def named(self, names: Iterable[str]) -> list[str]:
        """These accounts and choices, and all that the choices lead to."""
        found, waiting = dict[str, None](), list(names)
        while waiting:
            if (name := waiting.pop(0)) not in found and name not in ("", NOTHING):
                found[name] = None
                choice = None if name in self.accounts else self.choices.get(name)
                if choice is not None:
                    waiting += (picked for _, picked in choice.answers())
        return list(found)


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
    entries = {name: tables.get(name, _TABLES[name]()) for name in _FROM_BEFORE}
    chart = ChartFile(
        file=file,
        lines=lines,
        version=tables["version"],
        valid_from=tables["valid_from"],
        books=dict(_entries(BookEntry, "books", entries["books"].items(), faults)),
        accounts=dict(_entries(AccountEntry, "accounts", entries["accounts"].items(), faults)),
        choices=dict(_choices(entries["choices"], faults)),
        rules=[rule for _, rule in _entries(Rule, "rules", enumerate(entries["rules"]), faults)],
        parallel=dict(_entries(Parallel, "parallel", entries["parallel"].items(), faults)),
        follows=tables.get("follows", ""),
    )
    if faults:
        raise refusal(file, lines, faults)
    return chart


def rule_lines(chart: ChartFile) -> Iterator[tuple[KeyPath, str, tuple[str, str, str]]]:
    """Every line of every rule, with its place and the rule's name."""
    for index, rule in enumerate(chart.rules):
        for number, line in enumerate(rule.lines):
            yield ("rules", index, "lines", number), rule.name, line


def following(before: ChartFile, after: ChartFile) -> ChartFile:
    """The whole chart of a file that follows another: what it does not say stands as before.

    Accounts go by id, choices by name, rules by event; a choice that no rule asks for any more is
    left out. What is from before has the line of ``follows``.
    """
    said = {rule.name: rule for rule in after.rules}
    kept = [said.pop(rule.name, rule) for rule in before.rules]
    rules = [*kept, *(rule for rule in after.rules if rule.name in said)]
    chart = after._replace(
        books={**before.books, **after.books},
        accounts={**before.accounts, **after.accounts},
        choices={**before.choices, **after.choices},
        rules=rules,
        parallel={**before.parallel, **after.parallel},
        lines=_lines_of_both(after, rules),
    )
    asked = chart.named({name for rule in rules for line in rule.lines for name in line[:2]})
    choices = {n: c for n, c in chart.choices.items() if n in asked or n in after.choices}
    return chart._replace(choices=choices)


def _lines_of_both(after: ChartFile, rules: Sequence[Rule]) -> dict[KeyPath, int]:
    """Places in the chart as it is whole: its rules stand in another order than in its file."""
    own = {rule.name: index for index, rule in enumerate(after.rules)}
    lines = {place: line for place, line in after.lines.items() if place[:1] != ("rules",)}
    follows = after.lines["follows",]
    for name in _FROM_BEFORE:
        lines.setdefault((name,), follows)
    for index, rule in enumerate(rules):
        lines["rules", index] = follows
        if (at := own.get(rule.name)) is not None:
            for place, line in after.lines.items():
                if place[:2] == ("rules", at):
                    lines["rules", index, *place[2:]] = line
    return lines


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
    spared = _FROM_BEFORE if "follows" in tables else ()
    for key, kind in _TABLES.items():
        if key not in tables:
            if key not in (*_OPTIONAL, *spared):
                yield Fault((), f"{key} is missing")
        elif type(tables[key]) is not kind:
            yield Fault((key,), f"{key} is no {_CALLED[kind]}")
    if tables.get("version") == "":
        yield Fault(("version",), "version is empty")


def _choices(entries: Mapping[str, object], faults: list[Fault]) -> Iterator[tuple[str, Choice]]:
    """The choices in the order in which they stand, each in its form."""
    for name, entry in entries.items():
        is_table = isinstance(entry, dict) and not entry.keys().isdisjoint(("by", "rows"))
        form: type[PrefixChoice] | type[TableChoice] = TableChoice if is_table else PrefixChoice
        yield from _entries(form, "choices", ((name, entry),), faults)


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
