"""What brings transfers over is killed again and again, two at once: each is received once."""

import random
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

import pytest

from ledger.postgres.database import Database
from tests.accounting.test_verifying import found
from tests.support.tiers import Tiers, sending, tiers_on
from tests.support.waiting import wait_until
from transfers.receiving import AcceptTransfer

LIVES, LOT = 2, 15

pytestmark = pytest.mark.fault


def delivering_process(database: Database) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.support.delivering_process", database.app_conninfo]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def document(number: int) -> str:
    return f"粤财预〔2026〕{number}号"


def accept_what_has_come(tiers: Tiers) -> None:
    """By the city, whatever is there and was not accepted."""
    numbers = [number for number in range(LIVES * LOT) if _waits(tiers, number)]
    commands = [
        AcceptTransfer(sup_bgt_doc_no=document(number), rec_no=f"JS-{number}") for number in numbers
    ]
    if commands:
        assert all(outcome.problem is None for outcome in tiers.city.submit(*commands))


def _waits(tiers: Tiers, number: int) -> bool:
    received = tiers.city.received(document(number))
    return received is not None and received.status == "received"


def test_no_kill_loses_a_transfer_or_receives_it_twice(database: Database, tmp_path: Path) -> None:
    chance = random.Random(20261130)
    with tiers_on(database) as tiers:
        for life in range(LIVES):
            sent = [
                sending(f"tp-{number}", "10.00", bgt_doc_no=document(number))
                for number in range(life * LOT, (life + 1) * LOT)
            ]
            assert all(outcome.problem is None for outcome in tiers.province.submit(*sent))
            processes = [delivering_process(database) for _ in range(2)]
            assert processes[0].stdout is not None
            processes[0].stdout.readline()  # it has taken up where the last one fell
            accept_what_has_come(tiers)
            sleep(chance.random() / 10)
            for process in processes:
                kill(process)
            balance = tiers.balance()
            assert balance.sent_fen == (life + 1) * LOT * 1000
            assert 0 <= balance.in_transit_fen <= balance.sent_fen
        process = delivering_process(database)
        wait_until(lambda: all(tiers.city.received(document(n)) for n in range(LIVES * LOT)))
        accept_what_has_come(tiers)
        wait_until(
            lambda: all(
                tiers.transfer(f"tp-{number}").status == "accepted" for number in range(LIVES * LOT)
            )
        )
        kill(process)
        assert tiers.balance().in_transit_fen == 0
        assert tiers.city.books()["指标来源"] == f"{LIVES * LOT * 10}.00"
        for keeper in (tiers.province, tiers.city):
            assert found(database, keeper, tmp_path) == []
