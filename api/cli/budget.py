"""``guoku budget``: what a unit plans, from its file into the books, over the HTTP API."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

app = typer.Typer(no_args_is_help=True, help="Budget 部门预算: upload a draft.")


@app.callback()
def _budget() -> None:
    """Has commands of its own, though there is one yet."""


@app.command()
def upload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, XLSX or NDJSON.")],
    ledger: Annotated[str, typer.Option(help="e.g. 440000000-2026")],
    draft_no: Annotated[str, typer.Option(help="Number of the draft.")],
    agency_code: Annotated[str, typer.Option(help="The unit whose draft it is.")],
    of_round: Annotated[int, typer.Option("--round", help="1 一上, 2 二上.")],
    submit: Annotated[bool, typer.Option("--submit", help="Submit it as well 送审.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look at it.")] = False,
    url: Annotated[str, typer.Option(envvar="GUOKU_URL", help="Address of the API.")] = "",
    token: Annotated[
        str, typer.Option(envvar="GUOKU_TOKEN", help="Who prepares it.", show_default=False)
    ] = "",
) -> None:
    """Enters a unit's draft from FILE as a whole; what is wrong with it is told by lines.

    The same file under the same number is answered as the first time.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from api.cli.api_client import ApiClient
    from api.cli.terminal import show_fields

    drafts = f"/v1/ledgers/{quote(ledger, safe='')}/budget-drafts/{quote(draft_no, safe='')}"
    query = {"agency_code": agency_code, "round": str(of_round)}
    if dry_run:
        query["dry_run"] = "true"
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with ApiClient(url, token) as client, Progress(*columns) as bar:
        task = bar.add_task("上传", total=file.stat().st_size)
        draft = client.upload(
            f"{drafts}/file", file, lambda size: bar.advance(task, size), params=query
        )
        if submit and not dry_run:
            draft |= client.call("POST", f"{drafts}/submit", client.token)
    names = ("draft_no", "agency_code", "round", "state", "rows_count", "amt", "file_sm3")
    fields = [(name, draft[name]) for name in names]
    if others := draft.get("same_file_draft_nos"):
        fields.append(("same_file_draft_nos", " ".join(others)))
    show_fields(fields)
