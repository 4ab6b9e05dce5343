"""``guoku db accept-loss``: what was lost of the history, and the word of who answers for it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.loss import FoundLoss


def accept_loss(
    reason: Annotated[
        str, typer.Option(help="What has happened; goes on record. Without it, it is only shown.")
    ] = "",
    told: Annotated[
        Path | None,
        typer.Option(help="Payments that were told since the backup: lines of LEDGER,PAY_APP_NO."),
    ] = None,
    without_banks: Annotated[
        bool, typer.Option("--without-banks", help="Also where a bank does not answer.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who says so; default: the user of this machine.")] = "",
) -> None:
    """Shows what was lost of the history, asks the banks, and puts it on record 认可丢失.

    For a server that writes and sends nothing (history_cut) after a restore or a failover. Without
    --reason nothing is changed. With it the history goes on, in a new epoch.
    """
    from api.cli.session import load_settings, require_database, start_logging
    from api.loss import accept_loss as put_on_record
    from api.loss import find_loss
    from api.treasury import open_treasury
    from ledger.errors import Code, UnavailableError

    settings = load_settings()
    start_logging(settings)
    require_database(settings)
    with open_treasury(settings, accepts_loss=True) as treasury:
        found = find_loss(treasury, _told(told))
        if not found.reasons:
            typer.echo("nothing is missing 历史完整")
            return
        _show(found)
        if not reason:
            typer.echo("nothing was changed; --reason puts it on record, and the history goes on")
            raise typer.Exit(1)
        if found.inquired.silent and not without_banks:
            raise UnavailableError(
                Code.UNAVAILABLE,
                f"{', '.join(found.inquired.silent)} did not answer; ask again, or go on "
                "--without-banks: then look into their accounts yourself",
            )
        accepted = put_on_record(treasury, found, reason, by or f"cli/{getpass.getuser()}")
    typer.echo(f"epoch {accepted.epoch} ({accepted.epoch_name}) has begun 新纪元")
    for ledger, position in accepted.recorded:
        typer.echo(f"  on record in {ledger} up to {position}")


def _told(path: Path | None) -> list[tuple[int, str]]:
    """Ledger and number of each line.

    Raises:
        RequestError: ``malformed``: a line that is none; with its number.
    """
    from ledger.account_set import parse_ledger
    from ledger.errors import AccessError, Code, RequestError

    if path is None:
        return []
    found: list[tuple[int, str]] = []
    for at, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        ledger, _, number = line.partition(",")
        try:
            if line.strip():
                found.append((parse_ledger(ledger.strip()), number.strip()))
        except AccessError as error:
            problem = f"{path}, line {at}: {error.detail}"
            raise RequestError(Code.MALFORMED, problem) from None
    return found


def _show(found: FoundLoss) -> None:
    from ledger.account_set import ledger_text

    typer.echo("missing 缺失:")
    for reason in found.reasons:
        typer.echo(f"  {reason}")
    for tail in found.lost:
        ledger, last = ledger_text(tail.remembered.ledger_id), tail.remembered.size
        typer.echo(f"  lost: {ledger} positions {tail.first} to {last} 丢失")
    typer.echo(f"asked the banks for {found.asked} numbers in doubt 存疑凭证号:")
    for known in found.inquired.known:
        number = known.answer.bill_no or known.asked.pay_app_no
        where = "in the books" if known.asked.bank else "NOT in the books 账上没有"
        typer.echo(
            f"  {known.bank} knows {known.asked.number} ({number}): paid {known.answer.paid_amt}, "
            f"{where}"
        )
    for bank, why in found.inquired.silent.items():
        typer.echo(f"  {bank} did not answer: {why}")
