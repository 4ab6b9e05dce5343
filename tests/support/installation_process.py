"""An installation as a server of its own, that exchanges transfers: in a thread, or to be killed.

``python -m tests.support.installation_process OWNER_DSN APP_DSN DATA NAME PORT`` serves until it is
killed, and says a line when it does.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import SimpleNamespace

from api.exchange import exchanging
from api.http.app import create_app
from api.settings import Settings
from api.treasury import Treasury, treasury_on
from ledger.postgres.database import Database
from tests.support.http_server import served
from transfers.link import HttpLink


@contextmanager
def installation(
    database: Database, data: Path, name: str, port: int = 0
) -> Iterator[tuple[Treasury, str]]:
    """Its core, and the address at which it is reached."""
    settings = Settings(data=data, installation=name, exchange_timeout_s=5.0)
    with treasury_on(settings, database) as treasury:
        link = HttpLink(settings.exchange_timeout_s)
        exchange = exchanging(treasury, link)
        treasury.sequencer.on_commit(exchange.committed)
        background = SimpleNamespace(
            runner=None, dispatcher=None, sealer=None, cosigners=[], children=[], recordings=[]
        )
        exchange.start()
        try:
            with served(create_app(treasury, background), port) as url:
                yield treasury, url
        finally:
            exchange.stop()
            link.close()


def main(owner: str, app: str, data: str, name: str, port: str) -> None:
    with installation(Database(owner, app), Path(data), name, int(port)) as (_, url):
        print(url, flush=True)
        Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
