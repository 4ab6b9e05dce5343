"""What a file of statements must be, an invariant to a function.

A table is free in its lines. It is held against the charts that are loaded and against itself: each
check may rely on those before it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import NamedTuple

from accounting.statements.differences import DIFFERENCE, OTHER, shipped_rules
from accounting.statements.formulas import MEASURES, AccountTerm, Formula, LineTerm
from accounting.statements.table_file import StatementTable, TableFile, measured
from ledger.books import DEBIT, Account
from ledger.books.toml_form import Fault, refusal
from ledger.books.toml_lines import KeyPath

OF_CLAIMS = {"fund_type_code", DIFFERENCE}  # the fund that a journal is of, what its own lines tell
CARRIED = {"A7"}  # 结转, which is of indicators, though none of its amounts is controlled
ELEMENTS = (
    "agency_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "fund_type_code",
    "pro_code",
    "pro_cat_code",
    "inc_sort_code",
    DIFFERENCE,
)
_ONE_SIDED = {"debit", "credit"}
_BOOKS = {
    "treasury": ("treasury_financial", "treasury_budgetary", "indicator"),
    "unit": ("unit_financial", "unit_budgetary", "indicator"),
}


class Surroundings(NamedTuple):
    """What a file is held against: the accounts of all charts by id, and the tables by name that
    its checks may name."""

    accounts: Mapping[str, Account]
    tables: Mapping[str, StatementTable]

    def named(self, term: AccountTerm) -> list[Account]:
        """The accounts that a term names, of those that there are."""
        if term.details:
            return [a for a in self.accounts.values() if term.names(a.id)]
        known = self.accounts.get(term.account)
        return [] if known is None else [known]


TableCheck = Callable[[StatementTable, Surroundings], Iterator[Fault]]


def hold(file: TableFile, around: Surroundings) -> None:
    """Holds the tables of a file.

    Raises:
        ConfigurationError: with every fault that the first failing check finds.
    """
    for check in CHECKS:
        if faults := [f for table in file.tables.values() for f in check(table, around)]:
            raise refusal(file.file, file.places, faults)


def columns_say_something(table: StatementTable, _around: Surroundings) -> Iterator[Fault]:
    """A column has a measure, or is the sum of columns that have one, each once."""
    columns = table.entry.columns
    plain = set(measured(columns))
    if not columns:
        yield Fault(table.place(), f"{table.name} has no columns")
    for name, column in columns.items():
        if bool(column.measure) == bool(column.sum):
            yield Fault(
                table.place("columns", name), f"column {name} has either a measure or a sum"
            )
        for index, part in enumerate(column.sum):
            if part.removeprefix("-") in (p.removeprefix("-") for p in column.sum[:index]):
                yield Fault(table.place("columns", name, "sum"), f"{part!r} stands there already")
            if part.removeprefix("-") not in plain:
                yield Fault(
                    table.place("columns", name, "sum"), f"{part!r} is no column with a measure"
                )


def lines_have_a_number_each(table: StatementTable, _around: Surroundings) -> Iterator[Fault]:
    """A line that is worked out has a number, a heading none, and no number stands twice."""
    first: dict[str, int] = {}
    for index, line in enumerate(table.lines):
        place = table.place("lines", index)
        if bool(line.number) != bool(line.formulas):
            yield Fault(place, f"line {line.name!r} has a number and a formula, or neither")
        if line.number and not (line.number.isascii() and line.number.isdigit()):
            yield Fault(place, f"a line's number is written in digits, not {line.number!r}")
        if line.number and first.setdefault(line.number, index) != index:
            yield Fault(place, f"there is a line {line.number} already")
    if not first:
        yield Fault(table.place(), f"{table.name} has no lines")


def formulas_stand_in_columns(table: StatementTable, _around: Surroundings) -> Iterator[Fault]:
    """A line that has a formula for each column names columns with a measure."""
    plain = set(measured(table.entry.columns))
    for index, line in enumerate(table.lines):
        for column in line.formulas:
            if column not in plain:
                yield Fault(
                    table.place("lines", index, 2, column),
                    f"line {line.number}: {column!r} is no column with a measure",
                )


def accounts_are_known(table: StatementTable, around: Surroundings) -> Iterator[Fault]:
    """Every account is one of the charts, and of the books that the table is of."""
    books = _BOOKS[table.entry.of]
    for place, what, _, term in _account_terms(table):
        named = around.named(term)
        star = "*" if term.details else ""
        if not named:
            yield Fault(place, f"{what}: there is no account {term.account}{star}")
        for account in named:
            if account.book not in books:
                yield Fault(
                    place, f"{what}: {account.id} is of the book {account.book}, not of a "
                    f"{table.entry.of}'s"
                )  # fmt: skip


def measures_are_known(table: StatementTable, _around: Surroundings) -> Iterator[Fault]:
    """What a formula says of an account instead of its column is one of the measures."""
    for place, what, _, term in _account_terms(table):
        if term.measure and term.measure not in MEASURES:
            known = ", ".join(MEASURES)
            yield Fault(place, f"{what}: unknown measure {term.measure!r}; known are {known}")


def elements_are_told_apart(table: StatementTable, around: Surroundings) -> Iterator[Fault]:
    """What an account's movements are told apart by is an element that its journals have, and both
    its sides count. A claim on the central bank is over many payments of one kind of fund, a row of
    the budget before any indicator, so the treasury's outlays are told apart by that alone, and
    支出预算 by nothing."""
    measures = {column.measure for column in table.entry.columns.values()}
    for place, what, _, term in _account_terms(table):
        for each in term.elements:
            if each.element not in ELEMENTS:
                known = ", ".join(ELEMENTS)
                yield Fault(place, f"{what}: unknown element {each.element!r}; known are {known}")
        if not term.elements:
            continue
        if {term.measure} & _ONE_SIDED or (not term.measure and measures & _ONE_SIDED):
            yield Fault(place, f"{what}: one side alone is not told apart by elements")
        asked = {each.element for each in term.elements}
        for account in around.named(term):
            if _has_no_elements(account, asked):
                yield Fault(place, f"{what}: {account.id} is not told apart by elements")


def _has_no_elements(account: Account, asked: Set[str]) -> bool:
    of_claims = account.book.startswith("treasury_") and account.side == DEBIT
    if of_claims:
        return not asked <= OF_CLAIMS
    return not asked <= {DIFFERENCE} and (
        account.book == "indicator"
        and account.control in ("", "rest")
        and account.id not in CARRIED
    )


def differences_are_told(table: StatementTable, _around: Surroundings) -> Iterator[Fault]:
    """A part of the difference that a line is of is one that some rule tells, or what is left."""
    told = {OTHER, *(rule.code for rule in shipped_rules().rules)}
    for place, what, _, term in _account_terms(table):
        for each in term.elements:
            for code in each.prefixes if each.element == DIFFERENCE else ():
                if not any(known.startswith(code) for known in told):
                    yield Fault(place, f"{what}: no rule of differences tells {code}")


def rows_of_codes_are_of_accounts(table: StatementTable, around: Surroundings) -> Iterator[Fault]:
    """A line that is told apart by codes names accounts that can be, and no lines."""
    for index, line in enumerate(table.lines):
        if line.each is None:
            continue
        place = table.place("lines", index, 3)
        if line.each.element not in ELEMENTS:
            yield Fault(place, f"line {line.number}: unknown element {line.each.element!r}")
        terms = [term for formula in line.formulas.values() for _, term in formula]
        for term in terms:
            if isinstance(term, LineTerm) or any(
                _has_no_elements(account, {line.each.element}) for account in around.named(term)
            ):
                yield Fault(place, f"line {line.number} is not told apart by {line.each.element}")
                break


def lines_count_nothing_twice(table: StatementTable, around: Surroundings) -> Iterator[Fault]:
    """A formula names an account, or a line, once: else it would count twice, or not at all."""
    for place, what, formula in _formulas(table):
        counted = Counter[object]()
        for _, term in formula:
            if isinstance(term, LineTerm):
                counted[term] += 1
            else:
                for account in around.named(term):
                    counted[term._replace(account=account.id, details=False)] += 1
        for named, times in counted.items():
            if times > 1:
                called = named[0] if isinstance(named, tuple) else named
                yield Fault(place, f"{what}: {called} counts {times} times")


def lines_are_there(table: StatementTable, _around: Surroundings) -> Iterator[Fault]:
    """A line adds up lines of its own table, as its column has them, and not those of others."""
    numbers = table.numbered()
    for index, line in enumerate(table.lines):
        for column, formula in line.formulas.items():
            for _, term in formula:
                if isinstance(term, LineTerm):
                    place = table.place("lines", index, 2, column)
                    if term.table or term.column:
                        yield Fault(
                            place, f"line {line.number}: only checks name other tables or columns"
                        )
                    elif column not in getattr(numbers.get(term.line), "formulas", ()):
                        yield Fault(
                            place, f"line {line.number}: there is no line {term.line} in {column}"
                        )


def no_line_counts_itself(table: StatementTable, _around: Surroundings) -> Iterator[Fault]:
    """What a line adds up leads to accounts, never back to the line."""
    numbers = table.numbered()
    for index, line in enumerate(table.lines):
        for column in line.formulas:
            if line.number in _beneath(numbers, line.number, column):
                yield Fault(table.place("lines", index), f"line {line.number} counts itself")
                break


def _beneath(numbers: Mapping[str, object], number: str, column: str) -> set[str]:
    """The lines that one adds up, and those that they do."""
    found: set[str] = set()
    waiting = [number]
    while waiting:
        formulas: Mapping[str, Formula] = getattr(numbers[waiting.pop()], "formulas", {})
        for _, term in formulas.get(column, ()):
            if isinstance(term, LineTerm) and term.line not in found:
                found.add(term.line)
                waiting.append(term.line)
    return found


def checks_name_what_there_is(table: StatementTable, around: Surroundings) -> Iterator[Fault]:
    """Both sides of a check name lines that there are, in columns that have them; a check is named
    once."""
    first: dict[str, int] = {}
    for index, check in enumerate(table.checks):
        if first.setdefault(check.name, index) != index:
            yield Fault(table.place("checks", index), f"there is a check {check.name} already")
        for column in check.columns:
            if column not in table.entry.columns:
                yield Fault(
                    table.place("checks", index), f"check {check.name}: no column {column!r}"
                )
        for side, formula in (("left", check.left), ("right", check.right)):
            for _, term in formula:
                if isinstance(term, LineTerm):
                    reason = _not_there(table, around.tables, term, check.columns)
                    if reason:
                        yield Fault(
                            table.place("checks", index, side), f"check {check.name}: {reason}"
                        )


def _not_there(
    table: StatementTable,
    tables: Mapping[str, StatementTable],
    term: LineTerm,
    columns: Iterable[str],
) -> str:
    """Why a line that a check names is none; "" where it is one."""
    named = tables.get(term.table) if term.table else table
    if named is None:
        return f"there is no table {term.table!r}"
    if named.entry.of != table.entry.of:
        return f"{term.table} is of a {named.entry.of}'s books"
    if term.line not in named.numbered():
        return f"there is no line {term.line} in {named.name}"
    asked = [term.column] if term.column else columns or table.entry.columns
    for column in asked:
        if column not in named.entry.columns:
            return f"{named.name} has no column {column!r}"
    return ""


def _formulas(table: StatementTable) -> Iterator[tuple[KeyPath, str, Formula]]:
    """Every formula with its place and what it is of: a line's once, however many columns."""
    for index, line in enumerate(table.lines):
        seen: list[Formula] = []
        for column, formula in line.formulas.items():
            if formula not in seen:
                seen.append(formula)
                yield table.place("lines", index, 2, column), f"line {line.number}", formula
    for index, check in enumerate(table.checks):
        for side, formula in (("left", check.left), ("right", check.right)):
            yield table.place("checks", index, side), f"check {check.name}", formula


def _account_terms(table: StatementTable) -> Iterator[tuple[KeyPath, str, int, AccountTerm]]:
    for place, what, formula in _formulas(table):
        for sign, term in formula:
            if isinstance(term, AccountTerm):
                yield place, what, sign, term


CHECKS: tuple[TableCheck, ...] = (
    columns_say_something,
    lines_have_a_number_each,
    formulas_stand_in_columns,
    accounts_are_known,
    measures_are_known,
    elements_are_told_apart,
    differences_are_told,
    rows_of_codes_are_of_accounts,
    lines_count_nothing_twice,
    lines_are_there,
    no_line_counts_itself,
    checks_name_what_there_is,
)
