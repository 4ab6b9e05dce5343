"""``guoku audit``: what shows that history is whole, one module a command.

A command is a function in a module of its own here, registered below in the order of the help.
"""

import typer

from api.cli.audit import export, import_
from api.cli.audit.balance import balance

app = typer.Typer(no_args_is_help=True, help="Audit 审计: prove that history is whole.")


@app.callback()
def _audit() -> None:
    """Audit 审计: prove that history is whole."""


app.command()(balance)
app.command("export")(export.export)
app.command("import")(import_.import_)
