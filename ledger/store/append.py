"""Writing a batch, slice by slice, in the transaction that holds the ledger's head.

A slice is on its way to the server while the next one is decided, so that the server's work and
ours overlap; the head is locked before the first is decided and moved after the last is written.
"""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from types import TracebackType

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from ledger.integrity.chain import extend
from ledger.state import LedgerState
from ledger.store.frames import (
    COPY_DOCUMENTS,
    COPY_EVENTS,
    COPY_KEYS,
    CommandKey,
    document_frame,
    encoded_rows,
    event_frame,
    key_frame,
)

PIPELINED_ROWS_MAX = 200


class Writer:
    """Takes the slices of one batch in order; the caller's transaction is around it.

    The connection is the writer's while it is open: a slice under way uses it from another thread.

    Args:
        threads: where a slice is written while its successor is made.

    Attributes:
        first_position: of the batch's first event.
        digests: of its events so far, in order.
    """

    def __init__(
        self, connection: psycopg.Connection, state: LedgerState, threads: Executor
    ) -> None:
        self._connection = connection
        self._state = state
        self._threads = threads
        self._under_way: Future[None] | None = None
        self.first_position = state.next_position
        self.digests: list[bytes] = []

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._under_way is not None:  # the transaction ends after it, whatever it came to
            error = self._under_way.exception()
            if error is not None and kind is None:
                raise error

    def write(self, keys: Sequence[CommandKey]) -> None:
        """Sends the state's rows and documents and these keys on their way."""
        copies = self._slice(keys)
        self._settle()
        self._under_way = self._threads.submit(self._copy, copies)

    def finish(self, keys: Sequence[CommandKey]) -> None:
        """Writes what is left, the changed balances and the new head."""
        state = self._state
        copies = self._slice(keys)
        self._settle()
        if not self.digests:
            return
        self._copy(copies)
        state.chain = extend(state.chain, self.digests)
        finish_batch(self._connection, state, self.first_position)

    def _slice(self, keys: Sequence[CommandKey]) -> list[tuple[str, bytes]]:
        state = self._state
        rows, documents = state.take()
        events, digests = event_frame(state.ledger_id, state.recorded_us, encoded_rows(rows))
        self.digests += digests
        return [
            (COPY_EVENTS, events),
            (COPY_KEYS, key_frame(state.ledger_id, keys)),
            (COPY_DOCUMENTS, document_frame(state.ledger_id, documents)),
        ]

    def _settle(self) -> None:
        if self._under_way is not None:
            self._under_way.result()
            self._under_way = None

    def _copy(self, copies: Sequence[tuple[str, bytes]]) -> None:
        with self._connection.cursor() as cursor:
            for statement, frame in copies:
                copy(cursor, statement, frame)


def copy(cursor: psycopg.Cursor, statement: str, frame: bytes) -> None:
    """Sends a whole COPY frame; nothing for an empty one."""
    if frame:
        with cursor.copy(statement.encode()) as into:
            into.write(frame)


def finish_batch(connection: psycopg.Connection, state: LedgerState, first_position: int) -> None:
    """Writes the balances that changed and moves the head; the caller commits."""
    # a pipeline saves round trips for the few, but may stall on messages of half a megabyte
    changed = len(state.changed_balances) + len(state.changed_uncleared)
    few = changed <= PIPELINED_ROWS_MAX and not state.shared_documents
    with connection.pipeline() if few else nullcontext(), connection.cursor() as cursor:
        if state.shared_documents:
            _insert_shared_documents(cursor, state)
        if state.changed_balances:
            _upsert_balances(cursor, state)
        if state.changed_uncleared:
            _write_uncleared(cursor, state)
        advance_head(cursor, state, first_position)


def advance_head(cursor: psycopg.Cursor, state: LedgerState, first_position: int) -> None:
    """Moves the head to the state's position and records the commit."""
    cursor.execute(
        "INSERT INTO commits (ledger_id, position, first_position, recorded_at, chain)"
        " VALUES (%s, %s, %s, %s, %s)",
        (state.ledger_id, state.position, first_position, state.now, state.chain),
    )
    cursor.execute(
        "UPDATE ledgers SET position = %s, chain = %s, recorded_at = %s, stream_version = %s,"
        " settings = %s WHERE ledger_id = %s",
        (
            state.position,
            state.chain,
            state.now,
            state.stream_version,
            Jsonb(msgspec.to_builtins(state.settings)),
            state.ledger_id,
        ),
    )


def _upsert_balances(cursor: psycopg.Cursor, state: LedgerState) -> None:
    bgt_ids = list(state.changed_balances)
    changed = [state.balance(bgt_id) for bgt_id in bgt_ids]
    cursor.execute(
        "INSERT INTO controlled_balances (ledger_id, bgt_id, available_fen, frozen_fen,"
        " occupied_fen, paid_fen, plan_fen)"
        " SELECT %s, b.* FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[],"
        " %b::bigint[], %b::bigint[]) AS b"
        " ON CONFLICT (ledger_id, bgt_id) DO UPDATE SET available_fen = excluded.available_fen,"
        " frozen_fen = excluded.frozen_fen, occupied_fen = excluded.occupied_fen,"
        " paid_fen = excluded.paid_fen, plan_fen = excluded.plan_fen",
        (
            state.ledger_id,
            bgt_ids,
            [b.available for b in changed],
            [b.frozen for b in changed],
            [b.occupied for b in changed],
            [b.paid for b in changed],
            [b.plan for b in changed],
        ),
    )


def _write_uncleared(cursor: psycopg.Cursor, state: LedgerState) -> None:
    assert state.uncleared is not None
    zero = [key for key in state.changed_uncleared if not state.uncleared.get(key)]
    kept = [key for key in state.changed_uncleared if state.uncleared.get(key)]
    if kept:
        cursor.execute(
            "INSERT INTO uncleared (ledger_id, pay_bank_code, effective_on, vt_code,"
            " fund_type_code, sup_dep_code, exp_func_code, gov_bgt_eco_code, amount_fen)"
            " SELECT %s, u.* FROM unnest(%b::text[], %b::date[], %b::text[], %b::text[],"
            " %b::text[], %b::text[], %b::text[], %b::numeric[]) AS u"
            " ON CONFLICT ON CONSTRAINT uncleared_pkey"
            " DO UPDATE SET amount_fen = excluded.amount_fen",
            (
                state.ledger_id,
                *map(list, zip(*kept, strict=True)),
                [state.uncleared[k] for k in kept],
            ),
        )
    if zero:
        cursor.execute(
            "DELETE FROM uncleared WHERE ledger_id = %s AND (pay_bank_code, effective_on,"
            " vt_code, fund_type_code, sup_dep_code, exp_func_code, gov_bgt_eco_code) IN"
            " (SELECT * FROM unnest(%b::text[], %b::date[], %b::text[], %b::text[],"
            " %b::text[], %b::text[], %b::text[]))",
            (state.ledger_id, *map(list, zip(*zero, strict=True))),
        )
        for key in zero:
            state.uncleared.pop(key, None)


def _insert_shared_documents(cursor: psycopg.Cursor, state: LedgerState) -> None:
    """Few and seldom, so they may go the slow way that passes over what is there."""
    cursor.execute(
        "INSERT INTO documents (ledger_id, sm3, body)"
        " SELECT %s, d.* FROM unnest(%b::bytea[], %b::bytea[]) AS d ON CONFLICT DO NOTHING",
        (state.ledger_id, list(state.shared_documents), list(state.shared_documents.values())),
    )
