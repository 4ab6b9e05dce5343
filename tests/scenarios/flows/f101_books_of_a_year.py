"""月结, 年结, 年初开账, 账表核对: last year's books are closed, and this year's begin with them."""

from typing import Any

from tests.scenarios.flows.f99_by_hand import VOUCHERS, entry
from tests.support.flows import SCHOOL, YEAR, County
from tests.support.waiting import wait_until

FLOWS = (101, 103)
BEFORE = YEAR - 1


def scenario(county: County) -> None:
    county.open()
    this_year, last_year = county.http.ledger, county.year(BEFORE)
    county.http.ledger = last_year

    def balances(book: str) -> dict[str, str]:
        accounts = county.see("…/trial-balance", agency_code=SCHOOL)["accounts"]
        of_book = (a for a in accounts if a["book"] == book and a["closing"] != "0.00")
        return {a["acct_cls_name"]: a["closing"] for a in of_book}

    def amounts(table: str, column: str = "amt") -> dict[str, str]:
        shown = county.see(f"…/statements/{table}", agency_code=SCHOOL)
        assert all(check["holds"] for check in shown["checks"])
        return {row["name"]: row[column] for row in shown["rows"] if row.get(column)}

    def voucher(what: str, *lines: dict[str, Any]) -> dict[str, Any]:
        number = county.number("JZ")
        said = {"voucher_no": number, "acct_period": f"{BEFORE}-03", "voucher_abs": what}
        return {**said, "agency_code": SCHOOL, "lines": list(lines)}

    # the school has rent of 300.00, writes off 80.00, and has 700.00 left of its appropriation
    rent = entry("1002", 1, "300.00"), entry("4605", -1, "300.00")
    of_budget = entry("800102", 1, "300.00"), entry("6609", -1, "300.00")
    county.act(VOUCHERS, voucher("房租到账", *rent, *of_budget), "accountant")
    county.act(
        VOUCHERS,
        voucher("计提折旧", entry("5001", 1, "80.00"), entry("1602", -1, "80.00")),
        "accountant",
    )
    bgt_id = county.beside("700.00", agency_code=SCHOOL)

    # 月结 and 年结: nothing is left that was not carried over
    county.act("…/periods:close", {"through": f"{BEFORE}-12-31"}, "accountant")
    assert county.refused("…/year-end:close", by="accountant") == "period_not_ready"
    carried = {"bgt_id": bgt_id, "carryovers_amt": "700.00"}
    carrying = {"carry_no": county.number("JZ"), "items": [carried]}
    county.act("…/year-end:carry-over", carrying, "accountant")
    before = amounts("unit_income_expense")
    assert (before["二、本期费用"], before["三、本期盈余"]) == ("80.00", "920.00")
    county.act("…/year-end:close", {}, "accountant")
    handed = wait_until(
        lambda: (found := county.see("…/year-end"))["state"] == "handed_over" and found,
        "the year to be handed over",
    )
    assert (len(handed["books"]), handed["openings"]) == (4, 1), "the treasury had nothing"

    # 收入, 费用 → 本期盈余 → 累计盈余; 预算收支 → 结转结余: what they were is shown as before
    left = {"银行存款": "300.00", "固定资产累计折旧": "80.00", "财政应返还额度": "700.00"}
    budgetary = {
        "资金结存—货币资金": "300.00",
        "资金结存—财政应返还额度": "700.00",
        "财政拨款结转—累计结转": "700.00",
        "非财政拨款结余—累计结余": "300.00",
    }
    assert balances("unit_financial") == {**left, "累计盈余": "920.00"}
    assert balances("unit_budgetary") == budgetary
    assert amounts("unit_income_expense") == before
    closed = amounts("unit_balance_sheet")

    # 年初开账: this year has just that, once, and nobody enters it by hand
    county.http.ledger = this_year
    assert balances("unit_financial") == {**left, "累计盈余": "920.00"}
    assert balances("unit_budgetary") == budgetary
    by_hand = [entry("D1002", 1, "1.00"), entry("D3001", -1, "1.00")]
    opening = {"book": "unit_financial", "rows": by_hand}
    assert county.refused("…/openings", opening, "accountant") == "already_opened"

    # 账表核对: what this year's sheet begins with is what last year's ended with
    assert amounts("unit_balance_sheet", "opening_amt") == closed
