"""``guoku audit log-key``: the public key that witnesses and verifiers are told before it signs."""

from typing import Annotated

import typer

from api.cli.session import key_store, load_settings
from api.cli.terminal import show_fields


def log_key(
    name: Annotated[
        str, typer.Argument(help="Of the key in the key store; default: GUOKU_LOG_KEY.")
    ] = "",
) -> None:
    """Shows the key that signs checkpoints 日志密钥, and makes it unless there is one.

    It signs once the sealer is started with GUOKU_LOG_KEY set to its name.
    """
    from ledger.errors import Code, RequestError
    from ledger.integrity.note import LOG_KEY_NAME, key_hash

    chosen = name or load_settings().log_key
    if not chosen.startswith("guoku/"):
        raise RequestError(Code.MALFORMED, f"a log key is named guoku/…, and not {chosen[:80]!r}")
    public_key = key_store().create(chosen)
    show_fields(
        (
            ("name", chosen),
            ("public_key", public_key.hex()),
            ("key_hash", key_hash(LOG_KEY_NAME, public_key)),
        )
    )
