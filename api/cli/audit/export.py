"""``guoku audit export``: a ledger as a directory that others can check and ask."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from psycopg import Connection

    from api.treasury import Treasury
    from projections.exchange.exporting import ExportSigner

_STAGES = {
    "events.ndjson.gz": "事件",
    "commits.ndjson.gz": "提交",
    "command_keys.ndjson.gz": "业务编号",
    "documents.ndjson.gz": "凭证与回单",
    "streams": "业务对象",
}


def export(
    ledger: Annotated[str, typer.Argument(help="e.g. 440000000-2026")],
    directory: Annotated[Path, typer.Argument(help="A new directory, or an empty one.")],
    begin: Annotated[
        str, typer.Option("--from", help="First position, or day of recording (2026-03-01).")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="Last position, or day of recording.")] = "",
    parquet: Annotated[bool, typer.Option(help="Parquet files, one a subject.")] = True,
    xml: Annotated[bool, typer.Option(help="XML in the classes of GB/T 42940.")] = True,
    key: Annotated[
        str, typer.Option(help="Key that signs, with its certificate; else the log's key.")
    ] = "",
) -> None:
    """Exports a ledger 账套导出, or the commits of a period, with SM3 of each file, signed SM2.

    The directory appears whole or not at all. See docs/export.md for what is in it.
    """
    from api.cli.session import treasury
    from ledger.account_set import parse_ledger
    from projections.exchange.exporting import export_ledger
    from projections.exchange.period import parse_bound
    from projections.exchange.tables import Tables

    ledger_id = parse_ledger(ledger)
    bounds = {"begin": parse_bound(begin, "--from"), "end": parse_bound(end, "--to")}
    with treasury() as core, exchange_progress() as progress:
        with core.pool.connection() as connection:
            signer = signer_of(core, connection, key)
        wanted = parquet or xml
        companions = [Tables(core.charts, parquet=parquet, xml=xml)] if wanted else []
        with core.pool.connection() as connection:
            manifest = export_ledger(
                connection,
                ledger_id,
                directory,
                signer=signer,
                charts=core.charts,
                created_at=core.now(),
                companions=companions,
                progress=progress,
                **bounds,
            )
    size_mb = sum(entry.bytes for entry in manifest.files) / 1e6
    print(
        f"已导出 {ledger} 第 {manifest.from_position} 至 {manifest.to_position} 号事件: "
        f"{len(manifest.files)} 个文件, {size_mb:.1f} MB, {directory}"
    )
    print(f"链值: {manifest.head.chain}")
    print(f"签名: {signer.name}")


def signer_of(core: Treasury, connection: Connection, key: str) -> ExportSigner:
    """Who signs: the log by its name, any other key by its certificate's serial.

    Raises:
        KeyMissingError: the key store has no such key.
        Refusal: ``certificate_invalid``: the key has no certificate that is valid now.
    """
    from division.certificates import current
    from ledger.errors import Code, Refusal
    from ledger.integrity.note import LOG_KEY_NAME
    from ledger.sealing.register import note_keys
    from projections.exchange.exporting import ExportSigner
    from projections.exchange.format import LogKey

    own = core.keys.create(core.settings.log_key)
    known = [(k.name, k.public_key) for k in note_keys(connection)]
    log_keys = dict.fromkeys([*known, (LOG_KEY_NAME, own)])
    private_key = core.keys.private_key(key or core.settings.log_key)
    name = LOG_KEY_NAME
    if key:
        certificate = current(connection, key, core.now())
        if certificate.public_key != core.keys.public_key(key):
            raise Refusal(Code.CERTIFICATE_INVALID, f"the certificate of {key} is of another key")
        name = certificate.serial
    return ExportSigner(
        name=name,
        sign=lambda message: core.provider.sign(private_key, message),
        log_keys=tuple(LogKey(name, public_key.hex()) for name, public_key in log_keys),
    )


@contextmanager
def exchange_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each stage on standard error, when that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

    bars: dict[str, TaskID] = {}
    with Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:

        def moved(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(_STAGES.get(stage, stage), total=None)
            progress.update(bars[stage], completed=done, total=total or None)

        yield moved
