"""What a batch's decisions will look at, and what of it has to be read first."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg

from ledger.deciding.cached_objects import CachedObject
from ledger.deciding.command import CommandKey, Need
from ledger.deciding.locked_facts import AnyLockedFact
from ledger.deciding.numbers import Number
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.of_division import OfDivision
from ledger.deciding.registers import WHOLE, AnyRegister, Register
from ledger.deciding.state import LedgerState
from ledger.reading import loading
from ledger.reading.locking import lock_facts
from ledger.reading.of_division import read_of_division


class Wants:
    """See the module.

    Attributes:
        missing: objects that are not cached, by what opened them.
        facts: to be locked, by their keys.
    """

    def __init__(self, state: LedgerState) -> None:
        self._state = state
        self.missing: dict[Number, AnyKind] = {}
        self._rows: set[tuple[AnyRegister, str]] = set()
        self._waiting: set[AnyKind] = set()  # kinds of which all that waits is to be loaded
        self.facts: defaultdict[AnyLockedFact, set[str]] = defaultdict(set)
        self._of_division: defaultdict[OfDivision[Any], set[str]] = defaultdict(set)

    @property
    def beside_objects(self) -> bool:
        """Whether more is to be read than the missing objects, which may not exist."""
        return bool(self._rows or self._waiting or self.facts or self._of_division)

    @property
    def ask_division(self) -> bool:
        """Whether objects of the division's standing ledger are to be at hand."""
        return bool(self._of_division)

    @property
    def are_of_ledger(self) -> bool:
        """Whether objects or rows of the ledger itself are to be read."""
        return bool(self.missing or self._rows)

    def anew(self) -> None:
        """What was missing of the ledger's own objects and rows is looked for again."""
        self.missing, self._rows = {}, set()

    def add(self, needs: Iterable[Need]) -> None:
        """Notes what of this is not at hand."""
        missing, state, whole = self.missing, self._state, self._state.registers.whole
        kind: AnyKind | None = None
        cached = dict[str, CachedObject]()
        for what, number in needs:
            if what is not kind:  # nearly all objects are of one kind
                # what most are is asked first: isinstance() is slow where a struct is no such one
                if isinstance(what, Register):
                    if what.name not in whole and not state.has_row(what, number):
                        self._rows.add((what, number))
                    continue
                if not isinstance(what, Kind):
                    self._add_beside(what, number)
                    continue
                kind, cached = what, state.cached(what)
            assert kind is not None
            # number by number: a difference of sets would walk all that is cached
            if number == WHOLE:
                self._waiting.add(kind)
            elif number not in cached:
                missing[kind.opened_by, number] = kind

    def _add_beside(self, what: OfDivision[Any] | AnyLockedFact, number: str) -> None:
        if isinstance(what, OfDivision):
            self._of_division[what].add(number)
        else:
            self.facts[what].add(number)

    def load_objects(
        self,
        connection: psycopg.Connection,
        keys: Mapping[Number, CommandKey],
        settled: Callable[[], object],
    ) -> bool:
        """Objects and rows, by the keys of those that exist; whether any object does."""
        loading.load_objects(connection, self._state, self.missing, keys, self._rows, settled)
        return any(number in keys for number in self.missing)

    def load_the_rest(self, connection: psycopg.Connection, settled: Callable[[], object]) -> None:
        """All that waits of a kind, what the division has to say, and what is to be locked."""
        state, known = self._state, self._state.division_objects
        for kind in self._waiting:
            settled()
            loading.load_waiting(connection, state, kind)
        wanted = {
            asked: [number for number in numbers if not known.has(asked, number)]
            for asked, numbers in self._of_division.items()
        }
        if any(wanted.values()):
            positions = state.standing_positions
            known.take(read_of_division(connection, state.ledger_id, wanted, positions))
        if self.facts:
            state.take_facts(lock_facts(connection, state.ledger_id, self.facts))
