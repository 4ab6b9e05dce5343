"""收款人库: a payee is registered, and comes off the white list from a day on."""

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
