"""A choice picks an account by the codes that come with an event: by one element, or by several.

Both forms are read as they stand in a chart's file. By one element it is the longest prefix of the
code that counts; by several it is a table, of which the first row counts whose cells all fit.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec

from ledger.books.toml_lines import KeyPath
from ledger.errors import PostingError

NOTHING = "none"  # instead of an account: nothing is booked, the line is left out
ANY = "*"  # a cell that any code fits
_TABLES_KEPT = 1_024  # as many choices as charts that are loaded can have

Codes = Mapping[str, str]  # by element
_Row = tuple[tuple[str, ...], ...]  # of each element the prefixes that fit; () for any


class PrefixChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Picks an account, or another choice, by the longest prefix of one element's code; "" where
    there is none."""

    element: str
    prefixes: Mapping[str, str]

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements whose codes it looks at."""
        return (self.element,)

    def picked(self, codes: Codes) -> tuple[str, str]:
        """The account's id, the other choice's name, "none" or "", and the element that decided.

        Raises:
            PostingError: the codes lack the element.
        """
        code = _code_of(self.element, codes)
        for length in range(len(code), 0, -1):
            if (picked := self.prefixes.get(code[:length])) is not None:
                return picked, self.element
        return self.prefixes[""], self.element

    def answers(self) -> Iterator[tuple[KeyPath, str]]:
        """Where each account or other choice stands in it, and its name."""
        for prefix, picked in self.prefixes.items():
            yield ("prefixes", prefix), picked

    def conditions(self) -> Iterator[tuple[KeyPath, str, str]]:
        """(place, element, prefix) of all that it looks for."""
        for prefix in self.prefixes:
            if prefix:
                yield ("prefixes", prefix), self.element, prefix


class TableChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Picks by several elements: ``rows`` of a cell for each element ``by`` and what is picked.

    A cell has the prefixes that fit, blanks between them, or ``*``. The first row counts whose
    cells fit all codes.
    """

    by: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements whose codes it looks at."""
        return self.by

    def picked(self, codes: Codes) -> tuple[str, str]:
        """As :meth:`PrefixChoice.picked`; the deciding element of a row that any code fits is the
        last one."""
        given = [_code_of(element, codes) for element in self.by]
        place = first_row(self.cells, given)
        if place is None:
            raise PostingError(f"no row fits {', '.join(given)}")
        return self.rows[place][-1], self._deciding(place)

    @property
    def cells(self) -> tuple[_Row, ...]:
        """The conditions of each row."""
        return _cells(self.rows)

    def answers(self) -> Iterator[tuple[KeyPath, str]]:
        """Where each account or other choice stands in it, and its name."""
        for index, row in enumerate(self.rows):
            yield ("rows", index, len(row) - 1), row[-1] if row else ""

    def conditions(self) -> Iterator[tuple[KeyPath, str, str]]:
        """(place, element, prefix) of all that it looks for."""
        for index, row in enumerate(self.cells):
            for column, (element, prefixes) in enumerate(zip(self.by, row, strict=False)):
                for prefix in prefixes:
                    yield ("rows", index, column), element, prefix

    def _deciding(self, place: int) -> str:
        asked = [e for e, cell in zip(self.by, self.rows[place], strict=False) if cell != ANY]
        return (asked or self.by)[-1]


Choice = PrefixChoice | TableChoice


def first_row(cells: Sequence[_Row], codes: Sequence[str]) -> int | None:
    """The place of the first row that fits codes, in the order of its cells; None without one."""
    for place, row in enumerate(cells):
        if all(
            not prefixes or code.startswith(prefixes)
            for prefixes, code in zip(row, codes, strict=True)
        ):
            return place
    return None


@lru_cache(_TABLES_KEPT)
def _cells(rows: tuple[tuple[str, ...], ...]) -> tuple[_Row, ...]:
    return tuple(
        tuple(() if cell == ANY else tuple(cell.split()) for cell in row[:-1]) for row in rows
    )


def _code_of(element: str, codes: Codes) -> str:
    if (code := codes.get(element)) is None:
        raise PostingError(f"an account is chosen by {element}, which is not given")
    return code
