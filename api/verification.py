"""Verifying ledgers over all cores: a process a ledger, each with its own connections.

The first three parts of it (history, signatures, projections) are told of by progress; what came
of them is one report a ledger.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

import msgspec

from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.integrity.verification.findings import Findings
from ledger.store.database import make_pool
from payments.verification.run import Options, Report, verify_ledger
from projections.rebuild import verify as verify_projections

PROJECTION = "projection"
POLL_S = 0.1

# called with ledger, stage, what is done and what there is to do
Progress = Callable[[int, str, int, int], None]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger to verify; ``conninfo`` is the application's."""

    conninfo: str
    charts: Sequence[Path]
    ledger_id: int
    options: Options
    projections: bool = True


def verify_one(task: Task, progress: Progress) -> Report:
    """Verifies a ledger, and its read models against what its events give."""
    ledger_id = task.ledger_id

    def told(stage: str, done: int, aim: int) -> None:
        progress(ledger_id, stage, done, aim)

    charts, provider = load_charts(task.charts), default_provider()
    report = verify_ledger(task.conninfo, charts, provider, ledger_id, task.options, told)
    if task.projections:
        _compare_projections(task, report, told)
    return report


def _compare_projections(task: Task, report: Report, told: Callable[[str, int, int], None]) -> None:
    findings = Findings()
    with make_pool(task.conninfo, 2, 4, "audit") as pool:
        pool.open()
        compared = verify_projections(
            pool, task.ledger_id, progress=lambda _name, done, aim: told(PROJECTION, done, aim)
        )
    for comparison in compared.comparisons:
        findings.count(PROJECTION, comparison.rows)
        if not comparison.equal:
            detail = f"{comparison.projection}: {comparison.difference}"
            findings.add(PROJECTION, comparison.event, detail)
    report.counts |= findings.counts
    report.wrong |= findings.wrong
    report.findings += findings.all()


def verify_all(tasks: Sequence[Task], progress: Progress, jobs: int = 0) -> Iterator[Report]:
    """The report of each ledger as soon as it is there; one process a core, or ``jobs`` of them.

    Raises:
        GuokuError: of the first ledger that cannot be read; the others are given up.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(tasks))
    if jobs <= 1:
        for task in tasks:
            yield verify_one(task, progress)
        return
    spawn = multiprocessing.get_context("spawn")
    told: Queue[Any] = spawn.Queue()
    with ProcessPoolExecutor(jobs, spawn, _tell_through, (told,)) as workers:
        waiting = {workers.submit(_in_worker, task) for task in tasks}
        try:
            while waiting:
                done, waiting = wait(waiting, POLL_S, FIRST_COMPLETED)
                _pass_on(told, progress)
                for future in done:
                    yield future.result()
        except BaseException:
            for process in (workers._processes or {}).values():
                process.terminate()
            raise


_told: "Queue[Any] | None" = None


def _tell_through(told: "Queue[Any]") -> None:
    global _told
    _told = told


def _in_worker(task: Task) -> Report:
    assert _told is not None
    told = _told
    return verify_one(task, lambda *what: told.put(what))


def _pass_on(told: "Queue[Any]", progress: Progress) -> None:
    try:
        while True:
            progress(*told.get_nowait())
    except Empty:
        return
