"""``guoku disburse``: a file of payees on its way to the bank, over the HTTP API.

Every step is one that the run's state allows and that this person's token may do: whoever has only
a maker's token opens and uploads, a checker approves with the same command, a signer executes. Run
again, also after a kill, it goes on where the run stands.
"""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from api.cli.api_client import ApiClient, Json, sm3_of

if TYPE_CHECKING:
    from rich.progress import Progress

POLL_S, POLL_S_MAX = 0.5, 2.0
LINES_A_SECOND = 500_000  # of a run, between two looks at it: each looks at all its vouchers
ATTEMPTS_MAX = 3


def disburse(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, XLSX or NDJSON.")],
    ledger: Annotated[str, typer.Option(help="e.g. 440000000-2026")],
    run_no: Annotated[str, typer.Option(help="Number of the run; it names the payments too.")],
    bgt_id: Annotated[str, typer.Option(help="The indicator that pays.")],
    title: Annotated[str, typer.Option(help="Of the run, and 用途 of its payments.")] = "批量支付",
    effective_on: Annotated[str, typer.Option(help="Business date, YYYY-MM-DD.")] = "",
    role: Annotated[str, typer.Option(help="The role to sign in.")] = "",
    repeats: Annotated[
        str, typer.Option(help="A run that pays the same list, if that is meant once more.")
    ] = "",
    result: Annotated[Path | None, typer.Option(help="Where the result file goes.")] = None,
    url: Annotated[str, typer.Option(envvar="GUOKU_URL", help="Address of the API.")] = "",
    token: Annotated[
        str, typer.Option(envvar="GUOKU_TOKEN", help="Who makes the run.", show_default=False)
    ] = "",
    checker_token: Annotated[
        str, typer.Option(envvar="GUOKU_CHECKER_TOKEN", help="Who approves.", show_default=False)
    ] = "",
    signer_token: Annotated[
        str, typer.Option(envvar="GUOKU_SIGNER_TOKEN", help="Who signs.", show_default=False)
    ] = "",
) -> None:
    """Pays every line of FILE as one run; run again, it goes on where the run stands.

    Without a checker's or a signer's token it ends where that person has to act.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    client = _RunClient(url, ledger, run_no, token or checker_token or signer_token)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with client, Progress(*columns) as bar:
        body = {"run_no": run_no, "bgt_id": bgt_id, "title": title}
        run = client.opened(body | ({"effective_on": effective_on} if effective_on else {}))
        if run["status"] in ("opened", "loaded"):
            run = client.loaded(file, run, bar)
        if run["status"] == "loaded" and checker_token:
            seen = {"lines_sm3": run["lines_sm3"], "repeats_run_no": repeats}
            run = client.act("approve", checker_token, seen)
        if signer_token:
            run = client.executed(run, signer_token, role, bar)
        if result is not None and run["status"] not in ("opened", "loaded"):
            client.save_results(result)
    _tell(run)


def _tell(run: Json) -> None:
    """What became of it, or who has to act next; exit code 1 where the run does not go on."""
    from api.cli.terminal import show_fields

    waits = {"loaded": "a checker", "approved": "a signer", "stopped": "a signer"}
    shown = ("run_no", "status", "line_count", "paid_count", "failed_count", "pending_count")
    fields = [(name, run[name]) for name in (*shown, "pay_amt", "xpay_amt", "failed_amt")]
    if run["status"] in waits:
        fields.append(("waits_for", waits[run["status"]]))
    if run["problem"]:
        fields.append(("problem", run["problem"]))
    show_fields(fields)
    if run["status"] in ("stopped", "closed"):
        raise typer.Exit(1)


class _RunClient(ApiClient):
    """The run over HTTP, as the persons whose tokens there are."""

    def __init__(self, url: str, ledger: str, run_no: str, maker_token: str) -> None:
        super().__init__(url, maker_token)
        self._all = f"/v1/ledgers/{quote(ledger, safe='')}/disbursements"
        self._one = f"{self._all}/{quote(run_no, safe='')}"

    def opened(self, body: Json) -> Json:
        """The run, opened if it is not there yet."""
        from ledger.errors import Code, GuokuError

        try:
            return self.show()
        except GuokuError as error:
            if error.code is not Code.NOT_FOUND:
                raise
        return self.call("POST", self._all, self.token, json=body)

    def show(self) -> Json:
        return self.call("GET", self._one, self.token)

    def act(self, name: str, token: str, body: Json) -> Json:
        return self.call("POST", f"{self._one}/{name}", token, json=body)

    def loaded(self, file: Path, run: Json, bar: Progress) -> Json:
        """The run with this file's lines; a file that it has already is not sent again."""
        if run["status"] == "loaded" and run["file_sm3"] == sm3_of(file):
            return run
        task = bar.add_task("上传", total=file.stat().st_size)
        return self.upload(f"{self._one}/lines", file, lambda size: bar.advance(task, size))

    def executed(self, run: Json, token: str, role: str, bar: Progress) -> Json:
        """The run at its end, or where it waits for somebody else.

        A run that nobody is at work on is taken on, also when a server was killed on the way.
        """
        if run["status"] in ("opened", "loaded", "closed", "finished"):
            return run
        task = bar.add_task("支付", total=run["line_count"])
        body = {"role": role} if role else {}
        begun = False
        tried, seen = 0, None  # how often it was taken on without anything coming of it
        while run["status"] != "finished":
            bar.update(task, completed=run["paid_count"] + run["failed_count"])
            standing = (run["drawn_count"], run["vouchers"])
            tried, seen = (tried, seen) if standing == seen else (0, standing)
            if not run["under_way"] and (not begun or not _is_drawn_and_signed(run)):
                if tried == ATTEMPTS_MAX or (begun and run["status"] in ("stopped", "closed")):
                    return run
                begun = self._begin(token, body) or begun
                tried += 1
            sleep(min(POLL_S_MAX, max(POLL_S, run["line_count"] / LINES_A_SECOND)))
            run = self._show_again(run)
        bar.update(task, completed=run["line_count"])
        return run

    def _begin(self, token: str, body: Json) -> bool:
        """Takes the run on; False while somebody is at work on it, or the server is away."""
        from ledger.errors import Code, GuokuError

        try:
            self.act("execute", token, body)
        except GuokuError as error:
            if error.code is Code.UNAVAILABLE or self._show_again({})["under_way"]:
                return False
            raise
        return True

    def _show_again(self, run: Json) -> Json:
        """The run now; as it was while the server is away, which may come back."""
        from ledger.errors import Code, GuokuError

        try:
            return self.show()
        except GuokuError as error:
            if error.code is not Code.UNAVAILABLE:
                raise
        return {"under_way": True, **run}

    def save_results(self, path: Path) -> None:
        """Writes the result file, streamed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with (
            self.http.stream("GET", f"{self._one}/results.csv", headers=headers) as response,
            path.open("wb") as file,
        ):
            response.raise_for_status()
            for part in response.iter_bytes():
                file.write(part)


def _is_drawn_and_signed(run: Json) -> bool:
    """Whether nothing is left to do but for the bank."""
    return run["status"] == "executed" and "approved" not in run["vouchers"]
