"""A bank that does not answer: one message asks, the others wait.

The first message without any answer begins an outage of the address that it went to. What goes
there waits then, untried, as rows ``held``; one small message at a time asks again, after waits
that grow, and the first answer lets all of them go. Rows under way are ``due`` on a lease and none
of this touches them. All dispatchers see the same outages, for they stand in the database; who
holds rows for an outage locks it against its end, so that none is held for one that is over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import psycopg
import structlog

from ledger.verification.checks import dispose
from payments.delivery.outbox import Parcel, ParcelKind, shortened

log = structlog.get_logger(__name__)

PROBE_ITEMS = 16  # enough that one which alone meets no answer does not hide a bank that is there
TOLD_EVERY_S = 60

dispose("bank_outages", "asking a bank says anew whether it answers")

_BEGIN = """
INSERT INTO bank_outages (url, bank, last_error, next_probe_at)
VALUES (%(url)s, %(bank)s, %(error)s, now() + %(first)s * (0.5 + random() / 2))
ON CONFLICT (url) DO UPDATE SET last_error = excluded.last_error"""
_GO_ON = """
INSERT INTO bank_outages AS o (url, bank, last_error, next_probe_at)
VALUES (%(url)s, %(bank)s, %(error)s, now() + %(first)s)
ON CONFLICT (url) DO UPDATE SET last_error = excluded.last_error, asked = o.asked + 1,
    next_probe_at = now() + least(%(cap)s, %(first)s * 2 ^ least(o.asked, 30))
        * (0.5 + random() / 2)"""
_TELL = """
UPDATE bank_outages SET told_at = now()
WHERE url = %(url)s AND coalesce(told_at, '-infinity') <= now() - %(every)s
RETURNING bank, since, asked"""
_TAKE = """
UPDATE outbox SET state = 'due', attempts = attempts + 1, next_attempt_at = now() + %(lease)s
WHERE ledger_id = %(ledger_id)s AND kind = %(kind)s AND number = ANY(ARRAY(
    SELECT number FROM outbox WHERE url = %(url)s AND state = 'held'
    AND ledger_id = %(ledger_id)s AND kind = %(kind)s
    ORDER BY attempts, position LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING position, number, attempts"""
_HOLD = """
UPDATE outbox SET state = 'held', url = %(url)s, attempts = attempts - %(untried)s,
    last_error = CASE WHEN %(error)s = '' THEN last_error ELSE %(error)s END
WHERE ledger_id = %(ledger_id)s AND kind = %(kind)s AND number = ANY(%(numbers)s)
AND state = 'due'"""
_LET_GO = """
UPDATE outbox SET state = 'due', url = '', next_attempt_at = now()
WHERE state = 'held' AND url = %s"""
_LET_GO_OF_THE_FORGOTTEN = """
UPDATE outbox SET state = 'due', url = '', next_attempt_at = now()
WHERE state = 'held' AND url NOT IN (SELECT url FROM bank_outages)"""


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A bank that does not answer at ``url``: ``bank`` is its code, or ``pboc``."""

    url: str
    bank: str
    since: datetime
    last_error: str
    asked: int
    is_due: bool


class Probe(msgspec.Struct, frozen=True):
    """The one message that asks whether the bank at ``url`` is there."""

    url: str
    parcel: Parcel


def read_outages(connection: psycopg.Connection) -> dict[str, Outage]:
    """Those of now, by address."""
    rows = connection.execute(
        "SELECT url, bank, since, last_error, asked, next_probe_at <= now() FROM bank_outages"
    )
    return {
        row[0]: Outage(
            url=row[0], bank=row[1], since=row[2], last_error=row[3], asked=row[4], is_due=row[5]
        )
        for row in rows
    }


def note_outage(
    connection: psycopg.Connection,
    url: str,
    bank: str,
    error: str,
    *,
    was_probe: bool,
    first_s: float,
    cap_s: float,
) -> None:
    """A message has had no answer: an outage begins, or a probe of it has failed.

    Args:
        first_s: the wait before the first probe; it doubles with each that fails.
        cap_s: the longest wait.
    """
    connection.execute(
        _GO_ON if was_probe else _BEGIN,
        {
            "url": url,
            "bank": bank,
            "error": shortened(error),
            "first": timedelta(seconds=first_s),
            "cap": timedelta(seconds=cap_s),
        },
    )
    every = timedelta(seconds=TOLD_EVERY_S)
    told = connection.execute(_TELL, {"url": url, "every": every}).fetchone()
    if told is not None:
        bank, since, asked = told
        log.warning(
            "a bank does not answer", bank=bank, url=url, since=since, asked=asked, error=error
        )


def hold_for(
    connection: psycopg.Connection,
    parcel: Parcel,
    url: str,
    numbers: Sequence[str],
    error: str = "",
) -> None:
    """Rows wait until the bank at ``url`` answers; without an ``error`` they were not tried.

    Where the outage is over meanwhile they are due at once.
    """
    with connection.transaction():
        lasts = connection.execute(
            "SELECT FROM bank_outages WHERE url = %s FOR SHARE", (url,)
        ).fetchone()
        connection.execute(
            _HOLD,
            {
                "url": url,
                "untried": 0 if error else 1,
                "error": shortened(error),
                "ledger_id": parcel.ledger_id,
                "kind": parcel.kind,
                "numbers": list(numbers),
            },
        )
        if lasts is None:
            _let_go(connection, url)


def end_outage(connection: psycopg.Connection, url: str) -> None:
    """The bank has answered, or nobody goes to this address any more: all that waited may go."""
    with connection.transaction():
        ended = connection.execute(
            "DELETE FROM bank_outages WHERE url = %s RETURNING bank, since, asked", (url,)
        ).fetchone()
        freed = _let_go(connection, url)
    if ended is not None:
        bank, since, asked = ended
        log.info("a bank answers again", bank=bank, url=url, since=since, asked=asked, freed=freed)


def _let_go(connection: psycopg.Connection, url: str) -> int:
    return connection.execute(_LET_GO, (url,)).rowcount


def let_go_of_the_forgotten(connection: psycopg.Connection) -> None:
    """Rows that are held for no outage are due; and those of outages may be probed at once.

    For when nobody is sending: the probe of a killed sender need not wait for its lease's end.
    """
    connection.execute(_LET_GO_OF_THE_FORGOTTEN)
    connection.execute("UPDATE bank_outages SET next_probe_at = now() WHERE next_probe_at > now()")


def take_probe(connection: psycopg.Connection, lease_s: float) -> Probe | None:
    """Takes the probe of an outage whose turn it is: of what was tried least often, a few.

    None when none is due. An outage that nobody waits for is over.
    """
    lease = timedelta(seconds=lease_s)
    with connection.transaction():
        due = connection.execute(
            "SELECT url FROM bank_outages WHERE next_probe_at <= now()"
            " ORDER BY next_probe_at LIMIT 1 FOR UPDATE SKIP LOCKED"
        ).fetchone()
        if due is None:
            return None
        [url] = due
        connection.execute(
            "UPDATE bank_outages SET next_probe_at = now() + %s WHERE url = %s", (lease, url)
        )
        first = connection.execute(
            "SELECT ledger_id, kind FROM outbox WHERE url = %s AND state = 'held'"
            " ORDER BY attempts, position LIMIT 1 FOR UPDATE SKIP LOCKED",
            (url,),
        ).fetchone()
        parcel = None if first is None else _take(connection, url, first[0], first[1], lease)
    if parcel is None:
        end_outage(connection, url)
        return None
    return Probe(url, parcel)


def _take(
    connection: psycopg.Connection, url: str, ledger_id: int, kind: ParcelKind, lease: timedelta
) -> Parcel:
    scope = {"url": url, "ledger_id": ledger_id, "kind": kind}
    rows = connection.execute(_TAKE, {**scope, "limit": PROBE_ITEMS, "lease": lease}).fetchall()
    return Parcel(ledger_id, kind, {number: attempts for _, number, attempts in sorted(rows)})
