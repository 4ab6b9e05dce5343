"""``guoku cert``: whose key is valid from when until when."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.session import acting, connection, key_store
from api.cli.terminal import show_fields, show_table

if TYPE_CHECKING:
    from division.certificates import Certificate

app = typer.Typer(no_args_is_help=True, help="Certificates 证书: list, issue, revoke.")


@app.command("list")
def list_(
    subject: Annotated[str, typer.Option(help="Only this subject, e.g. bank/102.")] = "",
) -> None:
    """Lists certificates, valid or not."""
    with connection() as opened:
        rows = opened.execute(
            "SELECT serial, subject, not_before, not_after, revoked_at FROM certificates"
            " WHERE %(subject)s IN ('', subject) ORDER BY subject, not_before",
            {"subject": subject},
        ).fetchall()
    show_table(("serial", "subject", "not_before", "not_after", "revoked_at"), rows)


@app.command()
def issue(
    subject: Annotated[str, typer.Argument(help="principal/<name>, bank/<code> or pboc/<code>")],
    public_key: Annotated[
        str, typer.Option(help="128 hexadecimal digits; default: the key of this name we keep.")
    ] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Validity from now.")] = 365,
) -> None:
    """Registers a certificate for a subject: a renewal, or the key of a bank outside."""
    from datetime import UTC

    from division import certificates
    from ledger.gm import PublicKey

    key = PublicKey.from_hex(public_key) if public_key else key_store().public_key(subject)
    now = datetime.now(UTC)
    with acting() as machine:
        issued = certificates.register(
            machine.connection,
            subject,
            key,
            machine.conditions,
            not_before=now,
            not_after=now + timedelta(days=days),
        )
    _show(issued)


@app.command()
def revoke(serial: str) -> None:
    """Revokes a certificate from now on. What was signed before stays valid."""
    from datetime import UTC

    from division import certificates

    with acting() as machine:
        revoked = certificates.revoke(
            machine.connection, serial, datetime.now(UTC), machine.conditions
        )
    _show(revoked)


def _show(certificate: "Certificate") -> None:
    show_fields(
        (
            ("serial", certificate.serial),
            ("subject", certificate.subject),
            ("public_key", certificate.public_key.hex()),
            ("not_before", certificate.not_before),
            ("not_after", certificate.not_after),
            ("revoked_at", certificate.revoked_at),
        )
    )
