"""Notices that came before the receipt of the payment that they name: matched when that is there.

A bank's messages overtake one another. A notice whose payment the bank has not said it paid waits
in suspense; once the receipt is there it is what it would have been had it come behind it, on the
bank's own two words. So the program resolves it, at the machine and under its own name: nobody else
has to agree, and what does not fit by itself is left to persons.
"""

import threading
from collections.abc import Iterable, Iterator

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.account_set import ledger_text
from ledger.deciding.command import Submission
from ledger.deciding.principals import PROGRAM
from ledger.errors import GuokuError, UnavailableError
from ledger.events import type_names
from ledger.reading.objects import read_objects
from ledger.verification.checks import dispose
from ledger.writing.submitting import Submit
from payments.payment import PAYMENT, Payment
from payments.refunds.events import SuspenseHeld, SuspenseResolved
from payments.refunds.resolving import ResolveSuspense

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
ITEMS_AT_ONCE = 1_000

dispose("suspense_items", "where what waits is found; whoever resolves it reads its events")

_WAITING = """
SELECT ledger_id, suspense_no, pay_app_no FROM suspense_items
WHERE is_waiting AND pay_app_no <> '' ORDER BY ledger_id, suspense_no LIMIT %s"""
_OF_LEDGER = """
INSERT INTO suspense_items (ledger_id, suspense_no, pay_app_no, is_waiting)
SELECT h.ledger_id, said ->> 'suspense_no', coalesce(said ->> 'pay_app_no', ''), NOT EXISTS (
    SELECT FROM events r WHERE r.ledger_id = h.ledger_id AND r.stream_id = h.stream_id
        AND r.type = ANY(%(resolved)s))
FROM events h CROSS JOIN LATERAL (SELECT convert_from(h.payload, 'UTF8')::json) AS p (said)
WHERE h.ledger_id = %(ledger_id)s AND h.type = ANY(%(held)s)"""


def list_items(connection: psycopg.Connection, ledger_id: int) -> None:
    """Notes what waits in a ledger whose events came otherwise than by the write path."""
    types = {"held": list(type_names(SuspenseHeld)), "resolved": list(type_names(SuspenseResolved))}
    connection.execute(_OF_LEDGER, {"ledger_id": ledger_id, **types})


class EarlyNotices:
    """Looks for them in all ledgers, from :meth:`start` to :meth:`stop`.

    Several programs may: a notice is resolved once, under its number.
    """

    def __init__(self, pool: ConnectionPool, submit: Submit) -> None:
        self._pool, self._submit = pool, submit
        self._left: set[tuple[int, str]] = set()  # to persons
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="early-notices", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self.match()
            except (GuokuError, psycopg.Error, PoolTimeout, TimeoutError) as error:
                log.warning("early notices could not be matched; again later", reason=str(error))

    def match(self) -> int:
        """Resolves what can be by now; gives how many that were.

        Raises:
            UnavailableError: nothing may be written now.
            TimeoutError: a commit takes too long.
        """
        with self._pool.connection() as connection:
            found = list(self._ready(connection))
        return sum(self._resolve(ledger_id, command) for ledger_id, command in found)

    def _ready(self, connection: psycopg.Connection) -> Iterator[tuple[int, ResolveSuspense]]:
        """What waits for a receipt that is there now."""
        by_ledger: dict[int, list[tuple[str, str]]] = {}
        for ledger_id, suspense_no, pay_app_no in connection.execute(_WAITING, (ITEMS_AT_ONCE,)):
            if (ledger_id, suspense_no) not in self._left:
                by_ledger.setdefault(ledger_id, []).append((suspense_no, pay_app_no))
        for ledger_id, items in by_ledger.items():
            paid = _receipted(connection, ledger_id, {number for _, number in items})
            for suspense_no, number in items:
                if number in paid:
                    yield ledger_id, ResolveSuspense(suspense_no=suspense_no, pay_app_no=number)

    def _resolve(self, ledger_id: int, command: ResolveSuspense) -> bool:
        """Whether it was booked. It is rehearsed first: what does not fit leaves no refusal."""
        for dry_run in (True, False):
            asked = Submission(command=command, by=PROGRAM, dry_run=dry_run, at_machine=True)
            [outcome] = self._submit(ledger_id, [asked])
            if isinstance(outcome.problem, UnavailableError):
                raise outcome.problem
            if outcome.problem is not None:
                self._left.add((ledger_id, command.suspense_no))
                return False
        log.info(
            "a notice that came before its receipt is booked",
            ledger=ledger_text(ledger_id),
            suspense_no=command.suspense_no,
            pay_app_no=command.pay_app_no,
        )
        return True


def _receipted(connection: psycopg.Connection, ledger_id: int, numbers: Iterable[str]) -> set[str]:
    """Those of the payments of which the bank has said that it paid."""
    found: dict[str, Payment] = read_objects(connection, ledger_id, PAYMENT, list(numbers))
    return {number for number, payment in found.items() if payment.receipt is not None}
