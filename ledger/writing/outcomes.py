"""What callers are told of an atomic group that was not carried out."""

from ledger.deciding.command import Outcome
from ledger.errors import Code, GuokuError, Refusal


def aborted(size: int, failed: int, problem: GuokuError) -> list[Outcome]:
    others = Refusal(
        Code.BATCH_ABORTED,
        f"item {failed} was refused and the batch is atomic: nothing was done",
        failed_index=failed,
    )
    return [Outcome(problem=problem if index == failed else others) for index in range(size)]
