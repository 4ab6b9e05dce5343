"""``guoku config``: every setting as this program sees it, secrets hidden."""

from typing import Annotated

import typer


def config(
    as_json: Annotated[bool, typer.Option("--json", help="Answer in one JSON object.")] = False,
) -> None:
    """Prints every setting, with the variable that sets it."""
    from api.cli.session import load_settings
    from api.cli.terminal import answer_in_json, show_fields, show_table

    settings = load_settings()
    shown = settings.model_dump(mode="json")
    if settings.dsn is not None:
        shown["dsn"] = _without_password(settings.dsn)
    shown["bank_address"] = settings.bank_address
    shown["pboc_address"] = settings.pboc_address
    if as_json:
        answer_in_json()
        show_fields(shown.items())
        return
    fields = type(settings).model_fields
    show_table(
        ("setting", "value", "meaning"),
        (
            (
                f"GUOKU_{name.upper()}" if name in fields else name,
                value,
                (fields[name].description or "") if name in fields else "what follows from these",
            )
            for name, value in shown.items()
        ),
    )


def _without_password(dsn: str) -> str:
    from ledger.postgres.database import describe

    return describe(dsn)
