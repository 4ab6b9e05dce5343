"""工作日历: what goes to the central bank is dated on a day that the calendar works on."""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

import pytest

from division.calendar import SetCalendar, WorkingDay
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database, connect
from ledger.writing.conditions import Conditions
from payments.clearing.claims import RequestClearing
from tests.division.test_banks import KnowingBookkeeper
from tests.support.allocations import allocation
from tests.support.openings import cash_opened

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, day) for day in (6, 7, 8, 9))

pytestmark = pytest.mark.usefixtures("decided_again")


class FormerCalendar(SetCalendar, frozen=True, kw_only=True):
    """As an earlier release told it."""

    BINDING: ClassVar[bool] = False


class DatedBookkeeper(KnowingBookkeeper):
    """A treasury with 1,000.00 at the central bank, on Saturday; 10.00 were paid on Friday."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.database = database

    def begin(self) -> None:
        self.open()
        self.do(cash_opened(f111="1000.00"), "accountant")
        self.issue("B1", "500.00")
        self.until(FRIDAY)
        self.pay("P1", "B1", "10.00")
        self.until(SATURDAY)

    def tell(self, *days: tuple[date, bool], how: type[SetCalendar] = SetCalendar) -> None:
        told = tuple(WorkingDay(date=day, is_workday=works) for day, works in days)
        with connect(self.database.app_conninfo) as connection:
            conditions = Conditions(self.clock)
            asked = [how(days=told)]
            record(connection, standing_ledger("440000000"), asked, conditions, by=OPERATOR)


@pytest.fixture
def keeper(database: Database) -> Iterator[DatedBookkeeper]:
    dated = DatedBookkeeper(database)
    dated.begin()
    yield dated
    dated.close()
    dated.pool.close()


def claim(day: date, clear_no: str = "QS-1") -> RequestClearing:
    return RequestClearing(clear_no=clear_no, clear_date=day, pay_bank_code="102")


def test_nothing_is_claimed_on_a_day_off(keeper: DatedBookkeeper) -> None:
    keeper.tell((date(2026, 10, 1), False))
    problem = keeper.ask(claim(SATURDAY)).problem
    assert problem is not None
    assert problem.code.text == "not_a_workday"
    assert (problem.extra["pointer"], problem.extra["next_workday"]) == (
        "/clear_date",
        "2026-03-09",
    )
    keeper.do(claim(FRIDAY, "QS-2"))


def test_a_saturday_that_is_worked_in_is_a_working_day(keeper: DatedBookkeeper) -> None:
    keeper.tell((SATURDAY, True), (MONDAY, False))
    keeper.clear("QS-1", SATURDAY)
    keeper.until(MONDAY)
    keeper.apply("P2", "B1", "1.00", effective_on=MONDAY)
    assert keeper.refusal(allocation("SB-1", "B1", "1.00"), "accountant") == "not_a_workday"
    keeper.tell((MONDAY, True))  # two persons say so
    keeper.do(allocation("SB-2", "B1", "1.00"), "accountant")


def test_without_a_calendar_every_day_is_one(keeper: DatedBookkeeper) -> None:
    keeper.clear("QS-1", SATURDAY)
    keeper.until(SUNDAY)
    keeper.do(allocation("SB-1", "B1", "1.00"), "accountant")


def test_a_calendar_dates_the_years_it_tells_of(keeper: DatedBookkeeper) -> None:
    keeper.tell((date(2027, 1, 1), False))
    keeper.clear("QS-1", SATURDAY)


def test_an_earlier_releases_calendar_dates_nothing(keeper: DatedBookkeeper) -> None:
    keeper.tell((date(2026, 10, 1), False), how=FormerCalendar)
    keeper.clear("QS-1", SATURDAY)
