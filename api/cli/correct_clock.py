"""``guoku ledger correct-clock``: the way out where a last event lies ahead of both clocks."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer


def correct_clock(
    ledger: Annotated[str, typer.Argument(help="e.g. 440000000-2026")],
    reason: Annotated[str, typer.Option(help="What was wrong with the clock; goes on record.")],
    by: Annotated[str, typer.Option(help="Who says so; default: the user of this machine.")] = "",
) -> None:
    """Puts on record that the last events were recorded ahead of their time 对时.

    For a ledger whose last event lies ahead of both clocks, so that nothing can be committed. What
    was recorded stays as it is; time goes on from now.
    """
    from api.cli.session import treasury
    from ledger.account_set import parse_ledger
    from ledger.deciding.clock import CorrectClock
    from ledger.deciding.command import Submission
    from ledger.errors import AccessError, Code
    from ledger.reading.objects import read_head

    ledger_id = parse_ledger(ledger)
    with treasury() as opened:
        with opened.pool.connection() as connection:
            head = read_head(connection, ledger_id)
        if head is None:
            raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger {ledger} has been opened")
        command = CorrectClock(position=head.position, reason=reason)
        asked = Submission(command=command, by=by or f"cli/{getpass.getuser()}")
        [outcome] = opened.sequencer.submit(ledger_id, [asked]).result()
        if outcome.problem is not None:
            raise outcome.problem
    typer.echo(
        f"{ledger}: position {outcome.last_position} says that the events up to {head.position} "
        f"were recorded ahead of their time, the last of them at {head.recorded_at.isoformat()}"
    )
