"""差异: why a journal moves surplus otherwise than the budgetary balance, line by line.

Of every journal of a unit, or of the treasury, revenue less expense is what its other accounts of
the financial book moved by, and budgetary revenue less outlays what those of the budgetary book
did. Where the two differ, each of these lines is a part of the difference, on the side of debits;
what a line is a part of follows from its account, its side, and what else the journal moves, by
rules that are data (``shipped/differences-2026.toml``). A journal that moves both alike has none.

Units: 财会〔2017〕25号, 附注 本年盈余与预算结余的差异情况说明. The treasury: 财库〔2022〕41号,
本年预算结余与本期盈余调节表.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

import msgspec

from ledger.books import Account
from ledger.books.closing_steps import AccountKind
from ledger.books.toml_form import Fault, entries_of, read_tables, refusal
from ledger.books.toml_lines import KeyPath

DIFFERENCE = "difference_code"  # as formulas name it, beside the elements
OTHER = "Z"  # a part that no rule speaks of
_KNOWN_MAX = 4_096
NO_PARTS: Mapping[str, str] = {}
_NOMINAL: tuple[AccountKind, ...] = ("revenue", "expense")
_BOOKS = {
    "treasury_financial": ("treasury", 1),
    "treasury_budgetary": ("treasury", -1),
    "unit_financial": ("unit", 1),
    "unit_budgetary": ("unit", -1),
}


class DifferenceRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``code`` is what a line on one of ``accounts``, ``D22*`` with its details, is a part of where
    it stands on ``side``, in a journal that moves one of ``beside``, if that names any."""

    code: str
    accounts: tuple[str, ...]
    side: Literal["debit", "credit", "either"] = "either"
    beside: tuple[str, ...] = ()

    def holds(self, account_id: str, moved_fen: int, moved: Mapping[str, int]) -> bool:
        on_side = self.side == "either" or (moved_fen > 0) is (self.side == "debit")
        return (
            on_side
            and names_one(self.accounts, account_id)
            and (not self.beside or any(names_one(self.beside, other) for other in moved))
        )


class DifferenceFile(NamedTuple):
    """The rules in order: the first that holds counts. What they must be is in
    ``accounting.statements.difference_checks``."""

    file: str
    places: Mapping[KeyPath, int]
    rules: tuple[DifferenceRule, ...]


def read_rules(text: str, file: str) -> DifferenceFile:
    """The rules of a file; ``file`` is what it is called in what is said of it.

    Raises:
        ConfigurationError: it is no TOML, or a key is unknown, missing or of another type; each
            fault as ``FILE:LINE: reason``.
    """
    tables, places = read_tables(text, file, {"version": str, "rules": list}, optional=lambda _: ())
    faults: list[Fault] = []
    found = entries_of(DifferenceRule, "rules", enumerate(tables["rules"]), faults)
    rules = tuple(rule for _, rule in found)
    if faults:
        raise refusal(file, places, faults)
    return DifferenceFile(file, places, rules)


@cache
def shipped_rules() -> DifferenceFile:
    """Those that come with the program."""
    data = resources.files("accounting.statements") / "shipped" / "differences-2026.toml"
    return read_rules(data.read_text(encoding="utf-8"), str(data))


class Differences:
    """By the accounts of all charts; what is the same in many journals is looked for once."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._known: dict[frozenset[tuple[str, int]], Mapping[str, str]] = {}

    def of(self, moved: Iterable[tuple[str, int]]) -> Mapping[str, str]:
        """The codes of the parts of a difference.

        Args:
            moved: what a journal moves each account by, in fen or in parts of one amount, debits
                positive.

        Returns:
            By account; none of an account that is nominal, or of books in which nothing differs.
        """
        net: dict[str, int] = {}
        for account_id, fen in moved:
            net[account_id] = net.get(account_id, 0) + fen
        key = frozenset(net.items())
        if (found := self._known.get(key)) is None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            found = self._known[key] = self._parts(net)
        return found

    def _parts(self, moved: Mapping[str, int]) -> Mapping[str, str]:
        differ: dict[str, int] = {}
        for account_id, fen in moved.items():
            owner, sign = self._book(account_id)
            if owner and self._accounts[account_id].kind in _NOMINAL:
                differ[owner] = differ.get(owner, 0) - sign * fen
        if not any(differ.values()):
            return NO_PARTS
        return {
            account_id: _code(account_id, fen, moved)
            for account_id, fen in moved.items()
            if fen
            and differ.get(self._book(account_id)[0])
            and self._accounts[account_id].kind not in _NOMINAL
        }

    def _book(self, account_id: str) -> tuple[str, int]:
        """Whose books it is of, and 1 in the financial, -1 in the budgetary one; "" of others."""
        account = self._accounts.get(account_id)
        return ("", 0) if account is None else _BOOKS.get(account.book, ("", 0))


def _code(account_id: str, fen: int, moved: Mapping[str, int]) -> str:
    rules = (rule.code for rule in shipped_rules().rules if rule.holds(account_id, fen, moved))
    return next(rules, OTHER)


def names_one(names: Iterable[str], account_id: str) -> bool:
    return any(
        account_id.startswith(name[:-1]) if name.endswith("*") else account_id == name
        for name in names
    )
