"""The rows of registers that a ledger's state has at hand, and what a batch changes of them.

A cache of the database, valid where the state is, and the working copy of a batch: what is moved
goes through the ``put`` of the state, so that it can be taken back.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from operator import itemgetter
from typing import Any, TypeVar

import msgspec

from ledger.deciding.dated import NEVER, DatedRow
from ledger.deciding.registers import (
    WHOLE,
    AnyRegister,
    DaysNotAtHandError,
    MovedRow,
    Register,
)

R = TypeVar("R", bound=msgspec.Struct)

ROWS_CACHED_MAX = 200_000
DAYS_CACHED_MAX = 500_000  # closings of rows; some 200 bytes each

Put = Callable[[dict[Any, Any], Any, Any], None]  # a mapping, a key of it, the value that it gets

_first = itemgetter(0)


class ChangedRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A register's row as it is to be kept: its amounts in fen, the first ``floored`` of which may
    not be below zero; None where it goes. ``day`` is the last on which it has moved."""

    register: str
    key: str
    amounts: tuple[int, ...] | None
    floored: int
    day: date


class ChangedDay(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The closing of an earlier day of a row, as it is to be kept; without amounts: all closings
    of the row go, before others of it come."""

    register: str
    key: str
    day: date
    amounts: tuple[int, ...]


class RegisterRows:
    """See the module; ``whole``: the names of the registers of which all rows are cached."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, dict[str, DatedRow[Any]]] = defaultdict(dict)  # by name
        self.whole: set[str] = set()
        self._complete: set[str] = set()  # others of which they are, for this batch
        self._closings_cached = 0
        self.begin()

    # ---- what decisions read

    def dated(self, register: Register[R], key: str) -> DatedRow[R]:
        """A row is cached as long as any object is that moves it, so one that is not would be an
        error of ours and must not pass for nothing."""
        dated = self._rows[register.name].get(key)
        if dated is None:
            if not register.whole:
                raise LookupError(f"no row {key!r} of {register.name} is at hand")
            assert register.name in self.whole, "a command says what it needs before it is decided"
            dated = DatedRow(register.row())
        found: DatedRow[R] = dated
        return found

    def on(self, register: Register[R], key: str, day: date) -> DatedRow[R]:
        """A row that tells what it is on this day and on later ones.

        Raises:
            DaysNotAtHandError: its closings are to be read first.
        """
        dated = self.dated(register, key)
        if not dated.tells(day):
            raise DaysNotAtHandError(register, key)
        return dated

    def all(self, register: Register[R]) -> dict[str, R]:
        """All rows of a register that is kept as a whole, or that a command needs as one."""
        at_hand = self.whole if register.whole else self._complete
        assert register.name in at_hand, "a command says what it needs before it is decided"
        return {key: dated.row for key, dated in self._rows[register.name].items()}

    def has(self, register: AnyRegister, key: str) -> bool:
        """Whether a row is cached; ``WHOLE``: whether all are."""
        if key == WHOLE and register.name in self._complete:
            return True
        return register.name in self.whole or (
            key != WHOLE and not register.whole and key in self._rows[register.name]
        )

    # ---- one batch

    def end(self) -> None:
        """The batch is over: of a register that is not kept as a whole the next one reads all rows
        again, since it looks for what it needs before it begins."""
        self._complete = set()

    def begin(self) -> None:
        """Nothing is changed yet."""
        self._complete = set()
        self._changed: defaultdict[str, dict[str, AnyRegister]] = defaultdict(dict)  # by name
        self._closings: dict[tuple[str, str], dict[date, Any]] = {}
        self._emptied: dict[tuple[str, str], bool] = {}  # rows that have been gone meanwhile

    def keep(self, moved: Iterable[MovedRow], put: Put) -> None:
        """Makes what a decision has moved the rows."""
        for each in moved:
            register, key, dated = each.register, each.key, each.dated
            name = register.name
            if each.closings:
                place = (name, key)
                put(self._closings, place, self._closings.get(place, {}) | dict(each.closings))
                self._closings_cached += len(each.closings)
            if not (register.keeps_zero or register.keeps(dated.row)):  # gone, and its days with it
                dated = DatedRow(register.row())
                put(self._closings, (name, key), {})
                put(self._emptied, (name, key), True)
            put(self._rows[name], key, dated)
            put(self._changed[name], key, register)

    def changed_rows(self) -> list[ChangedRow]:
        """The rows that the batch has moved, as they are to be kept; zeros that are not kept are
        forgotten here. Not within a savepoint."""
        changed: list[ChangedRow] = []
        for name, of_register in self._changed.items():
            rows = self._rows[name]
            for key, register in of_register.items():
                dated = rows[key]
                amounts = register.stored(dated.row)
                if amounts is None:
                    del rows[key]
                changed.append(ChangedRow(name, key, amounts, len(register.floored), dated.day))
        return changed

    def changed_days(self) -> list[ChangedDay]:
        """The closings of earlier days that the batch has made or changed, after those that go."""
        gone = [ChangedDay(name, key, NEVER, ()) for name, key in self._emptied]
        return gone + [
            ChangedDay(name, key, day, msgspec.structs.astuple(row))
            for (name, key), closings in self._closings.items()
            for day, row in closings.items()
        ]

    # ---- the cache

    def take(
        self, register: AnyRegister, rows: Mapping[str, DatedRow[Any]], *, whole: bool = False
    ) -> None:
        """Rows of a register as the database has them; ``whole``: all there are. Of a register that
        is not kept as a whole they are for this batch, and what is cached of it stands before."""
        cached = self._rows[register.name]
        if whole and not register.whole:
            cached.update({key: row for key, row in rows.items() if key not in cached})
            self._complete.add(register.name)
            return
        cached.update(rows)
        if whole:
            self.whole.add(register.name)

    def without_days(self, register: AnyRegister, keys: Iterable[str]) -> list[str]:
        """Those of these rows whose closings were not read."""
        rows = self._rows[register.name]
        return [key for key in keys if key in rows and rows[key].earlier is None]

    def take_days(
        self, register: AnyRegister, closings: Mapping[str, Iterable[tuple[date, Any]]]
    ) -> None:
        """All closings of rows as the database has them; what this batch makes of them stands
        before."""
        rows = self._rows[register.name]
        for key, stored in closings.items():
            known = dict(stored) | self._closings.get((register.name, key), {})
            earlier = tuple(sorted(known.items(), key=_first))
            rows[key] = DatedRow(rows[key].row, rows[key].day, earlier)
            self._closings_cached += len(earlier)

    @property
    def is_full(self) -> bool:
        """Whether it holds more than it may."""
        cached = sum(map(len, self._rows.values()))
        return cached > ROWS_CACHED_MAX or self._closings_cached > DAYS_CACHED_MAX

    def forget(self) -> None:
        """Drops all that was cached."""
        self._rows.clear()
        self.whole.clear()
        self._closings_cached = 0

    def forget_whole(self) -> None:
        """Drops registers that are kept as a whole."""
        for name in self.whole:
            self._rows.pop(name, None)
        self.whole.clear()
