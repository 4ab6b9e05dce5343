"""What a batch knows of the standing ledgers: read when they have gone on, and noted with it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from ledger.deciding.command import Submission
from ledger.deciding.noted import NoteStanding, noted_positions
from ledger.deciding.state import LedgerState
from ledger.reading.loading import LockedHead
from ledger.reading.standing_heads import read_standing_heads
from ledger.writing.batch import Group

BY = "guoku"

# what decisions know of standing ledgers, read as of these positions
StandingReader = Callable[[psycopg.Connection, Mapping[int, int]], Any]


def knows_less(read: StandingReader | None, state: LedgerState, head: LockedHead) -> bool:
    """Whether standing ledgers have gone on since they were read."""
    return read is not None and head.standing != state.standing_at


def learn(
    read: StandingReader | None,
    connection: psycopg.Connection,
    state: LedgerState,
    head: LockedHead | None,
    groups: Sequence[Group],
    *,
    looks: bool = False,
) -> Sequence[Group]:
    """Reads them again if need be; gives what is to be decided, before all else a note of what is
    new.

    Args:
        head: as it was locked for the batch; None of one that follows a batch under way.
        looks: to look where they stand whatever the locked head says. Who has waited for its lock
            was told where they stood before: since then somebody may have cut a project's plan,
            and was told under that very lock what the year had budgeted.
    """
    if read is None or head is None or not (looks or knows_less(read, state, head)):
        return groups
    heads = read_standing_heads(connection, state.ledger_id)
    positions = {key: at.position for key, at in heads.items()}
    if sum(positions.values()) == state.standing_at:
        return groups
    state.know(read(connection, positions), positions)
    noted = noted_positions(state)
    new = tuple(at for key, at in heads.items() if noted.get(key) != at.position)
    if new and all(s.dry_run for group in groups for s in group.submissions):
        return groups  # which write nothing: who comes next reads, and notes, again
    state.standing_at = sum(positions.values())
    if not new:
        return groups
    note = Submission(command=NoteStanding(heads=new), by=BY)
    return [Group(submissions=[note]), *groups]
