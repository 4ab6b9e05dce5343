"""地方政府债务 at random, against a model that knows no code of the product."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest

from budget.debt_register import DEBT, DEBT_LIMIT
from budget.debts import AccrueInterest
from ledger.money import stored_fen, yuan
from ledger.reading.loading import read_rows
from payments.orders.allocations import Allocation
from tests.support.allocations import allocation, receipt_of, return_of
from tests.support.bookkeeper import Bookkeeper
from tests.support.debts import INTEREST, PRINCIPAL, bond, issue, limits
from tests.support.openings import income

pytestmark = pytest.mark.usefixtures("decided_again")

CODES, STEPS, LIMIT, FACE = ("2605001", "2605002"), 70, 60_000, 40_000


@dataclass
class Model:
    """In fen: what came, what each bond has brought, owes, is to repay, and owes of interest."""

    came: int = 0
    cash: int = 0
    issued: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CODES, 0))
    owed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CODES, 0))
    ordered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CODES, 0))
    accrued: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CODES, 0))
    repaid: int = 0
    cost: int = 0

    @property
    def outstanding(self) -> int:
        return sum(self.owed.values()) + sum(self.ordered.values())


class Year:
    """Acts at random on a ledger, each beside what the model makes of it; one method an act."""

    def __init__(self, keeper: Bookkeeper, random: Random) -> None:
        self.keeper, self.random, self.model = keeper, random, Model()
        self.day = date(2026, 1, 1)
        self.waiting: list[tuple[str, Allocation]] = []
        self.paid: list[tuple[str, Allocation, int]] = []
        keeper.do(limits(yuan(LIMIT), "0.00"))
        for place, code in enumerate(CODES):
            keeper.do(bond(code, "1", yuan(FACE)))
            keeper.issue(f"H{place}", "9999.00", bond_code=code, **PRINCIPAL)
            keeper.issue(f"F{place}", "9999.00", bond_code=code, **INTEREST)

    def come(self, number: str, _code: str, fen: int) -> None:
        self.day = _workday(self.day)
        said = income(number, self.day, ("105", "112", yuan(fen)))
        self.keeper.do(said, "accountant")
        self.model.came, self.model.cash = self.model.came + fen, self.model.cash + fen

    def issue(self, number: str, code: str, fen: int) -> None:
        model = self.model
        free_fen = model.came - sum(model.issued.values())
        may = fen <= min(free_fen, FACE - model.issued[code], LIMIT - model.outstanding)
        refusal = self.keeper.refusal(issue(code, yuan(fen), number), "accountant")
        assert (refusal == "") == may
        if may:
            model.issued[code] += fen
            model.owed[code] += fen

    def order(self, number: str, code: str, fen: int) -> None:
        model, bgt_id = self.model, f"H{CODES.index(code)}"
        asked = allocation(number, bgt_id, yuan(fen), bond_code=code)
        outcome = self.keeper.ask(asked, "accountant")
        assert (outcome.problem is None) == (fen <= min(model.owed[code], model.cash))
        if outcome.problem is None:
            model.owed[code], model.cash = model.owed[code] - fen, model.cash - fen
            model.ordered[code] += fen
            self.waiting.append((code, outcome.subjects[0]))

    def answer(self, _number: str, _code: str, _fen: int) -> None:
        if not self.waiting:
            return
        model = self.model
        code, ordered = self.waiting.pop(self.random.randrange(len(self.waiting)))
        is_paid, fen = self.random.randrange(10) < 7, stored_fen(ordered.ordered.amt)
        done = self.keeper.do(receipt_of(ordered, paid=is_paid), "pboc").subjects[0]
        model.ordered[code] -= fen
        if is_paid:
            model.repaid += fen
            self.paid.append((code, done, fen))
        else:
            model.owed[code], model.cash = model.owed[code] + fen, model.cash + fen

    def accrue(self, number: str, code: str, fen: int) -> None:
        said = AccrueInterest(bond_code=code, int_accrual_no=number, amt=yuan(fen))
        owes = self.model.owed[code] + self.model.ordered[code] > 0
        assert (self.keeper.refusal(said, "accountant") == "") == owes
        if owes:
            self.model.accrued[code] += fen
            self.model.cost += fen

    def pay(self, number: str, code: str, fen: int) -> None:
        model = self.model
        if fen <= model.cash:
            asked = allocation(number, f"F{CODES.index(code)}", yuan(fen), bond_code=code)
            self.keeper.do(receipt_of(self.keeper.do(asked, "accountant").subjects[0]), "pboc")
            settled = min(fen, model.accrued[code])
            model.accrued[code] -= settled
            model.cost, model.cash = model.cost + fen - settled, model.cash - fen

    def back(self, number: str, _code: str, _fen: int) -> None:
        model = self.model
        if self.paid and self.paid[-1][2] <= LIMIT - model.outstanding:
            code, done, fen = self.paid.pop()
            self.keeper.do(return_of(done, yuan(fen), number, f"S{number}"), "pboc")
            model.owed[code], model.cash = model.owed[code] + fen, model.cash + fen
            model.repaid -= fen


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_owed_is_what_the_acts_make(bookkeeper: Bookkeeper, seed: int) -> None:
    random = Random(seed)
    year = Year(bookkeeper, random)
    acts = year.issue, year.issue, year.order, year.answer, year.accrue, year.pay, year.back
    for step in range(STEPS):
        act = year.come if step % 7 == 0 else random.choice(acts)
        act(f"N{step}", random.choice(CODES), random.randint(1, 20_000))
    _hold(bookkeeper, year.model)


def _workday(day: date) -> date:
    day += timedelta(days=1)
    return day if day.weekday() < 5 else _workday(day)


def _hold(keeper: Bookkeeper, model: Model) -> None:
    with keeper.pool.connection() as connection:
        rows = read_rows(connection, keeper.ledger_id, DEBT)
        free = read_rows(connection, keeper.ledger_id, DEBT_LIMIT)["1"].free
    for code, row in rows.items():
        told = row.owed, row.ordered, row.accrued, row.issued
        due = model.owed, model.ordered, model.accrued, model.issued
        assert told == tuple(each[code] for each in due)
    assert free == LIMIT - model.outstanding
    books = keeper.books()
    due_books = {
        "应付长期政府债券": model.came - model.repaid,
        "债务还本预算支出": model.repaid,
        "财务费用": model.cost,
        "应付利息": sum(model.accrued.values()),
        "国库存款": model.cash + sum(model.ordered.values()),
    }
    assert {name: books.get(name, "0.00") for name in due_books} == {
        name: yuan(fen) for name, fen in due_books.items()
    }
