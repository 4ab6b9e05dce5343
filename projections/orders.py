"""拨款单 as they are read: in pages, and what stands out of advances by age, as of any moment."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg

from ledger.account_set import within_year
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import BEIJING
from ledger.errors import Code, Refusal
from ledger.events import decode, types_that
from ledger.reading.objects import read_head, read_objects
from payments.orders.advance import ADVANCE, Advance
from payments.orders.ordering import ORDERED
from projections.core.moments import Moment, one_moment, reach

_NUMBERS = """
SELECT number, first_position FROM command_keys
WHERE ledger_id = %s AND operation = %s AND first_position > %s
ORDER BY first_position LIMIT %s"""
_ACTS = """
SELECT e.type, e.payload FROM events e
WHERE e.ledger_id = %(ledger_id)s AND e.position <= %(upto)s AND e.type = ANY(%(types)s)
  AND e.stream_id IN (SELECT stream_id FROM command_keys
      WHERE ledger_id = %(ledger_id)s AND operation = %(opened_by)s)
  AND (%(through)s::date IS NULL OR e.effective_on <= %(through)s)
ORDER BY e.position"""

# by their name, up to how many days what stands out is old; the last has no end
AGES = (("within_30_days", 30), ("within_90_days", 90), ("within_180_days", 180))
OLDER = "over_180_days"


class OrdersPage(NamedTuple):
    """Objects in the order in which they were ordered; ``after`` is the place of the last one, None
    where nothing follows."""

    position: int
    items: list[Any]
    after: int | None


def orders_after(
    connection: psycopg.Connection, ledger_id: int, kind: AnyKind, after: int, size: int
) -> OrdersPage:
    """A page of the orders of a kind; raises Refusal ``not_found`` without such a ledger."""
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        if head is None:
            raise Refusal(Code.NOT_FOUND, "no such ledger")
        asked = ledger_id, kind.opened_by, after, size + 1
        rows = connection.execute(_NUMBERS, asked).fetchall()
        found = read_objects(connection, ledger_id, kind, [number for number, _ in rows[:size]])
    items = [found[number] for number, _ in rows[:size] if number in found]
    return OrdersPage(head.position, items, rows[size - 1][1] if len(rows) > size else None)


class AdvanceAge(NamedTuple):
    """An advance that stands out, or is under way (``days`` None), with its age."""

    advance: Advance
    days: int | None
    age: str


class StandingAt(NamedTuple):
    """What stands out on a day, in the order of adv_no; ``position`` is the last that counts."""

    position: int
    on: date
    advances: list[AdvanceAge]


def standing_out_at(connection: psycopg.Connection, ledger_id: int, moment: Moment) -> StandingAt:
    """账龄: advances that stand out as of a moment, by their age on its day.

    Raises:
        Refusal: ``not_found``: there is no such ledger.
        RequestError: ``malformed`` for an impossible moment.
    """
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        if head is None:
            raise Refusal(Code.NOT_FOUND, "no such ledger")
        upto, through, _ = reach(connection, ledger_id, moment, head.position)
        advances = _folded(connection, ledger_id, upto, through)
    on = through or within_year(ledger_id, datetime.now(BEIJING).date())
    return StandingAt(upto, on, [_aged(each, on) for each in _open(advances)])


def _folded(
    connection: psycopg.Connection, ledger_id: int, upto: int, through: date | None
) -> dict[str, Advance]:
    types = [cls.TYPE for cls in types_that(lambda traits: traits.subject == ADVANCE.name)]
    asked = {
        "ledger_id": ledger_id,
        "upto": upto,
        "through": through,
        "types": types,
        "opened_by": ADVANCE.opened_by,
    }
    found: dict[str, Advance] = {}
    for type_name, payload in connection.execute(_ACTS, asked, binary=True):
        event: Any = decode(type_name, payload)
        if (advance := ADVANCE.fold(found.get(event.adv_no), event)) is not None:
            found[event.adv_no] = advance
    return found


def _open(advances: dict[str, Advance]) -> Iterator[Advance]:
    for _, advance in sorted(advances.items()):
        if advance.status == ORDERED or advance.left_fen:
            yield advance


def _aged(advance: Advance, on: date) -> AdvanceAge:
    if not advance.paid_on:
        return AdvanceAge(advance, None, "")
    days = (on - date.fromisoformat(advance.paid_on)).days
    return AdvanceAge(advance, days, next((name for name, most in AGES if days <= most), OLDER))
