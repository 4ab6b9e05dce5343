"""year-end: the books of a province's year are closed and the next year's opened; its statements.

13,000 units, 39,000 indicators and 430,000 payments in one ledger, decided as everywhere; what is
left is carried over. Measured is what the program does behind the closing of the year 年度移交, by
its parts, and then what reading statements of all units costs, and what stands under a cell.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any

from accounting.handing_over import HandingOver
from accounting.handing_over_books import HandingOverBooks
from accounting.statements import Statements, load_statements
from bench import processes
from bench.bookkeeping import BANK, MAKER, YEAR, Bookkeeping, bookkeeping
from bench.drive import ClosedLoop
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from bench.server import checkpoint, new_database
from budget.balances import BALANCES
from budget.year_end.carrying import CarryOver
from budget.year_end.closing import CloseYear
from budget.year_end_events import CarryOverItem
from ledger.books import Charts, load_charts
from ledger.closing import ClosePeriod
from ledger.gm import sm3
from ledger.money import parse_yuan, yuan
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.documents import compress_document
from ledger.reading.loading import read_rows
from ledger.writing.submitting import submit_to
from payments.clearing.claims import ApplyClaimReceipt, RequestClearing
from payments.voiding import VoidPayment
from projections.core.moments import Moment
from projections.core.runner import Runner
from projections.statements.figures import StatementScope
from projections.statements.reading import AskedStatement, explain_cell, find_table, read_statement

UNITS, INDICATORS, PAYMENTS = 13_000, 39_000, 430_000
READS = 5
DECEMBER, NEW_YEAR = datetime(YEAR, 12, 30, 1, tzinfo=UTC), datetime(YEAR + 1, 1, 4, 1, tzinfo=UTC)
LAST_DAY = date(YEAR, 12, 31)
BATCH = 5_000
SAMPLE = "SQ-440000-2026-00000001"
STATEMENTS = ("balance_sheet", "budget_execution", "unit_balance_sheet", "unit_appropriation",
              "final_01", "final_04", "final_05")  # fmt: skip
CELLS = (("unit_income_expense", "14", "amt"), ("final_04", "1", "basic_amt"))

TIMED = {
    "books closed": "HandingOverBooks.close: balances folded from the journals, a command a set",
    "indicators carried in": "HandingOver: what was carried over begins in the next year's ledger",
    "books opened": "HandingOverBooks.open: what was left begins in the next year's ledger",
    "indicators written off": "HandingOver: the closed year's book of indicators comes to nothing",
    "year handed over": "all of it, from the closing of the year on",
    "memory": "of this process, which decides: its peak above what it had before",
    "statement": "projections.statements.reading.read_statement, of all units",
    "explanation": "projections.statements.reading.explain_cell, its first page of 100 journals",
}


class _Clock:
    """It stands where the year is, and moves on a millisecond each time."""

    def __init__(self) -> None:
        self.now = DECEMBER

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module.

    Raises:
        BenchError: something was refused.
    """
    record = Record(tell)
    record.timed.update(TIMED)
    database, clock = new_database(server, "year_end"), _Clock()
    sizes = scale.count(INDICATORS), scale.count(UNITS)
    with bookkeeping(database, *sizes, clock) as books:
        payments = scale.count(PAYMENTS)
        tell(f"{payments:,} payments")
        books.pay(payments, ClosedLoop(batch=BATCH, callers=1))
        clock.now = NEW_YEAR
        tell("what is left is carried over, the year closed")
        _close(books)
        checkpoint(server)
        _hand_over(record, books)
        tell("read models following")
        Runner(books.pool).catch_up()
        checkpoint(server)
        _read(record, books)
    return record.result()


def _close(books: Bookkeeping) -> None:
    """What was paid is claimed, what is left carried over, the year closed; the payment that the
    samples were made of is void."""
    books.decide([VoidPayment(pay_app_no=SAMPLE, reason="bench", effective_on=LAST_DAY)], MAKER)
    clearing = RequestClearing(clear_no="C1", clear_date=LAST_DAY, pay_bank_code="102")
    [requested] = books.decide([clearing], MAKER)
    receipts = [
        ApplyClaimReceipt(
            clear_no="C1",
            voucher_no=claim.voucher_no,
            xpay_fen=parse_yuan(claim.pay_amt),
            xclear_date=LAST_DAY,
            receipt_sm3=sm3(claim.voucher_no.encode()).hex(),
            cert_serial="pboc",
            signature="bench",
            document=compress_document(claim.voucher_no.encode()),
        )
        for claim in requested.subjects[0].requested.claims
    ]
    books.decide(receipts, BANK)
    books.decide([ClosePeriod(through=LAST_DAY.isoformat())], MAKER)
    with books.pool.connection() as connection:
        left = read_rows(connection, books.ledger_id, BALANCES)
    items = [
        CarryOverItem(bgt_id=number, carryovers_amt=yuan(row.available))
        for number, row in sorted(left.items())
        if row.available
    ]
    for start in range(0, len(items), BATCH):
        part = tuple(items[start : start + BATCH])
        books.decide([CarryOver(carry_no=f"JZ-{start}", items=part)], MAKER)
    books.decide([CloseYear()], MAKER)


def _hand_over(record: Record, books: Bookkeeping) -> None:
    spent_s: dict[str, float] = {}
    handing = HandingOver(books.pool, submit_to(books.sequencer), load_charts())
    idle_bytes = processes.resident_bytes()
    processes.forget_peak(os.getpid())
    with (
        _timed(HandingOverBooks, "close", "books closed", spent_s),
        _timed(HandingOverBooks, "open", "books opened", spent_s),
        _timed(HandingOver, "_write_off", "indicators written off", spent_s),
    ):
        started = perf_counter()
        if handing.look() != 1:
            raise BenchError("the year was not handed over")
        whole_s = perf_counter() - started
    peak_bytes = processes.peak_bytes(os.getpid())
    spent_s["indicators carried in"] = whole_s - sum(spent_s.values())
    for name, elapsed_s in sorted(spent_s.items()):
        record.value(name, "s", elapsed_s)
    record.value("year handed over", "s", whole_s)
    record.value("year handed over, peak above idle", "bytes of memory", peak_bytes - idle_bytes)


@contextmanager
def _timed(of: type, method: str, name: str, spent_s: dict[str, float]) -> Iterator[None]:
    """Has the seconds of a method added up."""
    original: Callable[..., Any] = getattr(of, method)

    def measured(*arguments: Any) -> Any:
        started = perf_counter()
        try:
            return original(*arguments)
        finally:
            spent_s[name] = spent_s.get(name, 0.0) + perf_counter() - started

    setattr(of, method, measured)
    try:
        yield
    finally:
        setattr(of, method, original)


def _read(record: Record, books: Bookkeeping) -> None:
    charts = load_charts()
    statements = load_statements(charts)
    with books.pool.connection() as connection:
        for name in STATEMENTS:
            asked = _asked(books, charts, statements, name)
            for _ in range(READS):
                started = perf_counter()
                read_statement(connection, asked)
                record.waits(f"statement {name}", [perf_counter() - started])
        for name, line, column in CELLS:
            asked = _asked(books, charts, statements, name)
            for _ in range(READS):
                started = perf_counter()
                explain_cell(connection, asked, (line, column), 0, 100)
                record.waits(f"explanation {name}", [perf_counter() - started])


def _asked(books: Bookkeeping, charts: Charts, statements: Statements, name: str) -> AskedStatement:
    scope = StatementScope(books.ledger_id, Moment())
    table = find_table(statements, books.ledger_id, name, "")
    return AskedStatement(charts, statements, table, scope, NEW_YEAR.date())
