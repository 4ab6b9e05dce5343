"""一卡通批量: March's subsidy of farmers comes as a file, wrong at first; one account fails."""

from typing import Any
from urllib.parse import urlencode

from tests.support.flows import County
from tests.support.subsidies import SUBSIDY
from tests.support.wages import account, iden_no
from tests.support.waiting import wait_until

FLOWS = (71,)
HEADER = (
    "iden_no,per_name,payee_acct_name,payee_acct_no,payee_acct_bank_name,payee_iden_no,"
    "quantity,pay_amt"
)


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.beside("10000.00", **SUBSIDY)
    standard = {"std_code": "BT-GD", "name": "耕地地力保护补贴", "unit": "亩", "amt": "80.67"}
    county.act("~/standards", {**standard, "dep_bgt_eco_code": "30399"}, "admin")
    lines = [
        f"{iden_no(n)},样例农户{n},样例农户{n},{account(n)},样例银行,,3.25,262.18"
        for n in (1, 2, 3)
    ]
    lines.append(  # 代领
        f"{iden_no(4)},样例老人,样例农户1,{account(1)},样例银行,{iden_no(1)},1,80.67"
    )

    # 数量 × 标准, 证件号码: nothing is entered of a list that is wrong
    wrong = send(county, bgt_id, "BT-1", [*lines[:3], lines[3].replace("80.67", "80.68")], "867.22")
    assert [(e["line"], e["column"]) for e in wrong["errors"]] == [(5, "pay_amt")]
    assert send(county, bgt_id, "BT-2", lines, "867.20")["code"] == "details_mismatch"
    entered = send(county, bgt_id, "BT-3", lines, "867.21")
    assert (entered["line_count"], entered["run_no"]) == (4, None)

    # 重复发放: whoever has had it for March is named
    fifth = f"{iden_no(5)},样例农户5,样例农户5,{account(5)},样例银行,,1,80.67"
    again = send(county, bgt_id, "BT-4", [fifth, lines[1]], "342.85")
    assert again["code"] == "run_repeated"
    assert [(e["line"], e["column"]) for e in again["errors"]] == [(3, "iden_no")]

    # 发放: a disbursement as any other, of just these lines
    run = county.act("…/subsidy-lists/BT-3/disburse", {})
    assert (run["run_no"], run["line_count"], run["pay_amt"]) == ("BT-3-1", 4, "867.21")
    county.act("…/subsidy-lists/BT-3/disburse", {})  # again, as whoever got no answer
    place = f"…/disbursements/{run['run_no']}"
    county.act(f"{place}/approve", {"lines_sm3": run["lines_sm3"]}, "checker")
    county.act(f"{place}/execute", by="signer")
    wait_until(lambda: not county.see(place)["under_way"], "the subsidies to be signed")
    receipt = county.http.receipt_for("BT-3-1-000001", "3")
    [paid] = county.http.ok(county.http.deliver(receipt))["results"]
    assert paid["status"] == "created"
    details = county.see("…/payments/BT-3-1-000001")["details"]
    assert [each["xpay_amt"] for each in details] == ["262.18", "262.18", "0.00", "80.67"]
    assert details[3]["remark"] == "代样例老人领"
    assert county.left(bgt_id) == "9394.97"
    assert county.see("…/subsidy-lists/BT-3")["run_no"] == "BT-3-1"


def send(county: County, bgt_id: str, number: str, lines: list[str], pay_amt: str) -> Any:
    """What comes of a list when a second person has agreed to it, or why it is refused."""
    asked = {"subsidy_code": "2-013", "pay_period": "2026-03", "bgt_id": bgt_id}
    query = urlencode(
        {**asked, "subsidy_std_amt": "80.67", "std_code": "BT-GD", "pay_amt": pay_amt}
    )
    place = f"/v1/ledgers/{county.http.ledger}"
    answer = county.http.call(
        "POST",
        f"{place}/subsidy-lists/{number}/file?{query}",
        "maker",
        content="\n".join([HEADER, *lines]).encode(),
        headers={"Content-Type": "text/csv"},
    )
    if answer.status_code == 202:
        path = f"{place}/documents/subsidy_list.load/{number}/approve"
        answer = county.http.post(path, None, "checker")
    return answer.json()
