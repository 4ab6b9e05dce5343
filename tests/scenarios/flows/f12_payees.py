"""收款人库: a payee is registered, comes off the white list from a day on, is paid under his code
to the account that is registered, and not any more once he is stopped."""

from tests.support.flows import County

FLOWS = (12,)


def scenario(county: County) -> None:
    county.open()
    payee = {
        "receiver_code": "SKR-1",
        "payee_acct_name": "样例办公用品有限公司",
        "payee_acct_no": "6222000000000000001",
        "payee_acct_bank_name": "样例银行",
        "receiver_kind": "2",
        "is_whitelisted": True,
    }
    county.act("~/payees", payee, "admin")
    broken = {**payee, "receiver_code": "SKR-2", "payee_acct_no": "6.222E+18"}
    assert county.refused("~/payees", broken, "admin") == "malformed"
    change = {"change_no": "BG-1", "start_date": "2026-07-01", "is_whitelisted": False}
    county.act("~/payees/SKR-1/changes", change, "admin")
    days = {"2026-06-30": True, "2026-07-01": False}
    for day, listed in days.items():
        assert county.see("~/payees/SKR-1", as_of_effective=day)["is_whitelisted"] is listed
    # 支付: who is named is paid as he is registered
    bgt_id = county.issue(county.budget("100.00"), "100.00")
    body = {**county.payment(bgt_id, "30.00"), "receiver_code": "SKR-1"}
    body |= {name: text for name, text in payee.items() if name in body}
    other = {**body, "pay_app_no": county.number("ZF"), "payee_acct_no": "6222000000000000009"}
    assert county.refused("…/payments", other) == "element_mismatch"
    unknown = {**body, "pay_app_no": county.number("ZF"), "receiver_code": "SKR-9"}
    assert county.refused("…/payments", unknown) == "element_invalid"
    assert county.act("…/payments", body)["receiver_code"] == "SKR-1"
    stopped = {"change_no": "BG-2", "end_date": "2026-03-01"}
    county.act("~/payees/SKR-1/changes", stopped, "admin")
    again = {**body, "pay_app_no": county.number("ZF")}
    assert county.refused("…/payments", again) == "element_invalid"
    assert county.left(bgt_id) == "70.00"
