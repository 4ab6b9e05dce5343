"""``guoku keys``: the SM2 keys that sign, in the sealed key store."""

from typing import Annotated

import typer

from api.cli.session import acting, key_store
from api.cli.terminal import show_fields, show_table

app = typer.Typer(no_args_is_help=True, help="Signing keys 签名密钥: create, list.")


@app.command()
def create(
    name: Annotated[
        str,
        typer.Argument(
            help="principal/<name>, finance/<code>, bank/<code>, pboc/<code> or installation/<code>"
        ),
    ],
) -> None:
    """Makes a key (unless there is one) and its first certificate, valid for a year."""
    from datetime import UTC, datetime

    from division import certificates

    name = name if "/" in name else f"principal/{name}"
    certificates.check_subject(name)  # before there is a key that nothing could vouch for
    public_key = key_store().create(name)
    at = datetime.now(UTC)
    with acting() as machine:
        certificate = certificates.enrol(
            machine.connection, name, public_key, machine.conditions, at=at
        )
    show_fields(
        (
            ("name", name),
            ("public_key", public_key.hex()),
            ("certificate", certificate.serial),
            ("not_after", certificate.not_after),
        )
    )


@app.command("list")
def list_() -> None:
    """Lists the keys by name, with their public halves."""
    keys = key_store()
    show_table(
        ("name", "public_key"), ((name, keys.public_key(name).hex()) for name in keys.names())
    )
