"""Disbursement runs 批量支付: a file of payees, approved once, paid voucher by voucher.

A file is bytes, so that a repetition sends the same. What is wrong with it is a
:class:`~guoku_client.errors.Refused` whose ``members["errors"]`` name line and column.
"""

from pathlib import Path

from guoku_client.asked import fields_of
from guoku_client.call import Call, Many, acting, asking, content, path_of, reader
from guoku_client.paging import PAGE_ITEMS, listed
from guoku_client.shown import Loaded, Run, RunLine

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {".csv": "text/csv", ".xlsx": XLSX, ".ndjson": "application/x-ndjson"}

_run, _loaded = reader(Run), reader(Loaded)


class RunCalls:
    """The calls of one run, by its ledger's name and its own number."""

    def __init__(self, ledger: str, run_no: str) -> None:
        self.run_no = run_no
        self._all = path_of("ledgers", ledger, "disbursements")
        self._path = path_of("ledgers", ledger, "disbursements", run_no)

    def open(self, *, bgt_id: str, title: str, use_des: str | None = None) -> Call[Run]:
        body = fields_of(run_no=self.run_no, bgt_id=bgt_id, title=title, use_des=use_des)
        return acting(self._all, _run, body)

    def load(self, lines: bytes, media: str = MEDIA[".csv"]) -> Call[Loaded]:
        """Uploads the lines; until approval other lines take their place. ``.dry_run()`` only
        looks for what is wrong."""
        headers = {"Content-Type": media}
        return Call("POST", f"{self._path}/lines", _loaded, {}, lines, headers, changes=True)

    def load_file(self, path: Path | str) -> Call[Loaded]:
        """The same with a file: CSV, NDJSON or XLSX, by its name."""
        path = Path(path)
        return self.load(path.read_bytes(), MEDIA.get(path.suffix.lower(), MEDIA[".csv"]))

    def approve(self, lines_sm3: str, repeats_run_no: str | None = None) -> Call[Run]:
        """``lines_sm3`` is of the lines that were looked at; nothing else is approved."""
        return self._act("approve", lines_sm3=lines_sm3, repeats_run_no=repeats_run_no)

    def execute(self, role: str | None = None) -> Call[Run]:
        """Begins or goes on; the server works on by itself."""
        return self._act("execute", role=role)

    def stop(self, reason: str | None = None) -> Call[Run]:
        return self._act("stop", reason=reason)

    def close(self) -> Call[Run]:
        return self._act("close")

    def show(self) -> Call[Run]:
        return asking(self._path, _run)

    def lines(self, page_size: int = PAGE_ITEMS) -> Many[RunLine]:
        """Each line with its outcome."""
        return listed(f"{self._path}/results", RunLine, {}, page_size)

    def results_csv(self) -> Call[bytes]:
        """All of them in a file."""
        return asking(f"{self._path}/results.csv", content)

    def results_xlsx(self) -> Call[bytes]:
        return asking(f"{self._path}/results.xlsx", content)

    def _act(self, act: str, **body: str | None) -> Call[Run]:
        return acting(f"{self._path}/{act}", _run, fields_of(**body))
