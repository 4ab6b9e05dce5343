"""A file of charts and rules (TOML, see ledger/data/books/) as it stands, each entry with its line.

Only form is looked at here: tables, keys and types. What a chart must be is in
``ledger.books.checks``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

import msgspec

from ledger.books.choices import NOTHING, Choice, PrefixChoice, TableChoice
from ledger.books.closing_steps import AccountKind, ClosingStep
from ledger.books.parallel import Parallel
from ledger.books.postings import Rule
from ledger.books.toml_form import Fault as Fault
from ledger.books.toml_form import entries_of, read_tables
from ledger.books.toml_form import refusal as refusal
from ledger.books.toml_lines import KeyPath

_TABLES: dict[str, type] = {
    "version": str,
    "valid_from": date,
    "books": dict,
    "accounts": dict,
    "choices": dict,
    "rules": list,
    "parallel": dict,
    "closing": list,
    "follows": str,
}
_OPTIONAL = ("parallel", "follows")
_FROM_BEFORE = (
    "books",
    "accounts",
    "choices",
    "rules",
    "parallel",
    "closing",
)  # a file that follows another may lack them


class BookEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``closes``: whether the year's end closes it, and the next year opens it with what is left,
    kept by the elements ``kept_by``."""

    name: str
    title: str
    closes: bool = True
    kept_by: tuple[str, ...] = ()


class AccountEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    side: Literal["debit", "credit"]
    code: str = ""
    control: str = ""
    by_hand: bool = True
    kind: AccountKind = ""
    clears_within_year: bool = False


class ChartFile(NamedTuple):
    """One file: ``books`` by letter, ``accounts`` by id, ``choices`` by name.

    ``parallel`` is what vouchers by hand are held against, by name; ``closing`` what empties the
    books at the year's end, in order.
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
    closing: list[ClosingStep]
    follows: str = ""

    def book_of(self, name: str) -> str:
        """The book of an account, or of the accounts of a choice, which are of one."""
        return self.books[self.accounts_of(name)[0][:1]].name

    def accounts_of(self, name: str) -> list[str]:
        """The account itself, or those that a choice may pick."""
        if name in self.accounts:
            return [name]
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
    tables, lines = read_tables(text, file, _TABLES, optional=_optional)
    faults: list[Fault] = []
    entries = {name: tables.get(name, _TABLES[name]()) for name in _FROM_BEFORE}
    chart = ChartFile(
        file=file,
        lines=lines,
        version=tables["version"],
        valid_from=tables["valid_from"],
        books=dict(entries_of(BookEntry, "books", entries["books"].items(), faults)),
        accounts=dict(entries_of(AccountEntry, "accounts", entries["accounts"].items(), faults)),
        choices=dict(_choices(entries["choices"], faults)),
        rules=[rule for _, rule in entries_of(Rule, "rules", enumerate(entries["rules"]), faults)],
        parallel=dict(entries_of(Parallel, "parallel", entries["parallel"].items(), faults)),
        closing=[
            step
            for _, step in entries_of(ClosingStep, "closing", enumerate(entries["closing"]), faults)
        ],
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
    left out. The closing has an order, so it is that of the one file or that of the other. What is
    from before has the line of ``follows``.
    """
    said = {rule.name: rule for rule in reversed(after.rules)}
    rules = [said.pop(rule.name, rule) for rule in before.rules]
    in_place = set(map(id, rules))
    rules += (rule for rule in after.rules if id(rule) not in in_place)  # twice said is twice there
    chart = after._replace(
        books={**before.books, **after.books},
        accounts={**before.accounts, **after.accounts},
        choices={**before.choices, **after.choices},
        rules=rules,
        parallel={**before.parallel, **after.parallel},
        closing=after.closing or before.closing,
        lines=_lines_of_both(after, rules),
    )
    used = {name for rule in rules for line in rule.lines for name in line[:2]}
    asked = chart.named(used | {step.to for step in chart.closing})
    choices = {n: c for n, c in chart.choices.items() if n in asked or n in after.choices}
    return chart._replace(choices=choices)


def _lines_of_both(after: ChartFile, rules: Sequence[Rule]) -> dict[KeyPath, int]:
    """Places in the chart as it is whole: its rules stand in another order than in its file."""
    own = {id(rule): index for index, rule in enumerate(after.rules)}
    lines = {place: line for place, line in after.lines.items() if place[:1] != ("rules",)}
    follows = after.lines["follows",]
    for name in _FROM_BEFORE:
        lines.setdefault((name,), follows)
    for index, rule in enumerate(rules):
        lines["rules", index] = follows
        if (at := own.get(id(rule))) is not None:
            for place, line in after.lines.items():
                if place[:2] == ("rules", at):
                    lines["rules", index, *place[2:]] = line
    return lines


def _optional(tables: Mapping[str, object]) -> tuple[str, ...]:
    """What a file may lack: one that follows another also what it takes from there."""
    return (*_OPTIONAL, *(_FROM_BEFORE if "follows" in tables else ()))


def _choices(entries: Mapping[str, object], faults: list[Fault]) -> Iterator[tuple[str, Choice]]:
    """The choices in the order in which they stand, each in its form."""
    for name, entry in entries.items():
        is_table = isinstance(entry, dict) and not entry.keys().isdisjoint(("by", "rows"))
        form: type[PrefixChoice] | type[TableChoice] = TableChoice if is_table else PrefixChoice
        yield from entries_of(form, "choices", ((name, entry),), faults)
