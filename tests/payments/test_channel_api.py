"""The channel against the real API: banks are processes of their own, one of them is killed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ledger.deciding.state import BEIJING
from ledger.postgres.database import Database
from payments.delivery.contents import Destinations
from payments.delivery.dispatcher import Dispatcher
from payments.simulators.bank import BankConfig, run_bank
from payments.simulators.faults import Faults
from payments.simulators.pboc import PbocConfig, run_pboc
from tests.support.channel_parties import FAST, Simulator
from tests.support.http_banks import config_of
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.waiting import wait_until


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as http:
        yield http


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="guoku-channel-") as folder:
        yield Path(folder)


@pytest.mark.fault
def test_paid_and_settled_once_whatever_is_killed(http: HttpTreasury, folder: Path) -> None:
    slow = Faults(ack_delay_s=60.0, delay_s=0.5)
    bank = Simulator(
        run_bank, BankConfig(**config_of(http, folder, "bank/102"), bank_code="102", faults=slow)
    )
    pboc = Simulator(run_pboc, PbocConfig(**config_of(http, folder, "pboc/1")))
    treasury = http.treasury
    dispatcher = Dispatcher(
        treasury.pool,
        treasury.sequencer,
        treasury.signing,
        Destinations(banks={"102": bank.url}, pboc=pboc.url),
        replace(FAST, timeout_s=1.0),
    )
    bgt_id = http.indicator("1000.00")
    day = min(datetime.now(BEIJING).date(), date(2026, 12, 31)).isoformat()
    with bank, pboc:
        dispatcher.start()
        numbers = [http.signed(bgt_id, "10.00", effective_on=day) for _ in range(5)]
        book = bank.config.data / "book.sqlite"
        wait_until(lambda: _paid(book) == 5)
        bank.kill()
        bank.config = replace(bank.config, faults=Faults(duplicate_receipts=True))
        bank.start()
        wait_until(lambda: _statuses(http, numbers) == {"paid"})
        assert bank.figures()["paid_amt"] == "50.00"
        claim = {"clear_no": "C-1", "clear_date": day, "pay_bank_code": "102"}
        http.ok(http.post("…/clearings", claim))
        wait_until(lambda: http.ok(http.get("…/clearings/C-1"))["status"] == "cleared")
        wait_until(lambda: bank.figures()["receipts_owed"] == 0)
        assert bank.figures()["receipts_refused"] == 0
        assert pboc.figures()["paid_amt"] == "50.00"
        dispatcher.stop()
    figures = http.figures(bgt_id)
    assert (figures["pay_amt"], figures["pay_app_amt"]) == ("50.00", "0.00")
    accounts = http.ok(http.get("…/trial-balance", book="zero_balance"))["accounts"]
    closing_of = {account["acct_cls_name"]: account["closing"] for account in accounts}
    assert closing_of.get("零余额账户", "0.00") == "0.00"


def _paid(book: Path) -> int:
    with closing(sqlite3.connect(book)) as connection:
        count: int = connection.execute("SELECT count(*) FROM vouchers").fetchone()[0]
        return count


def _statuses(http: HttpTreasury, numbers: list[str]) -> set[str]:
    return {http.ok(http.get(f"…/payments/{number}"))["status"] for number in numbers}


@pytest.mark.fault
def test_receipts_too_many_for_one_request_go_in_parts(http: HttpTreasury, folder: Path) -> None:
    """The server takes 2 MiB at once; what the bank owes after an outage is more."""
    bank = Simulator(run_bank, BankConfig(**config_of(http, folder, "bank/102"), bank_code="102"))
    bgt_id = http.indicator("1000.00")
    details = [
        {
            "pay_detail_id": str(index),
            "payee_acct_name": "样例收款人",
            "payee_acct_no": "6222000000000000009",
            "payee_acct_bank_name": "样例银行",
            "pay_amt": "0.10",
        }
        for index in range(400)
    ]
    numbers = [http.signed(bgt_id, "40.00", details=details) for _ in range(3)]
    dispatcher = Dispatcher(
        http.treasury.pool,
        http.treasury.sequencer,
        http.treasury.signing,
        Destinations(banks={"102": bank.url}, pboc=""),
        FAST,
    )
    with bank:
        dispatcher.start()
        wait_until(lambda: _statuses(http, numbers) == {"paid"})
        wait_until(lambda: bank.figures()["receipts_owed"] == 0)
        assert bank.figures()["receipts_refused"] == 0
        dispatcher.stop()
