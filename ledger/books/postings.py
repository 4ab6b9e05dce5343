"""记账: the journal of a business event in all books it touches, by the rules of one chart.

An account may be a *choice* by the codes that come with an event, as the treasury's expense follows
政府支出经济分类 (``ledger.books.choices``). The charts come held against what the program needs
(``ledger.books.checks``), so nothing is made good here: an amount or a code that is missing is an
error of the program.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby, repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import msgspec

from ledger.books.choices import NOTHING, Choice
from ledger.books.closing_steps import AccountKind, ClosingStep
from ledger.books.parallel import Parallel
from ledger.errors import PostingError
from ledger.events import JournalPosted, Line
from ledger.money import parse_yuan, yuan

DEBIT, CREDIT = 1, -1
FUND_TYPE = "fund_type_code"  # every journal names it
RESOLVED_MAX = 10_000  # combinations of codes kept: few exist, but of projects many


class Account(msgspec.Struct, frozen=True):
    """One account: ``id`` (acct_cls_id) is the chart's own, ``code`` (acct_cls_code) the official
    code or "", ``side`` the side of its normal balance.

    ``by_hand`` is whether a person may book on it where it carries no control; ``kind`` what it is
    to the closing of a year, of its own or of its nearest heading. ``clears_within_year`` says that
    nothing may be left of it at the year's end but what is of the next year.
    """

    id: str
    book: str
    name: str
    side: int
    code: str = ""
    control: str = ""
    by_hand: bool = True
    kind: AccountKind = ""
    clears_within_year: bool = False


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines (debit account, credit account, amount); ``red`` marks a reversal (红冲)."""

    name: str = msgspec.field(name="event")
    lines: tuple[tuple[str, str, str], ...]
    red: bool = False


class _Sides(msgspec.Struct, frozen=True):
    """A rule for certain codes: for each amount the accounts it moves, and the side of each."""

    fund_type_code: str
    lines: tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...]


class _Posting(msgspec.Struct, frozen=True):
    """A rule as it is posted.

    Attributes:
        amounts: those its lines carry; it is posted with these and no others.
        elements: those whose codes tell one resolution of its accounts from another;
            ``codes_of`` gives these codes.
        controls: (control, sign, amount) of its lines on controlled accounts: 1 where the amount is
            on the account's own side.
        resolved: the resolutions made so far, by these codes.
    """

    lines: tuple[tuple[str, str, str], ...]
    red_flag: int
    amounts: frozenset[str]
    elements: tuple[str, ...]
    codes_of: Callable[[Mapping[str, str]], Any]
    controls: tuple[tuple[str, int, str], ...]
    resolved: dict[Any, _Sides]


class Books:
    """One version of charts and rules, held against the program. Immutable; share it freely.

    Attributes:
        parallel: by name, what vouchers by hand are held against.
        closing: what empties the books at the year's end, in order.
        kept_by: of each book that the year's end closes, the elements that it is kept by then.
        edition: which of the shipped ones it is, from 1; 0 of an office's own.
    """

    def __init__(
        self,
        version: str,
        valid_from: date,
        titles: Mapping[str, str],
        accounts: Iterable[Account],
        choices: Mapping[str, Choice],
        rules: Iterable[Rule],
        parallel: Mapping[str, Parallel] = MappingProxyType({}),
        *,
        closing: Sequence[ClosingStep] = (),
        kept_by: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        edition: int = 0,
    ) -> None:
        self.version = version
        self.valid_from = valid_from
        self.edition = edition
        self.parallel = dict(parallel)
        self.closing, self.kept_by = tuple(closing), dict(kept_by)
        self.titles = dict(titles)
        self.accounts = {account.id: account for account in accounts}
        self._choices = dict(choices)
        behind = {picked for choice in choices.values() for _, picked in choice.answers()}
        self._first_choices = [name for name in choices if name not in behind]
        self._covered_by = tuple(sorted(self._chosen_by(self._first_choices)))
        self._uncovered: dict[tuple[str | None, ...], str] = {}
        self._postings = {rule.name: self._posting(rule) for rule in rules}
        self._headings = self._found_headings()

    @property
    def rules(self) -> Iterable[str]:
        """The names of the rules: the event's type, or one for each message (清算)."""
        return self._postings.keys()

    def _posting(self, rule: Rule) -> _Posting:
        names = [name for debit, credit, _ in rule.lines for name in (debit, credit)]
        elements = sorted({*self._chosen_by(names), FUND_TYPE})
        return _Posting(
            lines=rule.lines,
            red_flag=int(rule.red),
            amounts=frozenset(amount for _, _, amount in rule.lines),
            elements=tuple(elements),
            codes_of=itemgetter(*elements),
            controls=tuple(self._controls(rule)),
            resolved={},
        )

    def _chosen_by(self, names: Iterable[str]) -> set[str]:
        """The elements of all choices that lead to the accounts of these names."""
        return {
            element
            for name in self._led_to(names) - self.accounts.keys()
            for element in self._choices[name].elements
        }

    def _led_to(self, names: Iterable[str]) -> set[str]:
        """These accounts and choices, and all that the choices lead to."""
        waiting, found = list(names), set[str]()
        while waiting:
            if (name := waiting.pop()) in found or name in ("", NOTHING):
                continue
            found.add(name)
            if name not in self.accounts:
                waiting += (picked for _, picked in self._choices[name].answers())
        return found

    def _controls(self, rule: Rule) -> Iterator[tuple[str, int, str]]:
        """What a rule moves on the whole: a balance that it only passes through is not named."""
        net: dict[tuple[str, str], int] = {}
        for debit, credit, amount in rule.lines:
            for name, side in ((debit, DEBIT), (credit, CREDIT)):
                if name not in self._choices and (control := self.accounts[name].control):
                    on_side = side * self.accounts[name].side
                    net[control, amount] = net.get((control, amount), 0) + on_side
        return ((control, side, amount) for (control, amount), side in net.items() if side)

    def is_heading(self, account: Account) -> bool:
        """非末级科目: the account has details, which are booked on in its place, and no rule books
        on itself."""
        return account.id in self._headings

    def _found_headings(self) -> set[str]:
        by_code = {(each.book, each.code): each.id for each in self.accounts.values() if each.code}
        above = {
            heading
            for book, code in by_code
            for length in range(1, len(code))
            if (heading := by_code.get((book, code[:length]))) is not None
        }
        return above - self._led_to(
            name
            for posting in self._postings.values()
            for debit, credit, _ in posting.lines
            for name in (debit, credit)
        )

    def elements_of(self, rule_name: str) -> tuple[str, ...]:
        """The elements by which the accounts of a rule are told."""
        return self._postings[rule_name].elements

    def uncovered(self, codes: Mapping[str, str]) -> str:
        """The element whose code has no account in some book, "" when all have one; choices by what
        is not among these codes are not asked."""
        asked = tuple(map(codes.get, self._covered_by))
        if (known := self._uncovered.get(asked)) is None:
            if len(self._uncovered) >= RESOLVED_MAX:
                self._uncovered.clear()
            known = self._uncovered[asked] = self._first_uncovered(codes)
        return known

    def _first_uncovered(self, codes: Mapping[str, str]) -> str:
        for name in self._first_choices:
            if not codes.keys() >= set(self._choices[name].elements):
                continue
            element, account = self._picked(name, codes)
            if not account:
                return element
        return ""

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
            event: type of the business event.
            source: its position.
            number: the business number an accountant looks for.
            amounts_fen: each amount of its rule; lines of a zero amount are left out.
            codes: the elements that choices look at, and the fund type.
            rule_name: the rule, where an event has more than the one that bears its name.

        Raises:
            PostingError: no such rule, other amounts than the rule's, a code that is missing or for
                which some book has no account.
        """
        name = rule_name or event
        lines: list[Line] = []
        try:
            posting = self._postings[name]
            key = posting.codes_of(codes)
            if (sides := posting.resolved.get(key)) is None:
                sides = self._resolve(posting, key, codes)
            for amount, accounts, dr_crs in sides.lines:
                if amount_fen := amounts_fen[amount]:
                    lines += map(Line, accounts, dr_crs, repeat(yuan(amount_fen)))
        except KeyError:
            raise self._mismatch(name, amounts_fen, codes) from None
        if len(amounts_fen) > len(posting.amounts):
            raise self._mismatch(name, amounts_fen, codes)
        return JournalPosted(
            source=source,
            event=event,
            chart_version=self.version,
            number=number,
            bgt_id=bgt_id,
            fund_type_code=sides.fund_type_code,
            red_flag=posting.red_flag,
            lines=tuple(lines),
        )

    def controlled(self, rule_name: str, amounts_fen: Mapping[str, int]) -> dict[str, int]:
        """Change of each controlled balance by a rule, on its account's own side, in fen.

        Raises:
            PostingError: no such rule, or an amount of it is not given.
        """
        changes: dict[str, int] = {}
        try:
            for control, side, amount in self._postings[rule_name].controls:
                if amount_fen := amounts_fen[amount]:
                    changes[control] = changes.get(control, 0) + side * amount_fen
        except KeyError:
            raise self._mismatch(rule_name, amounts_fen, {}) from None
        return changes

    def _mismatch(
        self, rule_name: str, amounts_fen: Mapping[str, int], codes: Mapping[str, str]
    ) -> PostingError:
        """What is wrong with what was given, found out only when something is."""
        if (posting := self._postings.get(rule_name)) is None:
            return PostingError(f"chart {self.version} has no rule {rule_name!r}")
        needed, given = posting.amounts, amounts_fen.keys()
        if needed == given:
            needed, given = frozenset(posting.elements), codes.keys()
        return PostingError(
            f"rule {rule_name} of chart {self.version} needs {', '.join(sorted(needed))}; "
            f"given are {', '.join(sorted(given)) or 'none'}"
        )

    def _resolve(self, posting: _Posting, key: Any, codes: Mapping[str, str]) -> _Sides:
        """The accounts of a rule for these codes; kept under ``key``."""
        lines = []
        for amount, alike in groupby(posting.lines, key=itemgetter(2)):
            pairs = [(debit, credit) for debit, credit, _ in alike]
            accounts: list[str] = []
            for pair in pairs:
                debit, credit = (self._account(name, codes) for name in pair)
                if NOTHING not in (debit, credit):
                    accounts += debit, credit
            if accounts:
                lines.append((amount, tuple(accounts), (DEBIT, CREDIT) * (len(accounts) // 2)))
        if len(posting.resolved) >= RESOLVED_MAX:
            posting.resolved.clear()
        posting.resolved[key] = resolved = _Sides(codes[FUND_TYPE], tuple(lines))
        return resolved

    def account_for(self, name: str, codes: Mapping[str, str]) -> Account:
        """The account that a name of the chart comes to, by these codes.

        Raises:
            PostingError: it comes to none.
        """
        return self.accounts[self._account(name, codes)]

    def _account(self, name: str, codes: Mapping[str, str]) -> str:
        element, account = self._picked(name, codes)
        if not account:
            raise PostingError(f"{element} {codes[element]} has no account in chart {self.version}")
        return account

    def _picked(self, name: str, codes: Mapping[str, str]) -> tuple[str, str]:
        """The account that a line's name comes to, "" for none, and the element that decided."""
        element = ""  # a choice picks what stands behind it, so that this comes to an end
        while name not in self.accounts and (choice := self._choices.get(name)) is not None:
            name, element = choice.picked(codes)
        return element, name


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
