"""追加 and 部门间调剂: a row is raised, and gives to another department by a document alone."""

from tests.support.flows import HOSPITAL, County

FLOWS = (52, 53, 56)


def scenario(county: County) -> None:
    county.open()
    school = county.budget("500.00", planned="600.00")
    hospital = county.budget("300.00", planned="400.00", agency_code=HOSPITAL)
    raised = {"kind": "addition", "reason": "追加"}
    to_school = [{"to_bgt_pman_id": f"{school}-0", "amt": "100.00"}]
    county.act(
        "…/budget-adjustments", {**raised, "adj_no": county.number("TZ"), "parts": to_school}
    )
    row = county.row(school)
    assert (row["reply_amt"], row["adj_amt"], row["cur_amt"]) == ("500.00", "100.00", "600.00")
    over = [{"to_bgt_pman_id": f"{school}-0", "amt": "0.01"}]
    beyond = {**raised, "adj_no": county.number("TZ"), "parts": over}
    refused = county.refused("…/budget-adjustments", beyond)
    assert refused in ("budget_mismatch", "insufficient_budget"), "the project has no more planned"
    across = {"kind": "across_units", "reason": "部门间调剂"}
    parts = [
        {"from_bgt_pman_id": f"{school}-0", "to_bgt_pman_id": f"{hospital}-0", "amt": "100.00"}
    ]
    asked = {**across, "adj_no": county.number("TJ"), "parts": parts}
    assert county.refused("…/budget-adjustments", asked) == "element_invalid", "without document"
    document = {"adj_no": county.number("TJ"), "approval_doc_no": "府函〔2026〕3号"}
    county.act("…/budget-adjustments", {**asked, **document})
    rows = [county.row(school), county.row(hospital)]
    assert [(row["dis_amt"], row["cur_amt"]) for row in rows] == [
        ("-100.00", "500.00"),
        ("100.00", "400.00"),
    ]
    ledger = county.see("…/budget-reports/adjustments")
    assert ledger["totals"] == {"adj_amt": "100.00", "dis_amt": "0.00"}
    # an indicator takes of its row what it is raised by
    bgt_id = county.issue(hospital, "300.00", agency_code=HOSPITAL)
    more = {"adj_no": county.number("ZJ"), "adj_amt": "100.00", "reason": "追加"}
    county.act(f"…/indicators/{bgt_id}/adjustments", more)
    assert (county.left(bgt_id), county.row(hospital)["rest_amt"]) == ("400.00", "0.00")
