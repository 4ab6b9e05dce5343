"""From appropriation to settled books, with real processes: server, banks, Postgres."""

import os
import signal
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from api.demo import worked_example
from api.demo.books import identities
from api.demo.client import Client, Json
from api.demo.stack import Stack, make_tokens, persons, running_up
from ledger.account_set import ledger_id
from ledger.postgres.database import embedded_database
from ledger.postgres.embedded import EmbeddedPostgres
from tests.invariants.test_invariant_01_double_entry import assert_balanced
from tests.invariants.test_invariant_05_gapless import assert_gapless
from tests.invariants.test_invariant_07_chain import COLUMNS, verify
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.proof_reader import faults
from tests.support.waiting import HANG_S

LEDGER = worked_example.LEDGER
CALLERS = 8
ACKNOWLEDGED_BEFORE_KILL = 150


@pytest.fixture
def data() -> Iterator[Path]:
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        yield Path(directory) / "data"


def test_the_worked_example_over_http(data: Path) -> None:
    with running_up(data) as (_, url), persons(data, url) as stack:
        steps = list(worked_example.run(stack))
        assert steps[-1].available == "250000.00"
        for identity in identities(stack.maker, LEDGER):
            assert identity.holds, str(identity)
        receipts_are_believed_only_once_and_only_whole(stack, data)
        evidence = stack.maker.get(f"{LEDGER}/payments/P3/evidence")
        assert faults(evidence) == [], "what guoku up has sealed proves itself to an outsider"
        assert {d["kind"] for d in evidence["documents"]} >= {"voucher", "receipt"}


def receipts_are_believed_only_once_and_only_whole(stack: Stack, data: Path) -> None:
    """A receipt replayed, or forged by one bit, has no effect but a recorded refusal."""
    token = make_tokens(data, {"bank": ("bank",)})["bank"]
    before = stack.maker.get(f"{LEDGER}/trial-balance")
    with httpx.Client(base_url=stack.url, timeout=HANG_S) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        headers = {"Authorization": f"Bearer {stack.maker_token}"}
        receipt = http.get(f"{LEDGER}/payments/P3/receipt", headers=headers).content
        assert b"<MOF>" in receipt
        replayed = http.post("/v1/bank/receipts", content=receipt)
        assert replayed.status_code == 200, replayed.text
        forged = bytearray(receipt)
        place = receipt.index(b"<Voucher>") + 200  # inside the signed bytes, in base64
        forged[place] = ord("A") if forged[place] != ord("A") else ord("B")
        refused = http.post("/v1/bank/receipts", content=bytes(forged))
        assert refused.json().get("code") or refused.json()["results"][0]["problem"]["code"]
    assert stack.maker.get(f"{LEDGER}/trial-balance") == before
    assert stack.maker.get(f"{LEDGER}/payments/P3")["status"] == "partially_paid"


@pytest.mark.fault
def test_what_was_acknowledged_survives_kill_9_of_the_server(data: Path) -> None:
    with running_up(data) as (process, url), persons(data, url) as stack:
        stack.admin.post(
            "/v1/ledgers", {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级"}
        )
        stack.agree(LEDGER, stack.maker.post(f"{LEDGER}/indicators", worked_example.INDICATOR))
        acknowledged = load_until_killed(stack, process.pid)
        process.wait(HANG_S)
    assert len(acknowledged) >= ACKNOWLEDGED_BEFORE_KILL
    with running_up(data) as (_, url), persons(data, url) as stack:
        kept = {p["pay_app_no"]: p for p in stack.maker.pages(f"{LEDGER}/payments")}
        assert set(acknowledged) <= set(kept)
        for number, commit in acknowledged.items():
            again = stack.maker.post(f"{LEDGER}/payments", payment(number))
            assert again["commit"] == commit  # the answer of then: it was not paid a second time
        figures = stack.maker.get(f"{LEDGER}/indicators/{worked_example.BGT_ID}")
        assert figures["pay_app_amt"] == f"{len(kept)}.00"
        for identity in identities(stack.maker, LEDGER):
            assert identity.holds, str(identity)
        history_verifies(data)


def payment(number: str) -> Json:
    return {
        "pay_app_no": number,
        "bgt_id": worked_example.BGT_ID,
        "pay_amt": "1.00",
        "use_des": "办公用品",
        "payee_acct_name": "样例收款人",
        "payee_acct_no": "6222000000000000001",
        "payee_acct_bank_name": "样例银行",
    }


def load_until_killed(stack: Stack, pid: int) -> dict[str, Json]:
    """Posts payments from several callers and kills the server in the middle of it."""
    acknowledged: dict[str, Json] = {}
    numbers = count(1)
    lock = threading.Lock()

    def caller() -> None:
        with Client(stack.url, stack.maker_token) as client:
            for _ in range(2_000):
                with lock:
                    number = f"SQ-{next(numbers):05d}"
                try:
                    answer = client.post(f"{LEDGER}/payments", payment(number))
                except httpx.HTTPError:
                    return  # the server is gone; this one was never acknowledged
                with lock:
                    acknowledged[number] = answer["commit"]
                    if len(acknowledged) == ACKNOWLEDGED_BEFORE_KILL:
                        os.kill(pid, signal.SIGKILL)

    threads = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return acknowledged


def history_verifies(data: Path) -> None:
    with EmbeddedPostgres(data).join() as server:
        database = embedded_database(server)
        with fresh_pool(database.app_conninfo) as pool:
            keeper = Bookkeeper(pool)
            assert keeper.ledger_id == ledger_id("440000000", 2026)
            assert_gapless(keeper)
            assert_balanced(keeper.journals())
            rows = keeper.sql(
                f"SELECT {COLUMNS} FROM events WHERE ledger_id = %s ORDER BY position"
            )
            assert verify(keeper, rows) == ""
            keeper.close()
