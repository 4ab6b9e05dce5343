"""disburse: one run of payees from the file to the last receipt, through a whole ``guoku up``.

API, projector, dispatcher, real signatures and the simulated bank, each voucher of 499 lines; the
load is one person's: upload, approve, execute, and a look at the progress each second. Beside it a
COPY of the same file into a table, and the plain-SQL ledger, which knows neither vouchers nor
signatures nor a bank.
"""

import csv
import io
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any, NamedTuple

import httpx
import psycopg

from api.demo.client import Json
from api.demo.stack import Stack, persons, running_up
from bench import peers, processes
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from bench.server import new_database
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import open_database
from ledger.postgres.embedded import EmbeddedPostgres

DIVISION, YEAR = "440000000", 2026
LEDGER = f"/v1/ledgers/{DIVISION}-{YEAR}"
RUN_NO, BGT_ID = "GZ2026-03", "ZB-RUN"
FAILING_EVERY = 200  # 0.5 % of the lines go to accounts that the bank does not find
FILE_LINES_AT_ONCE = 10_000
POLL_S = 1.0
REQUEST_TIMEOUT_S = 600.0
PATIENCE_S = 60.0  # a run that does not move for so long is broken
TRANSFERS, TRANSFERS_A_CALL = 20_000, 1_000
SEED = 20260302

UPLOAD = "guoku upload: validated, digested, stored"
APPROVE = "guoku approve: digested again, frozen"
EXECUTE = "guoku execute: drawn, applied, approved, signed"
RECEIPTS = "guoku execute to the last receipt"
WHOLE = "guoku upload to the last receipt"
RESULTS = "guoku result file"
COPY = "COPY of the same file into a table"
PLAIN = f"plain SQL, a transfer a line, {TRANSFERS_A_CALL} a call"

TIMED = {
    UPLOAD: "POST …/lines of the CSV file to its answer",
    APPROVE: "POST …/approve to its answer",
    EXECUTE: "POST …/execute until nobody is at work on the run any more",
    RECEIPTS: "POST …/execute until every line has its outcome, which a look each second finds",
    WHOLE: "the sum of upload, approve and execute to the last receipt",
    RESULTS: "GET …/results.csv to its last byte",
    COPY: "COPY FROM STDIN (CSV) and COMMIT into a table with a primary key over the line's number",
    PLAIN: "post_transfers() of plain_sql_ledger.sql, one transaction a call; a transfer is one"
    " movement between two accounts: no voucher, no signature, no bank",
    "CPU": "user and system of the processes, upload to the last receipt, over the lines",
    "memory": "of the server's process: its peak between upload and last receipt, above what it had"
    " before; Postgres and the simulated bank are processes of their own",
    "bytes a line": "pg_total_relation_size at the end over the lines, indexes and TOAST and all",
}

_SIZES = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY(%s)"""
TABLES = ("events", "documents", "disbursement_lines")
_TABLE = """
CREATE TABLE lines (line_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pay_detail_id text,
 payee_acct_name text, payee_acct_no text, payee_acct_bank_name text, pay_amt numeric(18, 2),
 remark text)"""


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module.

    Raises:
        BenchError: a line without its outcome, or another sum at the bank than in the books.
    """
    record = Record(tell)
    record.timed.update(TIMED)
    with TemporaryDirectory(prefix="run-", dir=server.data_dir) as directory:
        file = Path(directory) / "lines.csv"
        tell(f"a file of {scale.disburse_lines:,} lines")
        total_fen = write_file(file, scale.disburse_lines)
        _peers(record, server, file, scale)
        with ExitStack() as stack:
            data = Path(directory) / "data"
            process, url = stack.enter_context(running_up(data))
            callers = stack.enter_context(persons(data, url))
            with _MeasuredRun(callers, record, data, process.pid, scale.disburse_lines) as bench:
                bench.open_books(total_fen)
                bench.disburse(file)
                bench.save_results()
            _check_bank(data, bench.run)
            _note_sizes(record, data, scale.disburse_lines)
    lines_per_s = "lines/s"
    record.ratio("upload_to_copy", (UPLOAD, lines_per_s), (COPY, lines_per_s))
    record.ratio("whole_to_plain_sql", (WHOLE, lines_per_s), (PLAIN, lines_per_s))
    return record.result()


# ---- the file


def rows(lines: int) -> Iterator[tuple[str, ...]]:
    """Lines as a payroll has them; each of every ``FAILING_EVERY`` goes to an unknown account."""
    random = Random(SEED)
    for number in range(1, lines + 1):
        prefix = "9999" if number % FAILING_EVERY == 0 else "6222"
        amount_fen = random.randrange(50_000, 1_500_000)
        yield (
            *(f"D{number:07d}", f"收款人{number:07d}", f"{prefix}{number:015d}"),
            *("样例银行广州天河支行", yuan(amount_fen), "2026年3月工资"),
        )


def write_file(path: Path, lines: int) -> int:
    """Writes a CSV file of so many lines; gives their sum in fen."""
    total_fen = 0
    left = rows(lines)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        names = "pay_detail_id payee_acct_name payee_acct_no payee_acct_bank_name pay_amt remark"
        writer.writerow(names.split())
        while some := list(islice(left, FILE_LINES_AT_ONCE)):
            writer.writerows(some)
            total_fen += sum(parse_yuan(row[4]) for row in some)
    return total_fen


# ---- peers


def _peers(record: Record, server: EmbeddedPostgres, file: Path, scale: Scale) -> None:
    record.tell(COPY)
    database = new_database(server, "lines", migrated=False)
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute(_TABLE.encode())
        connection.commit()
        into = (
            "COPY lines (pay_detail_id, payee_acct_name, payee_acct_no, payee_acct_bank_name,"
            " pay_amt, remark) FROM STDIN (FORMAT csv, HEADER)"
        )
        began = perf_counter()
        with connection.cursor() as cursor, cursor.copy(into) as copy, file.open("rb") as source:
            while part := source.read(1 << 20):
                copy.write(part)
        connection.commit()
        record.rate(COPY, perf_counter() - began, lines=scale.disburse_lines)
    record.tell(PLAIN)
    with peers.plain_sql_ledger(new_database(server, "plain_sql", migrated=False)) as plain:
        plain.run(TRANSFERS_A_CALL, TRANSFERS_A_CALL)
        posted = plain.run(scale.count(TRANSFERS), TRANSFERS_A_CALL)
        record.rate(PLAIN, posted.elapsed_s, lines=posted.items)


# ---- the run


class _Used(NamedTuple):
    """CPU seconds so far."""

    server: float
    database: float
    bank: float


class _MeasuredRun:
    """The persons of a run, and the watch over what they set going."""

    def __init__(self, stack: Stack, record: Record, data: Path, pid: int, lines: int) -> None:
        self.run: Json = {}
        self._stack, self._sheet, self._data = stack, record, data
        self._pid, self._lines = pid, lines
        self._path = f"{LEDGER}/disbursements/{RUN_NO}"
        headers = {"Authorization": f"Bearer {stack.maker_token}"}
        self._http = httpx.Client(base_url=stack.url, headers=headers, timeout=REQUEST_TIMEOUT_S)

    def __enter__(self) -> "_MeasuredRun":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def open_books(self, total_fen: int) -> None:
        opening = {
            "mof_div_code": DIVISION,
            "fiscal_year": YEAR,
            "name": "省本级",
            "approval_policy": {"*": []},
        }
        self._stack.admin.post("/v1/ledgers", opening)
        indicator = {
            "bgt_id": BGT_ID,
            "amount": yuan(total_fen),
            "agency_code": "101001",
            "pro_code": "440000260000000000001",
            "exp_func_code": "2010101",
            "gov_bgt_eco_code": "50101",
            "dep_bgt_eco_code": "30101",
            "fund_type_code": "111",
            "bgt_type_code": "21",
        }
        self._stack.maker.post(f"{LEDGER}/indicators", indicator)
        body = {"run_no": RUN_NO, "bgt_id": BGT_ID, "title": "2026年3月工资"}
        self._stack.maker.post(f"{LEDGER}/disbursements", body)

    def disburse(self, file: Path) -> None:
        """Upload to last receipt, with the figures of each stage."""
        idle_bytes = processes.resident_bytes(self._pid)
        processes.forget_peak(self._pid)
        before = self._used()
        upload_s = self._stage(UPLOAD, lambda: self._upload(file))
        seen = {"lines_sm3": self.run["lines_sm3"]}
        approve_s = self._stage(APPROVE, lambda: self._act("approve", self._stack.checker, seen))
        receipts_s = self._execute()
        self._rate(RECEIPTS, receipts_s)
        self._rate(WHOLE, upload_s + approve_s + receipts_s)
        self._sheet.value(RECEIPTS, "s", receipts_s)
        self._sheet.value(WHOLE, "s", upload_s + approve_s + receipts_s)
        for name, used_s, at_first_s in zip(_Used._fields, self._used(), before, strict=True):
            per_line_us = (used_s - at_first_s) / self._lines * 1e6
            self._sheet.value(f"guoku CPU of the {name}", "µs/line", per_line_us)
        peak_bytes = processes.peak_bytes(self._pid)
        self._sheet.value("server, peak above idle", "bytes of memory", peak_bytes - idle_bytes)

    def _execute(self) -> float:
        """Seconds until the last receipt."""
        began = perf_counter()
        self._act("execute", self._stack.signer)
        drawn = False
        moved_at, standing = began, (0, 0)
        while self.run["status"] != "finished":
            sleep(POLL_S if self._lines > FILE_LINES_AT_ONCE else POLL_S / 20)
            self.run = self._stack.maker.get(self._path)
            self._tell_progress()
            now = perf_counter()
            if not self.run["under_way"] and not drawn:
                drawn = True
                self._rate(EXECUTE, now - began)
            if standing != (found := (self.run["drawn_count"], self.run["pending_count"])):
                moved_at, standing = now, found
            if now - moved_at > PATIENCE_S or self.run["status"] in ("stopped", "closed"):
                raise BenchError(f"the run stands still: {self.run}")
        elapsed_s = perf_counter() - began
        if not drawn:
            self._rate(EXECUTE, elapsed_s)
        self._check_outcomes()
        return elapsed_s

    def _check_outcomes(self) -> None:
        failing = self._lines // FAILING_EVERY
        found = tuple(self.run[name] for name in ("paid_count", "failed_count", "pending_count"))
        if found != (self._lines - failing, failing, 0):
            raise BenchError(f"paid, failed, pending are {found}, of {self._lines} lines")

    def save_results(self) -> None:
        self._stage(RESULTS, self._read_results)

    def _read_results(self) -> None:
        """Reads the result file as it streams, and adds it up."""
        with self._http.stream("GET", f"{self._path}/results.csv") as response:
            response.raise_for_status()
            text = io.StringIO("".join(response.iter_text()))
        text.seek(1)  # behind the mark
        paid_fen = count = 0
        for row in csv.DictReader(text):
            count += 1
            paid_fen += parse_yuan(row["xpay_amt"], zero=True)
        if (count, yuan(paid_fen)) != (self._lines, self.run["xpay_amt"]):
            raise BenchError(f"the result file has {count} lines and {yuan(paid_fen)} paid")

    # ---- parts

    def _upload(self, file: Path) -> None:
        with file.open("rb") as source:
            response = self._http.post(
                f"{self._path}/lines", content=source, headers={"Content-Type": "text/csv"}
            )
        if response.is_error:
            raise BenchError(f"the upload was refused: {response.text[:300]}")
        self.run = response.json()

    def _act(self, name: str, person: Any, body: Any = None) -> None:
        self.run = person.post(f"{self._path}/{name}", body)

    def _stage(self, name: str, act: Any) -> float:
        self._sheet.tell(name)
        began = perf_counter()
        act()
        elapsed_s = perf_counter() - began
        self._rate(name, elapsed_s)
        return elapsed_s

    def _rate(self, name: str, elapsed_s: float) -> None:
        self._sheet.rate(name, elapsed_s, lines=self._lines)

    def _tell_progress(self) -> None:
        done = self.run["paid_count"] + self.run["failed_count"]
        self._sheet.tell(f"{RECEIPTS}: {done:,} of {self._lines:,}")

    def _used(self) -> _Used:
        """CPU of the server, of Postgres and of the simulated bank."""
        children = processes.family(self._pid) - {self._pid}
        banks = {pid for pid in children if "bank-sim" in processes.command_line(pid)}
        postmaster = int((self._data / "postgres" / "postmaster.pid").read_text().split()[0])
        groups = ({self._pid}, processes.family(postmaster), banks)
        return _Used(*(sum(map(processes.cpu_s, group)) for group in groups))


# ---- afterwards


def _check_bank(data: Path, run: Json) -> None:
    """What the bank has paid by its own book is what the run says."""
    [book] = data.glob("simulators/bank/*/book.sqlite")
    with sqlite3.connect(f"file:{book}?mode=ro", uri=True) as connection:
        [(vouchers, paid_fen)] = connection.execute(
            "SELECT count(*), sum(amount_fen) FROM vouchers"
        )
    if (vouchers, yuan(paid_fen)) != (run["voucher_count"], run["xpay_amt"]):
        raise BenchError(f"the bank has paid {vouchers} vouchers and {yuan(paid_fen)}")


def _note_sizes(record: Record, data: Path, lines: int) -> None:
    with (
        open_database(dsn=None, data_dir=data, own=False) as database,
        psycopg.connect(database.owner_conninfo) as connection,
    ):
        for name, size in connection.execute(_SIZES, (list(TABLES),)):
            record.value(name, "bytes/line", size / lines)
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        record.value("whole database", "bytes/line", row[0] / lines)
