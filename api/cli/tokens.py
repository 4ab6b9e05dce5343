"""``guoku token``: who may call the API, as what, and where."""

from typing import Annotated

import typer

from api.cli.session import acting, connection
from api.cli.terminal import show_fields, show_table

app = typer.Typer(no_args_is_help=True, help="Access tokens 访问令牌: create, list, revoke.")


@app.command()
def create(
    principal: Annotated[str, typer.Option(help="The person or system that will hold it.")],
    role: Annotated[
        list[str], typer.Option(help="A role; several are given by repeating it, or `a b`, or a,b.")
    ],
    division: Annotated[
        str, typer.Option(help="Prefix of the division codes it may act in; '' for all.")
    ],
    agency: Annotated[
        list[str] | None,
        typer.Option(help="Prefix of the codes of the units it acts for; none: all."),
    ] = None,
    valid_until: Annotated[
        str, typer.Option(help="Last day, or moment with zone; '': as long as the person's rights.")
    ] = "",
    more_roles: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Makes a token and prints it as the last word. It is shown only now.

    An operator's act at the machine: the person, the rights and the token go on the record of the
    division's standing ledger.
    """
    from api.tokens import create_token

    words = ",".join([*role, *(more_roles or ())]).replace(" ", ",").split(",")
    roles = list(dict.fromkeys(filter(None, words)))
    with acting() as machine:
        token = create_token(
            machine.connection,
            principal,
            roles,
            division,
            machine.conditions,
            agency_prefixes=tuple(dict.fromkeys(agency or ())),
            valid_until=valid_until,
        )
    show_fields([("token", token)])


@app.command("list")
def list_() -> None:
    """Lists tokens by principal; the tokens themselves are not kept."""
    with connection() as opened:
        rows = opened.execute(
            "SELECT principal, roles, division, agency_prefixes, created_at, valid_until,"
            " revoked_at FROM tokens ORDER BY principal, created_at"
        ).fetchall()
    fields = ("principal", "roles", "division", "units", "created_at", "valid_until", "revoked_at")
    show_table(fields, rows)


@app.command()
def revoke(
    principal: Annotated[str, typer.Option(help="Revokes every token of this principal.")],
) -> None:
    """Revokes the tokens of a principal at once, and says how many there were."""
    from division.credentials import end_tokens_of

    with acting() as machine:
        revoked = end_tokens_of(machine.connection, principal, machine.conditions)
    show_fields([("revoked", revoked)])
    if not revoked:
        raise typer.Exit(1)
