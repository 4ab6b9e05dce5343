"""登记簿: amounts that decisions rest on, kept by key, written with the events that move them.

A domain declares a register: what an indicator has available, what a bank is owed. The engine keeps
all of them in one table, one cache and one way of writing, and refuses what would take a field
below its floor in one place. A register is no truth of its own: each can be folded anew from the
events, and every verification and every import does so.

A floor holds at every position of the history and on every business day: what is dated back must
leave enough on each day that was booked already (``ledger.deciding.dated``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from msgspec.structs import astuple

from ledger.books import Charts
from ledger.deciding.dated import DatedRow, changed
from ledger.errors import GuokuError
from ledger.events import Event

R = TypeVar("R", bound=msgspec.Struct)

WHOLE = ""  # as a key that a command needs: all rows of the register

# The change of one field of one row: key, place of the field in the row, fen.
Movement = tuple[str, int, int]
Rows = Mapping[str, Sequence[int]]  # a register's rows by key: its fields in fen first


class MovedRow(msgspec.Struct, frozen=True, gc=False):
    """A row as a decision leaves it, and the closings of earlier days that it changes."""

    register: "AnyRegister"
    key: str
    dated: DatedRow[Any]
    closings: tuple[tuple[date, Any], ...]

    @property
    def row(self) -> Any:
        """Its amounts after all that has moved it."""
        return self.dated.row


class Shortage(NamedTuple):
    """A field that a movement would take below its floor.

    Attributes:
        on: the day on which it would be lowest: that of the movement, or a later one.
        available_fen: what there is of it on that day.
        wanted_fen: what the movement takes of it.
    """

    key: str
    field: str
    on: date
    available_fen: int
    wanted_fen: int


class DaysNotAtHandError(Exception):
    """A row is dated back, and its closings were not read: read them, and decide again."""

    def __init__(self, register: "AnyRegister", key: str) -> None:
        super().__init__(f"the days of {register.name} {key!r} are not at hand")
        self.register, self.key = register, key


class RegisterFold(msgspec.Struct):
    """Which rows the events of a history move; it remembers what it needs of earlier ones.

    Attributes:
        FOLLOWS: the types that it looks at, each with a struct of the fields that it reads. Where
            that has an ``ONLY_WITH``, what has not this field is passed over unread.
    """

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        """What the next event moves; ``day`` is its business date, ``rows`` the register's before.

        Raises:
            IntegrityError: the event speaks of what no earlier one brought into being.
        """
        raise NotImplementedError


class Register(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """One register.

    Attributes:
        name: its key in the table.
        row: a frozen struct of whole numbers, in fen, all 0 where nothing has moved yet.
        floored: the fields, the row's first, that may not fall below zero, on any day.
        refuse: the refusal where one would.
        limit: refuses a row that could not be written out any more.
        fold: how it follows from events.
        touched: the keys of the rows that an event moves, for dropping them from a cache.
        whole: it has few rows, and is kept in the cache as a whole, so that decisions can walk it.
        keeps_zero: whether a row whose fields are all 0 stays.
    """

    name: str
    row: type[R]
    floored: tuple[str, ...]
    refuse: Callable[[Shortage], GuokuError]
    fold: type[RegisterFold]
    touched: Callable[[Event], Iterable[str]] = lambda _: ()
    limit: Callable[[str, R], None] | None = None
    whole: bool = False
    keeps_zero: bool = True

    def __post_init__(self) -> None:
        assert self.fields[: len(self.floored)] == self.floored, "floored fields come first"

    @property
    def fields(self) -> tuple[str, ...]:
        return self.row.__struct_fields__

    def moved(
        self, key: str, before: DatedRow[R], day: date, changes_fen: Mapping[str, int]
    ) -> MovedRow:
        """The row after its fields have changed on a day.

        Raises:
            DaysNotAtHandError: the row has moved on later days, and its closings were not read.
            GuokuError: as ``refuse`` says, for the first field that would fall below its floor on
                that day or on a later one.
        """
        closings: tuple[tuple[date, R], ...] = ()
        if day == before.day:  # as nearly always
            row, is_short = changed(before.row, changes_fen)
            after = DatedRow(row, day, before.earlier)
        elif before.tells(day):
            after, closings, is_short = before.moved(day, changes_fen)
        else:
            raise DaysNotAtHandError(self, key)
        if is_short:
            for name in self.floored:
                self._check(key, name, before, day, changes_fen.get(name, 0))
        if self.limit is not None:
            self.limit(key, after.row)
        return MovedRow(self, key, after, closings)

    def _check(self, key: str, name: str, before: DatedRow[R], day: date, change_fen: int) -> None:
        """Refuses what takes a field below its floor. What was below it before, on a day of a
        history that an earlier release has kept, may rise."""
        on, row = min(before.levels(day), key=lambda level: getattr(level[1], name))
        available_fen = getattr(row, name)
        if change_fen < 0 and available_fen + change_fen < 0:
            raise self.refuse(Shortage(key, name, on, available_fen, -change_fen))

    def keeps(self, row: R) -> bool:
        """Whether a row stays when it is so."""
        return self.keeps_zero or any(astuple(row))

    def stored(self, row: R) -> tuple[int, ...] | None:
        """The amounts as they are kept; None where the row is to go."""
        amounts: tuple[int, ...] = astuple(row)
        return amounts if self.keeps_zero or any(amounts) else None


AnyRegister = Register[Any]

_declared: dict[str, AnyRegister] = {}


def declare(register: Register[R]) -> Register[R]:
    """Enters a register; raises ValueError for a name that is taken."""
    if _declared.setdefault(register.name, register) is not register:
        raise ValueError(f"the register {register.name!r} is declared twice")
    return register


def declared() -> tuple[AnyRegister, ...]:
    """Every register of the program, in the order of their names."""
    return tuple(register for _, register in sorted(_declared.items()))
