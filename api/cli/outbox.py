"""``guoku outbox``: vouchers, claims and requests that could not be sent."""

from typing import Annotated, Literal

import typer

from api.cli.session import connection
from api.cli.terminal import show_table

app = typer.Typer(no_args_is_help=True, help="Sending 发送: what was given up, and trying again.")


@app.command("list")
def list_() -> None:
    """Lists what was given up after its last attempt, with the last error."""
    from ledger.account_set import ledger_text
    from payments.delivery.outbox import list_dead

    with connection() as opened:
        dead = list_dead(opened)
    show_table(
        ("ledger", "kind", "number", "attempts", "last_error"),
        [(ledger_text(d.ledger_id), d.kind, d.number, d.attempts, d.last_error) for d in dead],
    )


@app.command()
def revive(
    ledger: Annotated[str, typer.Argument(help="A ledger, e.g. 440000000-2026.")],
    kind: Annotated[
        Literal["voucher", "claim", "refund", "recall", "order"],
        typer.Argument(help="As `list` shows it."),
    ],
    number: Annotated[str, typer.Argument(help="Its number, as `list` shows it.")],
) -> None:
    """Lets it be sent again, once what was wrong is mended; the bank still pays it only once."""
    from ledger.account_set import parse_ledger
    from payments.delivery import outbox

    with connection() as opened:
        outbox.revive(opened, parse_ledger(ledger), kind, number)
