"""``guoku audit witness``: a memory of checkpoints that no operator of ledgers has a hand in."""

from pathlib import Path
from typing import Annotated

import typer


def witness(
    log_key: Annotated[
        list[str],
        typer.Option(
            envvar="GUOKU_WITNESS_LOG_KEYS",
            help="Public key of the log, 128 hexadecimal digits; several while it is rolled over.",
        ),
    ],
    name: Annotated[str, typer.Option(help="It signs as witness/<name>.")] = "audit",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8090,
    data: Annotated[Path, typer.Option(help="Its memory and its key.")] = Path("guoku-witness"),
) -> None:
    """Runs a witness 见证: cosigns a checkpoint only if it follows from the last one it has seen.

    It belongs on a machine of the audit office. Prints its address and public key; the operator
    puts both into GUOKU_WITNESSES. Its own key lies in its data, sealed under
    GUOKU_KEYSTORE_PASSPHRASE or, without that, under a passphrase beside it.
    """
    import signal
    from contextlib import closing

    import uvicorn

    from api.cli.session import load_settings, start_logging
    from api.key_store import key_store_of
    from api.server import bind, url_of
    from api.witness import create_app
    from ledger.gm import PublicKey, default_provider
    from ledger.integrity.witness import Witness

    settings = load_settings(data=data)
    start_logging(settings)
    trusted = [PublicKey.from_hex(text) for text in log_key]
    keys = key_store_of(settings)
    named = f"witness/{name}"
    keys.create(named)
    key = keys.private_key(named)
    with (
        closing(Witness(data / "witness.sqlite", default_provider(), named, key, trusted)) as it,
        closing(bind(host, port, "--port")) as bound,
    ):
        bound.listen()  # before it is told: who comes at once waits a moment
        print(f"witness: {url_of(bound)}", f"name: {named}", f"public_key: {it.public_key.hex()}",
              sep="\n", flush=True)  # fmt: skip
        for signum in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands it on once all is answered
            signal.signal(signum, _end)
        config = uvicorn.Config(create_app(it), access_log=False, log_config=None)
        uvicorn.Server(config).run(sockets=[bound])


def _end(_signum: int, _frame: object) -> None:
    raise SystemExit(0)
