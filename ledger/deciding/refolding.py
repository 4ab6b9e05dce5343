"""Every register folded anew from the events of a history: for verifications and imports."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec

from ledger.books import Charts
from ledger.deciding.registers import AnyRegister, Register, RegisterFold, declared
from ledger.events import decoder, type_names

R = TypeVar("R", bound=msgspec.Struct)


class Below(NamedTuple):
    """A field that an event has taken below its floor."""

    register: str
    key: str
    field: str
    amount_fen: int


class Folded(msgspec.Struct):
    """What is known at a position, so that a fold can go on from there.

    Attributes:
        rows: by register and key, each field in fen, then the position that moved it last.
        folds: by register, what its fold remembers.
    """

    rows: dict[str, dict[str, list[int]]] = {}
    folds: dict[str, msgspec.Raw] = {}


class _Folding:
    """One register on its way through a history."""

    def __init__(self, register: AnyRegister, folded: Folded) -> None:
        self.register = register
        self.rows = folded.rows.get(register.name, {})
        raw = folded.folds.get(register.name)
        self.fold: RegisterFold = (
            register.fold() if raw is None else msgspec.msgpack.decode(raw, type=register.fold)
        )
        self._floored = range(len(register.floored))
        self._zero = [0] * (len(register.fields) + 1)

    def take(self, event: Any, position: int, day: date, charts: Charts) -> Sequence[Below]:
        rows, below = self.rows, False
        touched: list[str] = []
        for key, place, change_fen in self.fold.take(event, day, rows, charts):
            row = rows.get(key)
            if row is None:
                row = rows[key] = self._zero.copy()
            row[place] += change_fen
            row[-1] = position
            below = below or row[place] < 0  # perhaps only until the next line of the same journal
            touched.append(key)
        return self._below(touched) if below else ()

    def _below(self, keys: Iterable[str]) -> list[Below]:
        name, fields = self.register.name, self.register.fields
        return [
            Below(name, key, fields[place], amount_fen)
            for key in dict.fromkeys(keys)
            for place in self._floored
            if (amount_fen := self.rows[key][place]) < 0
        ]


class Route(NamedTuple):
    """How the events of a stored type are read, and which registers follow them."""

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
        self.routes = _routes(self._foldings)

    def take(self, type_name: str, payload: bytes, position: int, day: date) -> list[Below]:
        """Takes in an event; gives what it has taken below a floor."""
        below: list[Below] = []
        for route in self.routes.get(type_name, ()):
            below += self.follow(route, route.decode(payload), position, day)
        return below

    def follow(self, route: Route, event: Any, position: int, day: date) -> Iterable[Below]:
        """The same for an event that is decoded already."""
        for folding in route.folding:
            yield from folding.take(event, position, day, self._charts)

    def rows(self, register: Register[R]) -> dict[str, R]:
        """A register as it is folded to by now."""
        [folding] = [f for f in self._foldings if f.register is register]
        return {key: register.row(*row[:-1]) for key, row in folding.rows.items()}

    def moved_at(self, register: AnyRegister, key: str) -> int:
        """The position that moved a row last; 0 where there is none."""
        [folding] = [f for f in self._foldings if f.register is register]
        return folding.rows.get(key, (0,))[-1]

    def folded(self) -> Folded:
        """What the next one goes on from."""
        return Folded(
            rows={f.register.name: f.rows for f in self._foldings},
            folds={
                f.register.name: msgspec.Raw(msgspec.msgpack.encode(f.fold)) for f in self._foldings
            },
        )


def _routes(foldings: Sequence[_Folding]) -> dict[str, list[Route]]:
    """Stored type -> its routes: one for each way in which it is read."""
    routes: dict[str, dict[Any, list[_Folding]]] = {}
    for folding in foldings:
        for cls, view in folding.register.fold.FOLLOWS.items():
            for name in type_names(cls):
                readers = routes.setdefault(name, {})
                readers.setdefault(decoder(name, view), []).append(folding)
    return {
        name: [Route(decode, followers) for decode, followers in readers.items()]
        for name, readers in routes.items()
    }
