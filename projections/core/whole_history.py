"""A whole history folded into the rows of a new generation: each row is written once.

Three work at a time: the server reads on for one connection, this thread decodes and adds up, and
the server writes what a second connection sent it. In memory are a page, some thousand settled rows
of each table on their way, and what a fold keeps: rows by object and business day, whatever the
number of events.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

import msgspec
import psycopg

from projections.core.advance import RowsTarget, load, move, write
from projections.core.facts import ProjectionError, read_pages
from projections.core.fold import NO_ROWS, Fact, Fold, Writes
from projections.core.tables import Table

# called with (projection, position, position aimed at) as the work goes on
Progress = Callable[[str, int, int], None]

PAGE_FACTS = 512  # what a socket's buffer holds: the server reads on while a page is folded
PAGES_A_STEP = 16  # after so many, what is settled is sent and progress is told
ROWS_AT_ONCE = 4_096


def fold_history(
    reading: psycopg.Connection,
    writing: psycopg.Connection,
    ledger_id: int,
    targets: Sequence[RowsTarget],
    upto: int,
    progress: Progress | None,
) -> None:
    """Fills empty generations with what the events up to ``upto`` say; the caller commits.

    Args:
        upto: where a commit ends.

    Raises:
        ProjectionError: one of them cannot take an event in; nothing is written then.
    """
    if not targets or not upto:
        return
    with _Sender(writing, ledger_id) as sender:
        for position in _fold(reading, ledger_id, targets, upto, sender):
            if progress is not None:
                for target in targets:
                    progress(target.projection.name, position, upto)
    move(writing, ledger_id, targets, upto)


class _Sender(ExitStack):
    """Sends settled rows to the server, which takes some in while the next are made."""

    def __init__(self, connection: psycopg.Connection, ledger_id: int) -> None:
        super().__init__()
        self._connection = connection
        self._ledger_id = ledger_id
        self._kept: dict[tuple[Table[Any], int], list[Any]] = defaultdict(list)

    def send(self, target: RowsTarget, writes: Writes, *, at_least: int) -> None:
        """Takes over what is to be written; new rows of a table are kept until there are so many
        of them, or something else is to be written behind them."""
        for table, rows in writes.new.items():
            self._kept[table, target.generation] += rows
        behind = msgspec.structs.replace(writes, new=NO_ROWS)
        if any(behind.changed.values()) or any(behind.added.values()) or behind.statements:
            self._send_kept(at_least=1)
            self.close()
            write(self._connection, self._ledger_id, target.generation, behind)
        else:
            self._send_kept(at_least)

    def load(self, target: RowsTarget, fold: Fold, facts: Sequence[Fact]) -> None:
        """Gives a fold what it needs of the rows that it has given out."""
        if any(fold.needs(facts).values()):
            self._send_kept(at_least=1)
            self.close()
            load(self._connection, self._ledger_id, target.generation, fold, facts)

    def _send_kept(self, at_least: int) -> None:
        for (table, generation), kept in self._kept.items():
            if len(kept) >= at_least:
                self.close()  # what was sent before is in the server now
                self.enter_context(
                    table.appending(self._connection, self._ledger_id, generation, kept)
                )
                kept.clear()


def _fold(
    connection: psycopg.Connection,
    ledger_id: int,
    targets: Sequence[RowsTarget],
    upto: int,
    sender: _Sender,
) -> Iterator[int]:
    """Folds and hands on what is settled, page by page; gives the position after each step."""
    projections = [target.projection for target in targets]
    folds = [projection.fold(0) for projection in projections]
    after = 0
    pages = read_pages(connection, ledger_id, projections, 0, upto, PAGE_FACTS)
    with closing(pages):
        for number, page in enumerate(pages, start=1):
            for target, fold, facts in zip(targets, folds, page.facts, strict=True):
                try:
                    sender.load(target, fold, facts)
                    fold.take(facts)
                except psycopg.OperationalError:
                    raise
                except Exception as error:
                    raise ProjectionError([target.projection.name], after, error) from error
            after = page.position
            if number % PAGES_A_STEP == 0:
                for target, fold in zip(targets, folds, strict=True):
                    sender.send(target, fold.settled(after), at_least=ROWS_AT_ONCE)
                yield after
    for target, fold in zip(targets, folds, strict=True):
        sender.send(target, fold.rest(upto), at_least=1)
    yield upto
