"""Corrections of what is claimed, over HTTP: what banks were told is shown, and told again."""

from tests.support.http_server import HttpTreasury, http
from tests.support.http_tellings import telling_answered

__all__ = ["http"]

DECLINED = "原凭证科目不符"


def test_what_banks_were_told_is_shown_and_told_again(http: HttpTreasury) -> None:
    supplies = http.indicator("20000.00")
    service = http.indicator("20000.00", exp_func_code="2010103")
    number = http.paid(supplies, "100.00")
    day = http.ok(http.get(f"…/payments/{number}"))["receipt"]["xpay_date"]
    claim = {"clear_no": http.number("C"), "clear_date": day, "pay_bank_code": "102"}
    http.ok(http.post("…/clearings", claim))
    cor_no = http.number("G")
    body = {"cor_no": cor_no, "pay_app_no": number, "to_bgt_id": service, "amt": "40.00"}
    made = http.ok(http.post("…/corrections", {**body, "reason": "功能科目用错"}, "accountant"))
    told = [(each["tell_no"], each["state"], each["amt"]) for each in made["messages"]]
    bank, central_bank = f"{cor_no}-5253", f"{cor_no}-5351"
    assert told == [(bank, "told", "40.00"), (central_bank, "told", "40.00")]

    assert telling_answered(http, bank, "bank/103") == "signature_invalid"
    assert telling_answered(http, bank, "bank/102", of="9" * 20) == "receipt_mismatch"
    assert telling_answered(http, bank, "bank/102") == "created"
    assert telling_answered(http, central_bank, "pboc/1", DECLINED) == "created"
    path = f"…/correction-messages/{central_bank}/tell"
    again = http.ok(http.post(path, {"tell_no": f"{cor_no}-A"}, "accountant"))
    assert (again["state"], again["amt"]) == ("told", "40.00")
    assert http.post(path, {"tell_no": f"{cor_no}-B"}, "accountant").json()["code"] == (
        "invalid_state"
    )
    shown = http.ok(http.get(f"…/corrections/{cor_no}"))["messages"]
    assert [(each["state"], each["reason"], each["settled_by"]) for each in shown] == [
        ("confirmed", "", ""),
        ("settled", DECLINED, f"{cor_no}-A"),
        ("told", "", ""),
    ]
