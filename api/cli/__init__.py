"""The command line, ``guoku``. Heavy imports are made inside commands, so help comes at once."""

import sys

import typer

from api.cli import (
    audit,
    bench,
    certificates,
    config,
    database,
    demo,
    disburse,
    elements,
    keys,
    ledgers,
    outbox,
    projections,
    simulators,
    tokens,
    up,
)
from api.cli.terminal import explain

__all__ = ["app", "main"]

app = typer.Typer(
    name="guoku",
    help="国库: a ledger and payment core for Chinese public treasuries.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("up")(up.up)
app.command("serve")(up.serve)
app.command("config")(config.config)
app.add_typer(tokens.app, name="token")
app.add_typer(keys.app, name="keys")
app.add_typer(certificates.app, name="cert")
app.add_typer(ledgers.app, name="ledger")
app.add_typer(elements.app, name="elements")
app.add_typer(outbox.app, name="outbox")
app.add_typer(projections.app, name="projections")
app.add_typer(database.app, name="db")
app.add_typer(audit.app, name="audit")
app.command("disburse")(disburse.disburse)
app.command("demo")(demo.demo)
app.command("bench", context_settings=bench.PASSED_ON, add_help_option=False)(bench.bench)
app.command("bank-sim")(simulators.bank_sim)
app.command("pboc-sim")(simulators.pboc_sim)


@app.callback(invoke_without_command=True)
def _version(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from importlib.metadata import version as version_of

        print(f"guoku {version_of('guoku')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Runs a command. Exit codes: 0 done, 1 a clear error, 2 wrong usage, 130 interrupted."""
    try:
        app()
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        print(f"guoku: {line}", file=sys.stderr)
        sys.exit(1)
