"""单位类型: what a unit is on the day on which the bank pays decides where its outlay is booked.

行政单位 and those 参照公务员法管理 book 行政支出 (7101), 公益一类 and 二类 事业支出 (7201),
whatever the money is for (政府会计制度).
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from division.agency import ChangeAgency, RegisterAgency
from division.opening import OpenDivision
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import OPERATOR
from ledger.postgres.database import Database, connect
from tests.division.test_banks import KnowingBookkeeper
from tests.support.at_machine import FREELY

pytestmark = pytest.mark.usefixtures("decided_again")

RETIREMENT = {
    "exp_func_code": "2080502",
    "gov_bgt_eco_code": "50905",
    "dep_bgt_eco_code": "30302",
}
JUNE = date(2026, 6, 1)


class Division:
    """A province with its units and its year."""

    def __init__(self, books: KnowingBookkeeper, connection: psycopg.Connection) -> None:
        self.books, self._connection = books, connection

    def say(self, *commands: Command) -> None:
        record(self._connection, standing_ledger("44"), commands, FREELY, by=OPERATOR)

    def opened(self, kind: str) -> "Division":
        self.say(
            OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2"),
            RegisterAgency(agency_code="101001", agency_name="样例单位", agency_type_code=kind),
        )
        return self

    def outlay(self) -> dict[str, str]:
        names = ("行政支出", "事业支出", "财政拨款预算收入")
        return {name: fen for name, fen in self.books.books().items() if name in names}


@pytest.fixture
def province(database: Database) -> Iterator[Division]:
    keeper = KnowingBookkeeper(database)
    keeper.open()
    with connect(database.app_conninfo) as connection:
        yield Division(keeper, connection)
    keeper.close()
    keeper.pool.close()


@pytest.mark.parametrize(
    ("kind", "booked"), [("1", "行政支出"), ("2", "行政支出"), ("3", "事业支出"), ("4", "事业支出")]
)
def test_a_pension_is_booked_by_what_the_unit_is(
    province: Division, kind: str, booked: str
) -> None:
    """An institution's pension of 1,000.00 (50905, 30302) is 事业支出; an office's 行政支出."""
    books = province.opened(kind).books
    books.issue("B1", "5000.00", **RETIREMENT)
    books.pay("SQ-1", "B1", "1000.00")
    assert province.outlay() == {booked: "1000.00", "财政拨款预算收入": "1000.00"}


def test_a_unit_that_becomes_an_office_in_june(province: Division) -> None:
    """What was paid in May stays 事业支出, also when it comes back in June; June's is 行政支出."""
    books = province.opened("3").books
    books.issue("B1", "5000.00", **RETIREMENT)
    may: dict[str, Any] = {"effective_on": date(2026, 5, 29)}
    books.pay("SQ-1", "B1", "1000.00", **may)
    province.say(
        ChangeAgency(agency_code="101001", change_no="DW-1", start_date=JUNE, agency_type_code="1")
    )
    books.pay("SQ-2", "B1", "30.00", **may)
    assert province.outlay()["事业支出"] == "1030.00", "told in May, holds from June on"
    books.pay("SQ-3", "B1", "200.00", effective_on=JUNE)
    assert province.outlay() == {
        "事业支出": "1030.00",
        "行政支出": "200.00",
        "财政拨款预算收入": "1230.00",
    }
    books.refund("SQ-1", "400.00", effective_on=JUNE)
    assert province.outlay() == {
        "事业支出": "630.00",
        "行政支出": "200.00",
        "财政拨款预算收入": "830.00",
    }


def test_a_unit_that_nobody_has_registered_is_booked_by_the_economy(province: Division) -> None:
    """As before there was a register: 505 and 506 are 事业支出, the rest 行政支出."""
    books = province.books
    books.issue("B1", "5000.00", **RETIREMENT)
    books.pay("SQ-1", "B1", "1000.00")
    assert province.outlay()["行政支出"] == "1000.00"
    receipted = [event for _, name, event in books.events() if name == "voucher.receipted"]
    assert [event.agency_type_code for event in receipted] == [""]
