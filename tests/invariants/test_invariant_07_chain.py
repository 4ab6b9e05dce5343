"""Invariant 7: the chain verifies from genesis, by a reading of its documentation alone."""

import hashlib
import struct
from datetime import UTC, date, datetime

import pytest

from tests.support.bookkeeper import Bookkeeper

COLUMNS = "position, stream_id, stream_version, recorded_at, effective_on, type, payload, digest"


def digest_of(ledger_id: int, row: tuple) -> bytes:
    position, stream_id, version, recorded_at, effective_on, name, payload, _ = row
    microseconds = (recorded_at - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
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


def verify(b: Bookkeeper, rows: list[tuple]) -> str:
    """ "" when all holds, else what does not."""
    chain = hashlib.new("sm3", b"guoku.chain.1\x00" + struct.pack(">q", b.ledger_id)).digest()
    by_position = {row[0]: row for row in rows}
    for first, last, stored in b.sql(
        "SELECT first_position, position, chain FROM commits WHERE ledger_id = %s ORDER BY 2"
    ):
        digests = b""
        for position in range(first, last + 1):
            row = by_position[position]
            if digest_of(b.ledger_id, row) != bytes(row[7]):
                return f"digest of {position}"
            digests += row[7]
        chain = hashlib.new("sm3", chain + digests).digest()
        if chain != stored:
            return f"chain at {last}"
    [(head,)] = b.sql("SELECT chain FROM ledgers WHERE ledger_id = %s")
    return "" if head == chain else "head"


def history(b: Bookkeeper) -> list[tuple]:
    b.issue("B", "100.00")
    b.pay("P1", "B", "40.00")
    b.refund("P1", "1.00")
    return b.sql(f"SELECT {COLUMNS} FROM events WHERE ledger_id = %s ORDER BY position")


def test_the_chain_verifies_from_genesis(bookkeeper: Bookkeeper) -> None:
    assert verify(bookkeeper, history(bookkeeper)) == ""


@pytest.mark.parametrize("column", range(1, 7), ids=COLUMNS.split(", ")[1:7])
def test_canary_a_change_in_any_column_is_found(bookkeeper: Bookkeeper, column: int) -> None:
    rows = history(bookkeeper)
    changed = list(rows[5])
    changed[column] = rows[0][column] if column != 6 else bytes(changed[6][:-1]) + b" "
    if changed[column] == rows[5][column]:
        changed[column] = rows[-1][column]
    if changed[column] == rows[5][column]:  # one business day: take another
        changed[column] = date(2026, 1, 1)
    rows[5] = tuple(changed)
    assert verify(bookkeeper, rows) == "digest of 6"


def test_a_commit_answers_with_the_chain_it_made(bookkeeper: Bookkeeper) -> None:
    outcome = bookkeeper.issue("B", "100.00")
    [(chain, position)] = bookkeeper.sql("SELECT chain, position FROM ledgers WHERE ledger_id = %s")
    assert outcome.commit is not None
    assert (outcome.commit.chain, outcome.commit.position) == (chain, position)
