"""Putting things on a standing ledger's record, which is opened when it is first needed."""

from collections.abc import Sequence

import psycopg

from ledger.account_set import division_of
from ledger.deciding.command import Command, Outcome, Submission
from ledger.deciding.opening import OpenStandingLedger
from ledger.writing.conditions import Conditions
from ledger.writing.one_act import commit_on

PROGRAM = "guoku"  # opens standing ledgers
OPERATOR = "operator"  # whoever works at the machine itself


def opening_of(ledger_id: int) -> Submission:
    """What goes before everything else that is asked of a standing ledger; twice is once."""
    return Submission(command=OpenStandingLedger(mof_div_code=division_of(ledger_id)), by=PROGRAM)


def record(
    connection: psycopg.Connection,
    ledger_id: int,
    commands: Sequence[Command],
    conditions: Conditions,
    *,
    by: str,
) -> list[Outcome]:
    """Has commands decided and committed on this connection (``ledger.writing.one_act``).

    Raises:
        GuokuError: the first refusal among them; those before it are on record. Or nothing may be
            written now: ``history_cut``, ``clock_skewed``.
    """
    submissions = [Submission(command=command, by=by) for command in commands]
    asked = [opening_of(ledger_id), *submissions]
    outcomes = commit_on(connection, ledger_id, asked, conditions)
    for outcome in outcomes:
        if outcome.problem is not None:
            raise outcome.problem
    return outcomes[1:]
