"""Reading objects of a division's standing ledger (``ledger.deciding.of_division``)."""

from collections.abc import Mapping
from typing import Any

import psycopg

from ledger.account_set import division_of, is_standing, standing_ledger
from ledger.deciding.numbers import Number
from ledger.deciding.of_division import KnownObjects, OfDivision, Wanted
from ledger.reading.loading import read_keys
from ledger.reading.object_streams import read_streams


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
        (each.place, number): None for each, numbers in wanted.items() for number in numbers
    }
    home = standing_ledger(division_of(ledger_id))
    if (upto := positions.get(home, 0)) == 0:
        return found
    asked: dict[Number, list[OfDivision[Any]]] = {}
    for each, numbers in wanted.items():
        for number in numbers:
            asked.setdefault((each.kind.opened_by, number), []).append(each)
    keys = read_keys(connection, home, asked.keys())
    places = {key.stream_id: number for number, key in keys.items() if key.first_position <= upto}
    for stream_id, rows in read_streams(connection, home, list(places)):
        place = places[stream_id]
        past = [event for position, _, event in rows if position <= upto]
        for each in asked[place]:
            if (obj := each.kind.folded(past)) is not None:
                found[each.place, place[1]] = each.view(obj)
    return found
