"""Writing a batch: pages of events, then what closes it, in the transaction that holds the head.

A page and a closing are plain data, so that another process can write them as well as this one
(``ledger.store.scribe``). The head is locked before the first page and moved by the closing.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from decimal import Decimal
from typing import Protocol

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ledger.balances import Balances
from ledger.integrity.chain import extend, moment_of
from ledger.state import LedgerState, Settings, UnclearedKey
from ledger.store.frames import (
    COPY_DOCUMENTS,
    COPY_EVENTS,
    COPY_KEYS,
    CommandKey,
    EncodedRow,
    document_frame,
    encoded_rows,
    event_frame,
    key_frame,
)

PIPELINED_ROWS_MAX = 200

Copy = tuple[str, bytes]  # a COPY statement and its frame, empty where there are no rows


class Page(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Some of a batch's events in order, with the numbers and documents that came with them."""

    ledger_id: int
    recorded_us: int
    rows: list[EncodedRow]
    keys: list[CommandKey]
    documents: dict[bytes, bytes]


class Closing(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """What a batch leaves behind besides its events.

    Attributes:
        chain: before the batch.
        balances: those that changed, as they are now.
        uncleared: likewise, in fen; zero is deleted.
        shared_documents: documents that an earlier batch may have brought already.
    """

    ledger_id: int
    first_position: int
    position: int
    recorded_us: int
    stream_version: int
    settings: Settings
    chain: bytes
    balances: list[tuple[str, Balances]]
    uncleared: list[tuple[UnclearedKey, Decimal]]
    shared_documents: list[tuple[bytes, bytes]]


class Writer(Protocol):
    """Takes the pages of one batch in order, and its closing."""

    def write(self, page: Page) -> None:
        """Writes a page, or sends it on its way."""
        ...

    def close(self, closing: Closing) -> tuple[bytes, Sequence[bytes]]:
        """Writes what closes the batch; gives the chain after it and its events' digests."""
        ...


class OwnHand:
    """Writes on a connection of this process; the caller's transaction is around it."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._digests: list[bytes] = []

    def write(self, page: Page) -> None:
        copies, digests = framed(page)
        copy(self._connection, copies)
        self._digests += digests

    def close(self, closing: Closing) -> tuple[bytes, Sequence[bytes]]:
        return write_closing(self._connection, closing, self._digests), self._digests


def page_of(state: LedgerState, keys: list[CommandKey]) -> Page:
    """What the state has to write by now, taken from it."""
    rows, documents = state.take()
    return Page(state.ledger_id, state.recorded_us, list(encoded_rows(rows)), keys, documents)


def closing_of(state: LedgerState, first_position: int) -> Closing:
    """What the state leaves behind after a batch that began at this position."""
    uncleared = state.uncleared or {}
    moved = [(key, Decimal(uncleared.get(key, 0))) for key in state.changed_uncleared]
    for key, amount_fen in moved:
        if not amount_fen:
            uncleared.pop(key, None)
    return Closing(
        ledger_id=state.ledger_id,
        first_position=first_position,
        position=state.position,
        recorded_us=state.recorded_us,
        stream_version=state.stream_version,
        settings=state.settings,
        chain=state.chain,
        balances=[(bgt_id, state.balance(bgt_id)) for bgt_id in state.changed_balances],
        uncleared=moved,
        shared_documents=list(state.shared_documents.items()),
    )


def framed(page: Page) -> tuple[list[Copy], list[bytes]]:
    """A page as COPY takes it, and the digests of its events."""
    frame, digests = event_frame(page.ledger_id, page.recorded_us, page.rows)
    copies = [
        (COPY_EVENTS, frame if digests else b""),
        (COPY_KEYS, key_frame(page.ledger_id, page.keys)),
        (COPY_DOCUMENTS, document_frame(page.ledger_id, page.documents)),
    ]
    return copies, digests


def copy(connection: psycopg.Connection, copies: Sequence[Copy]) -> None:
    """Appends the rows of a page."""
    with connection.cursor() as cursor:
        for statement, frame in copies:
            if frame:
                with cursor.copy(statement.encode()) as into:
                    into.write(frame)


def write_closing(
    connection: psycopg.Connection, closing: Closing, digests: Sequence[bytes]
) -> bytes:
    """Writes the balances that changed and moves the head; gives the chain there."""
    chain = extend(closing.chain, digests)
    # a pipeline saves round trips for the few, but may stall on messages of half a megabyte
    changed = len(closing.balances) + len(closing.uncleared)
    few = changed <= PIPELINED_ROWS_MAX and not closing.shared_documents
    with connection.pipeline() if few else nullcontext(), connection.cursor() as cursor:
        _insert_shared_documents(cursor, closing)
        _upsert_balances(cursor, closing)
        _write_uncleared(cursor, closing)
        _advance_head(cursor, closing, chain)
    return chain


def _advance_head(cursor: psycopg.Cursor, closing: Closing, chain: bytes) -> None:
    """Moves the head and records the commit."""
    recorded_at = moment_of(closing.recorded_us)
    cursor.execute(
        "INSERT INTO commits (ledger_id, position, first_position, recorded_at, chain)"
        " VALUES (%s, %s, %s, %s, %s)",
        (closing.ledger_id, closing.position, closing.first_position, recorded_at, chain),
    )
    cursor.execute(
        "UPDATE ledgers SET position = %s, chain = %s, recorded_at = %s, stream_version = %s,"
        " settings = %s WHERE ledger_id = %s",
        (
            closing.position,
            chain,
            recorded_at,
            closing.stream_version,
            Jsonb(msgspec.to_builtins(closing.settings)),
            closing.ledger_id,
        ),
    )


def _upsert_balances(cursor: psycopg.Cursor, closing: Closing) -> None:
    if not closing.balances:
        return
    changed = [balances for _, balances in closing.balances]
    cursor.execute(
        "INSERT INTO controlled_balances (ledger_id, bgt_id, available_fen, frozen_fen,"
        " occupied_fen, paid_fen, plan_fen)"
        " SELECT %s, b.* FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[],"
        " %b::bigint[], %b::bigint[]) AS b"
        " ON CONFLICT (ledger_id, bgt_id) DO UPDATE SET available_fen = excluded.available_fen,"
        " frozen_fen = excluded.frozen_fen, occupied_fen = excluded.occupied_fen,"
        " paid_fen = excluded.paid_fen, plan_fen = excluded.plan_fen",
        (
            closing.ledger_id,
            [bgt_id for bgt_id, _ in closing.balances],
            [b.available for b in changed],
            [b.frozen for b in changed],
            [b.occupied for b in changed],
            [b.paid for b in changed],
            [b.plan for b in changed],
        ),
    )


def _write_uncleared(cursor: psycopg.Cursor, closing: Closing) -> None:
    kept = [(*key, amount_fen) for key, amount_fen in closing.uncleared if amount_fen]
    zero = [key for key, amount_fen in closing.uncleared if not amount_fen]
    if kept:
        cursor.execute(
            "INSERT INTO uncleared (ledger_id, pay_bank_code, effective_on, vt_code,"
            " fund_type_code, sup_dep_code, exp_func_code, gov_bgt_eco_code, amount_fen)"
            " SELECT %s, u.* FROM unnest(%b::text[], %b::date[], %b::text[], %b::text[],"
            " %b::text[], %b::text[], %b::text[], %b::numeric[]) AS u"
            " ON CONFLICT ON CONSTRAINT uncleared_pkey"
            " DO UPDATE SET amount_fen = excluded.amount_fen",
            (closing.ledger_id, *map(list, zip(*kept, strict=True))),
        )
    if zero:
        cursor.execute(
            "DELETE FROM uncleared WHERE ledger_id = %s AND (pay_bank_code, effective_on,"
            " vt_code, fund_type_code, sup_dep_code, exp_func_code, gov_bgt_eco_code) IN"
            " (SELECT * FROM unnest(%b::text[], %b::date[], %b::text[], %b::text[],"
            " %b::text[], %b::text[], %b::text[]))",
            (closing.ledger_id, *map(list, zip(*zero, strict=True))),
        )


def _insert_shared_documents(cursor: psycopg.Cursor, closing: Closing) -> None:
    """Few and seldom, so they may go the slow way that passes over what is there."""
    if closing.shared_documents:
        cursor.execute(
            "INSERT INTO documents (ledger_id, sm3, body)"
            " SELECT %s, d.* FROM unnest(%b::bytea[], %b::bytea[]) AS d ON CONFLICT DO NOTHING",
            (closing.ledger_id, *map(list, zip(*closing.shared_documents, strict=True))),
        )
