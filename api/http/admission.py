"""Whether a caller may: the refusals that come after those of the bytes, in the contract's order.

1. what the bytes say: ``malformed``, then ``invalid_amount`` (before anybody comes here)
2. who asks: ``unauthenticated``
3. whether they may: ``forbidden``, put on record where the ledger exists and is theirs
4. whether the ledger exists: ``ledger_not_found``; then the books decide the rest
"""

from collections.abc import Sequence
from functools import lru_cache

import structlog

from api.access import Caller, Right, require_reach, require_right, require_role
from api.http.call import Call
from ledger.account_set import is_standing, is_system, parse_ledger
from ledger.deciding.command import Commit, Outcome, RecordRefusal, Submission
from ledger.errors import AccessError, Code, GuokuError
from ledger.reading.objects import read_head

ADMITTED_MAX = 10_000

log = structlog.get_logger(__name__)


def require_caller(call: Call) -> Caller:
    """Whoever asks for what is no ledger's; raises ``unauthenticated``, ``forbidden``."""
    require_right(call.caller, call.right)
    return call.caller


async def admit(
    call: Call,
    ledger: str | int | None = None,
    *,
    number: str = "",
    role: str = "",
) -> int:
    """Passes the caller on to a ledger.

    Args:
        ledger: its name or key; None takes the one in the address.
        number: of what is asked for, for the record of a denied right.
        role: a role that the caller has to hold for this very request.

    Returns:
        The ledger's key.
    """
    named = call.scope["path_params"]["ledger"] if ledger is None else ledger
    try:
        caller = call.caller
        key = _admitted(caller, call.right, named, call.is_read, ledger is None)
        if role:
            require_role(caller, role)
    except AccessError as error:
        if error.code is Code.FORBIDDEN and not call.dry_run:
            await record_denied(call, named, number, error)
        raise
    if ledger is None and key not in call.services.known_ledgers and not await exists(call, key):
        raise AccessError(Code.LEDGER_NOT_FOUND, "no such ledger has been opened")
    return key


@lru_cache(ADMITTED_MAX)
def _admitted(caller: Caller, right: Right, named: str | int, reads: bool, of_year: bool) -> int:
    """The ledger's key, for who may do this there: a function of what it is given, so that whoever
    comes again and again is judged once.

    Args:
        reads: whether it is no command.
        of_year: whether it is about a year's books.

    Raises:
        AccessError: ``forbidden``, also where a command is meant for a system ledger, or one about
            a year's books for a standing ledger; ``ledger_not_found`` for what is no ledger's name.
    """
    require_right(caller, right)
    key = parse_ledger(named) if isinstance(named, str) else named
    require_reach(caller, key)
    if not reads and is_system(key):
        raise AccessError(Code.FORBIDDEN, "only the program itself writes a system ledger")
    if not reads and of_year and is_standing(key):
        raise AccessError(Code.FORBIDDEN, "a standing ledger is written under /v1/divisions")
    return key


async def still_admitted(call: Call, key: int) -> bool:
    """Whether the caller of an answer that goes on for long may still have it."""
    try:
        caller = await call.caller_now()
        require_right(caller, call.right)
        require_reach(caller, key)
    except AccessError:
        return False
    return True


async def exists(call: Call, key: int) -> bool:
    """Whether the ledger has been opened."""
    known = call.services.known_ledgers  # a ledger that is there stays there
    if key not in known and await call.read(lambda conn: read_head(conn, key)) is not None:
        known.add(key)
    return key in known


async def record_denied(call: Call, ledger: str | int, number: str, error: GuokuError) -> None:
    """Puts a denied right on the ledger's record; the refusal stands whether that works."""
    try:
        key = parse_ledger(ledger) if isinstance(ledger, str) else ledger
        if call.services.denials.keeps(call.denied, key) and await exists(call, key):
            operation = call.scope["route"].operation_id
            await record_refusal(call, key, operation, number, error)
    except GuokuError as failed:
        log.warning("a refusal could not be recorded", reason=str(failed))


async def record_refusal(
    call: Call, key: int, operation: str, number: str, error: GuokuError
) -> None:
    """Puts a refusal on record that was found before the books were asked."""
    refusal = recorded(operation, number, error)
    submission = Submission(command=refusal, by=call.denied.principal)
    await call.services.grouping.submit(key, submission)


def recorded(operation: str, number: str, error: GuokuError) -> RecordRefusal:
    """The command that puts a refusal on record."""
    return RecordRefusal(
        refused_operation=operation,
        refused_number=number,
        code=error.code.text,
        detail=error.detail,
        extra=error.recorded,
    )


def last_commit(outcomes: Sequence[Outcome]) -> Commit | None:
    """The commit of several outcomes: where the last of their events stands."""
    commits = [outcome.commit for outcome in outcomes if outcome.commit is not None]
    return max(commits, key=lambda commit: commit.position, default=None)
