"""The code sets that come with the program: complete where we say so, and consistent."""

import re
from collections import Counter
from datetime import date

import pytest

from ledger.elements.code_sets import CodeRow, division_prefix
from ledger.elements.stored_code_sets import shipped
from tests.support.paths import ROOT

PROVINCE = "440000000"
DAY = date(2026, 3, 2)
README = ROOT / "ledger" / "data" / "code_sets" / "README.md"


def check(code: str, element: str, division: str = PROVINCE) -> str:
    return shipped().check(element, code, on=DAY, mof_div_code=division)


def shipped_codes(element: str) -> dict[str, CodeRow]:
    return {row.code: row for row in shipped().rows() if row.element == element}


def test_guangdong_has_its_21_cities_and_122_counties() -> None:
    divisions = shipped_codes("mof_div_code")
    cities = {code for code, row in divisions.items() if row.parent == PROVINCE}
    counties = [row for row in divisions.values() if row.parent in cities]
    assert len(cities) == 21
    assert len(counties) == 122
    assert {divisions[code].name for code in ("440100000", "440300000", "445300000")} == {
        "广州市",
        "深圳市",
        "云浮市",
    }
    # 东莞 and 中山 have towns and no counties
    assert cities - {row.parent for row in counties} == {"441900000", "442000000"}


def test_every_province_can_open_a_ledger() -> None:
    provinces = {code for code in shipped_codes("mof_div_code") if code.endswith("0000000")}
    assert len(provinces) == 31
    for code in provinces:
        assert check(code, "mof_div_code", division=code)


def test_every_shipped_division_lies_below_its_parent() -> None:
    for code, division in shipped_codes("mof_div_code").items():
        assert code.startswith(division_prefix(division.parent))


def test_every_shipped_parent_exists() -> None:
    codes = shipped().codes()
    assert [
        row for row in shipped().rows() if row.parent and (row.element, row.parent) not in codes
    ] == []


def test_classification_codes_nest_by_their_digits() -> None:
    for element in ("exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code"):
        for code, held in shipped_codes(element).items():
            assert held.parent == (code[:-2] if len(code) > 3 else ""), code


def test_all_classes_of_the_reference_are_shipped() -> None:
    functions = (
        "201 202 203 204 205 206 207 208 210 211 212 213 214 215 216 217 219 220 221 222 223 224 "
        "227 229 230 231 232 233"
    )
    assert set(functions.split()) <= set(shipped_codes("exp_func_code"))
    classes = {*map(str, range(501, 515)), "599"}
    assert {c for c in shipped_codes("gov_bgt_eco_code") if len(c) == 3} == classes
    departments = {"301", "302", "303", "307", "309", "310", "311", "312", "313", "399"}
    assert {c for c in shipped_codes("dep_bgt_eco_code") if len(c) == 3} == departments


@pytest.mark.parametrize(
    ("element", "code", "name"),
    [
        ("exp_func_code", "2010102", "一般行政管理事务"),
        ("exp_func_code", "2010350", "事业运行"),
        ("exp_func_code", "2050203", "初中教育"),
        ("exp_func_code", "2080505", "机关事业单位基本养老保险缴费支出"),
        ("exp_func_code", "2210201", "住房公积金"),
        ("gov_bgt_eco_code", "50101", "工资奖金津补贴"),
        ("dep_bgt_eco_code", "30112", "其他社会保障缴费"),
        ("fund_type_code", "111", "一般公共预算资金"),
        ("fund_type_code", "39", "其他收入资金"),
        ("bgt_type_code", "21", "当年预算"),
        ("pay_type_code", "1", "国库集中支付"),
        ("set_mode_code", "1", "电子转账支付"),
        ("pay_bus_type_code", "2", "公务卡"),
        ("pay_bank_code", "102", "中国工商银行"),
    ],
)
def test_shipped_names(element: str, code: str, name: str) -> None:
    assert check(code, element) == name


def test_each_class_of_the_department_side_goes_with_some_class_of_the_government_side() -> None:
    governments = [c for c in shipped_codes("gov_bgt_eco_code") if len(c) == 3]
    for department in (c for c in shipped_codes("dep_bgt_eco_code") if len(c) == 3):
        assert any(
            shipped().allowed_pair(government, department, on=DAY, mof_div_code=PROVINCE)
            for government in governments
        ), department


def test_the_readme_counts_what_is_shipped() -> None:
    rows = re.findall(r"\| `(\w+)\.csv` \| (\d+) \|", README.read_text(encoding="utf-8"))
    counted = {element: int(number) for element, number in rows}
    assert counted == Counter(held.element for held in shipped().rows())
