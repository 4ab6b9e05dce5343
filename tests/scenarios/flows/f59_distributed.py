"""代编, 待分配, 分配: a department's money waits for its units, and each fen of it goes once."""

from tests.support.flows import HOSPITAL, SCHOOL, County

FLOWS = (26, 59)
CLINIC = "102002"


def scenario(county: County) -> None:
    county.open()
    county.unit(CLINIC, "3", parent_agency_code="102")
    # 代编: the health department holds 1,000.00 for units that are to be named
    pro_code = county.project("1000.00", agency_code="102", use_agency_codes=[HOSPITAL, CLINIC])
    county.ceiling("1000.00", "102")
    draft_no = county.checked(county.submitted(pro_code, "1000.00", agency_code="102"))
    county.act("…/budget-approvals", county.approval(draft_no))
    held = county.issue(pro_code, "1000.00", agency_code="102", bgt_exe_flag=2)
    place = f"…/indicators/{held}/distributions"
    assert (county.balance("待下达指标"), county.row(pro_code)["rest_amt"]) == ("1000.00", "0.00")

    # 分配: 600.00 to the hospital, 300.00 to the clinic
    hospital, clinic = county.number("ZB"), county.number("ZB")
    parts = [
        {"bgt_id": hospital, "agency_code": HOSPITAL, "amount": "600.00"},
        {"bgt_id": clinic, "agency_code": CLINIC, "amount": "300.00"},
    ]
    document = {"cor_bgt_doc_no": "样财预〔2026〕12号", "bgt_doc_title": "关于分配预算的通知"}
    county.act(place, {"dist_no": "FP-1", "parts": parts, **document})
    assert (county.left(hospital), county.left(clinic)) == ("600.00", "300.00")
    assert county.see(f"…/indicators/{held}")["pending_amt"] == "100.00"
    shown = county.see(f"…/indicators/{hospital}")
    assert (shown["distributed_from"], shown["bgt_pman_id"]) == (held, f"{pro_code}-0")
    assert shown["cor_bgt_doc_no"] == "样财预〔2026〕12号"

    def one_more(amount: str, agency_code: str = HOSPITAL) -> dict[str, object]:
        part = {"bgt_id": county.number("ZB"), "agency_code": agency_code, "amount": amount}
        return {"dist_no": county.number("FP"), "parts": [part]}

    assert county.refused(place, one_more("100.01")) == "insufficient_indicator", "a fen too much"
    assert county.refused(place, one_more("1.00", SCHOOL)) == "element_mismatch", "not its project"
    pays = county.payment(held, "1.00", agency_code="102")
    assert county.refused("…/payments", pays) == "indicator_not_executable"

    # the clinic pays 120.00; what it does not need goes back, and to the hospital
    paid = county.paid(clinic, "120.00", agency_code=CLINIC)
    county.act(f"…/indicators/{clinic}/recall", {"recall_no": county.number("SH")})
    assert county.see(f"…/indicators/{held}")["pending_amt"] == "280.00"
    assert county.row(pro_code)["rest_amt"] == "0.00", "the row gave once"
    raise_ = {"adj_no": county.number("ZJ"), "adj_amt": "280.01", "reason": "追加"}
    more = f"…/indicators/{hospital}/adjustments"
    assert county.refused(more, raise_) == "insufficient_indicator"
    county.act(more, {**raise_, "adj_no": county.number("ZJ"), "adj_amt": "280.00"})
    assert (county.left(hospital), county.balance("待下达指标")) == ("880.00", "0.00")

    # 待分配明细, and the way back from the payment to the row
    tree = county.see("…/budget-reports/distributions")["rows"]
    told = [(row["bgt_id"], row["level"], row["distributed_amt"], row["amount"]) for row in tree]
    assert told == [
        (held, "0", "1000.00", "0.00"),
        (hospital, "1", "0.00", "880.00"),
        (clinic, "1", "0.00", "120.00"),
    ]
    trace = county.see(f"…/payments/{paid}/trace")
    steps = {step["step"]: step["number"] for step in trace["chain"]}
    assert (steps["project"], steps["budget"]) == (pro_code, f"{pro_code}-0")
    [source] = trace["sources"]
    assert (source["bgt_id"], source["adj_no"], source["amt"]) == (held, "FP-1", "300.00")
