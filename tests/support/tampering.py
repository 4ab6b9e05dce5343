"""What somebody does who rules the database: as superuser, with every trigger switched off.

Each tampering is a function of a connection and a ledger; it gives the first position that is bad.
"""

import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg

Tampering = Callable[[psycopg.Connection, int], int]

COLUMNS = "position, stream_id, stream_version, recorded_at, effective_on, type, payload, digest"


def digest_of(ledger_id: int, row: tuple[Any, ...]) -> bytes:
    """The digest of a row, by the documentation alone."""
    position, stream_id, version, recorded_at, effective_on, name, payload, _ = row
    microseconds = (recorded_at - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution
    days = (effective_on - date(1970, 1, 1)).days
    name = name.encode()
    return hashlib.new(
        "sm3",
        b"guoku.event.1\x00"
        + struct.pack(">qq", ledger_id, position)
        + stream_id.bytes
        + struct.pack(">iqiH", version, microseconds, days, len(name))
        + name
        + payload,
    ).digest()


def rows_of(connection: psycopg.Connection, ledger_id: int) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT {COLUMNS} FROM events WHERE ledger_id = %s ORDER BY position".encode(),
        (ledger_id,),
    ).fetchall()


def position_of(connection: psycopg.Connection, ledger_id: int, type_: str, skip: int = 0) -> int:
    """The position of an event of a type."""
    row = connection.execute(
        "SELECT position FROM events WHERE ledger_id = %s AND type = %s ORDER BY position"
        " OFFSET %s LIMIT 1",
        (ledger_id, type_, skip),
    ).fetchone()
    assert row is not None
    position: int = row[0]
    return position


def _update(connection: psycopg.Connection, ledger_id: int, position: int, change: str) -> int:
    done = connection.execute(
        f"UPDATE events SET {change} WHERE ledger_id = %s AND position = %s".encode(),
        (ledger_id, position),
    )
    assert done.rowcount == 1
    return position


def column(change: str, position: int = 0) -> Tampering:
    """A change of one row; by default of the second approval."""

    def tamper(connection: psycopg.Connection, ledger_id: int) -> int:
        at = position or position_of(connection, ledger_id, "payment.approved", 1)
        return _update(connection, ledger_id, at, change)

    return tamper


def a_bit_of_payload(connection: psycopg.Connection, ledger_id: int) -> int:
    at = position_of(connection, ledger_id, "payment.applied", 1)
    bit = "8 * (length(payload) / 2)"
    change = f"payload = set_bit(payload, {bit}, 1 - get_bit(payload, {bit}))"
    return _update(connection, ledger_id, at, change)


def position_moved(connection: psycopg.Connection, ledger_id: int) -> int:
    """An event is put behind the end: it is missing where it was."""
    at = position_of(connection, ledger_id, "payment.approved", 1)
    return _update(connection, ledger_id, at, "position = position + 1000000")


def two_swapped(connection: psycopg.Connection, ledger_id: int) -> int:
    first = position_of(connection, ledger_id, "payment.approved", 1)
    second = position_of(connection, ledger_id, "payment.approved", 2)
    _update(connection, ledger_id, first, "position = 0")
    _update(connection, ledger_id, second, f"position = {first}")
    _update(connection, ledger_id, 0, f"position = {second}")
    return first


def one_removed(connection: psycopg.Connection, ledger_id: int) -> int:
    at = position_of(connection, ledger_id, "payment.approved", 1)
    connection.execute("DELETE FROM events WHERE ledger_id = %s AND position = %s", (ledger_id, at))
    return at


def one_inserted(connection: psycopg.Connection, ledger_id: int) -> int:
    """An event in the middle, with its digest; later ones move up with digests of their own."""
    at = position_of(connection, ledger_id, "payment.approved", 1)
    rows = rows_of(connection, ledger_id)
    connection.execute(
        "DELETE FROM events WHERE ledger_id = %s AND position >= %s", (ledger_id, at)
    )
    stranger = list(rows[at - 1])
    stranger[1], stranger[2] = UUID(int=7), 1
    later = [(row[0] + 1, *row[1:]) for row in rows[at - 1 :]]
    for row in [tuple(stranger), *later]:
        _insert(connection, ledger_id, (*row[:7], digest_of(ledger_id, row)))
    for table, columns in (("commits", ("first_position", "position")), ("ledgers", ("position",))):
        for name in columns:
            change = (
                f"UPDATE {table} SET {name} = -{name} - 1 WHERE ledger_id = %s AND {name} >= %s"
            )
            connection.execute(change.encode(), (ledger_id, at))
            change = f"UPDATE {table} SET {name} = -{name} WHERE ledger_id = %s AND {name} < 0"
            connection.execute(change.encode(), (ledger_id,))
    return at


def _insert(connection: psycopg.Connection, ledger_id: int, row: tuple[Any, ...]) -> None:
    marks = ", ".join(["%s"] * (len(row) + 1))
    connection.execute(
        f"INSERT INTO events (ledger_id, {COLUMNS}) VALUES ({marks})".encode(), (ledger_id, *row)
    )


def one_appended(connection: psycopg.Connection, ledger_id: int) -> int:
    """An event behind the end, with its digest and a head that knows it."""
    row = list(rows_of(connection, ledger_id)[-1])
    row[0], row[1], row[2] = row[0] + 1, UUID(int=7), 1
    _insert(connection, ledger_id, (*row[:7], digest_of(ledger_id, tuple(row))))
    connection.execute(
        "UPDATE ledgers SET position = position + 1 WHERE ledger_id = %s", (ledger_id,)
    )
    return int(row[0])


def tail_cut_off(connection: psycopg.Connection, ledger_id: int) -> int:
    """The last commits are gone, and the head is put back: chain and positions are whole."""
    [(position, chain, recorded_at)] = connection.execute(
        "SELECT position, chain, recorded_at FROM commits WHERE ledger_id = %s"
        " ORDER BY position DESC OFFSET 3 LIMIT 1",
        (ledger_id,),
    )
    for table in ("events", "commits"):
        connection.execute(
            f"DELETE FROM {table} WHERE ledger_id = %s AND position > %s".encode(),
            (ledger_id, position),
        )
    connection.execute(
        "DELETE FROM command_keys WHERE ledger_id = %s AND first_position > %s",
        (ledger_id, position),
    )
    connection.execute(
        "UPDATE ledgers SET position = %s, chain = %s, recorded_at = %s WHERE ledger_id = %s",
        (position, chain, recorded_at, ledger_id),
    )
    return int(position) + 1


def chain_recomputed(connection: psycopg.Connection, ledger_id: int) -> int:
    """A payee's account is changed, and every digest and chain from there on made to fit."""
    change = (b"6222000000000000001", b"6222000000000000666")
    return rewritten("payment.applied", 1, *change)(connection, ledger_id)


def rewritten(type_: str, skip: int, old: bytes, new: bytes) -> Tampering:
    """Another content of an event, with its digest and every chain made to fit."""

    def tamper(connection: psycopg.Connection, ledger_id: int) -> int:
        at = position_of(connection, ledger_id, type_, skip)
        rows = rows_of(connection, ledger_id)
        changed = list(rows[at - 1])
        changed[6] = changed[6].replace(old, new)
        assert changed[6] != rows[at - 1][6]
        digests = [row[7] for row in rows]
        digests[at - 1] = digest_of(ledger_id, tuple(changed))
        connection.execute(
            "UPDATE events SET payload = %s, digest = %s WHERE ledger_id = %s AND position = %s",
            (changed[6], digests[at - 1], ledger_id, at),
        )
        rechain(connection, ledger_id, digests)
        return at

    return tamper


def rechain(connection: psycopg.Connection, ledger_id: int, digests: list[bytes]) -> None:
    chain = hashlib.new("sm3", b"guoku.chain.1\x00" + struct.pack(">q", ledger_id)).digest()
    commits = connection.execute(
        "SELECT first_position, position FROM commits WHERE ledger_id = %s ORDER BY position",
        (ledger_id,),
    ).fetchall()
    for first, last in commits:
        chain = hashlib.new("sm3", chain + b"".join(digests[first - 1 : last])).digest()
        connection.execute(
            "UPDATE commits SET chain = %s WHERE ledger_id = %s AND position = %s",
            (chain, ledger_id, last),
        )
    connection.execute("UPDATE ledgers SET chain = %s WHERE ledger_id = %s", (chain, ledger_id))


def balance_changed(connection: psycopg.Connection, ledger_id: int) -> int:
    """The indicator B2 is given a fen; the position is that of the last event that moved it."""
    done = connection.execute(
        "UPDATE registers SET amounts[1] = amounts[1] + 1"
        " WHERE ledger_id = %s AND register = 'indicator' AND key = 'B2'",
        (ledger_id,),
    )
    assert done.rowcount == 1
    [(position,)] = connection.execute(
        "SELECT max(position) FROM events WHERE ledger_id = %s AND type IN ('journal.posted',"
        " 'plan.set') AND convert_from(payload, 'UTF8')::json->>'bgt_id' = 'B2'",
        (ledger_id,),
    )
    return int(position)


def key_changed(change: str, operation: str = "payment.apply") -> Tampering:
    def tamper(connection: psycopg.Connection, ledger_id: int) -> int:
        [(position, number)] = connection.execute(
            "SELECT first_position, number FROM command_keys WHERE ledger_id = %s"
            " AND operation = %s ORDER BY first_position OFFSET 1 LIMIT 1",
            (ledger_id, operation),
        )
        done = connection.execute(
            f"{change} WHERE ledger_id = %s AND operation = %s AND number = %s".encode(),
            (ledger_id, operation, number),
        )
        assert done.rowcount == 1
        return int(position)

    return tamper


def document_changed(connection: psycopg.Connection, ledger_id: int) -> int:
    """A signed voucher is exchanged for another's bytes."""
    at = position_of(connection, ledger_id, "voucher.signed", 1)
    [(digest,)] = connection.execute(
        "SELECT convert_from(payload, 'UTF8')::json->>'voucher_sm3' FROM events"
        " WHERE ledger_id = %s AND position = %s",
        (ledger_id, at),
    )
    connection.execute(
        "UPDATE documents SET body = (SELECT body FROM documents WHERE ledger_id = %s"
        " AND sm3 <> %s LIMIT 1) WHERE ledger_id = %s AND sm3 = %s",
        (ledger_id, bytes.fromhex(digest), ledger_id, bytes.fromhex(digest)),
    )
    return at


KEYS = "UPDATE command_keys SET "

TAMPERINGS: dict[str, Tampering] = {
    "a bit of payload": a_bit_of_payload,
    "ledger_id": column("ledger_id = 4401000002026"),
    "position": position_moved,
    "stream_id": column("stream_id = '00000000-0000-7000-8000-000000000001'"),
    "stream_version": column("stream_version = stream_version + 90"),
    "type": column("type = 'payment.rejected'"),
    "recorded_at": column("recorded_at = recorded_at + interval '1 microsecond'"),
    "effective_on": column("effective_on = effective_on - 1"),
    "digest": column("digest = set_bit(digest, 0, 1 - get_bit(digest, 0))"),
    "digest cut short": column("digest = substr(digest, 1, 31)"),
    "two swapped": two_swapped,
    "one removed": one_removed,
    "one inserted": one_inserted,
    "one appended": one_appended,
    "tail cut off": tail_cut_off,
    "chain recomputed": chain_recomputed,
    "controlled balance": balance_changed,
    "key to another stream": key_changed(
        KEYS + "stream_id = '00000000-0000-7000-8000-000000000001'"
    ),
    "key to another position": key_changed(KEYS + "first_position = first_position + 1"),
    "key of another length": key_changed(KEYS + "last_position = last_position - 1"),
    "key of another number": key_changed(KEYS + "number = 'P-OTHER'"),
    "key removed": key_changed("DELETE FROM command_keys"),
    "document": document_changed,
}

# what no digest shows: contents that the rules forbid, with digests and chain that fit; by the
# check that has to find it
FORBIDDEN: dict[str, tuple[str, Tampering]] = {
    "debit without credit": (
        "entry",
        rewritten("journal.posted", 9, b'["A3",1,"100.00"', b'["A3",1,"100.01"'),
    ),
    "an overdraft": ("floor", rewritten("journal.posted", 9, b'"100.00"', b'"99999.00"')),
    "maker is checker": (
        "payment",
        rewritten("payment.approved", 0, b'"by":"checker"', b'"by":"maker"'),
    ),
    "another role signs": (
        "payment",
        rewritten("voucher.signed", 0, b'"role":"treasury"', b'"role":"unit"'),
    ),
    "more paid than the lines": (
        "payment",
        rewritten("voucher.receipted", 0, b'"xpay_amt":"100.00"', b'"xpay_amt":"100.01"'),
    ),
    "more back than was paid": (
        "refund",
        rewritten("payment.refunded", 0, b'"refund_amt":"60.00"', b'"refund_amt":"600.00"'),
    ),
    # what the bank has signed says otherwise, and nobody but the bank can sign that anew
    "another amount than the notice": (
        "evidence",
        rewritten("payment.refunded", 0, b'"refund_amt":"60.00"', b'"refund_amt":"50.00"'),
    ),
    "another day than the notice": (
        "evidence",
        rewritten(
            "payment.refunded", 0, b'"refund_date":"2026-03-02"', b'"refund_date":"2026-03-01"'
        ),
    ),
    "another payee than the notice": (
        "evidence",
        rewritten(
            "payment.refunded",
            0,
            b'"payee_acct_no":"6222000000000000001"',
            b'"payee_acct_no":"6222000000000000002"',
        ),
    ),
    "another notice than the bank's": (
        "evidence",
        rewritten("payment.refunded", 0, b'"notice_no":"', b'"notice_no":"9'),
    ),
}
