"""``guoku ledger``: the ledgers and where each stands."""

from typing import Annotated

import typer

from api.cli.correct_clock import correct_clock
from api.cli.session import connection
from api.cli.terminal import show_fields, show_table

app = typer.Typer(no_args_is_help=True, help="Ledgers 账套: list, show, correct-clock.")
app.command("correct-clock")(correct_clock)


@app.command("list")
def list_(
    division: Annotated[str, typer.Option(help="Prefix of the division code.")] = "",
) -> None:
    """Lists ledgers with their position."""
    from ledger.account_set import ledger_text
    from ledger.deciding.opening import TITLE
    from ledger.reading.objects import list_heads

    with connection() as opened:
        heads = list_heads(opened, division)
    show_table(
        ("ledger", "name", "position", "recorded_at", "chain"),
        (
            (
                ledger_text(h.ledger_id),
                h.settings.get(TITLE).name,
                h.position,
                h.recorded_at,
                h.chain,
            )
            for h in heads
        ),
    )


@app.command()
def show(ledger: Annotated[str, typer.Argument(help="e.g. 440000000-2026")]) -> None:
    """Shows one ledger: its head, its policy, what it has in number."""
    from ledger.account_set import parse_ledger
    from ledger.calendar import PERIODS
    from ledger.deciding.opening import TITLE
    from ledger.errors import AccessError, Code
    from ledger.reading.objects import read_head
    from payments.signature_policy import SIGNATURE_POLICY

    ledger_id = parse_ledger(ledger)
    with connection() as opened:
        head = read_head(opened, ledger_id)
        if head is None:
            raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger {ledger} has been opened")
        counted = opened.execute(
            "SELECT operation, count(*) FROM command_keys WHERE ledger_id = %s"
            " GROUP BY operation ORDER BY operation",
            (ledger_id,),
        ).fetchall()
    policy = head.settings.get(SIGNATURE_POLICY)
    show_fields(
        (
            ("ledger", ledger),
            ("name", head.settings.get(TITLE).name),
            ("position", head.position),
            ("chain", head.chain),
            ("recorded_at", head.recorded_at),
            ("signature_policy", policy.roles),
            ("pay_bank_code", policy.pay_bank_code),
            ("signing", policy.signing),
            ("closed_through", head.settings.get(PERIODS).closed_through),
            *counted,
        )
    )
