"""The code sets that come with the program: complete where we say so, and consistent."""

import re
from collections import Counter
from datetime import date

import pytest

from ledger.elements.code_sets import CodeRow, division_prefix
from ledger.elements.stored_code_sets import shipped, shipped_versions
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
    counties = [r for r in divisions.values() if r.parent in cities and r.code.endswith("000")]
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
    for element in ("exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code", "inc_sort_code"):
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
        ("pay_bank_code", "306", "广发银行"),
        ("exp_func_code", "2014004", "信访业务"),
        ("exp_func_code", "2290402", "其他地方自行试点项目收益专项债券收入安排的支出"),
        ("inc_sort_code", "10101", "增值税"),
        ("mof_div_code", "449900000", "广东省本级"),
    ],
)
def test_shipped_names(element: str, code: str, name: str) -> None:
    assert check(code, element) == name


def leaves(element: str) -> list[str]:
    codes = shipped_codes(element)
    above = {row.parent for row in codes.values()}
    return [code for code in codes if code not in above]


def goes_with(gov: str, dep: str) -> bool:
    return shipped().allowed_pair(gov, dep, on=DAY, mof_div_code=PROVINCE)


def pays_for(fund: str, function: str) -> bool:
    return shipped().allowed_fund(fund, function, on=DAY, mof_div_code=PROVINCE)


def test_each_item_of_one_side_goes_with_some_item_of_the_other() -> None:
    """财预〔2017〕98号 by 款; 债务还本, 转移性支出 and 预备费 are spent by no unit."""
    governments, departments = leaves("gov_bgt_eco_code"), leaves("dep_bgt_eco_code")
    alone = {gov for gov in governments if not any(goes_with(gov, dep) for dep in departments)}
    assert {gov[:3] for gov in alone} == {"512", "513", "514"}
    for dep in departments:
        assert any(goes_with(gov, dep) for gov in governments), dep


@pytest.mark.parametrize(
    ("gov", "dep", "allowed"),
    [
        ("50201", "30201", True),
        ("50206", "30216", False),  # 公务接待费 paid as 培训费
        ("50206", "30217", True),
        ("50203", "30216", True),
        ("50101", "30107", False),  # 绩效工资 is an institution's
        ("50501", "30107", True),
        ("50305", "31011", True),
        ("50306", "31001", False),
        ("50905", "30304", False),
        ("51003", "31302", False),
    ],
)
def test_economic_items_go_together_as_the_table_says(gov: str, dep: str, allowed: bool) -> None:
    assert goes_with(gov, dep) is allowed


@pytest.mark.parametrize(
    ("fund", "function", "allowed"),
    [
        ("111", "2010101", True),
        ("112", "2140101", True),
        ("111", "2120801", False),  # both were issued
        ("121", "2010101", False),
        ("121", "2120801", True),
        ("122", "2290402", True),
        ("111", "2290402", False),
        ("122", "2010101", False),
        ("13", "2230101", True),
        ("13", "2010101", False),
        ("111", "2230101", False),
        ("13", "2080451", True),
        ("111", "2080402", True),
        ("111", "2080451", False),
        ("121", "2300802", True),
        ("111", "2310401", False),
        ("2", "2050204", True),  # 财政专户管理资金: tuition of a school
        ("2", "2120801", False),
        ("31", "2050204", True),  # 事业收入资金 of a school, by the pairs of 单位资金
        ("3", "2120801", False),
    ],
)
def test_funds_pay_for_their_own_functions(fund: str, function: str, allowed: bool) -> None:
    assert pays_for(fund, function) is allowed


def test_every_function_is_paid_for_by_some_fund() -> None:
    for function in leaves("exp_func_code"):
        assert any(pays_for(fund, function) for fund in ("111", "121", "13", "14")), function


def test_what_former_releases_shipped_is_known_by_its_version() -> None:
    """Events of 0.2.0 name b9499eade62b588a: any level was issued then, from any fund."""
    versions = shipped_versions()
    assert versions[shipped().version] is shipped()
    former = versions["b9499eade62b588a"]
    assert former.allowed_fund("111", "2120801", on=DAY, mof_div_code=PROVINCE)
    assert former.allowed_pair("50206", "30216", on=DAY, mof_div_code=PROVINCE)
    former.check_leaf("exp_func_code", "201", on=DAY, mof_div_code=PROVINCE)
    assert shipped().joins_special
    assert not former.joins_special
    assert shipped().joins_units
    assert not former.joins_units


def test_the_readme_counts_what_is_shipped() -> None:
    rows = re.findall(r"\| `(\w+)\.csv` \| (\d+) \|", README.read_text(encoding="utf-8"))
    counted = {element: int(number) for element, number in rows}
    assert counted == Counter(held.element for held in shipped().rows())
