"""How far each webhook's receiver has each ledger's events, and who brings him the next ones.

A row for each webhook and ledger. It is taken on a lease, by whoever is free, and given back with
the position that was reached, so that several processes work side by side and one that was killed
loses nothing: what it had brought and not written down comes again. Whoever was passed over, by a
lease that ran out or by a replay, moves nothing any more.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from api.access import Right
from division.webhook import WebhookId
from ledger.verification.checks import dispose

ERROR_CHARACTERS_MAX = 300
_OF_UNITS = frozenset({"unit", "unit_checker"})  # roles within units, which may be bound to some

dispose("webhook_positions", "what is lost is brought again, from the webhook's registration on")
dispose("webhook_dead_letters", "tells what was not taken; the events stand in their ledgers")

_CODE = "lpad((l.ledger_id / 10000)::text, 9, '0')"
# The history of a ledger may be read by who has a role for it that is not bound to some units.
_READS = """w.ended_at IS NULL AND CODE ^@ w.division AND EXISTS (
    SELECT FROM persons r WHERE r.principal_key = w.principal_key AND NOT r.has_ended
    AND coalesce(r.valid_until > now(), true) AND CODE ^@ r.division AND r.roles && %(readers)s
    AND (r.agency_prefixes = '{}' OR r.roles && %(unbound)s))""".replace("CODE", _CODE)
_BEGIN = """
INSERT INTO webhook_positions (home_id, webhook_no, ledger_id, position)
SELECT w.ledger_id, w.webhook_no, l.ledger_id, coalesce((
    SELECT c.position FROM commits c WHERE c.ledger_id = l.ledger_id
    AND c.recorded_at < w.registered_at ORDER BY c.recorded_at DESC, c.position DESC LIMIT 1), 0)
FROM webhooks w CROSS JOIN ledgers l
WHERE READS AND NOT EXISTS (
    SELECT FROM webhook_positions p WHERE p.home_id = w.ledger_id
    AND p.webhook_no = w.webhook_no AND p.ledger_id = l.ledger_id)
ON CONFLICT DO NOTHING""".replace("READS", _READS)
_TAKE = """
UPDATE webhook_positions t
SET lease_no = t.lease_no + 1, leased_until = now() + %(lease)s
FROM (SELECT p.home_id, p.webhook_no, p.ledger_id, w.url, w.types, w.principal_key,
             l.position AS head
      FROM webhook_positions p
      JOIN webhooks w ON w.ledger_id = p.home_id AND w.webhook_no = p.webhook_no
      JOIN ledgers l ON l.ledger_id = p.ledger_id
      WHERE l.position > p.position AND p.stopped = '' AND p.next_attempt_at <= now()
      AND coalesce(p.leased_until <= now(), true) AND READS
      ORDER BY p.next_attempt_at LIMIT 1 FOR UPDATE OF p SKIP LOCKED) AS due
WHERE t.home_id = due.home_id AND t.webhook_no = due.webhook_no AND t.ledger_id = due.ledger_id
RETURNING t.home_id, t.webhook_no, due.principal_key, t.ledger_id, due.url, due.types,
    t.position, due.head, t.attempts, t.answered, t.lease_no""".replace("READS", _READS)
_GIVE_BACK = """
UPDATE webhook_positions
SET position = %(position)s, attempts = %(attempts)s, answered = %(answered)s,
    last_error = %(last_error)s, stopped = %(stopped)s, next_attempt_at = now() + %(pause)s,
    leased_until = NULL
WHERE home_id = %(home_id)s AND webhook_no = %(webhook_no)s AND ledger_id = %(ledger_id)s
  AND lease_no = %(lease_no)s"""
_BURY = """
INSERT INTO webhook_dead_letters (home_id, webhook_no, ledger_id, position, attempts, last_error)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (home_id, webhook_no, ledger_id, position) DO UPDATE
SET attempts = excluded.attempts, last_error = excluded.last_error, dead_at = now()"""
_REPLAY = """
UPDATE webhook_positions
SET position = least(%(from)s - 1, position), attempts = 0, answered = 0, last_error = '',
    stopped = '', next_attempt_at = now(), leased_until = NULL, lease_no = lease_no + 1
WHERE home_id = %(home_id)s AND webhook_no = %(webhook_no)s AND ledger_id = %(ledger_id)s"""
_SHOW = """
SELECT p.ledger_id, p.position, l.position, p.attempts, p.last_error, p.stopped, p.next_attempt_at
FROM webhook_positions p JOIN ledgers l USING (ledger_id)
WHERE p.home_id = %s AND p.webhook_no = %s ORDER BY p.ledger_id"""
_FOLLOWED = """
SELECT w.webhook_no, w.url, (
    SELECT count(*) FROM webhook_dead_letters d WHERE d.home_id = w.ledger_id
    AND d.webhook_no = w.webhook_no AND d.ledger_id = p.ledger_id),
    p.ledger_id, p.position, l.position, p.attempts, p.last_error, p.stopped, p.next_attempt_at
FROM webhooks w
JOIN webhook_positions p ON p.home_id = w.ledger_id AND p.webhook_no = w.webhook_no
JOIN ledgers l ON l.ledger_id = p.ledger_id
WHERE w.ended_at IS NULL ORDER BY w.webhook_no, w.ledger_id, p.ledger_id"""
_ALL_DEAD = """
SELECT ledger_id, position, attempts, last_error, dead_at FROM webhook_dead_letters
WHERE webhook_no = %s ORDER BY ledger_id, position"""
_DEAD = """
SELECT ledger_id, position, attempts, last_error, dead_at FROM webhook_dead_letters
WHERE home_id = %s AND webhook_no = %s AND (ledger_id, position) > (%s, %s)
ORDER BY ledger_id, position LIMIT %s"""


class PendingDelivery(NamedTuple):
    """Events to be brought: of one ledger, behind ``position`` up to ``head``, to one receiver.

    ``attempts`` were made for the first of them, ``answered`` of these had an answer.
    """

    webhook: WebhookId
    ledger_id: int
    url: str
    types: list[str]
    position: int
    head: int
    attempts: int
    answered: int
    lease_no: int


class DeliveryOutcome(NamedTuple):
    """What has come of it; ``pause`` until it may go on."""

    position: int
    attempts: int = 0
    answered: int = 0
    last_error: str = ""
    stopped: str = ""
    pause: timedelta = timedelta()


class WebhookStanding(NamedTuple):
    """How a webhook stands in one ledger."""

    ledger_id: int
    position: int
    head: int
    attempts: int
    last_error: str
    stopped: str
    next_attempt_at: datetime


class FollowedLedger(NamedTuple):
    """A ledger that a webhook follows, and how many of its events the receiver never took."""

    webhook_no: str
    url: str
    dead_letters: int
    at: WebhookStanding


class DeadLetter(NamedTuple):
    """An event that a receiver answered every time, and never took."""

    ledger_id: int
    position: int
    attempts: int
    last_error: str
    dead_at: datetime


def any_webhook(connection: psycopg.Connection) -> bool:
    asked = "SELECT EXISTS (SELECT FROM webhooks WHERE ended_at IS NULL)"
    return connection.execute(asked).fetchone() == (True,)


def begin_new(connection: psycopg.Connection) -> int:
    """Begins with each ledger that a webhook has not been told of: with what was committed since
    the webhook was registered. Gives how many."""
    return connection.execute(_BEGIN.encode(), _readers()).rowcount


def take(connection: psycopg.Connection, lease_s: float) -> PendingDelivery | None:
    """What has waited longest, for ``lease_s`` seconds; None where there is nothing to bring."""
    asked = _readers() | {"lease": timedelta(seconds=lease_s)}
    row = connection.execute(_TAKE.encode(), asked).fetchone()
    return None if row is None else PendingDelivery(WebhookId(*row[:3]), *row[3:])


def end_leases(connection: psycopg.Connection) -> None:
    """For when nobody else brings anything: what a killed program had in hand need not wait."""
    connection.execute(
        "UPDATE webhook_positions SET leased_until = NULL, lease_no = lease_no + 1"
        " WHERE leased_until IS NOT NULL"
    )


def give_back(
    connection: psycopg.Connection, taken: PendingDelivery, reached: DeliveryOutcome
) -> bool:
    """Writes down how far it came; False where somebody else has it by now."""
    asked = reached._asdict() | {
        "home_id": taken.webhook.home_id,
        "webhook_no": taken.webhook.webhook_no,
        "ledger_id": taken.ledger_id,
        "lease_no": taken.lease_no,
        "last_error": reached.last_error[:ERROR_CHARACTERS_MAX],
    }
    return connection.execute(_GIVE_BACK, asked).rowcount == 1


def bury(
    connection: psycopg.Connection, taken: PendingDelivery, position: int, attempts: int, error: str
) -> None:
    """Puts an event among those that were not taken."""
    home_id, webhook_no, _ = taken.webhook
    values = (home_id, webhook_no, taken.ledger_id, position, attempts)
    connection.execute(_BURY, (*values, error[:ERROR_CHARACTERS_MAX]))


def replay(
    connection: psycopg.Connection, home_id: int, webhook_no: str, ledger_id: int, start: int
) -> bool:
    """Has everything from a position on brought again; False where nothing is brought of it."""
    asked = {"home_id": home_id, "webhook_no": webhook_no, "ledger_id": ledger_id, "from": start}
    return connection.execute(_REPLAY, asked).rowcount == 1


def standings(
    connection: psycopg.Connection, home_id: int, webhook_no: str
) -> list[WebhookStanding]:
    return [WebhookStanding(*row) for row in connection.execute(_SHOW, (home_id, webhook_no))]


def followed(connection: psycopg.Connection) -> list[FollowedLedger]:
    """All that goes on, by webhook and ledger."""
    rows = connection.execute(_FOLLOWED)
    return [
        FollowedLedger(webhook_no, url, dead_letters, WebhookStanding(*at))
        for webhook_no, url, dead_letters, *at in rows
    ]


def all_dead_letters(connection: psycopg.Connection, webhook_no: str) -> list[DeadLetter]:
    """Of a number, in whichever division; by ledger and position."""
    return [DeadLetter(*row) for row in connection.execute(_ALL_DEAD, (webhook_no,))]


def dead_letters(
    connection: psycopg.Connection, home_id: int, webhook_no: str, after: tuple[int, int], size: int
) -> list[DeadLetter]:
    """Those behind (ledger, position), in that order."""
    rows = connection.execute(_DEAD, (home_id, webhook_no, *after, size))
    return [DeadLetter(*row) for row in rows]


def _readers() -> dict[str, object]:
    readers = Right.READ.roles
    return {"readers": sorted(readers), "unbound": sorted(readers - _OF_UNITS)}
