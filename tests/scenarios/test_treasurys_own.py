"""The treasury's own: debts, transfers and equity go through its books and through no unit's.

Each case is an accountant's: what is issued, paid and cleared, and what stands in every book then.
"""

from collections.abc import Iterator
from datetime import date

import pytest

from ledger.postgres.database import Database
from tests.support.bookkeeper import ELEMENTS, Bookkeeper, payment
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.openings import credit, debit, opening

pytestmark = pytest.mark.usefixtures("decided_again")

DAY = date(2026, 3, 2)
PRINCIPAL = {
    "exp_func_code": "23103",
    "gov_bgt_eco_code": "51201",
    "dep_bgt_eco_code": "",
    "fund_type_code": "111",
}
SUBSIDY = {"exp_func_code": "23002", "gov_bgt_eco_code": "51301", "dep_bgt_eco_code": ""}
INTEREST = {"exp_func_code": "23203", "gov_bgt_eco_code": "51101", "dep_bgt_eco_code": "30701"}
EQUITY = {"gov_bgt_eco_code": "50803", "dep_bgt_eco_code": "31201"}


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def settled(keeper: Bookkeeper, amount: str, **codes: str) -> dict[str, str]:
    """What the books hold when this has been paid and the central bank has settled it."""
    keeper.issue("B1", amount, **codes)
    keeper.pay("SQ-1", "B1", amount)
    keeper.clear("QS-1", DAY)
    indicator = ("指标来源", "支付")
    return {name: amt for name, amt in keeper.books().items() if name not in indicator}


def test_flow_94_a_bond_is_repaid(bookkeeper: Bookkeeper) -> None:
    """一般债券还本: of 应付长期政府债券 10,000,000.00 nothing is left, 债务还本预算支出 is
    10,000,000.00; no 拨款费用, and no entry of a unit."""
    rows = debit("10000000.00", acct_cls_id="B71"), credit("10000000.00", acct_cls_id="B57")
    bookkeeper.do(opening("treasury_financial", *rows), "accountant")
    assert bookkeeper.books()["应付长期政府债券"] == "10000000.00"
    assert settled(bookkeeper, "10000000.00", **PRINCIPAL) == {
        "累计盈余": "-10000000.00",
        "国库存款": "-10000000.00",
        "债务还本预算支出": "10000000.00",
        "资金结存—库款资金结存": "-10000000.00",
    }


def test_flow_94_interest_is_paid(bookkeeper: Bookkeeper) -> None:
    """付息 of 80,000.00: 财务费用 of the treasury; a unit booked it as its own expense, too."""
    assert settled(bookkeeper, "80000.00", **INTEREST) == {
        "财务费用": "80000.00",
        "国库存款": "-80000.00",
        "一般公共预算支出": "80000.00",
        "资金结存—库款资金结存": "-80000.00",
    }


def test_flow_50_a_subsidy_to_the_tier_below(bookkeeper: Bookkeeper) -> None:
    assert settled(bookkeeper, "500000.00", **SUBSIDY) == {
        "补助费用": "500000.00",
        "国库存款": "-500000.00",
        "补助预算支出": "500000.00",
        "资金结存—库款资金结存": "-500000.00",
    }


def test_capital_paid_into_an_enterprise_is_the_treasurys_equity(bookkeeper: Bookkeeper) -> None:
    books = settled(bookkeeper, "3000000.00", **EQUITY)
    assert (books["股权投资"], books["国库存款"]) == ("3000000.00", "-3000000.00")
    assert "对企业补助拨款费用" not in books


def test_a_bond_that_the_bank_gives_back_is_owed_again(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B1", "1000.00", **PRINCIPAL)
    bookkeeper.pay("SQ-1", "B1", "1000.00")
    bookkeeper.clear("QS-1", DAY)
    bookkeeper.refund("SQ-1", "400.00")
    bookkeeper.clear("QS-2", DAY)
    books = bookkeeper.books()
    assert (books["应付长期政府债券"], books["国库存款"]) == ("-600.00", "-600.00")
    assert books["债务还本预算支出"] == "600.00"


def test_what_has_no_department_is_paid_as_what_it_is(bookkeeper: Bookkeeper) -> None:
    """An application could refine the missing 部门经济 to any."""
    bookkeeper.issue("B1", "1000.00", **PRINCIPAL)
    as_goods = payment("SQ-1", "B1", "1.00", dep_bgt_eco_code="30201")
    assert bookkeeper.refusal(as_goods) == "element_mismatch"


@pytest.mark.parametrize("gov", ["50201", "51101", "51401"])
def test_all_else_is_of_a_department(http: HttpTreasury, gov: str) -> None:
    """Only 债务还本 and 转移性支出 leave 部门经济 out, as an empty code or altogether."""
    body = {"bgt_id": http.number("B"), "amount": "1.00", **ELEMENTS, "gov_bgt_eco_code": gov}
    del body["dep_bgt_eco_code"]
    refused = http.post("…/indicators", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "element_invalid")
    assert refused.json()["pointer"] == "/dep_bgt_eco_code"


def test_over_http_as_well(http: HttpTreasury) -> None:
    body = {"bgt_id": http.number("B"), "amount": "1000.00", **ELEMENTS, **PRINCIPAL}
    del body["dep_bgt_eco_code"]
    http.ok(http.post("…/indicators", body))
    number = http.paid(body["bgt_id"], "1000.00")
    [booked] = [
        journal
        for journal in http.get("…/journals", book="indicator").json()["items"]
        if journal["event"] == "voucher.receipted" and journal["number"] == number
    ]
    assert booked["lines"][0]["dimensions"]["dep_bgt_eco_code"] == ""
    assert http.get("…/journals", book="unit_financial").json()["items"] == []
