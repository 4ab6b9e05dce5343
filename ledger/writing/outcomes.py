"""What callers are told of a decision, and of an atomic group that was not carried out."""

from ledger.deciding.command import Outcome
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, GuokuError, Refusal


def subjects_of(state: LedgerState, decision: Decision) -> tuple[object, ...]:
    """The objects a decision changed, each once, in the order of its events."""
    decided = decision.events
    kind, number, _ = decided[0]
    if kind is not None and decided[-1][:2] == (kind, number) and len(decided) <= 2:
        return (state.get(kind, number),)  # as most do: an event and its journal
    subjects: dict[tuple[str, str], object] = {}
    for kind, number, _ in decided:
        if kind is not None and (cached := state.cached(kind).get(number)) is not None:
            subjects[kind.name, number] = cached.obj
    return tuple(subjects.values())


def aborted(size: int, failed: int, problem: GuokuError) -> list[Outcome]:
    others = Refusal(
        Code.BATCH_ABORTED,
        f"item {failed} was refused and the batch is atomic: nothing was done",
        failed_index=failed,
    )
    return [Outcome(problem=problem if index == failed else others) for index in range(size)]
