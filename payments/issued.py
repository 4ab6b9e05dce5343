"""From a voucher's number back to its payment.

The payment is found by the number that the voucher itself bears (``BillNo``); where a message has
none, by a table that is read from the events when it is asked.
"""

from collections.abc import Collection, Iterable, Mapping

import psycopg

from ledger.events import decode, type_names
from payments.events import PaymentApproved
from payments.voucher_number import FORMER_DIGITS, LEDGER_DIGITS, ledger_of_voucher

FOLLOWED_MAX = 50_000  # events read at once

_BY_POSITION = """
SELECT e.type, e.payload FROM unnest(%s::bigint[], %s::bigint[]) AS p (ledger_id, position)
JOIN events e USING (ledger_id, position) WHERE e.type = ANY(%s)"""
_BY_BILL_NO = """
SELECT e.type, e.payload FROM unnest(%s::bigint[], %s::text[]) AS p (ledger_id, number)
CROSS JOIN LATERAL (SELECT * FROM command_keys c WHERE c.ledger_id = p.ledger_id
    AND c.operation = 'payment.apply' AND c.number = p.number LIMIT 1) k
CROSS JOIN LATERAL (SELECT type, payload FROM events e WHERE e.ledger_id = k.ledger_id
    AND e.stream_id = k.stream_id AND e.type = ANY(%s) LIMIT 1) e"""
_BY_NUMBER = """
SELECT v.ledger_id, v.position FROM unnest(%s::bigint[], %s::text[]) AS p (ledger_id, pay_cert_no)
JOIN issued_vouchers v USING (ledger_id, pay_cert_no)"""


def find_approvals(
    connection: psycopg.Connection, bill_nos: Mapping[str, str]
) -> dict[str, PaymentApproved]:
    """The events that issued vouchers, by their numbers; those that nobody issued are left out.

    Args:
        bill_nos: by voucher number the payment's own number, "" where that is not known.
    """
    ours = {n: key for n in bill_nos if (key := ledger_of_voucher(n)) is not None}
    former = [n for n in ours if len(n) == LEDGER_DIGITS + FORMER_DIGITS]
    places = [(ours[n], int(n[LEDGER_DIGITS:])) for n in former]
    found = _read(connection, _BY_POSITION, places)
    named = [(ours[n], bill_nos[n]) for n in ours if n not in former and bill_nos[n]]
    found |= _read(connection, _BY_BILL_NO, named)
    approvals = {n: found[n] for n in ours if n in found}
    if missing := [n for n in ours if n not in former and n not in approvals]:
        for key in {ours[n] for n in missing}:
            follow(connection, key)
        asked = ([ours[n] for n in missing], missing)
        at = connection.execute(_BY_NUMBER.encode(), asked).fetchall()
        found = _read(connection, _BY_POSITION, at)
        approvals |= {n: found[n] for n in missing if n in found}
    return approvals


def _read(
    connection: psycopg.Connection, statement: str, places: Collection[tuple[int, object]]
) -> dict[str, PaymentApproved]:
    if not places:
        return {}
    keys, at = zip(*places, strict=True)
    asked = (list(keys), list(at), list(type_names(PaymentApproved)))
    rows = connection.execute(statement.encode(), asked, binary=True)
    approvals = (decode(type_name, payload) for type_name, payload in rows)
    return {a.pay_cert_no: a for a in approvals if isinstance(a, PaymentApproved)}


def follow(connection: psycopg.Connection, key: int) -> None:
    """Reads a ledger's approvals into the table, from where it was read before; the caller commits.

    Raises:
        psycopg.errors.UniqueViolation: two payments have one voucher number.
    """
    connection.execute(
        "INSERT INTO issued_positions (ledger_id) SELECT ledger_id FROM ledgers"
        " WHERE ledger_id = %s ON CONFLICT DO NOTHING",
        (key,),
    )
    row = connection.execute(
        "SELECT i.position, l.position FROM issued_positions i JOIN ledgers l USING (ledger_id)"
        " WHERE i.ledger_id = %s FOR UPDATE OF i",
        (key,),
    ).fetchone()
    if row is None:
        return
    after, head = row
    for first in range(after, head, FOLLOWED_MAX):
        upto = min(head, first + FOLLOWED_MAX)
        rows = connection.execute(
            "SELECT position, type, payload FROM events WHERE ledger_id = %s AND position > %s"
            " AND position <= %s AND type = ANY(%s)",
            (key, first, upto, list(type_names(PaymentApproved))),
            binary=True,
        ).fetchall()
        _insert(connection, key, rows)
    connection.execute(
        "UPDATE issued_positions SET position = %s WHERE ledger_id = %s", (head, key)
    )


def _insert(
    connection: psycopg.Connection, key: int, rows: Iterable[tuple[int, str, bytes]]
) -> None:
    issued = [(decode(type_name, payload), position) for position, type_name, payload in rows]
    connection.execute(
        "INSERT INTO issued_vouchers (ledger_id, pay_cert_no, position)"
        " SELECT %s, * FROM unnest(%s::text[], %s::bigint[])",
        (
            key,
            [event.pay_cert_no for event, _ in issued if isinstance(event, PaymentApproved)],
            [position for _, position in issued],
        ),
    )
