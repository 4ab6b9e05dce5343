"""Rows of a register in the other years of a division, read and locked
(``ledger.deciding.other_years``); and what one year's ledger has told another."""

from collections.abc import Collection, Iterable, Sequence

import psycopg

from ledger.account_set import YEARS, ledger_text
from ledger.deciding.other_years import OtherYear
from ledger.deciding.registers import AnyRegister
from ledger.events import Event, decode, type_names
from ledger.gm import sm3

# One index probe for each key and ledger: a list has thousands of keys, and a scan of all that the
# division has ever had of the register would grow with its years.
_ROWS = """
SELECT wanted.key, l.ledger_id FROM ledgers l CROSS JOIN unnest(%s::text[]) AS wanted (key)
CROSS JOIN LATERAL (SELECT FROM registers r WHERE r.ledger_id = l.ledger_id AND r.register = %s
                    AND r.key = wanted.key LIMIT 1) found
WHERE l.ledger_id BETWEEN %s AND %s ORDER BY l.ledger_id"""
_LOCK = "SELECT pg_advisory_xact_lock(%s)"


def _ledgers_with_row(
    connection: psycopg.Connection, division: int, register: AnyRegister, keys: Sequence[str]
) -> dict[str, list[int]]:
    """By key the ledgers in which there is such a row; ``division`` is what their keys begin with,
    as a number."""
    assert not register.keeps_zero, "a row that has nothing would be found"
    span = division * YEARS, division * YEARS + YEARS - 1
    found: dict[str, list[int]] = {}
    for key, ledger_id in connection.execute(_ROWS, (list(keys), register.name, *span)):
        found.setdefault(key, []).append(ledger_id)
    return found


def lock_other_years(
    register: AnyRegister, connection: psycopg.Connection, ledger_id: int, keys: Collection[str]
) -> dict[str, OtherYear]:
    """By key, as it stays until the transaction ends, of a register that keeps no zeros.

    Who asks holds the division's lock of the register until he has committed. So of two years that
    would enter the same row, the second finds what the first has written.
    """
    division = ledger_id // YEARS
    digest = sm3(f"{register.name}\0{division}".encode())
    connection.execute(_LOCK, (int.from_bytes(digest[:8], "big", signed=True),))
    found = _ledgers_with_row(connection, division, register, sorted(keys))
    return {key: _beside(ledger_id, found.get(key, ())) for key in keys}


def _beside(ledger_id: int, found: Iterable[int]) -> OtherYear:
    others = (ledger_text(other) for other in found if other != ledger_id)
    return OtherYear(next(others, ""))


# what answers a command is its first event or stands behind it
_UNANSWERED = """
SELECT k.number, e.position, e.type, e.payload
FROM command_keys k JOIN events e
    ON e.ledger_id = k.ledger_id AND e.position BETWEEN k.first_position AND k.last_position
WHERE k.ledger_id = %(ledger_id)s AND k.operation = ANY(%(operations)s)
    AND k.first_position > %(after)s AND e.type = ANY(%(types)s)
    AND NOT EXISTS (
        SELECT FROM command_keys b
        WHERE b.ledger_id = %(by)s AND b.operation = %(answer)s AND b.number = k.number)
ORDER BY e.position LIMIT %(most)s"""


def unanswered(
    connection: psycopg.Connection,
    ledger_id: int,
    operations: Collection[str],
    event_type: type[Event],
    *,
    by: int,
    answer: str,
    after: int,
    most: int,
) -> list[tuple[str, int, Event]]:
    """(number, position, event) of what commands of a ledger have told another one, which has not
    answered under the same number yet; in order.

    Args:
        by: the other ledger, and ``answer`` the operation by which it does.
        after: a position behind which the commands stand.
    """
    asked = {
        "ledger_id": ledger_id,
        "operations": list(operations),
        "types": list(type_names(event_type)),
        "by": by,
        "answer": answer,
        "after": after,
        "most": most,
    }
    rows = connection.execute(_UNANSWERED, asked)
    return [(number, at, decode(name, payload)) for number, at, name, payload in rows]
