"""国库现金管理: cash above the reserve is placed with a bank, by the central bank's receipt."""

from payments.orders.placements import PLACEMENT
from tests.support.bookkeeper import PAYEE
from tests.support.flows import County
from tests.support.http_orders import order_answered

FLOWS = (93,)
JANUARY_15 = "2026-01-15"


def scenario(county: County) -> None:
    county.open()
    lines = [{"inc_sort_code": "10101", "fund_type_code": "111", "amt": "1000.00"}]
    report = {"report_no": "R1", "report_date": JANUARY_15, "tre_code": county.code, "lines": lines}
    county.act("…/income-reports", report, "accountant")
    asked = {"place_no": "XJ-1", "fund_type_code": "111", "amt": "600.00", "int_rate": "1.85"}
    asked |= {"due_on": "2030-06-03", **PAYEE}
    place = "…/placements"
    assert county.refused(place, asked, "accountant") == "invalid_state", "no reserve is kept"
    county.put("…/cash-policy", {"reserves": [{"fund_type_code": "11", "amt": "400.00"}]})
    over = {**asked, "place_no": "XJ-2", "amt": "600.01"}
    assert county.refused(place, over, "accountant") == "insufficient_cash"
    asked["place_no"] = "XJ-3"
    assert county.act(place, asked, "accountant")["status"] == "ordered"
    assert order_answered(county.http, PLACEMENT, "XJ-3") == "created"
    cash = county.see("…/cash")
    assert (cash["total"], cash["placed_amt"]) == ("400.00", "600.00")
    assert county.balance("国库现金管理资产", "treasury_financial") == "600.00"
    assert county.balance("资金结存—国库现金管理资金结存", "treasury_budgetary") == "600.00"
    assert county.balance("资金结存—库款资金结存", "treasury_budgetary") == "400.00"
    [row] = county.see("…/budget-reports/placements")["rows"]
    assert (row["left_amt"], row["status"], row["is_overdue"]) == ("600.00", "paid", "2")
