"""指标生成到支付: one fen too much is refused at every link."""

from payments.messages import voucher_5214
from payments.messages.envelope import parse_envelope
from tests.support.flows import County

FLOWS = (63,)


def scenario(county: County) -> None:
    county.open()
    pro_code = county.budget("1000.00")
    over = county.indicator_body(pro_code, "1000.01")
    assert county.refused("…/indicators", over) == "insufficient_budget"
    bgt_id = county.issue(pro_code, "1000.00")
    assert (county.balance("支出预算"), county.balance("支出指标")) == ("0.00", "1000.00")
    too_much = county.payment(bgt_id, "1000.01")
    assert county.refused("…/payments", too_much) == "insufficient_indicator"
    number = county.paid(bgt_id, "1000.00")
    assert county.left(bgt_id) == "0.00"
    [sent] = parse_envelope(county.http.get(f"…/payments/{number}/voucher").content)
    voucher = voucher_5214.parse(sent.voucher)
    assert (voucher.pro_cat_code, voucher.dep_pro_code) == ("22", pro_code)
    assert voucher.pro_cat_name, "as the code set has it"
    steps = [link["step"] for link in county.see(f"…/payments/{number}/trace")["chain"]]
    assert steps[:4] == ["project", "draft", "budget", "indicator"]
    [month] = county.see("…/budget-reports/execution_by_project")["rows"]
    assert (month["cur_amt"], month["pay_amt"], month["rate"]) == ("1000.00", "1000.00", "100.00")
