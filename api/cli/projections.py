"""``guoku projections``: how far the read models are, and proving or mending them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.session import connection, treasury
from api.cli.terminal import show_table

if TYPE_CHECKING:
    from psycopg import Connection

    from projections.core.fold import Projection

app = typer.Typer(no_args_is_help=True, help="Read models 读模型: status, rebuild, verify.")

Ledger = Annotated[str, typer.Option(help="Only this ledger, e.g. 440000000-2026.")]
Names = Annotated[list[str] | None, typer.Option("--projection", help="Only this one; repeatable.")]


@app.command()
def status(ledger: Ledger = "") -> None:
    """Shows every read model of every ledger: where it stands, and how far behind that is."""
    from ledger.account_set import ledger_text
    from projections.core import rebuild

    with connection() as opened:
        found = rebuild.status(opened, _ledgers(opened, ledger)[0] if ledger else None)
    show_table(
        ("ledger", "projection", "position", "behind", "generation", "updated_at"),
        (
            (
                ledger_text(s.ledger_id),
                s.projection,
                s.position,
                s.head - s.position,
                s.generation,
                s.updated_at,
            )
            for s in found
        ),
    )


@app.command()
def verify(ledger: Ledger = "", projection: Names = None) -> None:
    """Builds the read models beside the live ones and compares them byte for byte.

    Exit code 1 when one of them differs, the first row that differs is named, or has stopped:
    events have been waiting behind it for more than a minute.
    """
    if not _work(ledger, projection or (), replace=False):
        raise typer.Exit(1)


@app.command()
def rebuild(ledger: Ledger = "", projection: Names = None) -> None:
    """Builds the read models anew and puts them in place; readers keep the old ones meanwhile."""
    _work(ledger, projection or (), replace=True)


def _work(ledger: str, names: Sequence[str], *, replace: bool) -> bool:
    """Does it on all cores; prints a row for each read model; whether all were equal."""
    import api.domains
    from ledger.account_set import ledger_text
    from projections.parallel import in_parallel

    chosen = _projections(names)
    rows: list[tuple[Any, ...]] = []
    equal = True
    with treasury() as core, _progress("重建" if replace else "核对") as progress:
        with core.pool.connection() as opened:
            ledgers = _ledgers(opened, ledger)
        conninfo = core.database.app_conninfo
        found = in_parallel(
            conninfo,
            ledgers,
            chosen,
            replace=replace,
            progress=progress,
            domains=api.domains.__name__,
        )
        for ledger_id, c in found:
            equal &= c.equal and (replace or not c.stopped)
            text = ledger_text(ledger_id)
            rows.append((text, c.projection, c.position, c.rows, c.rebuilt_digest, c.verdict))
    show_table(
        ("ledger", "projection", "position", "rows", "SM3", "live and rebuilt"), sorted(rows)
    )
    return equal


def _projections(names: Sequence[str]) -> Sequence[Projection]:
    from ledger.errors import Code, RequestError
    from projections.catalogue import PROJECTIONS, by_name

    if unknown := [name for name in names if by_name(name) is None]:
        known = ", ".join(p.name for p in PROJECTIONS)
        raise RequestError(Code.NOT_FOUND, f"no projection {unknown[0]!r}; there are {known}")
    return [p for p in PROJECTIONS if not names or p.name in names]


def _ledgers(opened: Connection, ledger: str) -> list[int]:
    """The one that is named, which has to exist, or all."""
    from ledger.account_set import parse_ledger
    from ledger.errors import AccessError, Code
    from ledger.reading.objects import list_heads, read_head

    if not ledger:
        return [head.ledger_id for head in list_heads(opened)]
    ledger_id = parse_ledger(ledger)
    if read_head(opened, ledger_id) is None:
        raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger {ledger} has been opened")
    return [ledger_id]


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[int, str, int, int], None]]:
    """A progress bar for each read model on standard error, when that is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    from ledger.account_set import ledger_text

    bars: dict[tuple[int, str], TaskID] = {}
    with Progress(
        TextColumn(doing + " {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("剩余"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:

        def moved(ledger_id: int, name: str, position: int, aim: int) -> None:
            key = ledger_id, name
            if key not in bars:
                bars[key] = progress.add_task(f"{ledger_text(ledger_id)} {name}", total=aim)
            progress.update(bars[key], completed=position, total=aim)

        yield moved
