"""What the rules of differences must be, an invariant to a function; see ``differences``."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from accounting.statements.differences import DIFFERENCE, DifferenceFile, names_one
from accounting.statements.formulas import AccountTerm
from accounting.statements.table_file import StatementTable
from ledger.books import Account
from ledger.books.toml_form import Fault, refusal


class RuleSurroundings(NamedTuple):
    """What the rules are held against: the accounts of all charts by id, and all tables."""

    accounts: Mapping[str, Account]
    tables: Iterable[StatementTable]


RuleCheck = Callable[[DifferenceFile, RuleSurroundings], Iterator[Fault]]


def hold_rules(found: DifferenceFile, around: RuleSurroundings) -> None:
    """Holds the rules.

    Raises:
        ConfigurationError: with every fault that the first failing check finds.
    """
    for check in CHECKS:
        if faults := list(check(found, around)):
            raise refusal(found.file, found.places, faults)


def rules_name_accounts(found: DifferenceFile, around: RuleSurroundings) -> Iterator[Fault]:
    """Every account that a rule names is in the charts: of another nothing would be a part."""
    for index, rule in enumerate(found.rules):
        for key, names in (("accounts", rule.accounts), ("beside", rule.beside)):
            for name in names:
                if not any(names_one((name,), account_id) for account_id in around.accounts):
                    yield Fault(("rules", index, key), f"there is no account {name}")
        if not rule.accounts:
            yield Fault(("rules", index), f"a rule of {rule.code} names no account")


def rules_stand_once(found: DifferenceFile, _around: RuleSurroundings) -> Iterator[Fault]:
    """The first rule that holds counts, so one that says the same never does."""
    seen: dict[object, str] = {}
    for index, rule in enumerate(found.rules):
        said = frozenset(rule.accounts), rule.side, frozenset(rule.beside)
        if said in seen:
            yield Fault(("rules", index, "accounts"), f"a rule of {seen[said]} says this already")
        seen[said] = rule.code


def codes_are_asked_for(found: DifferenceFile, around: RuleSurroundings) -> Iterator[Fault]:
    """What a rule makes a part of the difference stands in a line of some table: else the lines
    would not add up to the whole."""
    asked = {
        code
        for table in around.tables
        for line in table.lines
        for formula in line.formulas.values()
        for _, term in formula
        if isinstance(term, AccountTerm)
        for each in term.elements
        if each.element == DIFFERENCE and not each.without
        for code in each.prefixes
    }
    for index, rule in enumerate(found.rules):
        if not rule.code.startswith(tuple(asked)):
            yield Fault(("rules", index, "code"), f"no line of a table is of {rule.code}")


CHECKS: tuple[RuleCheck, ...] = (rules_name_accounts, rules_stand_once, codes_are_asked_for)
