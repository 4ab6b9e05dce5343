"""工资统发: March's wages of a school come as a file, wrong at first; one account fails."""

from typing import Any
from urllib.parse import urlencode

from tests.support.flows import County
from tests.support.wages import account, iden_no
from tests.support.waiting import wait_until

FLOWS = (70,)
WAGES = {"gov_bgt_eco_code": "50501", "dep_bgt_eco_code": "30101"}
BOOK = "unit_financial"
HEADER = (
    "agency_code,bgt_id,iden_no,payee_acct_name,payee_acct_no,payee_acct_bank_name,"
    "wage_sala,income_tax_amt,insurance_amt,housing_fund_amt,total_ded,net_sala"
)


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.beside("10000.00", **WAGES)
    lines = [
        f"101001,{bgt_id},{iden_no(n)},样例职工{n},{account(n)},样例银行,"
        "1110.00,10.00,40.00,60.00,110.00,1000.00"
        for n in range(1, 6)
    ]

    # 应发 − 扣款 = 实发 of each line, and in sum; nothing is entered of a list that is wrong
    wrong = send(county, "GZ-1", [*lines[:4], lines[4].replace("1000.00", "1000.01")], "5000.01")
    assert wrong["code"] == "details_mismatch"
    assert [(e["line"], e["column"]) for e in wrong["errors"]] == [(6, "net_sala")]
    assert send(county, "GZ-2", lines, "5000.01")["code"] == "details_mismatch"
    assert county.balance("应付职工薪酬", BOOK) == "0.00"

    entered = send(county, "GZ-3", lines, "5000.00")
    assert entered["parts"][0]["line_count"] == 5
    assert county.balance("应付职工薪酬", BOOK) == "5550.00"
    assert county.see("…/wage-runs/GZ-3")["parts"][0]["net_sala"] == "5000.00"
    assert send(county, "GZ-4", lines, "5000.00")["code"] == "run_repeated"

    # 发放: a disbursement as any other, of just these lines
    run = county.act("…/wage-runs/GZ-3/disburse", {"bgt_id": bgt_id})
    place = f"…/disbursements/{run['run_no']}"
    assert (run["line_count"], run["pay_amt"]) == (5, "5000.00")
    assert county.balance("应付职工薪酬", BOOK) == "5000.00"
    other = b"payee_acct_name,payee_acct_no,payee_acct_bank_name,pay_amt\nx,62220000009,y,5000.00\n"
    answer = county.http.call(
        "POST",
        f"{place}/lines",
        "maker",
        content=other,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.json()["code"] == "details_mismatch"
    county.act("…/wage-runs/GZ-3/disburse", {"bgt_id": bgt_id})  # again, as whoever got no answer
    county.act(f"{place}/approve", {"lines_sm3": run["lines_sm3"]}, "checker")
    county.act(f"{place}/execute", by="signer")
    wait_until(lambda: not county.see(place)["under_way"], "the wages to be signed")
    receipt = county.http.receipt_for(f"{run['run_no']}-000001", "3")
    [paid] = county.http.ok(county.http.deliver(receipt))["results"]
    assert paid["status"] == "created"

    # 代缴, and what could not be paid stays owed
    for item, amount in (("1", "50.00"), ("2", "200.00"), ("3", "300.00")):
        county.paid(bgt_id, amount, current_item_code=item)
    assert county.balance("应付职工薪酬", BOOK) == "1000.00"
    assert county.balance("财政拨款收入", BOOK) == "4550.00"
    assert county.left(bgt_id) == "5450.00"


def send(county: County, number: str, lines: list[str], net_sala: str) -> Any:
    """What comes of a list when a second person has agreed to it, or why it is refused."""
    asked = {"sala_month": "2026-03", "wage_sala": "5550.00", "total_ded": "550.00"}
    query = urlencode({**asked, "net_sala": net_sala})
    place = f"/v1/ledgers/{county.http.ledger}"
    answer = county.http.call(
        "POST",
        f"{place}/wage-runs/{number}/file?{query}",
        "maker",
        content="\n".join([HEADER, *lines]).encode(),
        headers={"Content-Type": "text/csv"},
    )
    if answer.status_code == 202:
        path = f"{place}/documents/wage_run.load/{number}/approve"
        answer = county.http.post(path, None, "checker")
    return answer.json()
