"""A dispatcher as a process of its own, to be killed.

``python -m tests.support.dispatcher_process DSN FOLDER BANK_URL``; FOLDER has the treasury's keys.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from ledger.books import load_charts
from ledger.elements import stored_code_sets
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.writing.sequencer import Sequencer
from payments.delivery.contents import Destinations
from payments.delivery.dispatcher import Dispatcher
from payments.signing.service import SigningService
from tests.support.bookkeeper import Clock, fresh_pool
from tests.support.channel_parties import FAST, PASSPHRASE
from tests.support.paths import ROOT


def start_dispatcher(conninfo: str, folder: Path, bank_url: str) -> "subprocess.Popen[bytes]":
    arguments = ["-m", __name__, conninfo, str(folder), bank_url]
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT)


def main(conninfo: str, folder: Path, bank_url: str) -> None:
    with fresh_pool(conninfo) as pool:
        sequencer = Sequencer(pool, load_charts(), stored_code_sets.shipped, Clock())
        keys = KeyStore(folder / "keys", PASSPHRASE, iterations=1000)
        signing = SigningService(
            pool,
            keys,
            default_provider(),
            stored_code_sets.shipped,
            lambda: datetime.now(UTC),
            sequencer.conditions,
        )
        destinations = Destinations(banks={"102": bank_url}, pboc="")
        Dispatcher(pool, sequencer, signing, destinations, FAST).start()
        Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
