"""What brings transfers over as a process of its own, to be killed.

``python -m tests.support.delivering_process DSN`` looks without a pause, and says a line for each
look.
"""

import sys

from api.domains import DOMAINS as DOMAINS
from ledger.books import load_charts
from ledger.elements import stored_code_sets
from ledger.writing.sequencer import Sequencer
from ledger.writing.submitting import submit_to
from tests.support.bookkeeper import Clock, fresh_pool
from transfers.delivering import Delivering


def main(conninfo: str) -> None:
    with fresh_pool(conninfo) as pool:
        sequencer = Sequencer(pool, load_charts(), stored_code_sets.shipped, Clock())
        delivering = Delivering(pool, submit_to(sequencer))
        while True:
            print(delivering.look(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
