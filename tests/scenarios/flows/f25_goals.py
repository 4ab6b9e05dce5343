"""特定目标类项目和绩效目标: it is not stored without its goals."""

from tests.support.flows import County

FLOWS = (17, 25)
GOALS = [
    {
        "yearflag": "1",
        "kpi_target": "改造校舍 2,000 平方米",
        "indicators": [{"name": "改造面积", "indexval": "2000", "meterunit": "平方米"}],
    }
]


def scenario(county: County) -> None:
    county.open()
    pro_code = county.report_project("100.00", pro_cat_code="3")
    place = f"~/projects/{pro_code}"
    county.act(f"{place}/check", by="unit_checker")
    assert county.refused(f"{place}/store", by="checker") == "invalid_state"
    county.act(f"{place}/amend", {"reason": "补报", "goals": GOALS}, "unit")
    county.act(f"{place}/check", by="unit_checker")
    assert county.act(f"{place}/store", by="checker")["goals"][0]["yearflag"] == "1"
