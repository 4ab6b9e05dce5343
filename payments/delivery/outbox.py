"""The outbox 待发: vouchers, claims, refunds and orders on their way, read from committed events.

A consumer reads each ledger's events after its own position and moves that position in the
transaction that writes the rows. Positions are gapless and in commit order, so it can miss nothing,
and nothing is sent before it is committed. The table holds no truth: ``rebuild`` empties it and
reads again. Whoever sends takes rows on a lease (``leases``), so several may work side by side, and
what one that died had in hand comes due again when its lease ends. A row is ``due``, under way or
not; ``held`` while its bank does not answer (``outages``); ``sent`` and waits for the receipt; or
``dead``, for a person to look at.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
import psycopg

from ledger.errors import Code, RequestError
from ledger.events import Event, decode, names_that
from payments.clearing.bank_events import BankClaimReturned, BankClaimReturnTold
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.events import (
    PaymentRefunded,
    RefundRefused,
    RefundRequested,
    VoucherReceipted,
    VoucherRefused,
    VoucherSent,
    VoucherSigned,
)
from payments.order_kinds import OrderAnswered, OrderGiven
from payments.return_events import PaymentReturned
from payments.telling_events import TellingAnswered
from payments.void_events import PaymentVoided, RecallRefused, RecallRequested

ParcelKind = Literal["voucher", "claim", "refund", "recall", "order"]
Item = tuple[ParcelKind, str]

CONSUMED_EVENTS_MAX = 20_000  # of one transaction
ERROR_CHARACTERS_MAX = 500


class Parcel(msgspec.Struct, frozen=True):
    """Rows of one ledger and kind that one sender holds: number to attempts begun."""

    ledger_id: int
    kind: ParcelKind
    attempts: dict[str, int]


class Standing(msgspec.Struct, frozen=True):
    """How the outbox stands: events not read yet, rows by state, and when the next one is due."""

    lag_events: int
    due: int
    sent: int
    dead: int
    next_due_at: datetime | None


class DeadItem(msgspec.Struct, frozen=True):
    """What was given up, for a person to look at."""

    ledger_id: int
    kind: ParcelKind
    number: str
    attempts: int
    last_error: str


# ---- reading the events


def ledgers_behind(connection: psycopg.Connection) -> list[int]:
    """The ledgers with events that were not read yet."""
    rows = connection.execute(
        "SELECT l.ledger_id FROM division_ledgers l LEFT JOIN outbox_positions o USING (ledger_id)"
        " WHERE l.position > coalesce(o.position, 0) ORDER BY l.ledger_id"
    )
    return [row[0] for row in rows]


def consume(
    connection: psycopg.Connection, ledger_id: int, limit: int = CONSUMED_EVENTS_MAX
) -> int:
    """Reads at most ``limit`` events of a ledger into the outbox, in one transaction.

    Returns:
        How many were read; 0 at the head, or while another process is reading this ledger.
    """
    with connection.transaction():
        row = _lock_position(connection, ledger_id)
        if row is None and _insert_position(connection, ledger_id):
            row = _lock_position(connection, ledger_id)
        if row is None:
            return 0
        after, head = row
        upto = min(head, after + limit)
        if upto == after:
            return 0
        # Only the types that matter leave the server: journals are most of the volume.
        rows = connection.execute(
            "SELECT position, type, payload FROM events WHERE ledger_id = %s AND position > %s"
            " AND position <= %s AND type = ANY(%s) ORDER BY position",
            (ledger_id, after, upto, list(names_that(lambda traits: traits.delivery))),
            binary=True,
        ).fetchall()
        _write(connection, ledger_id, rows)
        connection.execute(
            "UPDATE outbox_positions SET position = %s WHERE ledger_id = %s", (upto, ledger_id)
        )
    return int(upto - after)


def _lock_position(connection: psycopg.Connection, ledger_id: int) -> tuple[int, int] | None:
    """How far the ledger was read, and its head; None while another process is reading it."""
    return connection.execute(
        "SELECT o.position, l.position FROM outbox_positions o JOIN ledgers l USING (ledger_id)"
        " WHERE o.ledger_id = %s FOR UPDATE OF o SKIP LOCKED",
        (ledger_id,),
    ).fetchone()


def _insert_position(connection: psycopg.Connection, ledger_id: int) -> bool:
    # Asked first whether it is there: ON CONFLICT alone would wait for whoever is reading.
    inserted = connection.execute(
        "INSERT INTO outbox_positions (ledger_id) SELECT %(ledger_id)s WHERE NOT EXISTS"
        " (SELECT FROM outbox_positions WHERE ledger_id = %(ledger_id)s) ON CONFLICT DO NOTHING",
        {"ledger_id": ledger_id},
    )
    return inserted.rowcount == 1


class _Reading(msgspec.Struct):
    """What a helping of events comes to: items due with the position that says so, taken in,
    answered for good, and refused with the receiver's words."""

    due: dict[Item, int] = {}
    sent: set[Item] = set()
    answered: set[Item] = set()
    refusals: dict[Item, str] = {}

    def take(self, position: int, event: Event) -> None:
        match event:
            case VoucherSigned(final=True) as signed:
                self.due["voucher", signed.pay_app_no] = position
            case VoucherSent() as voucher:
                self.sent.add(("voucher", voucher.pay_app_no))
            case VoucherRefused() as by_bank:
                error = refusal_text(by_bank.code, by_bank.reason)
                self.refusals["voucher", by_bank.pay_app_no] = error
            case VoucherReceipted() | PaymentVoided() as ended:
                self.answered |= {("voucher", ended.pay_app_no), ("recall", ended.pay_app_no)}
            case ClearingRequested() as requested:
                for claim in requested.claims:
                    self.due["claim", claim.voucher_no] = position
            case ClaimReceipted() as claim_receipted:
                self.answered.add(("claim", claim_receipted.voucher_no))
            case _:
                self._take_request(position, event)

    def _take_request(self, position: int, event: Event) -> None:
        match event:
            case RefundRequested():
                self.due["refund", event.refund_no] = position
            case RefundRefused():
                self.answered.add(("refund", event.refund_no))
            case PaymentRefunded() | PaymentReturned():
                self.answered.add(("refund", event.refund_no))
                self.answered.update(("refund", line.refund_no) for line in event.returned)
            case RecallRequested():  # one at a time of each payment
                self.due["recall", event.pay_app_no] = position
                self.answered.discard(("recall", event.pay_app_no))
            case RecallRefused():
                self.answered.add(("recall", event.pay_app_no))
            case _:
                self._take_order(position, event)

    def _take_order(self, position: int, event: Any) -> None:
        of = type(event)
        if issubclass(of, OrderGiven | BankClaimReturned):
            if event.voucher_no:  # a former release told no bank what it returned
                self.due["order", event.voucher_no] = position
        elif issubclass(of, OrderAnswered | TellingAnswered | BankClaimReturnTold):
            self.answered.add(("order", event.voucher_no))


def _write(
    connection: psycopg.Connection, ledger_id: int, rows: Iterable[tuple[int, str, bytes]]
) -> None:
    """Folds the events first, so that what came and went within them is never written."""
    read = _Reading()
    for position, type_name, payload in rows:
        read.take(position, decode(type_name, payload))
    due, sent, answered = read.due, read.sent, read.answered
    # whoever is asked again after a refusal may take it in; what he has taken in he cannot refuse
    refusals = {i: error for i, error in read.refusals.items() if i not in sent | answered}
    # a payment's second recall is another than the one whose row may be there
    _delete(connection, ledger_id, [item for item in due if item[0] == "recall"])
    _insert(connection, ledger_id, {i: at for i, at in due.items() if i not in answered}, sent)
    mark_sent(connection, ledger_id, sent - answered - due.keys())
    mark_dead(connection, ledger_id, refusals)
    _delete(connection, ledger_id, answered - due.keys())


def refusal_text(code: str, reason: str) -> str:
    """A receiver's refusal of one item, as its row keeps it."""
    return f"{code}: {reason}"


def _insert(
    connection: psycopg.Connection, ledger_id: int, due: Mapping[Item, int], sent: set[Item]
) -> None:
    if due:
        connection.execute(
            "INSERT INTO outbox (ledger_id, kind, number, position, state, next_attempt_at)"
            " SELECT %s, u.*, now() FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[])"
            " AS u ON CONFLICT DO NOTHING",
            (
                ledger_id,
                [kind for kind, _ in due],
                [number for _, number in due],
                list(due.values()),
                ["sent" if item in sent else "due" for item in due],
            ),
        )


def mark_sent(connection: psycopg.Connection, ledger_id: int, items: Iterable[Item]) -> None:
    for kind, numbers in _by_kind(items).items():
        connection.execute(
            "UPDATE outbox SET state = 'sent', last_error = ''"
            " WHERE ledger_id = %s AND kind = %s AND number = ANY(%s)",
            (ledger_id, kind, numbers),
        )


def mark_dead(connection: psycopg.Connection, ledger_id: int, errors: Mapping[Item, str]) -> None:
    if errors:
        connection.execute(
            "UPDATE outbox o SET state = 'dead', last_error = u.error"
            " FROM unnest(%s::text[], %s::text[], %s::text[]) AS u (kind, number, error)"
            " WHERE o.ledger_id = %s AND o.kind = u.kind AND o.number = u.number"
            " AND o.state <> 'sent'",
            (
                [kind for kind, _ in errors],
                [number for _, number in errors],
                [shortened(error) for error in errors.values()],
                ledger_id,
            ),
        )


def _delete(connection: psycopg.Connection, ledger_id: int, items: Iterable[Item]) -> None:
    for kind, numbers in _by_kind(items).items():
        connection.execute(
            "DELETE FROM outbox WHERE ledger_id = %s AND kind = %s AND number = ANY(%s)",
            (ledger_id, kind, numbers),
        )


def _by_kind(items: Iterable[Item]) -> dict[ParcelKind, list[str]]:
    found: dict[ParcelKind, list[str]] = {}
    for kind, number in items:
        found.setdefault(kind, []).append(number)
    return found


def rebuild(connection: psycopg.Connection) -> None:
    """Empties the outbox and reads all ledgers again, in one transaction: nobody sees a part of it.

    What was sent comes out as sent and what a bank has refused as dead, for their events say so. A
    claim or a request without an answer is due again, as is what else was dead: the receivers know
    their numbers. That something was tried no event says, and it stays: a bank may have it.
    """
    with connection.transaction():
        connection.execute("LOCK TABLE outbox_positions, outbox IN ACCESS EXCLUSIVE MODE")
        tried = connection.execute(
            "SELECT ledger_id, kind, number FROM outbox WHERE attempts > 0"
        ).fetchall()
        connection.execute("TRUNCATE outbox, outbox_positions")
        for ledger_id in ledgers_behind(connection):
            while consume(connection, ledger_id):
                pass
        connection.cursor().executemany(
            "UPDATE outbox SET attempts = 1 WHERE ledger_id = %s AND kind = %s AND number = %s",
            tried,
        )


def shortened(text: str) -> str:
    """Somebody else's text, as it can be kept."""
    return text.replace("\0", "")[:ERROR_CHARACTERS_MAX]


# ---- for operators


def standing(connection: psycopg.Connection) -> Standing:
    """Figures for health and metrics, over all ledgers."""
    lag = connection.execute(
        "SELECT coalesce(sum(l.position - coalesce(o.position, 0)), 0)::bigint"
        " FROM division_ledgers l LEFT JOIN outbox_positions o USING (ledger_id)"
    ).fetchone()
    counts = connection.execute(
        "SELECT count(*) FILTER (WHERE state IN ('due', 'held')),"
        " count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'dead'),"
        " min(next_attempt_at) FILTER (WHERE state = 'due') FROM outbox"
    ).fetchone()
    assert lag is not None
    assert counts is not None
    return Standing(lag[0], *counts)


def list_dead(connection: psycopg.Connection, limit: int = 1000) -> list[DeadItem]:
    """What was given up, with the last error."""
    rows = connection.execute(
        "SELECT ledger_id, kind, number, attempts, last_error FROM outbox WHERE state = 'dead'"
        " ORDER BY ledger_id, kind, number LIMIT %s",
        (limit,),
    )
    return [DeadItem(*row) for row in rows]


def revive(connection: psycopg.Connection, ledger_id: int, kind: ParcelKind, number: str) -> None:
    """Lets a dead row be tried again, once what was wrong is mended; the caller commits. It stays
    one that was tried.

    Raises:
        RequestError: ``not_found`` when no such row is dead.
    """
    # what was committed by now is read first: a refusal read later would end the row once more
    connection.execute("SELECT FROM outbox_positions WHERE ledger_id = %s FOR UPDATE", (ledger_id,))
    while consume(connection, ledger_id):
        pass
    done = connection.execute(
        "UPDATE outbox SET state = 'due', attempts = 1, next_attempt_at = now()"
        " WHERE ledger_id = %s AND kind = %s AND number = %s AND state = 'dead'",
        (ledger_id, kind, number),
    )
    if not done.rowcount:
        raise RequestError(Code.NOT_FOUND, f"no {kind} {number[:100]!r} was given up")
