"""Invariant 16: Σ indicators ≤ budget row ≤ approved budget; Σ rows of a project ≤ its plan.

A model of its own keeps what the budget is in plain whole numbers, and says of each act at random
whether it may happen; the books have to say the same, and to the fen.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from budget.adjusting.adjusting import AdjustBudget
from budget.indicators import AdjustIndicator, ReallocateIndicator
from budget.row_events import AdjustmentPart
from ledger.deciding.command import Command
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import Database
from tests.support.budgets import BudgetKeeper, of_row
from tests.support.waiting import HANG_S

PLAN_FEN = 100_000
ROWS = {"R0": 30_000, "R1": 20_000, "R2": 10_000}
ACTS = 150
RACES = 200


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.project(amt=yuan(PLAN_FEN))
    keeper.approved(*((key, yuan(fen)) for key, fen in ROWS.items()))
    yield keeper
    keeper.close()
    keeper.pool.close()


class Model:
    """What rows and indicators are, by the rules of 预算法 and 36号 alone."""

    def __init__(self) -> None:
        self.reply = dict(ROWS)
        self.adj = dict.fromkeys(ROWS, 0)
        self.dis = dict.fromkeys(ROWS, 0)
        self.indicators: dict[str, tuple[str, int]] = {}  # row and amount

    def cur(self, row: str) -> int:
        return self.reply[row] + self.adj[row] + self.dis[row]

    def issued(self, row: str) -> int:
        return sum(fen for of, fen in self.indicators.values() if of == row)

    def rest(self, row: str) -> int:
        return self.cur(row) - self.issued(row)

    # each act: what is asked, whether it may happen, and what it does

    def issue(self, pick: random.Random, number: int) -> tuple[Command, bool]:
        row, fen = pick.choice(list(ROWS)), pick.randint(1, 9_000)
        may = fen <= self.rest(row)
        if may:
            self.indicators[f"B{number}"] = row, fen
        return of_row(f"B{number}", row, yuan(fen)), may

    def change(self, pick: random.Random, number: int) -> tuple[Command, bool]:
        bgt_id = pick.choice(list(self.indicators))
        fen = pick.choice((-1, 1)) * pick.randint(1, 9_000)
        row, has = self.indicators[bgt_id]
        may = fen <= self.rest(row) and has + fen >= 0
        if may:
            self.indicators[bgt_id] = row, has + fen
        asked = AdjustIndicator(
            bgt_id=bgt_id, adj_no=f"T{number}", adj_amt=yuan(fen), reason="调整"
        )
        return asked, may

    def reallocate(self, pick: random.Random, number: int) -> tuple[Command, bool]:
        giving, taking = pick.sample(list(self.indicators), 2)
        fen = pick.randint(1, 6_000)
        (from_row, has), (to_row, had) = self.indicators[giving], self.indicators[taking]
        may = fen <= has and (from_row == to_row or fen <= self.rest(to_row))
        if may:
            self.indicators[giving] = from_row, has - fen
            self.indicators[taking] = to_row, had + fen
        asked = ReallocateIndicator(
            bgt_id=giving, to_bgt_id=taking, adj_no=f"J{number}", amt=yuan(fen), reason="调剂"
        )
        return asked, may

    def adjust(self, pick: random.Random, number: int) -> tuple[Command, bool]:
        kind = pick.choice(("addition", "cut", "within_unit"))
        (row, other), fen = pick.sample(list(ROWS), 2), pick.randint(1, 12_000)
        if kind == "addition":
            may = fen + sum(self.cur(each) for each in ROWS) <= PLAN_FEN
            part = AdjustmentPart(yuan(fen), to_bgt_pman_id=row)
            self.adj[row] += fen if may else 0
        elif kind == "cut":
            may = fen <= self.rest(row)
            part = AdjustmentPart(yuan(fen), from_bgt_pman_id=row)
            self.adj[row] -= fen if may else 0
        else:
            may = fen <= self.rest(row)
            part = AdjustmentPart(yuan(fen), from_bgt_pman_id=row, to_bgt_pman_id=other)
            self.dis[row] -= fen if may else 0
            self.dis[other] += fen if may else 0
        asked = AdjustBudget(adj_no=f"D{number}", kind=kind, parts=(part,), reason="调整")
        return asked, may

    def acts(self) -> list[Callable[[random.Random, int], tuple[Command, bool]]]:
        """Those that there is something for."""
        if len(self.indicators) < 2:
            return [self.issue, self.adjust]
        return [self.issue, self.issue, self.change, self.reallocate, self.adjust]


@pytest.mark.usefixtures("decided_again")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_books_keep_to_the_model(budgets: BudgetKeeper, seed: int) -> None:
    model, pick = Model(), random.Random(seed)
    refused = 0
    for number in range(ACTS):
        asked, may = pick.choice(model.acts())(pick, number)
        code = budgets.refusal(asked)
        assert (code == "") == may, (asked, code)
        assert code in ("", "insufficient_budget", "insufficient_indicator")
        refused += not may
    assert 20 < refused < ACTS - 20, "both happen"
    for row in ROWS:
        amounts = budgets.amounts(row)
        assert parse_yuan(amounts["cur_amt"], zero=True) == model.cur(row)
        assert parse_yuan(amounts["rest_amt"], zero=True) == model.rest(row) >= 0
    for bgt_id, (_, fen) in model.indicators.items():
        assert budgets.figures(bgt_id)["available"] == yuan(fen)


def test_of_two_that_race_for_a_rows_last_fen_one_wins(
    budgets: BudgetKeeper, database: Database
) -> None:
    """Two programs on one database, two hundred times; before each race the row gets one fen."""
    other = BudgetKeeper(database)
    budgets.do(of_row("B", "R0", yuan(ROWS["R0"])))
    together = Barrier(2, timeout=HANG_S)

    def race(keeper: BudgetKeeper, name: str) -> list[bool]:
        won = []
        for number in range(RACES):
            if keeper is budgets:
                part = AdjustmentPart("0.01", to_bgt_pman_id="R0")
                keeper.do(
                    AdjustBudget(adj_no=f"D{number}", kind="addition", parts=(part,), reason="追加")
                )
            together.wait()
            won.append(keeper.refusal(of_row(f"{name}{number}", "R0", "0.01")) == "")
            together.wait()
        return won

    with ThreadPoolExecutor(2) as runners:
        races = [
            runners.submit(race, keeper, name) for keeper, name in ((budgets, "X"), (other, "Y"))
        ]
        first, second = (each.result(HANG_S) for each in races)
    other.close()
    other.pool.close()
    assert all(a != b for a, b in zip(first, second, strict=True))
    assert budgets.amounts("R0")["rest_amt"] == "0.00"
