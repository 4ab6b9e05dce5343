"""财政专户拨款: a school is paid from the fees in the special account, not from the treasury."""

from payments.special_accounts.cash import FUND
from tests.support.disbursement_runs import HEADER, row
from tests.support.flows import SCHOOL, County
from tests.support.waiting import wait_until

FLOWS = (80,)
JANUARY_15 = "2026-01-15"
EDUCATION = {"exp_func_code": "2050205", "fund_type_code": FUND}


def scenario(county: County) -> None:
    county.open()
    account = f"{county.code}31010001"
    registered = {
        "acct_no": account,
        "acct_name": "样例县财政专户",
        "acct_bank_name": "样例银行专户支行",
        "bank_no": "102581000013",
        "acc_type_code": "31",
        "fund_type_code": FUND,
    }
    county.act("~/accounts", registered, "admin")

    def lies() -> tuple[str, str, str]:
        [row] = county.see("…/cash")["accounts"]
        assert (row["acct"], row["fund_type_code"]) == (account, FUND)
        return row["balance"], row["claimed"], row["free"]

    # 收费: what the bank's statement of a day has, by one accountant and another
    fees = {"inc_sort_code": "10304", "fund_type_code": FUND, "amt": "1000.00"}
    report = {"report_no": "ZH-0115", "report_date": JANUARY_15, "acct_no": account}
    county.act("…/special-income-reports", {**report, "lines": [fees]}, "accountant")
    again = {**report, "report_no": "ZH-0116", "lines": [fees]}
    assert county.refused("…/special-income-reports", again, "accountant") == "already_reported"
    taxes = {**report, "report_no": "ZH-1", "report_date": "2026-01-16"}
    of_taxes = {**taxes, "lines": [{**fees, "inc_sort_code": "10101"}]}
    assert county.refused("…/special-income-reports", of_taxes, "accountant") == "element_invalid"
    assert lies() == ("1000.00", "0.00", "1000.00")
    # 指标 of more than lies there; what is applied for is taken of the account at once
    bgt_id = county.beside("5000.00", agency_code=SCHOOL, **EDUCATION)
    county.act("…/payments", county.payment(bgt_id, "300.00"), "unit")
    assert lies() == ("1000.00", "300.00", "700.00")
    over = county.payment(bgt_id, "700.01")
    assert county.refused("…/payments", over, "unit") == "insufficient_cash"
    named = county.payment(county.beside("10.00"), "1.00", pay_acct_no=account)
    assert county.refused("…/payments", named, "unit") == "account_invalid"
    # neither the central bank nor an order to it pays this fund
    payee = {name: over[name] for name in over if name.startswith("payee_acct")}
    order = {"alloc_no": "SB-1", "bgt_id": bgt_id, "amt": "1.00", **payee}
    assert county.refused("…/allocations", order, "accountant") == "element_invalid"
    # paid by the bank that keeps the account: its books, the unit's, and nothing to be cleared
    paid = county.paid(bgt_id, "200.00")
    shown = county.see(f"…/payments/{paid}")
    assert (shown["status"], shown["pay_acct_no"]) == ("paid", account)
    assert lies() == ("800.00", "300.00", "500.00")
    assert county.balance("其他财政存款", "treasury_financial") == "800.00"
    assert county.balance("财政专户管理资金支出", "treasury_budgetary") == "200.00"
    assert county.balance("事业收入", "unit_financial") == "200.00"
    assert county.balance("待清算款项", "zero_balance") == "0.00"
    clearing = {"clear_no": "QS-1", "clear_date": JANUARY_15, "pay_bank_code": "102"}
    assert county.refused("…/clearings", clearing) == "clearing_empty"
    county.put("…/signature-policy", {"roles": ["treasury"], "signing": "manifest"})
    by_runs(county, bgt_id, {**taxes, "lines": [fees]})
    assert lies() == ("1180.00", "300.00", "880.00")


def by_runs(county: County, bgt_id: str, more: dict[str, object]) -> None:
    """批量: 620.00 in two vouchers, of 500.00 that are free. The first is signed, by a manifest;
    the run stops at the second, which nobody can pay, and goes on when more has come."""
    place = "…/disbursements/PL-1"
    county.act("…/disbursements", {"run_no": "PL-1", "bgt_id": bgt_id, "title": "奖学金"})
    lines = [HEADER, *(row(n, amount="0.50") for n in range(1, 500)), row(500, amount="370.50")]
    csv = {"content": "\n".join(lines).encode(), "headers": {"Content-Type": "text/csv"}}
    county.http.ok(county.http.call("POST", f"{place}/lines", **csv))
    asked = {"lines_sm3": county.see(place)["lines_sm3"]}
    county.act(f"{place}/approve", asked, "checker")

    def executed() -> tuple[str, int]:
        county.act(f"{place}/execute", by="signer")
        wait_until(lambda: not county.see(place)["under_way"], "the run to rest")
        shown = county.see(place)
        return shown["status"], shown["vouchers"].get("signed", 0)

    assert executed() == ("stopped", 1)
    county.act("…/special-income-reports", more, "accountant")
    assert executed() == ("executed", 2)
    for number in ("PL-1-000001", "PL-1-000002"):
        [signed] = county.see(f"…/payments/{number}")["signatures"]
        assert signed["manifest_no"]
        receipt = county.http.receipt_for(number)
        [taken] = county.http.ok(county.http.deliver(receipt))["results"]
        assert taken["status"] == "created"
