"""A run whose server is killed on the way: no line is paid twice, none is lost."""

# ruff: noqa: F401, F811  (pytest finds the fixture `data` by its import)

import csv
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.account_set import ledger_id
from ledger.errors import GuokuError
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import connect, open_database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.objects import read_document
from payments.disbursement.execution import WINDOW
from payments.messages.receipt_5214 import parse_receipt
from tests.support import running_up
from tests.support.bookkeeper import ELEMENTS
from tests.support.command_line import clean_environment
from tests.support.command_line import run as guoku
from tests.support.disbursement_runs import HEADER, row
from tests.support.draw_hold import DrawHold, draw_held
from tests.support.http_server import ONE_PERSON
from tests.support.killed_server import Server, bank_book
from tests.support.running_up import Running, data
from tests.support.waiting import HANG_S, wait_until

LEDGER = "440000000-2026"
FAILING_EVERY = 200  # 0.5 % of the lines go to accounts that the bank does not find
RUN = f"/v1/ledgers/{LEDGER}/disbursements/R1"

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    # what a killed dispatcher had in hand comes due again after six times this
    server = Server(data, GUOKU_SEND_TIMEOUT_S="2", GUOKU_RUN_RESUME_S="0")
    yield server
    server.end()


class Payroll:
    """A file of lines whose amounts differ, so that a line paid twice or lost shows in a sum."""

    def __init__(self, lines: int, path: Path) -> None:
        self.path = path
        self.due_fen = {n: 1000 + n * 7919 % 99_991 for n in range(1, lines + 1)}
        self.paid_fen = {n: 0 if n % FAILING_EVERY == 0 else fen for n, fen in self.due_fen.items()}
        rows = (
            row(n, amount=yuan(fen), payee_account="" if self.paid_fen[n] else f"9999{n:015d}")
            for n, fen in self.due_fen.items()
        )
        path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")


def lines_of_receipts(data: Path) -> Counter[tuple[str, int]]:
    """(detail, fen paid) of every line in every receipt that is kept, as the bank signed it."""
    lines: Counter[tuple[str, int]] = Counter()
    with (
        open_database(dsn=None, data_dir=data, own=False) as database,
        connect(database.app_conninfo) as connection,
    ):
        digests = [sm3 for (sm3,) in connection.execute("SELECT sm3 FROM documents").fetchall()]
        for digest in digests:
            document = read_document(connection, ledger_id("440000000", 2026), digest)
            assert document is not None
            with suppress(GuokuError):  # a voucher as it was sent is no receipt
                lines.update((d.id, d.x_pay_amt) for d in parse_receipt(document).details)
    return lines


@pytest.mark.parametrize(
    ("vouchers", "killed_after"),
    [
        pytest.param(24, (1, 2), id="12,000 lines"),
        pytest.param(
            201,
            (2, 11, 20),
            id="100,000 lines",
            marks=[pytest.mark.slow, pytest.mark.timeout(1200)],
        ),
        pytest.param(
            2_004,
            (25, 112, 200),
            id="999,996 lines",
            marks=[pytest.mark.slow, pytest.mark.timeout(1800)],
        ),
    ],
)
def test_a_run_that_is_killed_pays_every_line_once(
    server: Server, tmp_path: Path, vouchers: int, killed_after: tuple[int, ...]
) -> None:
    """``killed_after`` are windows of vouchers. The server is held as it draws the first one of the
    next: all before it are drawn, and those of the window before are being signed or sent."""
    payroll = Payroll(499 * vouchers, tmp_path / "wages.csv")
    opening = {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级", **ONE_PERSON}
    server.call("POST", "/v1/ledgers", json=opening)
    indicator = {"bgt_id": "B1", "amount": yuan(sum(payroll.due_fen.values())), **ELEMENTS}
    server.call("POST", f"/v1/ledgers/{LEDGER}/indicators", json=indicator)
    start = ("disburse", str(payroll.path), "--ledger", LEDGER, "--run-no", "R1", "--bgt-id", "B1")
    told = server.command(
        *start,
        *("--url", server.running.printed["api"], "--token", server.tokens["maker"]),
        *("--checker-token", server.tokens["checker"]),
    )
    assert "waits_for: a signer" in told

    for windows in killed_after:
        drawn = WINDOW * windows
        with draw_held(EmbeddedPostgres(server.data).conninfo(), drawn + 1) as hold:
            server.call("POST", RUN + "/execute", "signer")
            hold.wait_until_reached()
            server.kill()
            hold.end_session()
        if windows == killed_after[-1]:  # the last time nobody takes it on again
            server.variables["GUOKU_RUN_RESUME_S"] = "1"
            server.start_again()
            break
        server.start_again()
        wait_until(lambda: not server.call("GET", RUN)["under_way"], "the killed server's sessions")
        shown = server.call("GET", RUN)
        assert shown["drawn_count"] == drawn < vouchers, "it was killed on the way"
        assert shown["status"] == "executing"

    wait_until(lambda: server.call("GET", RUN)["drawn_count"] == vouchers, "the run to go on")
    result = tmp_path / "results.csv"
    told = server.command(
        *start,
        *("--url", server.running.printed["api"], "--token", server.tokens["maker"]),
        *("--signer-token", server.tokens["signer"], "--result", str(result)),
    )
    assert "status: finished" in told

    with result.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [int(r["line_no"]) for r in rows] == list(payroll.due_fen)
    paid_fen = {int(r["line_no"]): parse_yuan(r["xpay_amt"], zero=True) for r in rows}
    assert paid_fen == payroll.paid_fen
    assert {r["outcome"] for r in rows} == {"paid", "failed"}
    total_fen = sum(payroll.paid_fen.values())
    assert bank_book(server.data) == (vouchers, total_fen)
    assert lines_of_receipts(server.data) == Counter(
        (f"D{n}", fen) for n, fen in payroll.paid_fen.items()
    )
    shown = server.call("GET", f"/v1/ledgers/{LEDGER}/indicators/B1")
    amounts = (shown["pay_amt"], shown["pay_app_amt"], shown["frozen_amt"])
    assert amounts == (yuan(total_fen), "0.00", "0.00")
