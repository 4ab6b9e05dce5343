"""绩效指标库: by what a project is measured is the division's to say, and not the unit's."""

from typing import Any

from tests.support.flows import County

FLOWS = (9, 25)
# 产出指标 › 数量指标 › two third-level ones; of 效益指标 there is no third level
LIBRARY = [
    {"perf_ind_code": "CC", "perf_ind_name": "产出指标", "perf_ind_level": "1"},
    {
        "perf_ind_code": "CC01",
        "perf_ind_name": "数量指标",
        "perf_ind_level": "2",
        "parent_perf_ind_code": "CC",
    },
    {
        "perf_ind_code": "CC0101",
        "perf_ind_name": "改造面积",
        "perf_ind_level": "3",
        "parent_perf_ind_code": "CC01",
        "meterunit": "平方米",
        "computesign": "≥",
    },
    {"perf_ind_code": "XY", "perf_ind_name": "效益指标", "perf_ind_level": "1"},
    {
        "perf_ind_code": "XY01",
        "perf_ind_name": "社会效益指标",
        "perf_ind_level": "2",
        "parent_perf_ind_code": "XY",
    },
]
AREA = {
    "name": "改造面积",
    "indexval": "2000",
    "computesign": "≥",
    "meterunit": "平方米",
    "weight": "60.00",
    "lv3_perf_ind_code": "CC0101",
}


def scenario(county: County) -> None:
    county.open()
    # before there is a library, a goal is as its unit writes it
    free = [{"name": "改造面积", "indexval": "2000", "meterunit": "亩"}]
    county.report_project("100.00", pro_cat_code="3", goals=goals(free))
    county.put("~/performance-indicators", {"change_no": "JX-1", "indicators": LIBRARY})

    pro_code = county.report_project("100.00", pro_cat_code="3", goals=goals([AREA]))
    place = f"~/projects/{pro_code}/amend"

    def refused(**other: Any) -> str:
        body = {"reason": "改指标", "goals": goals([{**AREA, **other}])}
        return county.refused(place, body, "unit")

    assert refused(lv3_perf_ind_code="") == "element_invalid", "of its own making"
    assert refused(lv3_perf_ind_code="CC0199") == "element_invalid", "not in the library"
    assert refused(meterunit="亩") == "element_mismatch", "2,000 of another unit"
    assert refused(computesign="≤") == "element_mismatch", "the other way"
    assert refused(lv2_perf_ind_code="XY01") == "element_mismatch", "not below that one"

    # where the library has no third level, the project names its own
    pupils = {"name": "受益学生", "indexval": "800", "meterunit": "人", "lv2_perf_ind_code": "XY01"}
    county.act(place, {"reason": "补充", "goals": goals([AREA, pupils])}, "unit")
    county.act(f"~/projects/{pro_code}/check", by="unit_checker")
    stored = county.act(f"~/projects/{pro_code}/store", by="checker")
    assert [each["name"] for each in stored["goals"][0]["indicators"]] == ["改造面积", "受益学生"]

    # from 2027 on it is called otherwise: before keeps the old, after has the new
    renamed = {**LIBRARY[2], "perf_ind_name": "校舍改造面积", "start_date": "2027-01-01"}
    county.put("~/performance-indicators", {"change_no": "JX-2", "indicators": [renamed]})
    for day, name in {"2026-12-31": "改造面积", "2027-01-01": "校舍改造面积"}.items():
        shown = county.see("~/performance-indicators", as_of_effective=day)["indicators"]
        assert {each["perf_ind_code"]: each["perf_ind_name"] for each in shown}["CC0101"] == name
    element = county.see("/v1/elements/perf_ind_code")
    assert (element["channel"], element["entered_by"]) == (
        "绩效指标库",
        ["performance_indicators.set"],
    )
    assert "project.report" in element["referred_by"]


def goals(indicators: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"yearflag": "1", "kpi_target": "改造校舍 2,000 平方米", "indicators": indicators}]
