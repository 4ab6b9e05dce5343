"""Putting things on a standing ledger's record, which is opened when it is first needed."""

from collections.abc import Sequence

import psycopg

from ledger.account_set import division_of
from ledger.deciding.command import Command, Outcome, Submission
from ledger.deciding.opening import OpenStandingLedger
from ledger.deciding.principals import AT_MACHINE, PROGRAM
from ledger.writing.conditions import Conditions
from ledger.writing.one_act import commit_on


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
    """Has commands decided and committed, as acts at the machine: nobody else has to agree.

    Args:
        by: one of ``principals.AT_MACHINE``.

    Raises:
        GuokuError: the first refusal among them; those before it are on record. Or nothing may be
            written now: ``history_cut``, ``clock_skewed``.
    """
    assert by in AT_MACHINE, "whoever else acts asks others"
    asked = [Submission(command=command, by=by, at_machine=True) for command in commands]
    outcomes = submit(connection, ledger_id, asked, conditions)
    for outcome in outcomes:
        if outcome.problem is not None:
            raise outcome.problem
    return outcomes


def submit(
    connection: psycopg.Connection,
    ledger_id: int,
    submissions: Sequence[Submission],
    conditions: Conditions,
) -> list[Outcome]:
    """Has submissions decided and committed on this connection (``ledger.writing.one_act``), by the
    code sets that are in force when the ledger is locked.

    Raises:
        UnavailableError: nothing may be written now: ``history_cut``, ``clock_skewed``.
    """
    asked = [opening_of(ledger_id), *submissions]
    return commit_on(connection, ledger_id, asked, conditions)[1:]
