"""Reading, locked, what decisions rest on beside the events (``ledger.deciding.locked_facts``)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import psycopg

from ledger.deciding.locked_facts import AnyLockedFact, LockedFact

T = TypeVar("T")

# a connection in whose transaction all is locked that the answer rests on, the ledger, the keys
FactReader = Callable[[psycopg.Connection, int, Collection[str]], Mapping[str, T]]

_readers: dict[str, FactReader[Any]] = {}


def reads(fact: LockedFact[T]) -> Callable[[FactReader[T]], FactReader[T]]:
    """Enters how a fact is read and locked; the answer has every key."""

    def enter(reader: FactReader[T]) -> FactReader[T]:
        _readers[fact.name] = reader
        return reader

    return enter


def lock_facts(
    connection: psycopg.Connection,
    ledger_id: int,
    wanted: Mapping[AnyLockedFact, Collection[str]],
) -> dict[tuple[str, str], Any]:
    """The facts by name and key; they stay as they are until the transaction ends."""
    return {
        (fact.name, key): seen
        for fact, keys in sorted(wanted.items(), key=lambda each: each[0].name)
        for key, seen in _readers[fact.name](connection, ledger_id, keys).items()
    }
