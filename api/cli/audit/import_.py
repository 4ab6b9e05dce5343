"""``guoku audit import``: an exported directory as a ledger again."""

from pathlib import Path
from typing import Annotated

import typer


def import_(
    directory: Annotated[Path, typer.Argument(help="What `guoku audit export` wrote.")],
    public_key: Annotated[
        str, typer.Option(help="The signer's public key as you know it, 128 hex digits.")
    ] = "",
) -> None:
    """Imports an exported ledger 账套导入 into a database that does not have it.

    Everything is verified while it is read, and balances are worked out from the events. A damaged
    export is refused with the file and the position, and nothing of it stays.
    """
    from api.cli.audit.export import exchange_progress
    from api.cli.session import treasury
    from ledger.account_set import ledger_text, standing_ledger
    from ledger.errors import IntegrityError
    from ledger.gm import default_provider
    from projections.exchange.importing import import_ledger
    from projections.exchange.manifest import read_manifest

    manifest, name, key = read_manifest(directory, default_provider())
    if public_key and public_key.lower() != key.hex():
        raise IntegrityError(f"the export is signed by {name} with another key, {key.hex()}")
    first = manifest.ledger == ledger_text(standing_ledger(""))  # which the program opens else
    with (
        treasury(as_found=first) as core,
        core.pool.connection() as connection,
        exchange_progress() as progress,
    ):
        done = import_ledger(
            connection,
            directory,
            provider=core.provider,
            charts=core.charts,
            conditions=core.sequencer.conditions,
            now=core.now(),
            progress=progress,
        )
    print(
        f"已导入 {done.ledger}: {done.events} 个事件, {done.commits} 次提交, "
        f"{done.indicators} 个指标, {done.documents} 份凭证与回单"
    )
    print(f"链值: {done.chain.hex()}")
    print(f"签名: {done.signer} {done.public_key.hex()}")
    if not public_key:
        print("公钥取自导出文件本身: 请与运营方公布的公钥核对 (--public-key)")
