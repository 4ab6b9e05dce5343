"""银行账户开户, 变更, 销户: a voucher is paid from an account that is open, and the unit's own."""

from payments.messages import voucher_5214
from payments.messages.envelope import parse_envelope
from tests.support.flows import SCHOOL, County

FLOWS = (5,)
ACCOUNT = {
    "acct_name": "样例学校零余额账户",
    "acct_bank_name": "样例银行样例县支行",
    "bank_no": "102581000013",
    "acc_type_code": "21",
    "agency_code": SCHOOL,
}


def scenario(county: County) -> None:
    county.open()
    county.act("~/accounts", {**ACCOUNT, "acct_no": "44001000000000001"}, "admin")
    # a department of the treasury, by name: a code set of the county
    offices = "element,code,name,mof_div_code\nmof_dep_code,06,教科文股," + county.code + "\n"
    county.load(offices)
    change = {"change_no": "CW-1", "start_date": "2026-01-01", "mof_dep_code": "06"}
    county.act(f"~/agencies/{SCHOOL}/changes", change, "admin")

    bgt_id = county.beside("1000.00")
    number = county.http.signed(bgt_id, "10.00")
    [sent] = parse_envelope(county.http.get(f"…/payments/{number}/voucher").content)
    voucher = voucher_5214.parse(sent.voucher)
    assert (voucher.pay_acct_no, voucher.pay_acct_name) == (
        "44001000000000001",
        "样例学校零余额账户",
    )
    assert (voucher.mof_dep_code, voucher.mof_dep_name) == ("06", "教科文股")
    assert voucher.sup_dep_name == "样例单位101"
    # it is closed: what is approved from then on has nothing to be paid from
    closing = {"change_no": "XH-1", "end_date": voucher.vou_date.isoformat()}
    county.act("~/accounts/44001000000000001/changes", closing, "admin")
    later = county.http.applied(bgt_id, "10.00")
    assert county.refused(f"…/payments/{later}/approve", by="checker") == "account_invalid"
    county.act("~/accounts", {**ACCOUNT, "acct_no": "44001000000000002"}, "admin")
    county.act(f"…/payments/{later}/approve", by="checker")
