"""Verifying ledgers over all cores, by processes that have connections of their own.

A ledger is three pieces of work that need nothing of one another: its history with the signatures,
its decisions taken again, and its read models against what the events give. They are told of by
progress as four stages; what came of them is one report a ledger.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any, NamedTuple, TypeVar

import msgspec

from accounting import verification as verification_of_books
from api.domains import DOMAINS as DOMAINS  # what a history may hold
from api.schema import MIGRATIONS
from division.learning import KnowledgeReader
from division.verification import CHECK, NOTES, check_notes, check_tables
from ledger.account_set import is_standing
from ledger.books import load_charts
from ledger.errors import AccessError, ConfigurationError
from ledger.gm import default_provider
from ledger.postgres.database import connect, make_pool
from ledger.postgres.far_dates import read_far_dates
from ledger.postgres.migrate import migrate
from ledger.reading.streaming import snapshot, stream_events
from ledger.verification.checkpoints import KeptNote
from ledger.verification.checks import UNREADABLE, name_check
from ledger.verification.database import ToVerify, verify_database
from ledger.verification.findings import Findings
from ledger.verification.following import UNFINISHED, Guard, told
from ledger.verification.heads import read_place
from ledger.verification.known_codes import KnownCodes
from ledger.verification.redeciding import DecisionCheck
from ledger.verification.schema import SCHEMA
from payments.verification.run import (
    HISTORY,
    SIGNATURES,
    Options,
    VerificationReport,
    verify_ledger,
)
from projections.core.facts import ProjectionError
from projections.core.rebuild import verify as verify_projections
from projections.project_lists import CHECK as PROJECT_CHECK
from projections.project_lists import check_projects

PROJECTION = name_check(
    "projection", "读模型 read models against a rebuild", "rows",
    "proj_positions", "proj_indicators", "proj_payments", "proj_refunds", "proj_journals",
    "proj_account_totals", "proj_refusals", "proj_account_spans", "proj_indicator_spans",
    "proj_journal_counters", "proj_journal_units", "proj_indicator_months", "proj_journal_shapes",
    "proj_corrections", "proj_prior_returns", "proj_documents", "proj_budget_rows",
    "proj_budget_movements",
)  # fmt: skip
# what a progress tells of, in the order in which it is done
STAGES = {HISTORY: "历史", DecisionCheck.NAME: "裁定", SIGNATURES: "签章", PROJECTION: "读模型"}
POLL_S = 0.1
JOINED = (verification_of_books,)  # in every run, beside those of the rooms below
BROKEN_MODELS: tuple[type[Exception], ...] = (*UNREADABLE, ProjectionError)
WHOLE_DATABASE = -1  # of a report that is about no ledger

T = TypeVar("T")

# called with ledger, stage (of ``STAGES``), what is done and what there is to do
Progress = Callable[[int, str, int, int], None]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger to verify; ``conninfo`` is the application's."""

    conninfo: str
    charts: Sequence[Path]
    ledger_id: int
    options: Options
    projections: bool = True


def verify_whole(owner_conninfo: str, notes: Sequence[KeptNote]) -> VerificationReport:
    """The database as a whole, brought up to this program's schema first: what is about no single
    ledger, and whether all are there.

    Args:
        notes: checkpoints from outside the database, of any origin.
    """
    findings = Findings()
    try:
        migrate(owner_conninfo, MIGRATIONS)
    except ConfigurationError as error:
        findings.add(SCHEMA, 0, f"it cannot be brought up to this program's schema: {error}")
    with connect(owner_conninfo, autocommit=True) as connection:
        read_far_dates(connection)
        verify_database(ToVerify(connection, notes), findings)
    return report_of(WHOLE_DATABASE, findings)


def verify_one(task: Task, progress: Progress) -> VerificationReport:
    """Verifies a ledger, and its read models against what its events give, in this process."""
    report = _history(task, progress)
    _add(report, redecide(task, progress))
    if task.projections:
        _add(report, _compared(task, progress))
    return report


def _history(task: Task, progress: Progress) -> VerificationReport:
    charts, provider = load_charts(task.charts), default_provider()
    try:
        report = verify_ledger(
            task.conninfo,
            charts,
            provider,
            task.ledger_id,
            task.options,
            lambda *what: progress(task.ledger_id, *what),
        )
    except AccessError:
        raise  # there is no such ledger
    except UNREADABLE as error:
        findings = Findings()
        findings.add(UNFINISHED, 0, f"its history could not be read to the end: {told(error)}")
        report = report_of(task.ledger_id, findings)
    _add(report, _standing(task))
    return report


def _standing(task: Task) -> Findings:
    """The tables of a standing ledger against its events; of another ledger what it has noted of
    standing ones."""
    checks = {NOTES: check_notes}
    if is_standing(task.ledger_id):
        checks = {CHECK: check_tables, PROJECT_CHECK: check_projects}
    findings = Findings()
    guard = Guard(findings)
    with snapshot(task.conninfo, 1) as [connection]:
        for name, check in checks.items():
            guard.run(name, partial(check, connection, task.ledger_id, findings))
    return findings


def redecide(task: Task, progress: Progress = lambda *_: None) -> Findings:
    """Every decision of a ledger taken again; it begins at genesis, whatever an auditor
    remembers."""
    findings = Findings()
    guard = Guard(findings)
    guard.run(DecisionCheck.NAME, lambda: _take_again(task, progress, findings, guard))
    return findings


def _take_again(task: Task, progress: Progress, findings: Findings, guard: Guard) -> None:
    ledger_id, charts = task.ledger_id, load_charts(task.charts)
    with snapshot(task.conninfo, 2) as [reading, asking]:
        place = read_place(asking, ledger_id)
        head = place.position if place else 0
        check = DecisionCheck(
            findings,
            asking,
            ledger_id,
            charts,
            KnownCodes(asking),
            KnowledgeReader(),
        )
        for chunk in stream_events(reading, ledger_id, 0, 2**62):
            guard.take(check, chunk)
            progress(ledger_id, DecisionCheck.NAME, chunk.positions[-1], head)
        guard.run(DecisionCheck.NAME, check.conclude)


def report_of(ledger_id: int, findings: Findings) -> VerificationReport:
    """What was found without reading a history."""
    return VerificationReport(
        ledger_id=ledger_id, after=0, position=0, counts=findings.counts, wrong=findings.wrong,
        findings=findings.all(), noted={}, notes=[], cosigned={}, history_s=0.0,
        history_cpu_s=0.0, signatures_s=0.0,
    )  # fmt: skip


def _compared(task: Task, progress: Progress) -> Findings:
    """The read models of a ledger against rows that are built anew."""
    findings = Findings()
    try:
        _compare(task, progress, findings)
    except BROKEN_MODELS as error:
        detail = f"they cannot be built anew: {told(error)}"
        findings.add(PROJECTION, 0, detail)
    return findings


def _compare(task: Task, progress: Progress, findings: Findings) -> None:
    with make_pool(task.conninfo, 2, 4, "audit") as pool:
        pool.open()
        compared = verify_projections(
            pool,
            task.ledger_id,
            progress=lambda _name, done, aim: progress(task.ledger_id, PROJECTION, done, aim),
        )
    for comparison in compared.comparisons:
        findings.count(PROJECTION, comparison.rows)
        if not comparison.equal:
            detail = f"{comparison.projection}: {comparison.difference}"
            findings.add(PROJECTION, comparison.event, detail)
        elif comparison.stopped:
            detail = f"{comparison.projection}: {comparison.verdict}"
            findings.add(PROJECTION, comparison.position + 1, detail)


def _add(report: VerificationReport, findings: Findings) -> None:
    for check, number in findings.counts.items():
        report.counts[check] = report.counts.get(check, 0) + number
    for check, number in findings.wrong.items():
        report.wrong[check] = report.wrong.get(check, 0) + number
    for check, number in findings.noted.items():
        report.noted[check] = report.noted.get(check, 0) + number
    report.findings += findings.all()
    report.notes += findings.notes


def verify_all(
    tasks: Sequence[Task], progress: Progress, jobs: int = 0
) -> Iterator[VerificationReport]:
    """The report of each ledger as soon as it is there; one process a core, or ``jobs`` of them.

    Raises:
        GuokuError: of the first ledger that cannot be read; the others are given up.
    """
    pieces = sum(2 + task.projections for task in tasks)
    jobs = min(jobs or os.cpu_count() or 1, pieces)
    if jobs <= 1:
        for task in tasks:
            yield verify_one(task, progress)
        return
    spawn = multiprocessing.get_context("spawn")
    told: Queue[Any] = spawn.Queue()
    with ProcessPoolExecutor(jobs, spawn, _tell_through, (told,)) as workers:
        # the order of submission is that of beginning: histories take longer, so they go first, and
        # no process is left with one of them at the end
        histories = [workers.submit(_in_worker, _history, task) for task in tasks]
        redecided = [workers.submit(_in_worker, redecide, task) for task in tasks]
        compared = [
            workers.submit(_in_worker, _compared, task) if task.projections else None
            for task in tasks
        ]
        under_way = [
            _UnderWay(*pieces) for pieces in zip(histories, redecided, compared, strict=True)
        ]
        try:
            while under_way:
                waiting = [piece for of_ledger in under_way for piece in of_ledger.waiting]
                done, _ = wait(waiting, POLL_S, FIRST_COMPLETED)
                _pass_on(told, progress)
                for piece in done:
                    piece.result()  # raises what was raised there
                for of_ledger in [one for one in under_way if not one.waiting]:
                    under_way.remove(of_ledger)
                    yield of_ledger.report()
        except BaseException:
            for process in (workers._processes or {}).values():
                process.terminate()
            raise


class _UnderWay(NamedTuple):
    """The pieces of a ledger that processes are at work on."""

    history: Future[VerificationReport]
    redecided: Future[Findings]
    compared: Future[Findings] | None

    @property
    def waiting(self) -> list[Future[Any]]:
        pieces: list[Future[Any]] = [piece for piece in self if piece is not None]
        return [piece for piece in pieces if not piece.done()]

    def report(self) -> VerificationReport:
        report = self.history.result()
        _add(report, self.redecided.result())
        if self.compared is not None:
            _add(report, self.compared.result())
        return report


_told: "Queue[Any] | None" = None


def _tell_through(told: "Queue[Any]") -> None:
    global _told
    _told = told


def _in_worker(piece: Callable[[Task, Progress], T], task: Task) -> T:
    assert _told is not None
    told = _told
    return piece(task, lambda *what: told.put(what))


def _pass_on(told: "Queue[Any]", progress: Progress) -> None:
    try:
        while True:
            progress(*told.get_nowait())
    except Empty:
        return
