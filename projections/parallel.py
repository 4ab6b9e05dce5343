"""Rebuilding and proving on all cores: a process for each ledger, or for each projection of a few.

Workers are processes of their own with connections of their own. One that dies takes nothing with
it: the live rows stay as they are, and what it left is removed by the next.
"""

import importlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from os import cpu_count
from typing import NamedTuple

import psycopg
from psycopg_pool import PoolTimeout

from ledger.errors import Code, GuokuError, UnavailableError
from ledger.postgres.database import make_pool
from projections.core import rebuild
from projections.core.comparison import Comparison
from projections.core.facts import ProjectionError
from projections.core.fold import Projection

# called with (ledger, projection, position, position aimed at)
Progress = Callable[[int, str, int, int], None]

CONNECTIONS = 4  # a rebuild holds its locks on one, compares through two, follows through one


class _Task(NamedTuple):
    ledger_id: int
    projections: tuple[str, ...]
    replace: bool
    domains: str


class _Step(NamedTuple):
    """How far a worker has come."""

    projection: str
    position: int
    upto: int


class _Failure(NamedTuple):
    code: str
    detail: str


def in_parallel(
    conninfo: str,
    ledgers: Sequence[int],
    projections: Sequence[Projection],
    *,
    replace: bool,
    progress: Progress,
    domains: str,
    processes: int | None = None,
) -> Iterator[tuple[int, Comparison]]:
    """Builds projections of the catalogue anew and compares them, in any order.

    Args:
        conninfo: of the application's role.
        replace: puts the new rows in the place of the live ones (``rebuild``), else throws them
            away (``verify``).
        domains: the module by which a worker comes to know all that a history may hold: a command
            enters itself when its module is loaded, and documents hold any of them.
        processes: at most so many at once; None for one a core.

    Raises:
        GuokuError: as :func:`projections.core.rebuild.verify`, or ``internal`` where a worker died.
            The others are ended then; whatever was not switched yet stays as it was.
    """
    most = processes or cpu_count() or 1
    names = tuple(projection.name for projection in projections)
    tasks = [
        _Task(ledger_id, together, replace, domains)
        for ledger_id, together in _shares(ledgers, names, most)
    ]
    running: dict[Connection, tuple[_Task, SpawnProcess]] = {}
    try:
        while tasks or running:
            while tasks and len(running) < most:
                task = tasks.pop(0)
                ours, process = _start(conninfo, task)
                running[ours] = task, process
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                task, process = running[ready]
                match _receive(ready):
                    case _Step(name, position, upto):
                        progress(task.ledger_id, name, position, upto)
                    case list(comparisons):
                        del running[ready]
                        process.join()
                        for comparison in comparisons:
                            yield task.ledger_id, comparison
                    case _Failure(code, detail):
                        raise _error(code, detail)
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


def _shares(
    ledgers: Sequence[int], names: tuple[str, ...], processes: int
) -> list[tuple[int, tuple[str, ...]]]:
    """A task for each ledger, whose events are then read once for all projections; for each
    projection where there are fewer ledgers than processes."""
    if len(ledgers) >= processes:
        return [(ledger_id, names) for ledger_id in ledgers]
    return [(ledger_id, (name,)) for ledger_id in ledgers for name in names]


def _start(conninfo: str, task: _Task) -> tuple[Connection, SpawnProcess]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_work, args=(conninfo, task, theirs), daemon=True)
    process.start()
    theirs.close()  # the worker's alone: its end is then seen
    return ours, process


def _receive(ready: Connection) -> _Step | list[Comparison] | _Failure:
    try:
        message: _Step | list[Comparison] | _Failure = ready.recv()
    except EOFError:
        return _Failure(Code.INTERNAL.text, "a process that rebuilds projections was ended")
    return message


def _error(code: str, detail: str) -> GuokuError:
    if code == Code.BUSY.text:
        return UnavailableError(Code.BUSY, detail)
    return GuokuError(Code.INTERNAL, detail)


def _work(conninfo: str, task: _Task, told: Connection) -> None:
    """In a process of its own: one task; tells how far it is, and then what it found."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    importlib.import_module(task.domains)
    from projections.catalogue import by_name  # a read model asks for types when it is loaded

    projections = [found for name in task.projections if (found := by_name(name)) is not None]
    action = rebuild.rebuild if task.replace else rebuild.verify
    try:
        with make_pool(conninfo, 1, CONNECTIONS, "rebuild") as pool:
            report = action(
                pool, task.ledger_id, projections, progress=lambda *step: told.send(_Step(*step))
            )
        told.send(list(report.comparisons))
    except UnavailableError as error:
        told.send(_Failure(error.code.text, error.detail))
    except (ProjectionError, PoolTimeout, psycopg.OperationalError) as error:
        told.send(_Failure(Code.INTERNAL.text, str(error)))
