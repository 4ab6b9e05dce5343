"""A sealer as a process of its own, to be killed.

``python -m tests.support.sealing_process DSN FOLDER`` seals without a pause and says
a line for each round.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from ledger.books import load_charts
from ledger.elements import stored_code_sets
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.sealing.sealer import Sealer, SealingPolicy
from ledger.writing.sequencer import Sequencer
from tests.support.bookkeeper import fresh_pool


def now() -> datetime:
    return datetime.now(UTC)


def main(conninfo: str, folder: Path) -> None:
    with fresh_pool(conninfo) as pool:
        sequencer = Sequencer(pool, load_charts(), stored_code_sets.shipped, now)
        sealer = Sealer(
            pool,
            sequencer,
            KeyStore(folder / "keystore", "test", iterations=1000),
            default_provider(),
            folder / "checkpoints",
            now,
            SealingPolicy(province_interval_s=0.0, events_max=8),
        )
        while True:
            sealer.run_once()
            print(sealer.health().checkpoints, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
