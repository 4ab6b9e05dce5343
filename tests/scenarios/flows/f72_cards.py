"""公务卡还款: two officials' cards are reimbursed in one payment; nothing of it a second time."""

from typing import Any

from tests.support.flows import SCHOOL, County

FLOWS = (72,)
CARDS = {"6282880000000000018": "样例干部一", "6282880000000000026": "样例干部二"}
ONE, TWO = CARDS


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.beside("10000.00")
    for card_no, holder in CARDS.items():
        card = {"card_no": card_no, "agency_code": SCHOOL, "holder_name": holder}
        county.act("~/cards", {**card, "card_bank_name": "样例银行"}, "admin")
    change = {"change_no": county.number("GK"), "start_date": "2026-01-01"}
    county.act(f"~/cards/{TWO}/changes", {**change, "card_bank_name": "样例银行东区支行"}, "admin")

    # 还款: each line names what was spent; a part may be the official's own
    paid = payment(
        county, bgt_id, line(ONE, "A1", "480.00", spent="500.00"), line(TWO, "B7", "90.00")
    )
    shown = county.act("…/payments", paid)
    assert [each["card"]["card_auth_no"] for each in shown["details"]] == ["A1", "B7"]
    assert county.left(bgt_id) == "9430.00"

    # 重复报销: by another payment, or by one of many
    again = payment(county, bgt_id, line(ONE, "A1", "20.00", spent="500.00"))
    assert county.refused("…/payments", again) == "card_line_repeated"
    asked = [payment(county, bgt_id, line(TWO, "B8", "10.00")) for _ in range(2)]
    place = f"/v1/ledgers/{county.http.ledger}/payments:batch"
    results = county.http.ok(county.http.post(place, asked, "maker"))["results"]
    assert [each["status"] for each in results] == ["created", "refused"]
    assert results[1]["problem"]["code"] == "card_line_repeated"

    # 退回: what was spent may be asked for again
    county.act(f"…/payments/{paid['pay_app_no']}/reject", {"reason": "附件不全"}, "checker")
    county.act("…/payments", payment(county, bgt_id, line(ONE, "A1", "480.00", spent="500.00")))
    assert county.left(bgt_id) == "9510.00"

    # of another unit's card, or more than was spent, or without saying what
    other = {**line(ONE, "A2", "5.00"), "card_no": "6282880000000000034"}
    assert county.refused("…/payments", payment(county, bgt_id, other)) == "element_invalid"
    more = line(ONE, "A2", "5.01", spent="5.00")
    assert county.refused("…/payments", payment(county, bgt_id, more)) == "details_mismatch"
    nothing = {**county.payment(bgt_id, "5.00"), "pay_bus_type_code": "2"}
    assert county.refused("…/payments", nothing) == "element_mismatch"


def line(card_no: str, auth_no: str, amt: str, *, spent: str = "") -> dict[str, Any]:
    return {
        "pay_detail_id": auth_no,
        "payee_acct_name": CARDS[card_no],
        "payee_acct_no": card_no,
        "payee_acct_bank_name": "样例银行",
        "pay_amt": amt,
        "card_no": card_no,
        "consume_date": "2026-02-27",
        "card_auth_no": auth_no,
        "merchant_name": "样例宾馆",
        "consume_amt": spent or amt,
    }


def payment(county: County, bgt_id: str, *lines: dict[str, Any]) -> dict[str, Any]:
    cents = sum(int(each["pay_amt"].replace(".", "")) for each in lines)
    body = county.payment(bgt_id, f"{cents // 100}.{cents % 100:02d}")
    body = {name: text for name, text in body.items() if not name.startswith("payee_")}
    return {**body, "pay_bus_type_code": "2", "use_des": "公务卡还款", "details": list(lines)}
