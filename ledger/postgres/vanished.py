"""A cluster that is not there any more: nothing is made in its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ledger.errors import HistoryCutError

CHECKPOINTS = "checkpoints"


class Troubled(Protocol):
    """A server that says why it is not started again."""

    trouble: str


@contextmanager
def told_of(server: Troubled) -> Iterator[None]:
    """Lets the server say that its cluster has vanished, for readiness."""
    try:
        yield
    except HistoryCutError as error:
        server.trouble = error.detail
        raise


def refuse_where_one_was(data_dir: Path, cluster: Path, *, has_run: bool) -> None:
    """Before a cluster is made.

    Args:
        has_run: whether this process has had the server of this data directory running.

    Raises:
        HistoryCutError: the server has run here before, or checkpoint files lie beside it.
    """
    if has_run:
        raise HistoryCutError(
            f"the database in {cluster} has vanished under the running server: put it back, or"
            " restore a backup (guoku db restore)"
        )
    if any((data_dir / CHECKPOINTS).glob("guoku_*-*.txt")):
        raise HistoryCutError(
            f"there is no database in {cluster}, and checkpoint files beside it remember one: put"
            " it back or restore a backup (guoku db restore); to begin anew, move"
            f" {data_dir / CHECKPOINTS} away"
        )
