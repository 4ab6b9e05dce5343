"""``guoku elements``: the Ministry's code sets in force, and loading newer ones."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.session import acting, connection
from api.cli.terminal import show_fields, show_table

app = typer.Typer(no_args_is_help=True, help="Code sets 要素代码集: load, show.")


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="CSV of the generic code-set table.")],
    by: Annotated[str, typer.Option(help="Who loads it, for the record.")] = "",
) -> None:
    """Loads rows of code sets, all or none; a row with the key of an older one takes its place.

    A running server uses them within two seconds. The file's SM3 goes on record.
    """
    import getpass
    import io

    from division import code_sets
    from ledger.elements import stored_code_sets
    from ledger.elements.files import decode_file, parse_code_sets

    content = file.read_bytes()
    text = decode_file(content)
    with acting() as machine:
        known = stored_code_sets.read(machine.connection).codes()
        report = code_sets.load(
            machine.connection,
            parse_code_sets(io.StringIO(text, newline=""), known),
            machine.conditions,
            loaded_by=by or f"cli/{getpass.getuser()}",
            file_name=file.name,
            file_content=content,
        )
    show_fields(report._asdict().items())


@app.command()
def show(
    element: Annotated[
        str, typer.Argument(help="An element, e.g. fund_type_code; none: all.")
    ] = "",
) -> None:
    """Shows the version in force and how many codes each set has, or the codes of one."""
    from ledger.elements import stored_code_sets
    from ledger.errors import Code, RequestError

    with connection() as opened:
        codes = stored_code_sets.read(opened)
    if element:
        rows = [row for row in codes.rows() if row.element == element]
        if not rows:
            raise RequestError(Code.NOT_FOUND, f"there is no code set {element!r}")
        show_table(
            ("code", "name", "parent", "enabled", "from", "to", "division", "year"),
            (
                (r.code, r.name, r.parent, r.is_enabled, r.start_date, r.end_date,
                 r.mof_div_code, r.fiscal_year)
                for r in rows
            ),
        )  # fmt: skip
        return
    counted: dict[str, int] = {}
    for row in codes.rows():
        counted[row.element] = counted.get(row.element, 0) + 1
    show_fields([("version", codes.version)])
    show_table(("element", "codes"), sorted(counted.items()))
