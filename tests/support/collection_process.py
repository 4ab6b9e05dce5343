"""What sends a city's rows upward, as a program of its own, to be killed.

``python -m tests.support.collection_process APP_DSN KEY FOLDER`` writes files until it is killed,
and says a line when it begins.
"""

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ledger.books import load_charts
from ledger.gm import PrivateKey, default_provider
from projections.collection.following import SendingUpward
from tests.support.bookkeeper import fresh_pool
from transfers.messages import InstallationSigner

PROVIDER = default_provider()


def main(app: str, key: str, folder: str) -> None:
    private = PrivateKey(bytes.fromhex(key))
    signer = InstallationSigner(PROVIDER.public_key(private), partial(PROVIDER.sign, private))
    pool = fresh_pool(app)
    charts, path = load_charts(), Path(folder)
    print("begun", flush=True)
    while True:
        SendingUpward(
            pool,
            path,
            charts,
            lambda: signer,
            lambda: datetime.now(UTC),
            of_division="4401",
            every_s=0.001,
        ).look()


if __name__ == "__main__":
    main(*sys.argv[1:])
