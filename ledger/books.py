"""Charts of accounts and posting rules, read from data, dated by validity.

A rule names, for an event, pairs of a debit and a credit account and which amount they carry. A
pair stands within one book, so every book balances for any amounts; a file in which one does not is
refused when it is loaded. An account may be a *choice* by an element's code, as the treasury's
expense follows 政府支出经济分类.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from ledger.errors import ConfigurationError
from ledger.events import JournalPosted, Line
from ledger.money import parse_yuan, yuan

DEBIT, CREDIT = 1, -1


class Account(msgspec.Struct, frozen=True):
    """One account; ``side`` is the side of its normal balance, ``code`` the official code or ""."""

    id: str
    book: str
    name: str
    side: int
    code: str = ""
    control: str = ""

    @property
    def acct_cls_code(self) -> str:
        return self.code or self.id


class Choice(msgspec.Struct, frozen=True):
    """Picks an account by the longest prefix of an element's code; "" where there is none."""

    element: str
    prefixes: Mapping[str, str]

    def account(self, codes: Mapping[str, str]) -> str:
        code = codes.get(self.element, "")
        for length in range(len(code), -1, -1):
            if (account := self.prefixes.get(code[:length])) is not None:
                return account
        raise ConfigurationError(f"no account for {self.element} {code!r}")


class Rule(msgspec.Struct, frozen=True):
    event: str
    lines: tuple[tuple[str, str, str], ...]
    red: bool = False


class Postings(msgspec.Struct, frozen=True):
    """A rule for certain codes: for each amount the accounts it moves, (account, side)."""

    red_flag: int
    lines: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


class Books:
    """One version of charts and rules. Immutable; share it freely."""

    def __init__(
        self,
        version: str,
        valid_from: date,
        titles: Mapping[str, str],
        accounts: Iterable[Account],
        choices: Mapping[str, Choice],
        rules: Iterable[Rule],
    ) -> None:
        self.version = version
        self.valid_from = valid_from
        self.titles = dict(titles)
        self.accounts = {account.id: account for account in accounts}
        self._choices = dict(choices)
        self.rules = {rule.event: rule for rule in rules}
        self._resolved: dict[tuple[str, ...], Postings] = {}
        self._check()
        self._controls = {event: self._controls_of(rule) for event, rule in self.rules.items()}

    def _check(self) -> None:
        for name, choice in self._choices.items():
            books = {self._account(account).book for account in choice.prefixes.values() if account}
            if len(books) != 1:
                raise ConfigurationError(f"choice {name} mixes the books {sorted(books)}")
        for rule in self.rules.values():
            for debit, credit, amount in rule.lines:
                if self._book(debit) != self._book(credit):
                    raise ConfigurationError(
                        f"rule {rule.event}: {debit} / {credit} ({amount}) does not balance "
                        "within one book"
                    )

    def _account(self, account_id: str) -> Account:
        if (account := self.accounts.get(account_id)) is None:
            raise ConfigurationError(f"no account {account_id!r} in chart {self.version}")
        return account

    def _book(self, name: str) -> str:
        choice = self._choices.get(name)
        return self._account(next(filter(None, choice.prefixes.values())) if choice else name).book

    def uncovered(self, codes: Mapping[str, str]) -> str:
        """The element whose code has no account in some book, "" when all have one."""
        for choice in self._choices.values():
            if not choice.account(codes):
                return choice.element
        return ""

    def _postings(self, event: str, codes: Mapping[str, str]) -> Postings:
        """The rule with choices resolved; kept, since few combinations of codes exist."""
        key = (
            event,
            codes.get("gov_bgt_eco_code", ""),
            codes.get("dep_bgt_eco_code", ""),
            codes.get("fund_type_code", ""),
        )
        if (postings := self._resolved.get(key)) is None:
            postings = self._resolved[key] = self._resolve(event, codes)
        return postings

    def _resolve(self, event: str, codes: Mapping[str, str]) -> Postings:
        if (rule := self.rules.get(event)) is None:
            raise ConfigurationError(f"no posting rule for {event} in {self.version}")

        def resolve(name: str) -> str:
            choice = self._choices.get(name)
            return choice.account(codes) if choice else name

        postings: list[tuple[str, list[tuple[str, int]]]] = []
        for debit, credit, amount in rule.lines:
            sides = [(resolve(debit), DEBIT), (resolve(credit), CREDIT)]
            if postings and postings[-1][0] == amount:
                postings[-1][1].extend(sides)
            else:
                postings.append((amount, sides))
        return Postings(int(rule.red), tuple((amount, tuple(sides)) for amount, sides in postings))

    def post(
        self,
        event: str,
        *,
        source: int,
        number: str,
        amounts_fen: Mapping[str, int],
        codes: Mapping[str, str],
        bgt_id: str = "",
        rule_name: str = "",
    ) -> JournalPosted:
        """The journal of one event in all books it touches.

        Args:
            event: type of the business event; ``rule_name`` is that of its rule where it has two.
            source: its position.
            number: the business number an accountant looks for.
            amounts_fen: the amounts its rule names; lines of a zero amount are left out.
            codes: the elements that choices look at.
        """
        lines: list[Line] = []
        postings = self._postings(rule_name or event, codes)
        for amount, sides in postings.lines:
            if amount_fen := amounts_fen.get(amount, 0):
                amt = yuan(amount_fen)
                lines += [Line(account, side, amt) for account, side in sides]
        return JournalPosted(
            source=source,
            event=event,
            chart_version=self.version,
            number=number,
            bgt_id=bgt_id,
            fund_type_code=codes.get("fund_type_code", ""),
            red_flag=postings.red_flag,
            lines=tuple(lines),
        )

    def controlled(self, event: str, amounts_fen: Mapping[str, int]) -> dict[str, int]:
        """Change of each controlled balance by the event's rule, credit positive, in fen."""
        changes: dict[str, int] = {}
        for control, side, amount in self._controls[event]:
            if amount_fen := amounts_fen.get(amount, 0):
                changes[control] = changes.get(control, 0) - side * amount_fen
        return changes

    def _controls_of(self, rule: Rule) -> list[tuple[str, int, str]]:
        """(control, side, amount) of the rule's lines on controlled accounts."""
        return [
            (account.control, side, amount)
            for debit, credit, amount in rule.lines
            for account_id, side in ((debit, DEBIT), (credit, CREDIT))
            if (account := self.accounts.get(account_id)) is not None and account.control
        ]


def merge(journals: list[JournalPosted]) -> JournalPosted:
    """One journal of several for the same event: lines of one account and side are added up."""
    totals: dict[tuple[str, int, str], int] = {}
    for journal in journals:
        for line in journal.lines:
            key = (line.account, line.dr_cr, line.bgt_id)
            totals[key] = totals.get(key, 0) + parse_yuan(line.amt)
    lines = tuple(
        Line(account, dr_cr, yuan(fen), bgt_id) for (account, dr_cr, bgt_id), fen in totals.items()
    )
    return msgspec.structs.replace(journals[0], lines=lines)


def parse_books(text: str) -> Books:
    """A chart-and-rules file (TOML, see ledger/data/books/); raises ConfigurationError."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
        titles = {book["name"]: book["title"] for book in data["books"].values()}
        accounts = [
            Account(
                id=account_id,
                book=data["books"][account_id[0]]["name"],
                name=entry["name"],
                side={"debit": DEBIT, "credit": CREDIT}[entry["side"]],
                code=entry.get("code", ""),
                control=entry.get("control", ""),
            )
            for account_id, entry in data["accounts"].items()
        ]
        choices = msgspec.convert(data["choices"], dict[str, Choice])
        rules = msgspec.convert(data["rules"], list[Rule])
        version, valid_from = str(data["version"]), data["valid_from"]
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, KeyError, TypeError) as error:
        raise ConfigurationError(f"the chart and rules cannot be read: {error!r}") from error
    return Books(version, valid_from, titles, accounts, choices, rules)


@cache
def shipped_books() -> Books:
    """The charts and rules that come with the program."""
    data = resources.files("ledger.data") / "books" / "2026.toml"
    return parse_books(data.read_text(encoding="utf-8"))


class Charts:
    """Every loaded version of charts and rules; a posting takes the one valid on its date."""

    def __init__(self, versions: Iterable[Books]) -> None:
        self._versions = sorted(versions, key=lambda books: books.valid_from, reverse=True)
        if not self._versions:
            raise ConfigurationError("no charts of accounts are loaded")
        self.by_version = {books.version: books for books in self._versions}

    def on(self, day: date) -> Books:
        """The version valid on ``day``; raises ConfigurationError before the first."""
        for books in self._versions:
            if books.valid_from <= day:
                return books
        raise ConfigurationError(f"no charts of accounts are valid on {day}")


def load_charts(paths: Iterable[Path] = ()) -> Charts:
    """The shipped charts and rules, and a user's own files beside them."""
    return Charts([shipped_books(), *(parse_books(p.read_text(encoding="utf-8")) for p in paths)])
