"""Whether a bank may have a voucher: what the outbox knows of it, locked for a decision.

A sender takes a row before it sends anything, and counts that in the row. Rows come from committed
events alone, by a consumer that holds the ledger's position in the outbox. So whoever holds that
position and the voucher's row knows: what was not tried by now is not tried before he has
committed.
"""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import psycopg

from ledger.deciding.objects import ledger_stream_id
from ledger.events import decode, type_names
from ledger.reading.locking import reads
from payments.events import VoucherSigned
from payments.found_events import VoucherFoundAtBank
from payments.payment import PAYMENT
from payments.voiding import HANDED_OVER, HandedOver, VoidPayment

_OPEN = """
INSERT INTO outbox_positions (ledger_id) VALUES (%s) ON CONFLICT DO NOTHING"""
_LOCK = "SELECT position FROM outbox_positions WHERE ledger_id = %s FOR UPDATE"
_ROWS = """
SELECT number, attempts, state FROM outbox WHERE ledger_id = %s AND kind = 'voucher'
AND number = ANY(%s) ORDER BY number FOR UPDATE"""
_VOIDED = """
SELECT c.number FROM unnest(%s::text[]) AS n (number) JOIN command_keys c
ON c.ledger_id = %s AND c.operation = %s AND c.number = n.number"""
_SIGNED = """
SELECT n.number, e.position, e.type, e.payload FROM unnest(%s::text[]) AS n (number)
CROSS JOIN LATERAL (SELECT stream_id FROM command_keys c WHERE c.ledger_id = %s
    AND c.operation = %s AND c.number = n.number LIMIT 1) k
CROSS JOIN LATERAL (SELECT position, type, payload FROM events e WHERE e.ledger_id = %s
    AND e.stream_id = k.stream_id AND e.type = ANY(%s)) e"""
_FOUND = """
SELECT type, payload FROM events WHERE ledger_id = %s AND stream_id = %s AND type = ANY(%s)"""


@reads(HANDED_OVER)
def lock_handed_over(
    connection: psycopg.Connection, ledger_id: int, pay_app_nos: Collection[str]
) -> dict[str, HandedOver]:
    """By payment, as it stays until the transaction ends."""
    numbers = sorted(pay_app_nos)
    read_upto = _lock_position(connection, ledger_id)
    rows = _lock_rows(connection, ledger_id, numbers)
    due_since = _signed_at(connection, ledger_id, numbers)
    known = _found_at_bank(connection, ledger_id)
    found: dict[str, HandedOver] = {}
    for number in numbers:
        row = rows.get(number)
        # what the outbox has read and has no row of any more has been somewhere
        gone = row is None and number in due_since and due_since[number] <= read_upto
        found[number] = HandedOver(
            tried=gone or (row is not None and row.attempts > 0),
            waits=row is not None and row.state in ("due", "held"),
            known=number in known,
        )
    return found


class _Row(NamedTuple):
    attempts: int
    state: str


def _lock_position(connection: psycopg.Connection, ledger_id: int) -> int:
    """How far the outbox has read the ledger; from now on it reads no further."""
    connection.execute(_OPEN, (ledger_id,))
    row = connection.execute(_LOCK, (ledger_id,)).fetchone()
    return int(row[0]) if row else 0


def _lock_rows(
    connection: psycopg.Connection, ledger_id: int, numbers: list[str]
) -> dict[str, _Row]:
    """The rows of these vouchers; from now on no sender takes one."""
    rows = connection.execute(_ROWS, (ledger_id, numbers)).fetchall()
    return {number: _Row(attempts, state) for number, attempts, state in rows}


def read_voided(
    connection: psycopg.Connection, ledger_id: int, pay_app_nos: Collection[str]
) -> set[str]:
    """Those that are void. Who has taken their rows asks, whatever his cache has of them: a void
    that was decided before is committed by now, and none comes after."""
    asked = (list(pay_app_nos), ledger_id, VoidPayment.OPERATION)
    return {number for (number,) in connection.execute(_VOIDED, asked)}


def _signed_at(
    connection: psycopg.Connection, ledger_id: int, numbers: list[str]
) -> dict[str, int]:
    """Where the last signature of each voucher stands, if it is committed."""
    types = list(type_names(VoucherSigned))
    asked = (numbers, ledger_id, PAYMENT.opened_by, ledger_id, types)
    found: dict[str, int] = {}
    for number, position, type_name, payload in connection.execute(_SIGNED, asked, binary=True):
        signed = decode(type_name, payload)
        if isinstance(signed, VoucherSigned) and signed.final:
            found[number] = position
    return found


def _found_at_bank(connection: psycopg.Connection, ledger_id: int) -> set[str]:
    """The payments of which the bank had a voucher that a loss of history had taken from us."""
    stream = UUID(bytes=ledger_stream_id(ledger_id))
    asked = (ledger_id, stream, list(type_names(VoucherFoundAtBank)))
    events = (decode(*row) for row in connection.execute(_FOUND, asked, binary=True))
    return {e.pay_app_no for e in events if isinstance(e, VoucherFoundAtBank) and e.pay_app_no}
