"""预算: cases in numbers, from the approval of a row to its last fen, through the public API.

Each case names the flow of the treasury that it is of; amounts are in yuan, accounts by the letters
of the chart: A1 指标来源, A2 支出预算, A3 支出指标.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.postgres.database import Database
from tests.support.http_budgets import budget_of, ceiling, code_of, indicator, row_of
from tests.support.http_server import HttpTreasury, http_treasury_on


@pytest.fixture
def own(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        opened.alone_in_divisions().open()
        ceiling(opened, "99999999.00")
        yield opened


def balance(own: HttpTreasury, name: str) -> str:
    """What an account of the indicator book stands at."""
    accounts = own.ok(own.get("…/trial-balance?book=indicator"))["accounts"]
    found = [each["closing"] for each in accounts if each["acct_cls_name"] == name]
    return str(found[0]) if found else "0.00"


def issue(own: HttpTreasury, pro_code: str, amount: str, row: int = 0, **codes: Any) -> Any:
    return own.post("…/indicators", indicator(own, pro_code, amount, row, **codes))


def test_flow_46_47_an_approved_row_is_issued(own: HttpTreasury) -> None:
    """年初批复下达: row 1,000,000.00, issued as a whole: A1 Dr, A3 Cr 1,000,000.00."""
    pro_code = budget_of(own, "1000000.00")
    assert (balance(own, "指标来源"), balance(own, "支出预算")) == ("1000000.00", "1000000.00")
    own.ok(issue(own, pro_code, "1000000.00"))
    assert balance(own, "指标来源") == balance(own, "支出指标") == "1000000.00"
    assert balance(own, "支出预算") == "0.00"


def test_flow_63_indicators_do_not_exceed_their_row(own: HttpTreasury) -> None:
    """Σ指标 > 预算行: of 1,000,000.00, 900,000.00 issued, 100,000.01 is refused."""
    pro_code = budget_of(own, "1000000.00")
    own.ok(issue(own, pro_code, "900000.00"))
    assert code_of(issue(own, pro_code, "100000.01")) == "insufficient_budget"
    assert balance(own, "支出指标") == "900000.00"
    own.ok(issue(own, pro_code, "100000.00"))


def test_flow_54_a_cut_to_the_bottom(own: HttpTreasury) -> None:
    """追减到底: of 1,000,000.00 paid 300,000.00, applied 100,000.00, frozen 50,000.00."""
    pro_code = budget_of(own, "1000000.00")
    issued = own.ok(issue(own, pro_code, "1000000.00"))
    bgt_id = issued["bgt_id"]
    own.paid(bgt_id, "300000.00")
    own.applied(bgt_id, "100000.00")
    own.ok(own.post(f"…/indicators/{bgt_id}/freezes", {"freeze_no": "D1", "amt": "50000.00"}))
    cut = {"adj_no": "TJ-1", "adj_amt": "-550000.00", "reason": "压减"}
    after = own.ok(own.post(f"…/indicators/{bgt_id}/adjustments", cut))
    assert after["canuse_amt"] == "0.00"
    cut = {"adj_no": "TJ-2", "adj_amt": "-0.01", "reason": "压减"}
    refused = own.post(f"…/indicators/{bgt_id}/adjustments", cut)
    assert (code_of(refused), refused.json()["available_amt"]) == ("insufficient_indicator", "0.00")
    assert row_of(own, pro_code)["rest_amt"] == "550000.00", "what was cut is the row's again"


def test_flow_55_within_a_unit(own: HttpTreasury) -> None:
    """单位内调剂: 900,000.00 and 500,000.00, 1,000.00 from one to the other; A1 unchanged."""
    pro_code = budget_of(own, "900000.00", "501000.00", planned="1401000.00")
    first = own.ok(issue(own, pro_code, "900000.00"))["bgt_id"]
    second = own.ok(issue(own, pro_code, "500000.00", 1))["bgt_id"]
    moving = {"adj_no": "TJ-1", "to_bgt_id": second, "amt": "1000.00", "reason": "调剂"}
    both = own.ok(own.post(f"…/indicators/{first}/reallocations", moving))["indicators"]
    assert [each["canuse_amt"] for each in both] == ["899000.00", "501000.00"]
    assert balance(own, "指标来源") == "1401000.00"
    moving = {"adj_no": "TJ-2", "to_bgt_id": second, "amt": "0.01", "reason": "调剂"}
    beyond = own.post(f"…/indicators/{first}/reallocations", moving)
    assert code_of(beyond) == "insufficient_budget", "the row of the second has nothing left"


def test_flow_57_running_costs_become_wages_by_a_document(own: HttpTreasury) -> None:
    """公用→人员: 502/302 to 501/301 is refused without the treasury's document."""
    wages = {"gov_bgt_eco_code": "50101", "dep_bgt_eco_code": "30101"}
    goods = budget_of(own, "5000.00")
    people = budget_of(own, "5000.00", **wages)
    moving = {
        "adj_no": "TZ-1",
        "kind": "within_unit",
        "parts": [
            {
                "from_bgt_pman_id": f"{goods}-0",
                "to_bgt_pman_id": f"{people}-0",
                "amt": "1000.00",
            }
        ],
        "reason": "调剂",
    }
    assert code_of(own.post("…/budget-adjustments", moving)) == "element_invalid"


def test_flow_58_the_reserve(own: HttpTreasury) -> None:
    """预备费动支: 514 of 3,000,000.00 is not issued; the government moves 500,000.00 to 22407."""
    reserve = {
        "exp_func_code": "227",
        "gov_bgt_eco_code": "51401",
        "dep_bgt_eco_code": "39999",
    }
    pro_code = budget_of(own, "3000000.00", **reserve)
    assert code_of(issue(own, pro_code, "1.00", **reserve)) == "element_invalid"
    relief = {
        "bgt_pman_id": f"{pro_code}-1",
        "agency_code": "101001",
        "pro_code": pro_code,
        "exp_func_code": "22407",
        "gov_bgt_eco_code": "50201",
        "dep_bgt_eco_code": "30201",
        "fund_type_code": "111",
    }
    moving = {
        "adj_no": "DZ-1",
        "kind": "reserve",
        "parts": [
            {
                "from_bgt_pman_id": f"{pro_code}-0",
                "to_bgt_pman_id": f"{pro_code}-1",
                "amt": "500000.00",
            }
        ],
        "new_rows": [relief],
        "reason": "抗洪救灾",
    }
    assert code_of(own.post("…/budget-adjustments", moving)) == "element_invalid"
    moved = {**moving, "adj_no": "DZ-2", "approval_doc_no": "府函〔2026〕7号"}
    after = own.ok(own.post("…/budget-adjustments", moved))
    left = {row["bgt_pman_id"]: row["cur_amt"] for row in after["rows"]}
    assert left == {f"{pro_code}-0": "2500000.00", f"{pro_code}-1": "500000.00"}
    own.ok(issue(own, pro_code, "500000.00", 1, exp_func_code="22407"))
