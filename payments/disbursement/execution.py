"""Executing a run: voucher after voucher, from wherever the events say it stands.

For each voucher one atomic group goes to the sequencer: the amount is drawn (by the signer), the
payment applied for (by the run's maker) and approved (by the run's checker); then the signer signs.
While the signatures of some vouchers are made, the next ones are being committed. Nothing is kept
here that a kill could lose: numbers follow from the run, the next voucher from its events, and what
is signed from the payments' events.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import psycopg
import structlog
from psycopg_pool import ConnectionPool
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_fixed

from ledger.account_set import ledger_text
from ledger.deciding.command import Outcome, Submission
from ledger.errors import Code, GuokuError, IntegrityError, Refusal, UnavailableError
from ledger.gm import sm3
from ledger.money import yuan
from ledger.reading.objects import read_head, read_objects
from ledger.writing.sequencer import Sequencer
from ledger.writing.submitting import COMMIT_TIMEOUT_S
from payments.application import ApplyPayment, ApprovePayment
from payments.disbursement.commands import DrawVoucher, StartRun, StopRun
from payments.disbursement.lines import Pages, page_span, parse_line, read_canonical, read_pages
from payments.disbursement.lock import hold, release
from payments.disbursement.progress import read_vouchers
from payments.disbursement.run import DISBURSEMENT, EXECUTING, Run, payment_number
from payments.signature_policy import SIGNATURE_POLICY
from payments.signing.service import SigningService

log = structlog.get_logger(__name__)

WINDOW = 8  # vouchers in hand at once: 8 of 499 lines are some 6 MB of vouchers to sign
EXECUTIONS_MAX = 2  # each keeps a connection of the pool to itself
BUSY_ATTEMPTS_MAX = 60


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, UnavailableError) and error.code is Code.BUSY


@dataclass(frozen=True)
class Means:
    """What an execution works with."""

    pool: ConnectionPool
    sequencer: Sequencer
    signing: SigningService

    @retry(
        retry=retry_if_exception(_is_busy),
        stop=stop_after_attempt(BUSY_ATTEMPTS_MAX),
        wait=wait_fixed(1.0),
        reraise=True,
    )
    def submit(
        self, ledger_id: int, submissions: Sequence[Submission], *, atomic: bool = False
    ) -> Future[list[Outcome]]:
        """As the sequencer does, waiting where too much waits already."""
        return self.sequencer.submit(ledger_id, submissions, atomic=atomic)


def read_run(connection: psycopg.Connection, ledger_id: int, run_no: str) -> Run | None:
    """The run as it stands."""
    run: Run | None = read_objects(connection, ledger_id, DISBURSEMENT, [run_no]).get(run_no)
    return run


class Execution:
    """One run in the hands of one signer, in a thread of its own.

    Args:
        connection: holds the run's lock; it is given back at the end.
        pages: of the lines as they were approved.
    """

    def __init__(
        self,
        means: Means,
        connection: psycopg.Connection,
        ledger_id: int,
        run: Run,
        role: str,
        signer: str,
        pages: Pages,
    ) -> None:
        self._means = means
        self._connection = connection
        self._ledger_id = ledger_id
        self._run = run
        self._role = role
        self._signer = signer
        self._pages = pages
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="disbursement", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No further voucher is begun; those in hand are finished."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _work(self) -> None:
        place = {"ledger": ledger_text(self._ledger_id), "run_no": self._run.run_no}
        try:
            self._sign_waiting()
            self._draw_rest()
        except UnavailableError as error:
            log.warning("a disbursement run broke off", reason=str(error), **place)
        except GuokuError as error:
            log.warning("a disbursement run stopped", reason=str(error), **place)
            self._put_on_record(str(error))
        except Exception:
            log.exception("a disbursement run broke off", **place)
        finally:
            release(self._means.pool, self._connection, self._ledger_id, self._run.run_no)

    def _put_on_record(self, reason: str) -> None:
        stop = StopRun(run_no=self._run.run_no, bgt_id=self._run.bgt_id, reason=reason[:300])
        submission = Submission(command=stop, by=self._signer)
        self._means.submit(self._ledger_id, [submission]).result(COMMIT_TIMEOUT_S)

    # ---- what earlier executions and earlier signers left

    def _sign_waiting(self) -> None:
        """Signs what was applied for and waits for just this role."""
        numbers = self._run.pay_app_nos()
        vouchers = read_vouchers(self._connection, self._ledger_id, numbers)
        waiting = [v.pay_app_no for v in vouchers.values() if v.next_role == self._role]
        for start in range(0, len(waiting), WINDOW):
            if self._stopping.is_set() or self._was_stopped():
                return
            self._sign(waiting[start : start + WINDOW])

    def _was_stopped(self) -> bool:
        """Whether another process has stopped the run."""
        run = read_run(self._connection, self._ledger_id, self._run.run_no)
        return run is None or run.stopped is not None or run.closed is not None

    # ---- vouchers

    def _draw_rest(self) -> None:
        """Draws, applies for, approves and signs the vouchers that are left."""
        head = read_head(self._connection, self._ledger_id)
        assert head is not None
        if (
            self._run.status != EXECUTING
            or head.settings.get(SIGNATURE_POLICY).roles[0] != self._role
        ):
            return  # the first to sign draws; those after sign what was drawn
        committed: list[str] = []
        for window in self._windows():
            futures = [self._submit(voucher) for voucher in window]
            self._sign(committed)
            committed = []
            for voucher, future in zip(window, futures, strict=True):
                problem = _first_problem(future.result(COMMIT_TIMEOUT_S))
                if problem is not None:
                    self._sign(committed)
                    raise problem
                committed.append(payment_number(self._run.run_no, voucher))
        self._sign(committed)

    def _windows(self) -> Iterator[Sequence[int]]:
        assert self._run.approved is not None
        last = self._run.approved.voucher_count
        for start in range(self._run.drawn + 1, last + 1, WINDOW):
            if self._stopping.is_set():
                return
            yield range(start, min(start + WINDOW, last + 1))

    def _submit(self, voucher: int) -> Future[list[Outcome]]:
        """One voucher's group: all of it or nothing."""
        run = self._run
        apply = self._application(voucher)
        assert run.loaded is not None
        assert run.approved is not None
        draw = DrawVoucher(
            run_no=run.run_no, bgt_id=run.bgt_id, voucher=voucher, pay_amt=apply.pay_amt
        )
        approve = ApprovePayment(pay_app_no=apply.pay_app_no)
        group = [
            Submission(command=draw, by=self._signer),
            Submission(command=apply, by=run.loaded.by),
            Submission(command=approve, by=run.approved.by),
        ]
        return self._means.submit(self._ledger_id, group, atomic=True)

    def _application(self, voucher: int) -> ApplyPayment:
        """The payment of a page of lines.

        Raises:
            IntegrityError: they are not the lines that were approved.
        """
        run = self._run
        first, last = page_span(voucher)
        page = list(read_canonical(self._connection, self._ledger_id, run.run_no, first, last))
        if sm3(b"".join(page)) != self._pages.digests[voucher - 1]:
            raise IntegrityError(f"lines {first} to {last} are not those that were approved")
        lines = [parse_line(canonical) for canonical in page]
        return ApplyPayment(
            pay_app_no=payment_number(run.run_no, voucher),
            bgt_id=run.bgt_id,
            pay_amt=yuan(sum(line.pay_fen for line in lines)),
            use_des=run.opened.use_des,
            set_mode_code=run.opened.set_mode_code,
            pay_bus_type_code=run.opened.pay_bus_type_code,
            details=tuple(line.detail() for line in lines),
            effective_on=run.effective_on,
        )

    def _sign(self, pay_app_nos: Sequence[str]) -> None:
        """Signs vouchers as the signer; raises the first refusal."""
        if not pay_app_nos:
            return
        means = self._means
        signed = means.signing.sign(self._ledger_id, pay_app_nos, self._role, self._signer)
        submissions = [Submission(command=c, by=self._signer) for c in signed.commands()]
        outcomes = means.submit(self._ledger_id, submissions).result(COMMIT_TIMEOUT_S)
        problem = _first_problem(outcomes)
        if problem is not None:
            raise problem


def _first_problem(outcomes: Sequence[Outcome]) -> GuokuError | None:
    """Why a group was refused: of an atomic one the refusal that aborted it."""
    problems = [outcome.problem for outcome in outcomes if outcome.problem is not None]
    own = [problem for problem in problems if problem.code is not Code.BATCH_ABORTED]
    return next(iter(own or problems), None)


def _start_of(run: Run, role: str, lines_sm3: str) -> StartRun:
    return StartRun(run_no=run.run_no, bgt_id=run.bgt_id, role=role, lines_sm3=lines_sm3)


class Executions:
    """The executions of this process."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self._running: dict[tuple[int, str], Execution] = {}
        self._lock = threading.Lock()

    def start(
        self, ledger_id: int, run: Run, role: str, signer: str, *, dry_run: bool = False
    ) -> Outcome:
        """Takes a run on, or on again, and gives the outcome of :class:`StartRun`.

        Raises:
            UnavailableError: ``busy`` while too many are executed here.
            Refusal: ``invalid_state`` while somebody else is at work on the run.
        """
        with self._lock:
            self._running = {key: e for key, e in self._running.items() if e.running}
            if len(self._running) >= EXECUTIONS_MAX:
                raise UnavailableError(Code.BUSY, "too many runs are being executed")
        try:
            connection = hold(self.means.pool, ledger_id, run.run_no)
        except Refusal:
            if run.approved is None:
                raise
            # at work is perhaps whoever asks: then he is answered as before
            start = _start_of(run, role, run.approved.lines_sm3)
            if not any(each.by == signer and start.is_told_by(each) for each in run.started):
                raise
            return self._ask(ledger_id, start, signer, dry_run=dry_run)
        kept = False
        try:
            pages = read_pages(connection, ledger_id, run.run_no)
            start = _start_of(run, role, pages.lines_sm3)
            outcome = self._ask(ledger_id, start, signer, dry_run=dry_run)
            if outcome.problem is None and not dry_run:
                now = read_run(connection, ledger_id, run.run_no)
                assert now is not None, "a run that is there stays there"
                execution = Execution(self.means, connection, ledger_id, now, role, signer, pages)
                with self._lock:
                    self._running[ledger_id, run.run_no] = execution
                execution.start()
                kept = True
            return outcome
        finally:
            if not kept:
                release(self.means.pool, connection, ledger_id, run.run_no)

    def _ask(self, ledger_id: int, start: StartRun, signer: str, *, dry_run: bool) -> Outcome:
        submission = Submission(command=start, by=signer, dry_run=dry_run)
        [outcome] = self.means.submit(ledger_id, [submission]).result(COMMIT_TIMEOUT_S)
        return outcome

    def pause(self, ledger_id: int, run_no: str, timeout_s: float) -> None:
        """Lets a run that is executed here finish the vouchers in hand, and end.

        Raises:
            Refusal: ``invalid_state``: they take longer than that.
        """
        execution = self._running.get((ledger_id, run_no))
        if execution is not None:
            execution.stop()
            if not execution.join(timeout_s):
                raise Refusal(Code.INVALID_STATE, f"run {run_no} is about to stop: ask again")

    def close(self, timeout_s: float = 30.0) -> None:
        """Ends all executions after the vouchers in hand; the runs can be taken on again."""
        for execution in self._running.values():
            execution.stop()
        for execution in self._running.values():
            execution.join(timeout_s)
