"""Formulas of statements: sums and differences of accounts and of lines.

    B1 + B2                     accounts, by their id in the charts
    D22*                        all accounts whose ids begin so: an account with its details
    C1@opening                  not as the column has it, but so
    E1{fund_type_code=11|12}    only what is of these codes, or of codes that begin so
    E1{fund_type_code=!2}       only what is of none of them
    12 - 13                     lines of the same table
    balance_sheet:20.amt        in checks: a line of another table, in one column

An account counts on the side of its normal balance, so that what is subtracted from an asset is
written with a minus: ``D2 - D1602``.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

# Of an account: what it holds at the end of the day; what it began the year with; what it moved by
# in the year, in the month, and in the year on either side. What opens or closes the year's books
# is no movement.
MEASURES = ("closing", "opening", "year", "period", "debit", "credit")
Measure = Literal["closing", "opening", "year", "period", "debit", "credit"]

_TERM = re.compile(
    r"""\s* (?P<sign>[+-])? \s*
    (?: (?P<account>[A-Z][0-9]*\*?) (?: @(?P<measure>[a-z]+) )? (?: \{(?P<elements>[^{}]*)\} )?
      | (?: (?P<table>[a-z][a-z0-9_]*): )? (?P<line>[0-9]+) (?: \.(?P<column>[a-z_]+) )?
    ) \s*""",
    re.VERBOSE | re.ASCII,
)
_ELEMENT = re.compile(r"\s*([a-z_]+)\s*=\s*(!?)([0-9A-Za-z]+(?:\|[0-9A-Za-z]+)*)\s*", re.ASCII)


class ElementCodes(NamedTuple):
    """Of which codes of an element an account's movements count: those that begin with one of
    ``prefixes``; all others where ``without``."""

    element: str
    prefixes: tuple[str, ...]
    without: bool = False

    def holds(self, code: str) -> bool:
        return code.startswith(self.prefixes) is not self.without


class AccountTerm(NamedTuple):
    """Accounts of a formula: one by its id, or all whose ids begin with it (``details``)."""

    account: str
    details: bool = False
    measure: str = ""
    elements: tuple[ElementCodes, ...] = ()

    def names(self, account_id: str) -> bool:
        return account_id.startswith(self.account) if self.details else account_id == self.account


class LineTerm(NamedTuple):
    """A line of a table; ``table`` and ``column`` are "" where they are those of the formula."""

    line: str
    table: str = ""
    column: str = ""


class SignedTerm(NamedTuple):
    """A term with its sign, 1 or -1."""

    sign: int
    term: AccountTerm | LineTerm


Formula = tuple[SignedTerm, ...]


def parse_formula(text: str) -> Formula:
    """The terms of a formula, in order.

    Raises:
        ValueError: it is none; the message says from where on.
    """
    return tuple(_terms(text))


def _terms(text: str) -> Iterator[SignedTerm]:
    at = 0
    while at < len(text) or not at:
        found = _TERM.match(text, at)
        if found is None or (at and not found["sign"]):
            raise ValueError(f"this is no formula from {text[at : at + 20]!r} on")
        sign = -1 if found["sign"] == "-" else 1
        if found["line"]:
            yield SignedTerm(
                sign, LineTerm(found["line"], found["table"] or "", found["column"] or "")
            )
        else:
            account, measure = found["account"], found["measure"] or ""
            yield SignedTerm(
                sign,
                AccountTerm(
                    account.rstrip("*"),
                    account.endswith("*"),
                    measure,
                    tuple(_elements(found["elements"])),
                ),
            )
        at = found.end()


def _elements(text: str | None) -> Iterator[ElementCodes]:
    for part in () if text is None else text.split(","):
        if (found := _ELEMENT.fullmatch(part)) is None:
            raise ValueError(f"{part.strip()!r} is no element with its codes")
        yield ElementCodes(found[1], tuple(found[3].split("|")), bool(found[2]))
