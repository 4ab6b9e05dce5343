"""budget: a province's units, projects, drafts, approval, indicators, through a ``guoku up``.

13,000 units with a project of each kind, which makes 39,000 rows: units and projects into the
standing ledger, ceilings, drafts of the second round, their checks, one approval, and an indicator
for every row. All of it over HTTP in bulk calls, one after the other, as a budget system at the
other end would send it; documents that wait for a second person are agreed to in bulk.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

import httpx

from api.demo.stack import make_tokens, running_up
from bench import processes
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from ledger.postgres.embedded import EmbeddedPostgres

T = TypeVar("T")

DIVISION, YEAR = "440000000", 2026
LEDGER = f"/v1/ledgers/{DIVISION}-{YEAR}"
STANDING = f"/v1/divisions/{DIVISION}"
UNITS = 13_000
FILE_ROWS = 20_000
FILE_UNIT, FILE_PROJECT = "900000", 9_000_000  # beside the others
ITEMS = 5_000  # of a call
DOCUMENTS = 1_000  # agreed to at once
REQUEST_TIMEOUT_S = 600.0
# by the category of its project, what a unit's row is for, in yuan
CATEGORIES = {"1": ("50101", "30101"), "21": ("50201", "30201"), "22": ("50299", "30299")}
AMOUNT = "100000.00"
PERSONS = {
    "admin": ("admin",),
    "unit": ("unit",),
    "department": ("unit_checker",),
    "maker": ("treasury_maker",),
    "treasury": ("treasury_checker",),
}

UNITS_NAME = "units registered"
PROJECTS_NAME = "projects reported, checked, stored"
CEILINGS_NAME = "ceilings set"
DRAFTS_NAME = "drafts entered, submitted, checked"
APPROVAL_NAME = "budget approved"
INDICATORS_NAME = "indicators issued of rows"
FILE_NAME = "a draft as a file"
WHOLE_NAME = "from the first unit to the last indicator"
TIMED = {
    UNITS_NAME: "POST …/agencies:batch, and the agreement to each",
    PROJECTS_NAME: "POST …/projects:batch, :check, :store",
    CEILINGS_NAME: "POST …/ceilings:batch",
    DRAFTS_NAME: "POST …/budget-drafts:batch, :submit, :check",
    APPROVAL_NAME: "POST …/budget-approvals, one for all drafts",
    INDICATORS_NAME: "POST …/indicators:batch, each of its row",
    FILE_NAME: "POST …/budget-drafts/{draft_no}/file, CSV, one unit's; its memory above what was",
    WHOLE_NAME: "the sum of the stages",
    "memory": "of the server's process: its peak above what it had before the first unit",
}


class MeasuredRow(NamedTuple):
    """One row of a unit's budget."""

    agency_code: str
    category: str
    number: int

    @property
    def pro_code(self) -> str:
        return f"44000026{self.number:013d}"

    @property
    def codes(self) -> dict[str, str]:
        gov, dep = CATEGORIES[self.category]
        return {
            "pro_code": self.pro_code,
            "exp_func_code": "2010102",
            "gov_bgt_eco_code": gov,
            "dep_bgt_eco_code": dep,
            "fund_type_code": "111",
        }


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module.

    Raises:
        BenchError: an item that was refused.
    """
    record = Record(tell)
    record.timed.update(TIMED)
    units = scale.count(UNITS)
    with (
        TemporaryDirectory(prefix="budget-", dir=server.data_dir) as directory,
        ExitStack() as stack,
    ):
        data = Path(directory) / "data"
        process, url = stack.enter_context(running_up(data))
        callers = _Callers(url, make_tokens(data, PERSONS), stack)
        callers.open()
        idle_bytes = processes.resident_bytes(process.pid)
        _send_file(callers, record, process.pid, scale.count(FILE_ROWS))
        processes.forget_peak(process.pid)
        whole_s = _prepare(callers, record, units)
        record.rate(WHOLE_NAME, whole_s, rows=units * len(CATEGORIES))
        record.value(WHOLE_NAME, "s", whole_s)
        peak_bytes = processes.peak_bytes(process.pid)
        record.value("server, peak above idle", "bytes of memory", peak_bytes - idle_bytes)
    return record.result()


def _send_file(callers: "_Callers", record: Record, pid: int, rows: int) -> None:
    """One unit's draft of so many rows, before anything else has made the server large."""
    of_file = MeasuredRow(FILE_UNIT, "22", FILE_PROJECT)
    callers.register([FILE_UNIT])
    callers.report([of_file])
    names = ("bgt_pman_id", *of_file.codes, "amt")
    lines = (",".join((f"F{n}", *of_file.codes.values(), "1.00")) for n in range(rows))
    content = "\n".join((",".join(names), *lines)).encode()
    before_bytes = processes.resident_bytes(pid)
    processes.forget_peak(pid)
    started = perf_counter()
    callers.send(content)
    record.rate(FILE_NAME, perf_counter() - started, rows=rows)
    record.value(FILE_NAME, "bytes of memory", processes.peak_bytes(pid) - before_bytes)


def _prepare(callers: "_Callers", record: Record, units: int) -> float:
    """Seconds of all stages together."""
    codes = [f"{100_000 + number}" for number in range(units)]
    rows = [
        MeasuredRow(code, category, place * len(CATEGORIES) + of)
        for place, code in enumerate(codes)
        for of, category in enumerate(CATEGORIES)
    ]
    stages: Sequence[tuple[str, int, Callable[[], None]]] = (
        (UNITS_NAME, units, lambda: callers.register(codes)),
        (PROJECTS_NAME, len(rows), lambda: callers.report(rows)),
        (CEILINGS_NAME, len(rows), lambda: callers.set_ceilings(rows)),
        (DRAFTS_NAME, len(rows), lambda: callers.draft(codes, rows)),
        (APPROVAL_NAME, len(rows), lambda: callers.approve(codes)),
        (INDICATORS_NAME, len(rows), lambda: callers.issue(rows)),
    )
    whole_s = 0.0
    for name, count, stage in stages:
        started = perf_counter()
        stage()
        elapsed_s = perf_counter() - started
        whole_s += elapsed_s
        record.rate(name, elapsed_s, items=count)
    return whole_s


class _Callers:
    """Those who send a budget, each with a connection of his own."""

    def __init__(self, url: str, tokens: dict[str, str], stack: ExitStack) -> None:
        self._clients = {
            name: stack.enter_context(
                httpx.Client(
                    base_url=url,
                    headers={"Authorization": f"Bearer {token}", "Prefer": "return=minimal"},
                    timeout=REQUEST_TIMEOUT_S,
                )
            )
            for name, token in tokens.items()
        }

    def open(self) -> None:
        opening = {"mof_div_code": DIVISION, "name": "广东省", "tier_code": "2"}
        self._post("admin", "/v1/divisions", opening)
        self._agree("division.open", [DIVISION])
        ledger = {"mof_div_code": DIVISION, "fiscal_year": YEAR, "name": "省本级"}
        self._post("admin", "/v1/ledgers", {**ledger, "approval_policy": {"*": []}})

    def register(self, codes: Sequence[str]) -> None:
        for some in _parts(codes):
            body = [
                {"agency_code": code, "agency_name": f"样例单位{code}", "agency_type_code": "3"}
                for code in some
            ]
            self._batch("admin", f"{STANDING}/agencies:batch", body)
        self._agree("agency.register", codes)

    def report(self, rows: Sequence[MeasuredRow]) -> None:
        for some in _parts(rows):
            self._batch("unit", f"{STANDING}/projects:batch", [_project(row) for row in some])
            numbers = {"pro_codes": [row.pro_code for row in some]}
            self._batch("department", f"{STANDING}/projects:check", numbers)
            self._batch("treasury", f"{STANDING}/projects:store", numbers)

    def set_ceilings(self, rows: Sequence[MeasuredRow]) -> None:
        for some in _parts(rows):
            body = [
                {
                    "ceiling_no": f"KZ{row.number}",
                    "agency_code": row.agency_code,
                    "fund_type_code": "111",
                    "pro_cat_code": row.category,
                    "amt": AMOUNT,
                }
                for row in some
            ]
            self._batch("maker", f"{LEDGER}/ceilings:batch", body)

    def draft(self, codes: Sequence[str], rows: Sequence[MeasuredRow]) -> None:
        each = len(CATEGORIES)
        drafts = [
            {
                "draft_no": f"ES{code}",
                "agency_code": code,
                "round": 2,
                "rows": [
                    {"bgt_pman_id": f"R{row.number}", **row.codes, "amt": AMOUNT}
                    for row in rows[place * each : (place + 1) * each]
                ],
            }
            for place, code in enumerate(codes)
        ]
        for some in _parts(drafts):
            self._batch("unit", f"{LEDGER}/budget-drafts:batch", some)
            numbers = {"draft_nos": [draft["draft_no"] for draft in some]}
            self._batch("unit", f"{LEDGER}/budget-drafts:submit", numbers)
            self._batch("department", f"{LEDGER}/budget-drafts:check", numbers)
            self._batch("treasury", f"{LEDGER}/budget-drafts:check", numbers)

    def send(self, content: bytes) -> None:
        """A draft of the first round as a file."""
        query = {"agency_code": FILE_UNIT, "round": "1"}
        path = f"{LEDGER}/budget-drafts/YS{FILE_UNIT}/file"
        headers = {"Content-Type": "text/csv"}
        answer = self._clients["unit"].post(path, content=content, params=query, headers=headers)
        if answer.is_error:
            raise BenchError(f"{path} answered {answer.text[:300]}")

    def approve(self, codes: Sequence[str]) -> None:
        body = {
            "approve_doc_no": "PF-1",
            "approved_on": f"{YEAR}-01-20",
            "draft_nos": [f"ES{code}" for code in codes],
        }
        self._post("maker", f"{LEDGER}/budget-approvals", body)

    def issue(self, rows: Sequence[MeasuredRow]) -> None:
        for some in _parts(rows):
            body = [
                {
                    "bgt_id": f"ZB{row.number}",
                    "bgt_pman_id": f"R{row.number}",
                    "agency_code": row.agency_code,
                    **row.codes,
                    "bgt_type_code": "21",
                    "amount": AMOUNT,
                }
                for row in some
            ]
            self._batch("maker", f"{LEDGER}/indicators:batch", body)

    def _agree(self, kind: str, numbers: Sequence[str]) -> None:
        for some in _parts(numbers, DOCUMENTS):
            documents = [{"kind": kind, "number": number} for number in some]
            self._batch("treasury", f"{STANDING}/documents:approve", {"documents": documents})

    def _post(self, person: str, path: str, body: object) -> Any:
        answer = self._clients[person].post(path, json=body)
        if not answer.is_success:
            raise BenchError(f"{path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def _batch(self, person: str, path: str, body: object) -> None:
        refused = [
            each
            for each in self._post(person, path, body)["results"]
            if each["status"] == "refused"
        ]
        if refused:
            raise BenchError(f"{path}: {len(refused)} refused, such as {refused[0]}")


def _project(row: MeasuredRow) -> dict[str, Any]:
    return {
        "pro_code": row.pro_code,
        "pro_name": f"样例项目{row.number}",
        "agency_code": row.agency_code,
        "pro_cat_code": row.category,
        "pro_total_amt": AMOUNT,
        "pro_start_year": YEAR,
        "pro_term": 1,
        "years": [{"fiscal_year": YEAR, "amt": AMOUNT}],
    }


def _parts(items: Sequence[T], size: int = ITEMS) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
