"""A program that hands a year over is killed (SIGKILL) again and again, at moments of no choosing.

Each set of books is closed whole or not at all, and opened whole or not at all; the next program
goes on from what stands, and nothing is done twice.
"""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import sleep

import pytest

from budget.year_end.closing import CloseYear
from ledger.postgres.database import Database
from tests.accounting.test_year_end import (
    CLOSE_DECEMBER,
    LAST_DAY,
    NEW_YEAR,
    carry,
    handed_over,
    handing_over,
    item,
    next_year,
)
from tests.accounting.test_year_end_books import held
from tests.support.bookkeeper import Bookkeeper
from tests.support.waiting import HANG_S

UNITS = 12
KILLS = 12
SEED = 20261231
DELAY_MAX_S = 0.05  # behind a line that it has said: before, within or behind the commit
ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("decided_again")]


def closed_year(b: Bookkeeper) -> None:
    """Each of the units has paid 1.00 of 3.00."""
    units = [f"{101 + place}001" for place in range(UNITS)]
    for place, agency_code in enumerate(units):
        b.issue(f"B{place}", "3.00", agency_code=agency_code)
        b.pay(f"P{place}", f"B{place}", "1.00")
    b.clock.now = NEW_YEAR
    b.clear("C1", LAST_DAY)
    b.do(CLOSE_DECEMBER, "accountant")
    b.do(carry("JZ-1", *(item(f"B{place}", "2.00") for place in range(UNITS))), "accountant")
    b.do(CloseYear(), "accountant")


def run_and_kill(conninfo: str, lines: int, delay_s: float) -> list[str]:
    """What it says it begins; it is killed some time behind so many lines, if it has not ended."""
    command = [sys.executable, "-m", "tests.support.handing_over_process", conninfo]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    said: list[str] = []
    assert process.stdout is not None
    try:
        while len(said) < lines and (line := process.stdout.readline()):
            if "handed over" not in line:
                said.append(line.strip())
        sleep(delay_s)
    finally:
        process.kill()
        process.stdout.close()
        process.wait(HANG_S)
    return said


def test_killed_at_any_moment_each_set_of_books_is_closed_and_opened_once(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    b = bookkeeper
    closed_year(b)
    chance = random.Random(SEED)
    begun = Counter[str]()
    kills = 0
    while handed_over(b) == "" and kills < KILLS:
        moment = chance.randrange(1, 6), chance.uniform(0, DELAY_MAX_S)
        begun.update(run_and_kill(database.app_conninfo, *moment))
        kills += 1
        left, opened = (held(b, key) for key in (b.ledger_id, b.ledger_id + 1))
        assert opened == {number: left[number] for number in opened}, "whole, or not at all"
    assert kills > 3, "it was killed on the way"
    while handed_over(b) == "":
        begun.update(run_and_kill(database.app_conninfo, sys.maxsize, 0))
    handing_over(b).look()
    assert {"year_end.close_books", "year_end.take_opening"} <= begun.keys()
    left = held(b, b.ledger_id)
    assert len(left) == UNITS + 1, "of each unit, and of the treasury"
    assert held(b, b.ledger_id + 1) == left
    assert all(books["D1201"] == 2_00 for name, books in left.items() if name != "treasury")
    assert len(next_year(b)) == UNITS
    once = b.sql(
        "SELECT type, count(*) FROM events WHERE ledger_id / 10000 = %s / 10000 AND type = ANY(%s)"
        " GROUP BY 1 ORDER BY 1",
        ["books.closed", "opening.carried", "year_end.handed_over"],
    )
    assert once == [
        ("books.closed", UNITS + 1),
        ("opening.carried", UNITS + 1),
        ("year_end.handed_over", 1),
    ]
