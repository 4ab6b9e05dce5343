"""Rows of the outbox in the hands of senders: taken on a lease, given back, put off, given up."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import psycopg

from payments.delivery.outbox import Item, Parcel, mark_dead, mark_sent, shortened


def take(connection: psycopg.Connection, limit: int, lease_s: float) -> Parcel | None:
    """Takes at most ``limit`` due rows of one ledger and kind, for ``lease_s`` seconds.

    The one that has waited longest chooses the ledger. None when nothing is due (or another sender
    took it in this moment).
    """
    with connection.transaction():
        first = connection.execute(
            "SELECT ledger_id, kind FROM outbox WHERE state = 'due' AND next_attempt_at <= now()"
            " ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED"
        ).fetchone()
        if first is None:
            return None
        ledger_id, kind = first
        rows = connection.execute(
            # An array and no join: the table empties and fills, so its statistics are never true,
            # and a planner who believes in few rows would look at all of them for each one taken.
            "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + %(lease)s"
            " WHERE ledger_id = %(ledger_id)s AND kind = %(kind)s AND number = ANY(ARRAY("
            "  SELECT number FROM outbox WHERE ledger_id = %(ledger_id)s"
            "  AND kind = %(kind)s AND state = 'due' AND next_attempt_at <= now()"
            "  ORDER BY next_attempt_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))"
            " RETURNING position, number, attempts",
            {
                "ledger_id": ledger_id,
                "kind": kind,
                "limit": limit,
                "lease": timedelta(seconds=lease_s),
            },
        ).fetchall()
    return Parcel(ledger_id, kind, {number: attempts for _, number, attempts in sorted(rows)})


def end_leases(connection: psycopg.Connection) -> None:
    """Makes all due rows due now: those on a lease, and those that wait after a failure.

    For when nobody is sending: what a killed sender had in hand need not wait for its lease's end.
    """
    connection.execute(
        "UPDATE outbox SET next_attempt_at = now() WHERE state = 'due' AND next_attempt_at > now()"
    )


def hold(connection: psycopg.Connection, parcel: Parcel, until: Mapping[str, datetime]) -> None:
    """Gives rows back untried that must not go before a moment: what is dated ahead."""
    connection.execute(
        "UPDATE outbox o SET attempts = attempts - 1, next_attempt_at = u.until"
        " FROM unnest(%s::text[], %s::timestamptz[]) AS u (number, until)"
        " WHERE o.ledger_id = %s AND o.kind = %s AND o.number = u.number AND o.state = 'due'",
        (list(until), list(until.values()), parcel.ledger_id, parcel.kind),
    )


def release(connection: psycopg.Connection, parcel: Parcel, numbers: Sequence[str]) -> None:
    """Gives rows back untried: another message carries them."""
    connection.execute(
        "UPDATE outbox SET attempts = attempts - 1, next_attempt_at = now()"
        " WHERE ledger_id = %s AND kind = %s AND number = ANY(%s) AND state = 'due'",
        (parcel.ledger_id, parcel.kind, list(numbers)),
    )


def taken_in(connection: psycopg.Connection, parcel: Parcel, numbers: Sequence[str]) -> None:
    """A bank has acknowledged claims or requests; no event says so before it answers them."""
    mark_sent(connection, parcel.ledger_id, [(parcel.kind, number) for number in numbers])


def postpone(
    connection: psycopg.Connection,
    parcel: Parcel,
    errors: Mapping[str, str],
    *,
    first_s: float,
    cap_s: float,
) -> None:
    """After a failed attempt: the next one waits twice as long. It never ends by itself.

    Args:
        errors: number to what went wrong.
        first_s: the wait after the first attempt; half of each wait is left to chance, so that a
            bank that comes back is not met by all at once.
        cap_s: the longest wait.
    """
    texts = [shortened(error) for error in errors.values()]
    waits = [
        timedelta(seconds=_wait_s(parcel.attempts[number], first_s, cap_s)) for number in errors
    ]
    connection.execute(
        "UPDATE outbox o SET next_attempt_at = now() + u.wait, last_error = u.error"
        " FROM unnest(%s::text[], %s::interval[], %s::text[]) AS u (number, wait, error)"
        " WHERE o.ledger_id = %s AND o.kind = %s AND o.number = u.number AND o.state = 'due'",
        (list(errors), waits, texts, parcel.ledger_id, parcel.kind),
    )


def put_off(
    connection: psycopg.Connection, parcel: Parcel, errors: Mapping[str, str], wait_s: float
) -> list[str]:
    """Gives rows back untried of which nothing could be sent: no bank can have them.

    Args:
        errors: number to what stood in the way.
        wait_s: until they are taken again.

    Returns:
        Those of which this was not known.
    """
    texts = [shortened(error) for error in errors.values()]
    rows = connection.execute(
        "UPDATE outbox o SET attempts = o.attempts - 1, next_attempt_at = now() + %s,"
        " last_error = u.error FROM unnest(%s::text[], %s::text[]) AS u (number, error)"
        " JOIN outbox before ON before.ledger_id = %s AND before.kind = %s"
        " AND before.number = u.number"
        " WHERE o.ledger_id = before.ledger_id AND o.kind = before.kind"
        " AND o.number = before.number AND o.state = 'due'"
        " RETURNING o.number, before.last_error <> u.error",
        (timedelta(seconds=wait_s), list(errors), texts, parcel.ledger_id, parcel.kind),
    )
    return [number for number, is_new in rows if is_new]


def bury(connection: psycopg.Connection, parcel: Parcel, errors: Mapping[str, str]) -> None:
    """A definitive refusal: dead at once, with what the receiver said."""
    items: dict[Item, str] = {(parcel.kind, number): error for number, error in errors.items()}
    mark_dead(connection, parcel.ledger_id, items)


def _wait_s(attempts: int, first_s: float, cap_s: float) -> float:
    longest_s: float = min(cap_s, first_s * 2 ** min(attempts - 1, 30))
    return longest_s * random.uniform(0.5, 1.0)  # noqa: S311  (jitter, not a secret)
