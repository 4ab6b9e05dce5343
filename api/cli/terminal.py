"""What the commands print: tables for people, tab-separated lines for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints rows: as a table on a terminal, else a line each, cells parted by tabs.

    Only the terminal's form has a heading, so that a pipe sees nothing but data.
    """
    if not sys.stdout.isatty():
        for row in rows:
            print(*(_text(cell).replace("\t", " ") for cell in row), sep="\t")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    Console().print(table, markup=False)


def show_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """Prints name and value, a line each."""
    for name, value in fields:
        print(f"{name}: {_text(value)}")


def explain(error: BaseException) -> str | None:
    """One clear line for an error that a user can act on; None for a fault of the program."""
    import psycopg
    from psycopg_pool import PoolTimeout

    from ledger.errors import Code, GuokuError
    from projections.core.facts import ProjectionError

    match error:
        case GuokuError():
            text = error.detail if error.code is Code.INTERNAL else str(error)
            return text.strip().replace("\n\t", " ")  # how libpq goes on; a log's tail stays lines
        case PoolTimeout() | psycopg.OperationalError():
            return f"the database does not answer: {_one_line(error)}"
        case ProjectionError():
            return str(error)
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}"
    return None


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bytes():
            return value.hex()
        case list() | tuple():
            return ",".join(map(str, value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
