"""指标下达, 确认, 收回: what is 待下达 pays nothing until it is enabled; what is left goes back."""

from tests.support.flows import County

FLOWS = (64, 66)


def scenario(county: County) -> None:
    county.open()
    pro_code = county.budget("1000.00")
    bgt_id = county.issue(pro_code, "800.00", bgt_exe_flag=2)
    place = f"…/indicators/{bgt_id}"
    assert county.balance("待下达指标") == "800.00"
    pays = county.payment(bgt_id, "1.00")
    assert county.refused("…/payments", pays) == "indicator_not_executable"
    [waiting] = county.see("…/budget-reports/indicators")["rows"]
    assert (waiting["pending_amt"], waiting["pending_days"]) == ("800.00", "0")
    county.act(f"{place}/enable")
    assert (county.balance("待下达指标"), county.left(bgt_id)) == ("0.00", "800.00")
    county.http.applied(bgt_id, "300.00")
    over = {"recall_no": "SH-1", "amt": "500.01"}
    assert county.refused(f"{place}/recall", over) == "insufficient_indicator"
    county.act(f"{place}/recall", {"recall_no": "SH-2", "reason": "结余收回"})
    assert county.left(bgt_id) == "0.00"
    assert county.row(pro_code)["rest_amt"] == "700.00", "to be issued again"
