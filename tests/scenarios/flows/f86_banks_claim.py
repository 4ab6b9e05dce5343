"""申请划款、退款清算: the agent bank claims what it has paid, a large payment by itself."""

from datetime import date
from typing import Any

from tests.support.bank_claims import Line, bank_claim
from tests.support.flows import YEAR, County

FLOWS = (86, 87)
DAY = date(YEAR, 1, 30)


def scenario(county: County) -> None:
    county.open()
    http = county.http

    def claimed(number: str, *lines: Line, **said: Any) -> dict[str, Any]:
        where = {"adm_div_code": county.code[:6], "fin_org_code": county.code}
        body = bank_claim(number, lines, DAY, **where, **said)
        return dict(http.deliver(http.message_of_the_bank(body)).json())

    # 清算策略: the security officer agrees that banks claim, and 5,000.00 and more singly
    county.put("…/clearing-policy", {"claimed_by": "banks", "singly_from_amt": "5000.00"})
    bgt_id = county.beside("10000.00", effective_on=f"{YEAR}-01-05")
    unit = county.see(f"…/indicators/{bgt_id}")
    sup_dep, function = unit["agency_code"][:3], unit["exp_func_code"]
    small, large = (
        county.paid(bgt_id, amount, effective_on=f"{DAY}") for amount in ("800.00", "5000.00")
    )
    http.returned(small, "200.00", day=DAY)
    own = {"clear_no": county.number("QS"), "clear_date": f"{DAY}", "pay_bank_code": "102"}
    assert county.refused("…/clearings", own) == "invalid_state"

    # 0.01 too much, and the large payment in the sum: refused, with what differs
    over = claimed("HK-1", (sup_dep, function, "800.01"))
    assert (over["code"], over["differences"][0]["waiting_amt"]) == ("receipt_mismatch", "800.00")
    assert claimed("HK-2", (sup_dep, function, "5800.00"))["code"] == "receipt_mismatch"

    # 勾兑相符: the sum, the large payment by its voucher, and what came back
    voucher_no = county.see(f"…/payments/{large}")["pay_cert_no"]
    for number, line, vt_code in (
        ("HK-3", (sup_dep, function, "800.00"), "2301"),
        ("HK-4", (sup_dep, function, "5000.00", voucher_no), "2301"),
        ("TK-1", (sup_dep, function, "200.00"), "2302"),
    ):
        [taken] = claimed(number, line, vt_code=vt_code)["results"]
        assert taken["status"] == "created"
    listed = county.see("…/bank-claims")["items"]
    assert [(each["claim_no"], each["state"]) for each in listed] == [
        ("102-HK-3", "waiting"),
        ("102-HK-4", "waiting"),
        ("102-TK-1", "waiting"),
    ]

    # one is returned and comes again; then the treasury agrees, and the central bank is asked
    county.act("…/bank-claims/102-HK-4/return", {"reason": "大额支付待核实"})
    claimed("HK-5", (sup_dep, function, "5000.00", voucher_no))
    agreed = {**own, "clear_no": county.number("QS")}
    numbers = ["102-HK-3", "102-HK-5", "102-TK-1"]
    clearing = county.act("…/clearings", {**agreed, "claim_nos": numbers})
    assert [(c["claim_no"], c["vt_code"], c["pay_amt"]) for c in clearing["claims"]] == [
        ("102-HK-3", "2301", "800.00"),
        ("102-HK-5", "2301", "5000.00"),
        ("102-TK-1", "2302", "200.00"),
    ]
    assert county.see("…/bank-claims/102-HK-5")["clear_no"] == clearing["clear_no"]
    shown = county.see(f"…/clearings/{clearing['clear_no']}")
    under = {each["pay_app_no"] for each in shown["vouchers"]}
    assert under == {small, large}
