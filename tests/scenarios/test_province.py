"""A small province through the API: every branch of its year, and checks that can fail."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import psutil
import psycopg
import pytest
from psycopg_pool import ConnectionPool
from rich.console import Console

from api.cli.demo_province import checked
from api.demo.budget import Preparing
from api.demo.client import Client, Json
from api.demo.province.checks import check_banks, check_histories, check_ledger
from api.demo.province.living import live
from api.demo.province.plan import (
    INDICATORS_A_UNIT,
    MEAN_FEN,
    PAYMENTS,
    UNITS,
    Chances,
    Division,
    month_end,
    province,
    shares,
    working_days,
)
from api.demo.province.stages import Board, Stage
from api.demo.province.year import DivisionFigures
from api.demo.stack import persons, running_up
from ledger.books import load_charts
from ledger.money import parse_yuan
from ledger.postgres.database import Database, embedded_database
from ledger.postgres.embedded import EmbeddedPostgres
from projections.core import comparison
from tests.support.bookkeeper import fresh_pool
from tests.support.running_up import wait_for_end_of
from tests.support.waiting import HANG_S

MONTHS = 2
SMALL = province(
    300, divisions=2, chances=Chances(failing=0.2, refunded=0.2, bulk=0.3)
)  # some fifty payments in two months


LEDGERS = [division.ledger for division in SMALL]
STANDING = [f"{division.code}-0000" for division in SMALL]


class Lived(NamedTuple):
    """What was left when the year's first months had been lived through."""

    data: Path
    asked: dict[str, DivisionFigures]
    board: Board
    payments: dict[str, list[Json]]
    database: Database
    pool: ConnectionPool

    def histories(self) -> dict[str, bool]:
        ledgers = [*LEDGERS, *STANDING]
        folder = self.data / "audit"
        checks = check_histories(self.database.app_conninfo, ledgers, folder, lambda *_: None)
        return {ledger: check.holds for ledger, check in checks}

    def failing(self, division: Division, asked: DivisionFigures | None = None) -> list[str]:
        figures = asked or self.asked[division.ledger]
        end = month_end(MONTHS)
        checks = check_ledger(self.pool, load_charts(()), division.ledger, figures, end)
        return [check.name for check in checks if not check.holds]


@pytest.fixture(scope="module")
def lived() -> Iterator[Lived]:
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        data = Path(directory) / "data"
        board = Board()
        with running_up(data) as (_, url), persons(data, url) as stack:
            asked = live(stack, SMALL, board, lambda: None, months=MONTHS)
            payments = {d.ledger: _payments(stack.maker, d.ledger) for d in SMALL}
        with EmbeddedPostgres(data).join() as server:
            database = embedded_database(server)
            with fresh_pool(database.app_conninfo) as pool:
                yield Lived(data, asked, board, payments, database, pool)


def _payments(client: Client, ledger: str) -> list[Json]:
    return list(client.pages(f"/v1/ledgers/{ledger}/payments"))


def test_the_full_plan_has_the_figures_of_the_pilot() -> None:
    divisions = province()
    assert sum(division.units for division in divisions) == UNITS == 13_000
    assert sum(division.indicators for division in divisions) == UNITS * INDICATORS_A_UNIT == 39_000
    assert sum(division.payments for division in divisions) == PAYMENTS == 430_000
    december = sum(division.month_payments(12) for division in divisions)
    assert december > 1.5 * PAYMENTS / 12
    amounts = [payment.amount_fen for payment in divisions[0].month(12)]
    assert 0.8 * MEAN_FEN < sum(amounts) / len(amounts) < 1.25 * MEAN_FEN


def test_a_month_is_the_same_whenever_it_is_asked_for_and_busy_at_its_end() -> None:
    division = province()[0]
    month = list(division.month(3))
    assert month == list(division.month(3))
    days = working_days(3)
    last = [payment for payment in month if payment.day in days[-3:]]
    assert len(last) > 1.5 * len(month) * 3 / len(days)


def test_shares_lose_nothing() -> None:
    assert shares(10, [1, 1, 1]) == [4, 3, 3]
    assert sum(shares(430_000, [1.0, 0.8, 1.1, 2.0])) == 430_000


def test_the_books_have_what_was_asked_for(lived: Lived) -> None:
    """Counted anew here, from the bodies that were posted and the rule by which the bank pays."""
    for division in SMALL:
        asked_fen, paid_fen, failing = 0, 0, 0
        for month in range(1, MONTHS + 1):
            for drawn in division.month(month):
                body = drawn.body()
                lines = [(d.payee_acct_no, parse_yuan(d.pay_amt)) for d in body.details] or [
                    (body.payee_acct_no, parse_yuan(body.pay_amt))
                ]
                asked_fen += parse_yuan(body.pay_amt)
                paid_fen += sum(fen for account, fen in lines if not account.startswith("9999"))
                failing += any(account.startswith("9999") for account, _ in lines)
        seen = lived.payments[division.ledger]
        assert sum(parse_yuan(p["pay_amt"]) for p in seen) == asked_fen
        assert sum(parse_yuan(p["xpay_amt"], zero=True) for p in seen) == paid_fen
        assert sum(p["status"] in ("failed", "partially_paid") for p in seen) == failing


def test_every_branch_was_taken(lived: Lived) -> None:
    statuses = {p["status"] for payments in lived.payments.values() for p in payments}
    assert {"paid", "failed", "partially_paid"} <= statuses
    assert lived.board.moved[Stage.REFUNDING] == sum(f.refunds for f in lived.asked.values()) > 0
    assert lived.board.moved[Stage.CLEARING] == sum(f.clearings for f in lived.asked.values()) > 0
    assert lived.board.moved[Stage.CLOSING] == MONTHS * len(SMALL)


def test_every_indicator_is_of_a_row_of_an_approved_budget(lived: Lived) -> None:
    """Units, their projects, drafts and one approval a division, before the first indicator."""
    moved, rows = lived.board.moved, sum(division.indicators for division in SMALL)
    assert moved[Preparing.PROJECTS] == moved[Preparing.APPROVAL] == rows
    assert moved[Stage.INDICATORS] == rows
    assert moved[Preparing.DRAFTS] == sum(division.units for division in SMALL)
    with lived.pool.connection() as connection:
        found = connection.execute(
            "SELECT count(*), count(bgt_id) FROM proj_budget_movements WHERE issued_fen > 0"
        ).fetchone()
    assert found == (rows, rows)


def test_a_row_too_many_is_noticed(lived: Lived) -> None:
    asked = lived.asked[SMALL[0].ledger]
    more = msgspec.structs.replace(asked, rows=asked.rows + 1, budgeted_fen=asked.budgeted_fen + 1)
    assert lived.failing(SMALL[0], more) == ["预算行", "预算一致"]


def test_every_identity_holds(lived: Lived) -> None:
    for division in SMALL:
        assert lived.failing(division) == []
    assert lived.histories() == dict.fromkeys((*LEDGERS, *STANDING), True)
    assert all(check.holds for check in check_banks(lived.data / "simulators", lived.asked))


def test_the_checks_are_shown_to_their_end(lived: Lived) -> None:
    """Regression: a stage of the verification that the demo had no name for ended it."""
    shown = Console(file=StringIO(), width=200)
    simulators, end = lived.data / "simulators", month_end(MONTHS)
    assert checked(shown, lived.database, simulators, SMALL, lived.asked, closed=end)
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "不符 0 项" in text, text
    assert text.count(f"已结至 {end}") == 1, "of the first of them"


def test_of_standing_ledgers_no_read_model_is_asked(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: nothing follows them, and a minute after they were said to have stopped."""
    monkeypatch.setattr(comparison, "STOPPED_AFTER_S", -1)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    folder = lived.data / "audit"
    found = check_histories(lived.database.app_conninfo, STANDING, folder, lambda *_: None)
    assert [check.seen for _, check in found if not check.holds] == []


def test_a_payment_too_few_is_noticed(lived: Lived) -> None:
    asked = lived.asked[SMALL[0].ledger]
    short = msgspec.structs.replace(asked, payments=asked.payments + 1, paid_fen=asked.paid_fen + 1)
    assert lived.failing(SMALL[0], short) == ["支付笔数", "支付一致"]
    banks = check_banks(lived.data / "simulators", {**lived.asked, SMALL[0].ledger: short})
    assert [c.name for c in banks if not c.holds] == [
        "代理银行笔数",
        "代理银行金额",
        "人民银行清算金额",
    ]


@pytest.mark.parametrize(
    ("tampering", "noticed"),
    [
        (
            "UPDATE proj_account_totals SET debit_fen = debit_fen + 1 WHERE account = 'F1'",
            {"zero_balance 借贷平衡", "零余额账户日终为零"},
        ),
        ("UPDATE proj_payments SET clear_no = '' WHERE xpay_fen > 0", {"无在途"}),
        (
            "UPDATE registers SET amounts[1] = amounts[1] + 1 WHERE register = 'indicator'",
            {"指标余额"},
        ),
        (
            "UPDATE registers SET amounts[4] = amounts[4] + 1 WHERE register = 'indicator'",
            {"支付一致"},
        ),
    ],
)
def test_a_tampered_row_is_noticed(lived: Lived, tampering: str, noticed: set[str]) -> None:
    ledger = SMALL[1]
    with psycopg.connect(lived.database.owner_conninfo) as connection:
        connection.execute(tampering.encode())
        with fresh_pool(lived.database.app_conninfo) as pool:
            assert lived.failing(ledger) == [], "not committed yet"
            connection.commit()
            try:
                assert set(lived._replace(pool=pool).failing(ledger)) == noticed
            finally:
                connection.execute(_undone(tampering).encode())
                connection.commit()


def _undone(tampering: str) -> str:
    if "clear_no = ''" in tampering:
        return tampering.replace("clear_no = ''", "clear_no = 'QS'")
    return tampering.replace("+ 1", "- 1")


def test_a_tampered_read_model_and_a_tampered_bank_are_noticed(lived: Lived) -> None:
    with psycopg.connect(lived.database.owner_conninfo) as connection:
        connection.execute("UPDATE proj_payments SET use_des = 'other'")
    broken = dict.fromkeys(LEDGERS, False)
    assert lived.histories() == {**broken, **dict.fromkeys(STANDING, True)}
    with closing(sqlite3.connect(lived.data / "simulators/bank/102/book.sqlite")) as book, book:
        book.execute("UPDATE vouchers SET amount_fen = amount_fen + 1")
    failing = [c.name for c in check_banks(lived.data / "simulators", lived.asked) if not c.holds]
    assert failing == ["代理银行金额"]


@pytest.mark.slow
def test_a_whole_year_ends_with_statements_and_the_next_ones_opening() -> None:
    divisions = province(24, divisions=1)
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        data, shown = Path(directory) / "data", Console(file=StringIO(), width=200)
        with running_up(data) as (_, url), persons(data, url) as stack:
            asked = live(stack, divisions, Board(), lambda: None)
        with EmbeddedPostgres(data).join() as server:
            database = embedded_database(server)
            holds = checked(shown, database, data / "simulators", divisions, asked)
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert holds, text
    assert asked[divisions[0].ledger].carried_fen > 0
    for told in ("年终结转", "2025 年报表", "2026 年报表"):
        assert told in text, told


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc")
def test_an_interrupted_demo_leaves_nothing_behind() -> None:
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        demo = subprocess.Popen(
            # far more payments than can be made before the interrupt
            [sys.executable, "-m", "api.cli", "demo", "--scale=province", "--payments=300000"],
            env={**os.environ, "TMPDIR": directory, "GUOKU_LOG_LEVEL": "error"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert demo.stdout is not None
        assert any("运行于" in line for line in demo.stdout), "it runs"
        started = psutil.Process(demo.pid).children(recursive=True)
        started += [p for p in psutil.process_iter() if _works_in(p, directory)]
        assert len(started) >= 4, "server, two banks, Postgres"
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=HANG_S)
        assert demo.returncode == 128 + signal.SIGINT
        assert not list(Path(directory).iterdir())
        wait_for_end_of(*started)


def _works_in(process: psutil.Process, directory: str) -> bool:
    try:
        return any(directory in word for word in process.cmdline())
    except psutil.Error:
        return False
