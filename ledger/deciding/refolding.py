"""Every register folded anew from the events of a history: for verifications and imports."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec

from ledger.books import Charts
from ledger.deciding.closings import Closings
from ledger.deciding.dated import NEVER, DatedRow
from ledger.deciding.registers import AnyRegister, Movement, Register, RegisterFold, declared
from ledger.events import decoder, type_names

R = TypeVar("R", bound=msgspec.Struct)


class Below(NamedTuple):
    """A field that an event has taken below its floor: by all that was recorded up to then, or,
    with ``on``, as it was at the end of that business day."""

    register: str
    key: str
    field: str
    amount_fen: int
    on: date | None = None


class Folded(msgspec.Struct):
    """What is known at a position, so that a fold can go on from there.

    Attributes:
        rows: by register and key, each field in fen, then the position that moved it last and the
            last day on which it has moved, as an ordinal.
        days: by register and key, its closings of earlier days in order, one after the other: the
            day, each field in fen.
        folds: by register, what its fold remembers.
        dated_floors: whether the ledger has said that floors hold on every business day.
    """

    rows: dict[str, dict[str, list[int]]] = {}
    days: dict[str, dict[str, list[int]]] = {}
    folds: dict[str, msgspec.Raw] = {}
    dated_floors: bool = False


class _Folding:
    """One register on its way through a history."""

    def __init__(self, register: AnyRegister, folded: Folded) -> None:
        self.register = register
        self.rows = folded.rows.get(register.name, {})
        self.days = Closings(len(register.fields), folded.days.get(register.name, {}))
        raw = folded.folds.get(register.name)
        self.fold: RegisterFold = (
            register.fold() if raw is None else msgspec.msgpack.decode(raw, type=register.fold)
        )
        self._floored = range(len(register.floored))
        self._zero = [0] * (len(register.fields) + 2)

    def take(self, event: Any, position: int, day: date, charts: Charts) -> Sequence[Below]:
        rows, below = self.rows, False
        movements = self.fold.take(event, day, rows, charts)
        if movements == ():
            return ()
        ordinal = day.toordinal()
        touched: list[str] = []
        dated_back: list[Movement] = []
        for movement in movements:
            key, place, change_fen = movement
            row = rows.get(key)
            if row is None:
                row = rows[key] = self._zero.copy()
            if (last := row[-1]) != ordinal:
                if last < ordinal:
                    if last:
                        self.days.close(key, last, row)
                    row[-1] = ordinal
                else:
                    dated_back.append(movement)
            row[place] += change_fen
            row[-2] = position
            below = below or row[place] < 0  # perhaps only until the next line of the same journal
            touched.append(key)
        found: Sequence[Below] = self._below(touched) if below else ()
        if dated_back:
            found = [*found, *self._below_on_days(dated_back, ordinal)]
        if not self.register.keeps_zero:
            for key in touched:
                self._drop_if_gone(key)
        return found

    def _drop_if_gone(self, key: str) -> None:
        row = self.rows[key]
        if not any(row[:-2]):
            row[-1] = 0
            self.days.drop(key)

    def _below(self, keys: Iterable[str]) -> list[Below]:
        name, fields = self.register.name, self.register.fields
        return [
            Below(name, key, fields[place], amount_fen)
            for key in dict.fromkeys(keys)
            for place in self._floored
            if (amount_fen := self.rows[key][place]) < 0
        ]

    def _below_on_days(self, movements: Iterable[Movement], ordinal: int) -> Iterator[Below]:
        """Takes to the days what an event has dated back; gives where it is lowest below a floor,
        where it has lowered it."""
        changes: dict[str, list[int]] = {}
        for key, place, change_fen in movements:
            changes.setdefault(key, [0] * len(self.register.fields))[place] += change_fen
        for key, changes_fen in changes.items():
            lowest = self.days.move(key, ordinal, changes_fen)
            for place in self._floored:
                amount_fen, on = lowest[place]
                if amount_fen < 0 and changes_fen[place] < 0:
                    field = self.register.fields[place]
                    yield Below(self.register.name, key, field, amount_fen, date.fromordinal(on))


class Route(NamedTuple):
    """How the events of a stored type are read, and which registers follow them: those whose bytes
    have the mark. It is the name of a field in quotes, which no text has unescaped."""

    mark: bytes
    decode: Callable[[bytes], Any]
    folding: Sequence[_Folding]


class Refold:
    """All registers, or some; events are to be taken in order, those of ``routes`` at least.

    Raises:
        IntegrityError: an event that no fold can follow.
        MsgspecError: bytes that are no such event.
    """

    def __init__(
        self,
        charts: Charts,
        folded: Folded | None = None,
        registers: Sequence[AnyRegister] | None = None,
    ) -> None:
        self._charts = charts
        self._foldings = [
            _Folding(each, folded or Folded())
            for each in (declared() if registers is None else registers)
        ]
        self._by_name = {each.register.name: each for each in self._foldings}
        self.routes = _routes(self._foldings)

    def take(self, type_name: str, payload: bytes, position: int, day: date) -> list[Below]:
        """Takes in an event; gives what it has taken below a floor."""
        below: list[Below] = []
        for route in self.routes.get(type_name, ()):
            if not route.mark or payload.find(route.mark) >= 0:
                below += self.follow(route, route.decode(payload), position, day)
        return below

    def follow(self, route: Route, event: Any, position: int, day: date) -> Sequence[Below]:
        """The same for an event that is decoded already."""
        below: Sequence[Below] = ()
        for folding in route.folding:
            if found := folding.take(event, position, day, self._charts):
                below = [*below, *found]
        return below

    def _of(self, register: AnyRegister) -> _Folding:
        return self._by_name[register.name]

    def rows(self, register: Register[R]) -> dict[str, R]:
        """A register as it is folded to by now."""
        rows = self._of(register).rows
        return {key: register.row(*row[:-2]) for key, row in rows.items()}

    def last_days(self, register: Register[R]) -> dict[str, DatedRow[R]]:
        """The same with the last day on which each has moved."""
        return {key: _dated(register, row) for key, row in self._of(register).rows.items()}

    def last_day(self, register: Register[R], key: str) -> DatedRow[R]:
        """One row with the last day on which it has moved; what nothing has moved is all 0."""
        row = self._of(register).rows.get(key)
        return DatedRow(register.row()) if row is None else _dated(register, row)

    def dated_row(self, register: Register[R], key: str) -> DatedRow[R]:
        """One row with all that it was on each day."""
        dated = self.last_day(register, key)
        return DatedRow(dated.row, dated.day, _earlier(register, self._of(register).days, key))

    def closings(self, register: AnyRegister) -> Closings:
        """What the rows of a register were at the end of earlier days."""
        return self._of(register).days

    def dated_rows(self, register: Register[R]) -> dict[str, DatedRow[R]]:
        """The rows of a register with all that they were on each day."""
        return {key: self.dated_row(register, key) for key in self._of(register).rows}

    def moved_at(self, register: AnyRegister, key: str) -> int:
        """The position that moved a row last; 0 where there is none."""
        return self._of(register).rows.get(key, (0, 0))[-2]

    def folded(self) -> Folded:
        """What the next one goes on from."""
        return Folded(
            rows={f.register.name: f.rows for f in self._foldings},
            days={f.register.name: f.days.stored() for f in self._foldings},
            folds={
                f.register.name: msgspec.Raw(msgspec.msgpack.encode(f.fold)) for f in self._foldings
            },
        )


def _dated(register: Register[R], row: Sequence[int]) -> DatedRow[R]:
    """A row as it is folded: its fields, the position, the last day."""
    return DatedRow(register.row(*row[:-2]), date.fromordinal(row[-1]) if row[-1] else NEVER, None)


def _earlier(register: Register[R], days: Closings, key: str) -> tuple[tuple[date, R], ...]:
    """The closings of a row on the days before its last."""
    return tuple((date.fromordinal(day), register.row(*amounts)) for day, *amounts in days.of(key))


def _routes(foldings: Sequence[_Folding]) -> dict[str, list[Route]]:
    """Stored type -> its routes: one for each way in which it is read."""
    routes: dict[str, dict[Any, list[_Folding]]] = {}
    for folding in foldings:
        for cls, view in folding.register.fold.FOLLOWS.items():
            for name in type_names(cls):
                readers = routes.setdefault(name, {})
                mark = f'"{only}"'.encode() if (only := getattr(view, "ONLY_WITH", "")) else b""
                readers.setdefault((mark, decoder(name, view)), []).append(folding)
    return {
        name: [Route(mark, decode, followers) for (mark, decode), followers in readers.items()]
        for name, readers in routes.items()
    }
