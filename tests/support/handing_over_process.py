"""A program that hands a closed year over, as a process of its own, to be killed.

``python -m tests.support.handing_over_process DSN`` brings few sets of books in one batch, says a
line behind each, and ends when nothing waits.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import api.domains  # noqa: F401 - what a history may hold
from accounting import handing_over, handing_over_books
from accounting.handing_over import HandingOver
from ledger.books import load_charts
from ledger.deciding.command import Outcome, Submission
from ledger.elements import stored_code_sets
from ledger.writing.sequencer import Sequencer
from ledger.writing.submitting import submit_to
from tests.support.bookkeeper import fresh_pool

NOW = datetime(2027, 1, 4, 3, tzinfo=UTC)


def main(conninfo: str) -> None:
    handing_over.PART_MAX = handing_over_books.PART_MAX = 2
    with fresh_pool(conninfo) as pool:
        charts = load_charts()
        sequencer = Sequencer(pool, charts, stored_code_sets.shipped, lambda: NOW)
        plainly = submit_to(sequencer)

        def told(key: int, asked: Sequence[Submission]) -> list[Outcome]:
            print(asked[0].command.OPERATION, flush=True)
            return plainly(key, asked)

        HandingOver(pool, told, charts).look()
        sequencer.close()


if __name__ == "__main__":
    main(sys.argv[1])
