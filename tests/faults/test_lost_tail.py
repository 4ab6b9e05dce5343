"""A tail of the history that is lost: by a restore, and by a data directory that vanishes.

Once the bank paid one payment twice after a restore, and gave five others the numbers of vouchers
that it knew: voucher numbers were places in a history, and nobody noticed that it had been cut.
"""

# ruff: noqa: F401, F811  (pytest finds the fixture `data` by its import)

import os
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import psutil
import pytest

from ledger.money import parse_yuan, yuan
from ledger.postgres.embedded import EmbeddedPostgres
from tests.support import asking
from tests.support.bookkeeper import ELEMENTS, PAYEE
from tests.support.command_line import run
from tests.support.http_server import ONE_PERSON
from tests.support.ports import free_port
from tests.support.running_up import Running, data, wait_for_end_of
from tests.support.waiting import HANG_S, wait_until

YEAR = datetime.now(UTC).year
LEDGER = f"440000000-{YEAR}"
FIVE = {f"SQ-{n}": f"{n}00.00" for n in range(1, 6)}

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="process ends are looked up in /proc"),
]


class Installation:
    """``guoku up`` on a data directory that can be backed up, lost and restored.

    What the bank remembers lies with the bank, and is not restored with the rest.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port, self.bank_port, self.pboc_port = free_port(), free_port(), free_port()
        self.running: Running
        self.start()
        self.running.wait_until_ready()
        self.tokens = {
            name: self.command(
                "token", "create", "--principal", name, "--role", role, "--division", ""
            ).stdout.split()[-1]
            for name, role in (
                ("admin", "admin"),
                ("maker", "treasury_maker"),
                ("checker", "treasury_checker"),
                ("signer", "treasury"),
                ("auditor", "auditor"),
            )
        }

    def start(self) -> None:
        self.running = Running(
            self.data,
            GUOKU_PORT=str(self.port),
            GUOKU_BANK_PORT=str(self.bank_port),
            GUOKU_PBOC_PORT=str(self.pboc_port),
        )

    def end(self) -> None:
        if self.running.process.poll() is None:
            assert self.running.stop() == 0, self.running.log_tail()
        assert self.running.process.stdout is not None
        self.running.process.stdout.close()

    def command(self, *arguments: str, code: int = 0) -> "CompletedProcess[str]":
        done = run(*arguments, environment=self.running.environment, timeout_s=HANG_S)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    # ---- asking

    def ask(self, method: str, path: str, person: str = "maker", **more: Any) -> httpx.Response:
        path = path.replace("…", f"/v1/ledgers/{LEDGER}", 1)
        return asking.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Authorization": f"Bearer {self.tokens[person]}"} if person else {},
            **more,
        )

    def ok(self, method: str, path: str, person: str = "maker", **more: Any) -> Any:
        answer = self.ask(method, path, person, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def reasons(self) -> list[str]:
        """Why it is not ready; empty while it does not answer."""
        try:
            shown: list[str] = self.ask("GET", "/readyz", "").json()["reasons"]
        except httpx.TransportError:
            return []
        return shown

    # ---- acting

    def open(self) -> None:
        body = {"mof_div_code": "440000000", "fiscal_year": YEAR, "name": "省本级", **ONE_PERSON}
        self.ok("POST", "/v1/ledgers", "admin", json=body)
        indicator = {"bgt_id": "B", "amount": "100000.00", **ELEMENTS}
        self.ok("POST", "…/indicators", json=indicator)

    def pay(self, payments: dict[str, str]) -> None:
        """From the application to the bank's receipt."""
        for number, amount in payments.items():
            body = {"pay_app_no": number, "bgt_id": "B", "pay_amt": amount, "use_des": "办公用品"}
            self.ok("POST", "…/payments", json={**body, **PAYEE})
            self.ok("POST", f"…/payments/{number}/approve", "checker")
        asked = {"pay_app_nos": list(payments), "role": "treasury"}
        for result in self.ok("POST", "…/payments:sign", "signer", json=asked)["results"]:
            assert result["status"] == "created", result
        for number in payments:
            wait_until(lambda n=number: self.status(n) == "paid", f"{number} to be paid")

    def status(self, number: str) -> str:
        return str(self.ok("GET", f"…/payments/{number}", "auditor")["status"])

    def paid_in_books(self) -> str:
        return str(self.ok("GET", "…/indicators/B", "auditor")["pay_amt"])

    def bank(self) -> dict[str, int]:
        """What the bank has paid, in fen by voucher number."""
        [book] = (self.data / "simulators").glob("bank/*/book.sqlite")
        with sqlite3.connect(f"file:{book}?mode=ro", uri=True) as connection:
            return dict(connection.execute("SELECT number, amount_fen FROM vouchers"))

    def bank_answers(self) -> bool:
        """Whether the simulated bank has come up."""
        try:
            url = f"http://127.0.0.1:{self.bank_port}/healthz"
            return asking.get(url).is_success
        except httpx.TransportError:
            return False

    def restore(self, backup: Path) -> None:
        """The disk with the database is lost; what lies beside it is not."""
        self.end()
        shutil.rmtree(self.data / "postgres")
        shutil.rmtree(self.data / "keys")
        self.command("db", "restore", str(backup))
        self.start()


@pytest.fixture
def installed(data: Path) -> Iterator[Installation]:
    installed = Installation(data)
    yield installed
    installed.end()


def total(payments: dict[str, str]) -> str:
    return yuan(sum(parse_yuan(amount) for amount in payments.values()))


def sealed(installed: Installation) -> bool:
    """Whether all history is in the checkpoint files."""
    position = installed.ok("GET", "…".replace("…", f"/v1/ledgers/{LEDGER}"), "auditor")["position"]
    file = installed.data / "checkpoints" / f"guoku_{LEDGER}.txt"
    return file.exists() and f"guoku/{LEDGER}\n{position}\n" in file.read_text()


def cut_and_restored(installed: Installation, data: Path) -> Path:
    """A backup, five payments, the backup restored; gives a list of the five as they were told."""
    installed.open()
    backup = data.parent / "backup"
    installed.command("db", "backup", str(backup))
    installed.pay(FIVE)
    wait_until(lambda: sealed(installed), "the payments to be sealed")
    assert sorted(installed.bank().values()) == sorted(map(parse_yuan, FIVE.values()))
    installed.restore(backup)

    wait_until(lambda: any("history_cut" in reason for reason in installed.reasons()))
    wait_until(installed.bank_answers, "the bank to answer")
    told = data.parent / "told.csv"
    told.write_text("".join(f"{LEDGER},{number}\n" for number in FIVE))
    return told


def test_the_same_payments_after_a_restore_are_paid_once(
    installed: Installation, data: Path
) -> None:
    told = cut_and_restored(installed, data)

    # nothing is written, and nothing goes on by itself
    body = {"pay_app_no": "SQ-1", "bgt_id": "B", "pay_amt": "100.00", "use_des": "x", **PAYEE}
    refused = installed.ask("POST", "…/payments", json=body)
    assert (refused.status_code, refused.json()["code"]) == (503, "history_cut")
    assert int(refused.headers["Retry-After"]) > 0
    assert any("checkpoints" in reason for reason in installed.reasons())
    assert any("not on record yet" in reason for reason in installed.reasons())
    assert installed.running.process.poll() is None
    given = ("--principal", "late", "--role", "auditor", "--division", "")
    made = installed.command("token", "create", *given, code=1)
    assert (made.stdout, "history_cut" in made.stderr) == ("", True)

    # what was lost is shown, and nothing changed by that
    shown = installed.command("db", "accept-loss", "--told", str(told), code=1).stdout
    assert re.search(rf"lost: {LEDGER} positions [345] to [0-9]+ ", shown), shown
    for number, amount in FIVE.items():
        assert f"({number}): paid {amount}, NOT in the books" in shown
    assert installed.ask("POST", "…/payments", json=body).status_code == 503

    installed.command("db", "accept-loss", "--told", str(told), "--reason", "磁盘损坏, 恢复备份")
    installed.running.wait_until_ready()
    assert installed.running.get("/v1/ledgers", installed.running.printed["token"]).is_success
    events = installed.ask("GET", "…/events", "auditor").text
    assert events.count('"ledger.loss_accepted"') == 1
    assert events.count('"voucher.found_at_bank"') == len(FIVE)

    installed.pay(FIVE)
    assert sorted(installed.bank().values()) == sorted(map(parse_yuan, FIVE.values()))
    assert installed.paid_in_books() == total(FIVE)
    verified = installed.command("audit", "verify")
    assert "FIRST OFFENDING" not in verified.stdout


@pytest.mark.slow
def test_other_payments_after_a_restore_have_other_voucher_numbers(
    installed: Installation, data: Path
) -> None:
    told = cut_and_restored(installed, data)
    installed.command("db", "accept-loss", "--told", str(told), "--reason", "磁盘损坏, 恢复备份")
    installed.running.wait_until_ready()
    before = installed.bank()
    others = {f"QT-{n}": f"{n}1.00" for n in range(1, 6)}
    installed.pay(others)
    after = installed.bank()
    assert len(after) == len(before) + len(others)
    assert {number: after[number] for number in before} == before
    assert installed.paid_in_books() == total(others)
    nothing = installed.command("db", "accept-loss")
    assert "nothing is missing" in nothing.stdout


def test_no_database_is_made_in_the_place_of_one_that_has_vanished(
    installed: Installation, data: Path
) -> None:
    installed.open()
    wait_until(lambda: sealed(installed), "the ledger to be sealed")
    postmaster = installed.running.postmaster()
    lost = data.parent / "lost"
    (data / "postgres").rename(lost)
    os.kill(postmaster.pid, signal.SIGKILL)
    wait_for_end_of(postmaster)

    wait_until(lambda: any("has vanished" in reason for reason in installed.reasons()))
    assert not (data / "postgres" / "PG_VERSION").exists()
    assert installed.running.process.poll() is None

    # and a start makes none either, while checkpoint files remember one: it says so, and waits
    installed.running.process.kill()
    installed.running.process.wait(HANG_S)
    installed.end()
    installed.start()
    wait_until(lambda: any("remember one" in reason for reason in installed.reasons()))
    refused = installed.ask("POST", "…/payments", json={})
    assert (refused.status_code, refused.json()["code"]) == (503, "history_cut")
    assert installed.ask("GET", "/healthz", "").status_code == 200
    shutil.rmtree(data / "postgres", ignore_errors=True)
    lost.rename(data / "postgres")
    installed.running.wait_until_ready()
    assert installed.ok("GET", "…/indicators/B", "auditor")["amount"] == "100000.00"
