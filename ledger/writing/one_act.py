"""One act on a connection at hand: for a program that does a thing and ends, without a sequencer.

It is the same write path as everybody's (``ledger.writing.committer``): the head is locked, the
commands are decided and committed on the same conditions, and whoever else writes to the ledger
notices. Who acts so says on what conditions, and nobody is spared them: once a token that was made
at the machine of a restored database became an event where others had been lost.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from functools import cache

import psycopg
from psycopg_pool import ConnectionPool

from ledger.books import Charts, shipped_charts
from ledger.deciding.command import Outcome, Submission
from ledger.deciding.state import LedgerState
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeSets
from ledger.postgres.round_trip import waited
from ledger.writing.batch import Group
from ledger.writing.committer import Committer, PendingRequest, Resources
from ledger.writing.conditions import Conditions


def commit_on(
    connection: psycopg.Connection,
    ledger_id: int,
    submissions: Sequence[Submission],
    conditions: Conditions,
) -> list[Outcome]:
    """Decides and commits, in a transaction of its own: one that is open is committed before.

    The code sets are read while the ledger is locked, so that no load of others comes between.

    Args:
        connection: of the application's role, without autocommit: a lock is held until the commit.
        conditions: on which anything is committed, and the clock.

    Raises:
        UnavailableError: ``history_cut``, ``clock_skewed``: nothing was decided.
        psycopg.Error: of the database; nothing was written, or a lost connection leaves that open.
    """
    assert not connection.autocommit, "without a transaction there is no lock"
    connection.commit()

    def codes() -> CodeSets:
        return stored_code_sets.read(connection)

    resources = Resources(_no_pool(), None, codes, lambda: False, conditions, lambda *_: None)
    asked = PendingRequest(Group(submissions=submissions), Future())
    committer = Committer(resources, LedgerState(ledger_id, _charts()))
    try:
        waited(connection, committer.write([asked], connection))
    except BaseException:
        if not connection.closed:
            connection.rollback()
        raise
    return asked.answer.result()


@cache
def _charts() -> Charts:
    """What is done here posts nothing; a state has charts all the same."""
    return shipped_charts()


@cache
def _no_pool() -> ConnectionPool:
    """A batch on a connection at hand asks for no other."""
    return ConnectionPool(open=False)
