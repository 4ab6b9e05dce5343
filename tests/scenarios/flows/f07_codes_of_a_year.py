"""收支科目年度切换, 代码集发布: a code ends with the year, and what bears it keeps its name."""

from tests.support.flows import County

FLOWS = (7, 8)
OLD, NEW = "2010198", "2010197"


def scenario(county: County) -> None:
    county.open()
    head = "element,code,name,parent,start_date,end_date,mof_div_code,fiscal_year\n"
    rows = (
        f"exp_func_code,{OLD},旧科目,20101,2026-01-01,2026-12-31,{county.code},\n"
        f"exp_func_code,{NEW},新科目,20101,2027-01-01,,{county.code},\n"
        f"fund_type_exp_func,111-{OLD},允许,,,,{county.code},\n"
        f"fund_type_exp_func,111-{NEW},允许,,,,{county.code},\n"
    )
    county.load(head + rows)
    assert county.refused("…/indicators", _of(county, NEW)) == "element_invalid"
    before = _of(county, OLD)
    county.act("…/indicators", before)
    # the next year knows the new code alone
    this_year, county.http.ledger = county.http.ledger, county.year(2027)
    ahead = {"effective_on": "2027-01-04"}
    assert county.refused("…/indicators", _of(county, OLD, **ahead)) == "element_invalid"
    after = _of(county, NEW, **ahead)
    county.act("…/indicators", after)
    assert county.see(f"…/indicators/{after['bgt_id']}")["exp_func_name"] == "新科目"
    # and what was issued keeps the name of its time, in its event and in reports of it
    county.http.ledger = this_year
    county.load(head + f"exp_func_code,{OLD},改名,20101,2026-01-01,2026-12-31,{county.code},\n")
    kept = county.see(f"…/indicators/{before['bgt_id']}")
    assert kept["exp_func_name"] == "旧科目"
    named = county.see("…/budget-reports/indicators_by_function")["rows"]
    assert [row["exp_func_name"] for row in named] == ["旧科目"]
    # the element shows which code holds from when to when
    shown = county.see("/v1/elements/exp_func_code", code=OLD, mof_div_code=county.code)["codes"]
    assert [(row["name"], row["end_date"]) for row in shown] == [("改名", "2026-12-31")]


def _of(county: County, function: str, **more: str) -> dict[str, object]:
    from tests.support.bookkeeper import ELEMENTS

    body = {**ELEMENTS, "bgt_id": county.number("ZB"), "amount": "100.00"}
    return {**body, "exp_func_code": function, **more}
