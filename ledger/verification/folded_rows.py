"""The rows of registers as a history that is being read has folded them, for decisions to look at.

What the program keeps in a table is here what the events before a decision come to, and nothing
that a decision taken again would move.
"""

from collections.abc import Iterable
from datetime import date
from typing import TypeVar

import msgspec

from ledger.deciding.dated import DatedRow
from ledger.deciding.refolding import Refold
from ledger.deciding.registers import AnyRegister, MovedRow, Register
from ledger.deciding.rows import Put, RegisterRows

R = TypeVar("R", bound=msgspec.Struct)


class FoldedRows(RegisterRows):
    """All rows are at hand; the days of one are when they are :meth:`want`-ed."""

    def __init__(self, refold: Refold) -> None:
        self._wanted: set[tuple[str, str]] = set()
        super().__init__()
        self._refold = refold

    def want(self, register: AnyRegister, key: str) -> None:
        """The row is to tell its days, until :meth:`want_nothing`."""
        self._wanted.add((register.name, key))

    def want_nothing(self) -> None:
        """The next decision asks anew."""
        if self._wanted:
            self._wanted.clear()

    def begin(self) -> None:
        super().begin()
        self.want_nothing()

    def dated(self, register: Register[R], key: str) -> DatedRow[R]:
        if (register.name, key) in self._wanted:
            return self._refold.dated_row(register, key)
        return self._refold.last_day(register, key)

    def on(self, register: Register[R], key: str, day: date) -> DatedRow[R]:
        dated = self.dated(register, key)
        return dated if dated.tells(day) else self._refold.dated_row(register, key)

    def all(self, register: Register[R]) -> dict[str, R]:
        rows = self._refold.rows(register)
        return {key: row for key, row in rows.items() if register.keeps(row)}

    def has(self, register: AnyRegister, key: str) -> bool:
        return True

    def keep(self, moved: Iterable[MovedRow], put: Put) -> None:
        """Nothing: what stands on record moves the rows."""
