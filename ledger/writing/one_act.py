"""One act on a connection at hand: for a program that does a thing and ends, without a sequencer.

It is the same write path as everybody's (``ledger.writing.committer``): the head is locked, the
commands are decided and committed, and whoever else writes to the ledger notices.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import cache

import psycopg
from psycopg_pool import ConnectionPool

from ledger.books import Charts, shipped_books
from ledger.deciding.command import Outcome, Submission
from ledger.deciding.state import LedgerState
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeSets
from ledger.postgres.round_trip import waited
from ledger.writing.batch import Group
from ledger.writing.committer import Clock, Committer, PendingRequest, Resources


def now() -> datetime:
    return datetime.now(UTC)


def commit_on(
    connection: psycopg.Connection,
    ledger_id: int,
    submissions: Sequence[Submission],
    *,
    clock: Clock = now,
    codes: Callable[[], CodeSets] = stored_code_sets.shipped,
) -> list[Outcome]:
    """Decides and commits, in a transaction of its own: one that is open is committed before.

    Args:
        connection: of the application's role, without autocommit: a lock is held until the commit.

    Raises:
        psycopg.Error: of the database; nothing was written, or a lost connection leaves that open.
    """
    assert not connection.autocommit, "without a transaction there is no lock"
    connection.commit()
    resources = Resources(_no_pool(), None, codes, lambda: False, clock, lambda *_: None)
    group = Group(submissions=submissions)
    committer = Committer(resources, LedgerState(ledger_id, _charts()))
    waited(connection, committer.write([PendingRequest(group, Future())], connection))
    return group.outcomes


@cache
def _charts() -> Charts:
    """What is done here posts nothing; a state has charts all the same."""
    return Charts([shipped_books()])


@cache
def _no_pool() -> ConnectionPool:
    """A batch on a connection at hand asks for no other."""
    return ConnectionPool(open=False)
