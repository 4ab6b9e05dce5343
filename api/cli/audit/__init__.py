"""``guoku audit``: what shows that history is whole, one module a command.

A command is a function in a module of its own here, registered below in the order of the help.
"""

import typer

from api.cli.audit import export, import_, proof, trace, verify
from api.cli.audit.balance import balance
from api.cli.audit.checkpoint import checkpoint
from api.cli.audit.log_key import log_key
from api.cli.audit.receipt import receipt
from api.cli.audit.witness import witness

app = typer.Typer(no_args_is_help=True, help="Audit 审计: prove that history is whole.")


@app.callback()
def _audit() -> None:
    """Audit 审计: prove that history is whole."""


app.command("verify")(verify.verify)
app.command("verifier")(verify.verifier)
app.command()(balance)
app.command("export")(export.export)
app.command("import")(import_.import_)
app.command()(checkpoint)
app.command("log-key")(log_key)
app.add_typer(proof.app, name="proof")
app.command()(receipt)
app.add_typer(trace.app, name="trace")
app.command()(witness)
