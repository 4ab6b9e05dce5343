"""``guoku webhook``: how far receivers of events are, and what they did not take."""

from typing import Annotated

import typer

from api.cli.session import connection
from api.cli.terminal import show_table

_COLUMNS = (
    *("webhook_no", "url", "ledger", "position", "head"),
    *("attempts", "dead_letters", "stopped", "last_error"),
)

app = typer.Typer(no_args_is_help=True, help="Webhooks 事件推送: how far receivers are.")


@app.command("list")
def list_() -> None:
    """Lists all addresses that events are brought to, and how far each is in each ledger."""
    from api.webhooks.positions import followed
    from ledger.account_set import ledger_text

    with connection() as opened:
        rows = [
            (
                *(f.webhook_no, f.url, ledger_text(f.at.ledger_id), f.at.position, f.at.head),
                *(f.at.attempts, f.dead_letters, f.at.stopped, f.at.last_error),
            )
            for f in followed(opened)
        ]
    show_table(_COLUMNS, rows)


@app.command("dead-letters")
def dead_letters(
    webhook_no: Annotated[str, typer.Argument(help="As `list` shows it.")],
) -> None:
    """Lists the events that a receiver answered every time and never took.

    `POST /v1/webhooks/{webhook_no}/replay` has them brought again, by who may.
    """
    from api.webhooks.positions import all_dead_letters
    from ledger.account_set import ledger_text

    with connection() as opened:
        rows = [
            (ledger_text(d.ledger_id), d.position, d.attempts, d.dead_at.isoformat(), d.last_error)
            for d in all_dead_letters(opened, webhook_no)
        ]
    show_table(("ledger", "position", "attempts", "dead_at", "last_error"), rows)
