"""Runs that broke off are carried on: by any server, in the name of who has taken them on.

A server that dies, a database that is away, an error of ours: the run's events say what is left to
do and who has asked for it. It is looked for when a server starts and every few seconds from then
on, and done while that person still holds his role, and a unit for this unit. Otherwise the run
waits, and says for whom.
"""

import threading
from time import monotonic
from typing import NamedTuple

import psycopg
import structlog

from budget.indicator import INDICATOR, Indicator
from division.credentials import rights_with_role
from division.rights import begins_with
from ledger.account_set import division_of, ledger_text
from ledger.errors import GuokuError
from ledger.reading.objects import read_head, read_objects, stream_of
from payments.disbursement.events import DisbursementStarted
from payments.disbursement.execution import Executions, Means, read_run
from payments.disbursement.lock import is_held
from payments.disbursement.progress import read_started, read_vouchers
from payments.disbursement.run import CLOSED, DISBURSEMENT, EXECUTED, Run
from payments.disbursement.waiting import RunStanding
from payments.signature_policy import SIGNATURE_POLICY, SIGNING_ROLES

log = structlog.get_logger(__name__)

RETRY_S_MAX = 60.0
UNIT = "unit"  # the signing role that may be bound to units

_RUNS = """
SELECT k.ledger_id, k.number FROM division_ledgers l JOIN command_keys k
ON k.ledger_id = l.ledger_id AND k.operation = %s ORDER BY k.ledger_id, k.first_position"""


def read_standing(connection: psycopg.Connection, ledger_id: int, run: Run) -> RunStanding:
    """What is open of a run."""
    head = read_head(connection, ledger_id)
    assert head is not None, "a run has a ledger"
    numbers = run.pay_app_nos()
    return RunStanding(
        run,
        read_vouchers(connection, ledger_id, numbers) if numbers else {},
        _started_at(connection, ledger_id, run) if run.started else {},
        head.settings.get(SIGNATURE_POLICY).roles[0],
    )


def _started_at(connection: psycopg.Connection, ledger_id: int, run: Run) -> dict[str, int]:
    """Of those who may still sign it in the role in which they have taken it on."""
    stream_id = stream_of(connection, ledger_id, DISBURSEMENT, run.run_no)
    positions = read_started(connection, ledger_id, stream_id)
    agency_code = _unit_of(connection, ledger_id, run)
    return {
        started.role: positions[started.role]
        for started in run.started
        if started.role in positions  # a dry run has left none
        and _may_sign(connection, ledger_id, started, agency_code)
    }


def _may_sign(
    connection: psycopg.Connection, ledger_id: int, started: DisbursementStarted, agency_code: str
) -> bool:
    """As he is asked when he executes: whoever signs as a unit alone may be bound to units."""
    held = rights_with_role(connection, started.by, started.role, division_of(ledger_id))
    return any(
        not rights.agency_prefixes
        or set(rights.roles).intersection(SIGNING_ROLES) != {UNIT}  # he signs not as a unit alone
        or begins_with(agency_code, rights.agency_prefixes)
        for rights in held
    )


def _unit_of(connection: psycopg.Connection, ledger_id: int, run: Run) -> str:
    """The unit whose indicator the run spends."""
    found: dict[str, Indicator] = read_objects(connection, ledger_id, INDICATOR, [run.bgt_id])
    return found[run.bgt_id].issued.agency_code if run.bgt_id in found else ""


class _Tried(NamedTuple):
    """A run that was carried on, how it stood then, and when it is again if it stands so still."""

    standing: tuple[int, int]
    times: int
    again_at: float


class Resuming:
    """Looks for runs that broke off, in a thread from :meth:`start` to :meth:`close`.

    Args:
        every_s: between two looks; 0 for none at all.
    """

    def __init__(self, means: Means, executions: Executions, every_s: float) -> None:
        self._means, self._executions, self._every_s = means, executions, every_s
        self._done: set[tuple[int, str]] = set()  # runs of which nothing is left to draw or sign
        self._tried: dict[tuple[int, str], _Tried] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="resuming", daemon=True)

    def start(self) -> None:
        if self._every_s:
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                self.look()
            except psycopg.Error as error:  # it is away: the next look finds the same
                log.warning("runs that broke off could not be looked for", reason=str(error))
            except Exception:
                log.exception("runs that broke off could not be looked for")
            self._closing.wait(self._every_s)

    def look(self) -> None:
        """Carries on what was broken off.

        Raises:
            psycopg.Error: the database cannot be asked.
        """
        if self._means.sequencer.conditions.halted():
            return
        with self._means.pool.connection() as connection:
            rows = connection.execute(_RUNS, (DISBURSEMENT.opened_by,)).fetchall()
            left = [found for row in rows if (found := self._left(connection, *row)) is not None]
        for ledger_id, standing in left:
            if not self._closing.is_set():
                self._carry_on(ledger_id, standing)

    def _left(
        self, connection: psycopg.Connection, ledger_id: int, run_no: str
    ) -> tuple[int, RunStanding] | None:
        key = ledger_id, run_no
        if key in self._done or is_held(connection, ledger_id, run_no):
            return None
        run = read_run(connection, ledger_id, run_no)
        if run is None or run.status == CLOSED:
            self._done.add(key)
            return None
        if not run.started:
            return None
        standing = read_standing(connection, ledger_id, run)
        if run.status == EXECUTED and not standing.next_roles:
            self._done.add(key)
        return None if standing.broken_off() is None else (ledger_id, standing)

    def _carry_on(self, ledger_id: int, standing: RunStanding) -> None:
        run, started = standing.run, standing.broken_off()
        assert started is not None
        key, now = (ledger_id, run.run_no), monotonic()
        stands = run.drawn, sum(v.signed for v in standing.vouchers.values())
        before = self._tried.get(key)
        times = before.times + 1 if before is not None and before.standing == stands else 0
        if before is not None and times and now < before.again_at:
            return
        place = {"ledger": ledger_text(ledger_id), "run_no": run.run_no, "role": started.role}
        wait_s = min(RETRY_S_MAX, self._every_s * 2**times)
        self._tried[key] = _Tried(stands, times, now + wait_s)
        try:
            outcome = self._executions.start(ledger_id, run, started.role, started.by)
        except GuokuError as error:
            log.warning("a run that broke off could not be carried on", reason=str(error), **place)
            return
        if outcome.problem is None:
            log.info("a run that broke off is carried on", **place)
