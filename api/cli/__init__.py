"""The command line, ``guoku``. Heavy imports are made inside commands, so help comes at once."""

import sys
from functools import cache
from typing import Any

import typer

from api.cli import (
    audit,
    bench,
    budget,
    certificates,
    collection,
    completion,
    config,
    database,
    demo,
    disburse,
    elements,
    keys,
    ledgers,
    outbox,
    projections,
    sign_agent,
    simulators,
    tokens,
    up,
    webhooks,
)
from api.cli.language import translate
from api.cli.terminal import answer_in_json, code_of, explain, fail, finish
from api.interpreter import collect_seldom

__all__ = ["app", "main"]

WRONG_USAGE = 2

app = typer.Typer(
    name="guoku",
    help="国库: a ledger and payment core for Chinese public treasuries.",
    no_args_is_help=True,
    add_completion=True,
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
app.add_typer(webhooks.app, name="webhook")
app.add_typer(projections.app, name="projections")
app.add_typer(database.app, name="db")
app.add_typer(audit.app, name="audit")
app.add_typer(budget.app, name="budget")
app.add_typer(collection.app, name="collection")
app.command("disburse")(disburse.disburse)
app.command("demo")(demo.demo)
app.command("bench", context_settings=bench.PASSED_ON, add_help_option=False)(bench.bench)
app.add_typer(sign_agent.app, name="sign-agent")
bank_sim = typer.Typer(invoke_without_command=True, callback=simulators.bank_sim)
bank_sim.command("return")(simulators.send_back)
bank_sim.command("outage")(simulators.tell_outage)
bank_sim.command("reconcile")(simulators.tell_bank_reconciliation)
app.add_typer(bank_sim, name="bank-sim")
pboc_sim = typer.Typer(invoke_without_command=True, callback=simulators.pboc_sim)
pboc_sim.command("report")(simulators.tell_report)
pboc_sim.command("balance")(simulators.tell_balance)
pboc_sim.command("reconcile")(simulators.tell_reconciliation)
app.add_typer(pboc_sim, name="pboc-sim")
app.command("completion")(completion.completion)


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
        raise typer.Exit(WRONG_USAGE)


def main() -> None:
    """Runs a command. Exit codes: 0 done, 1 a clear error, 2 wrong usage, 130 interrupted."""
    collect_seldom()
    command = typer.main.get_command(app)
    _offer_json(command)
    try:
        translate(command)
        command(prog_name="guoku")
    except SystemExit as ended:
        finish(wrong_usage=ended.code == WRONG_USAGE)
        raise
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        fail(line, code_of(error))
        sys.exit(1)


def _offer_json(command: Any) -> None:
    """Gives every command ``--json``, but for one that has its own, and for ``sign-agent``, which
    speaks with whoever sits before it; a simulator is a command with others below it."""
    for name, each in getattr(command, "commands", {}).items():
        _offer_json(each)
        own = any("--json" in parameter.opts for parameter in each.params)
        is_one = not hasattr(each, "commands") or name in ("bank-sim", "pboc-sim")
        if is_one and not own and each.add_help_option:
            each.params.append(_json_option())


@cache
def _json_option() -> Any:
    """The option as Typer makes it of a command that has it."""
    having = typer.Typer(add_completion=False)

    @having.command()
    def _command(
        as_json: bool = typer.Option(
            False,
            "--json",
            expose_value=False,
            callback=lambda wanted: answer_in_json() if wanted else None,
            help="Answer in one JSON object.",
        ),
    ) -> None:
        """Has the option."""

    return typer.main.get_command(having).params[0]
