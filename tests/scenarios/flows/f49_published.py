"""预算公开: the tables of the approved budget as files, of a day that stays what it was."""

import csv
import io

from tests.support.flows import County

FLOWS = (49,)


def scenario(county: County) -> None:
    county.open()
    pro_code = county.budget("700.00")
    place = "…/budget-reports/by_function"
    published = county.http.get(place, format="csv", as_of_effective="2026-01-20").content
    lines = list(csv.reader(io.StringIO(published.decode("utf-8-sig"))))
    assert lines[-1][0] == "合计"
    assert lines[-1][lines[0].index("cur_amt")] == "700.00"
    more = {"adj_no": county.number("TZ"), "kind": "addition", "reason": "追加"}
    part = {"to_bgt_pman_id": f"{pro_code}-0", "amt": "50.00"}
    county.act(f"~/projects/{pro_code}/amend", {"reason": "增加", "pro_total_amt": "750.00",
               "years": [{"fiscal_year": 2026, "amt": "750.00"}]}, "unit")  # fmt: skip
    county.act("…/budget-adjustments", {**more, "parts": [part]})
    assert county.see(place)["totals"]["cur_amt"] == "750.00"
    again = county.http.get(place, format="csv", as_of_effective="2026-01-20").content
    assert again == published
