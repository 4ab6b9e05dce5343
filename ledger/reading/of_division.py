"""Reading objects of a division's standing ledger (``ledger.deciding.of_division``)."""

from collections.abc import Mapping

import psycopg

from ledger.account_set import division_of, is_standing, standing_ledger
from ledger.deciding.objects import AnyKind
from ledger.deciding.of_division import KnownObjects, Wanted
from ledger.reading.loading import read_keys, read_streams


def read_of_division(
    connection: psycopg.Connection, ledger_id: int, wanted: Wanted, positions: Mapping[int, int]
) -> KnownObjects:
    """Every wanted object as its events up to the noted position have left it: two queries.

    Args:
        ledger_id: of the year that asks; its division's own standing ledger is read.
        positions: of each standing ledger, up to where it is known.
    """
    assert not is_standing(ledger_id), "a standing ledger names its own objects"
    found: KnownObjects = {
        (kind.name, number): None for kind, numbers in wanted.items() for number in numbers
    }
    home = standing_ledger(division_of(ledger_id))
    if (upto := positions.get(home, 0)) == 0:
        return found
    asked = {(kind.opened_by, number): kind for kind, each in wanted.items() for number in each}
    keys = read_keys(connection, home, asked.keys())
    places: dict[bytes, tuple[AnyKind, str]] = {
        key.stream_id: (asked[number], number[1])
        for number, key in keys.items()
        if key.first_position <= upto
    }
    for stream_id, rows in read_streams(connection, home, list(places)).items():
        kind, number = places[stream_id]
        past = (event for position, _, event in rows if position <= upto)
        found[kind.name, number] = kind.folded(past)
    return found
