"""How a service that is not on the write path brings its commands to the books, and waits."""

from collections.abc import Callable, Sequence

from ledger.deciding.command import Outcome, Submission
from ledger.writing.sequencer import Sequencer

COMMIT_TIMEOUT_S = 120.0

# (ledger, submissions) -> an outcome each, after their commit. A way in may bound what waits.
Submit = Callable[[int, Sequence[Submission]], list[Outcome]]


def submit_to(sequencer: Sequencer, timeout_s: float = COMMIT_TIMEOUT_S) -> Submit:
    """The plain way; raises ``TimeoutError`` where the commit takes longer than ``timeout_s``."""

    def submit(ledger_id: int, submissions: Sequence[Submission]) -> list[Outcome]:
        return sequencer.submit(ledger_id, submissions).result(timeout_s)

    return submit
