"""手工凭证, 平行记账, 红冲: a month of a school's and the treasury's vouchers by hand."""

from typing import Any

from tests.support.flows import SCHOOL, County

FLOWS = (99, 100)
VOUCHERS = "…/accounting-vouchers"


def entry(account: str, side: int, amt: str) -> dict[str, Any]:
    """By its official code, digits alone, or by the chart's own id."""
    named = "acct_cls_code" if account.isdigit() else "acct_cls_id"
    return {named: account, "dr_cr": side, "amt": amt}


def scenario(county: County) -> None:
    county.open()

    def voucher(what: str, *lines: dict[str, Any], **of: Any) -> dict[str, Any]:
        unit = {} if "book" in of else {"agency_code": SCHOOL}
        said = {"voucher_no": county.number("JZ"), "acct_period": "2026-03", "voucher_abs": what}
        return {**said, **unit, **of, "lines": list(lines)}

    def balances(**of: str) -> dict[str, str]:
        accounts = county.see("…/trial-balance", **of)["accounts"]
        return {a["acct_cls_name"]: a["closing"] for a in accounts if a["closing"] != "0.00"}

    # 计提折旧: no cash moves, so only the financial side books
    depreciation = entry("5001", 1, "800.00"), entry("1602", -1, "800.00")
    made = county.act(VOUCHERS, voucher("计提三月折旧", *depreciation), "accountant")
    assert balances(agency_code=SCHOOL) == {
        "业务活动费用": "800.00",
        "固定资产累计折旧": "800.00",
    }
    # 房租到账 is the unit's own revenue: both sides, or it is refused
    financial = entry("1002", 1, "300.00"), entry("4605", -1, "300.00")
    budgetary = entry("800102", 1, "300.00"), entry("6609", -1, "300.00")
    one_side = voucher("房租到账", *financial)
    assert county.refused(VOUCHERS, one_side, "accountant") == "parallel_entry_missing"
    county.act(VOUCHERS, {**one_side, "lines": [*financial, *budgetary]}, "accountant")
    # 预付账款: the budget pays at once, the expense comes with the settlement
    paid = entry("1214", 1, "120.00"), entry("1002", -1, "120.00")
    outlay = entry("720103", 1, "120.00"), entry("800102", -1, "120.00")
    county.act(VOUCHERS, voucher("预付维修款", *paid, *outlay), "accountant")
    settled = entry("5001", 1, "120.00"), entry("1214", -1, "120.00")
    county.act(VOUCHERS, voucher("维修完工结算", *settled), "accountant")
    # 红冲: the depreciation was entered twice as much as it is; all of it is taken back, once
    red = {"red_voucher_no": county.number("JZ"), "reason": "金额有误"}
    place = f"{VOUCHERS}/{made['voucher_no']}/reverse"
    county.act(place, red, "accountant")
    again = {**red, "red_voucher_no": county.number("JZ")}
    assert county.refused(place, again, "accountant") == "invalid_state"
    assert balances(agency_code=SCHOOL) == {
        "业务活动费用": "120.00",
        "银行存款": "180.00",
        "租金收入": "300.00",
        "事业支出—其他资金支出": "120.00",
        "资金结存—货币资金": "180.00",
        "其他预算收入": "300.00",
    }
    # the treasury's own: interest of its bonds falls due; its cash is nothing for a hand
    due = entry("B18", 1, "70.00"), entry("B56", -1, "70.00")
    own = {"book": "treasury_financial"}
    county.act(VOUCHERS, voucher("计提地方债券利息", *due, **own), "accountant")
    cash = entry("1001", 1, "70.00"), entry("B82", -1, "70.00")
    by_hand = voucher("国库存款", *cash, **own)
    assert county.refused(VOUCHERS, by_hand, "accountant") == "account_invalid"
    fen = entry("B18", 1, "70.00"), entry("B56", -1, "69.99")
    assert county.refused(VOUCHERS, voucher("差一分", *fen, **own), "accountant") == (
        "details_mismatch"
    )
    assert balances(book="treasury_financial") == {"财务费用": "70.00", "应付利息": "70.00"}
