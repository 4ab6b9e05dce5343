"""Elements and code sets: one entry channel each, what holds where and when, and the files."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest

from api.domains import DOMAINS
from ledger.deciding.command import Command
from ledger.elements.code_sets import CodeRow, CodeSets, ElementRegister, division_prefix
from ledger.elements.register import DIMENSIONS, ECO_PAIR, OF_THE_ACT, SAME_ELEMENT
from ledger.elements.stored_code_sets import shipped
from ledger.errors import Code, Refusal
from tests.support.commands_on_file import parts_of
from tests.support.paths import ROOT

PROVINCE, GUANGZHOU, YUEXIU, SHAOGUAN = "440000000", "440100000", "440104000", "440200000"
DAY = date(2026, 3, 2)
ELEMENTS = ElementRegister.ELEMENTS
DOCS = ROOT / "docs" / "elements.md"


def sets(*rows: CodeRow) -> CodeSets:
    return CodeSets(rows)


def row(code: str = "2010101", name: str = "行政运行", **more: Any) -> CodeRow:
    return CodeRow("exp_func_code", code, name)._replace(**more)


def check(
    codes: CodeSets,
    code: str,
    *,
    element: str = "exp_func_code",
    on: date = DAY,
    division: str = PROVINCE,
) -> str:
    return codes.check(element, code, on=on, mof_div_code=division, pointer="/code")


def refusal(codes: CodeSets, code: str, **where: Any) -> str:
    """Why the code is refused."""
    with pytest.raises(Refusal) as caught:
        check(codes, code, **where)
    assert caught.value.code is Code.ELEMENT_INVALID
    assert caught.value.extra == {"pointer": "/code"}
    return caught.value.detail


# ---- the register


def fields_of(struct: type[msgspec.Struct]) -> Iterator[str]:
    """The fields of a command, and of the parts that it is made of."""
    yield from struct.__struct_fields__
    for part in parts_of(struct):
        yield from part.__struct_fields__


def commands_of_people() -> dict[str, tuple[str, set[str]]]:
    """Channel and elements of every command by which people enter something, by its operation."""
    found = {
        kind.OPERATION: (kind.CHANNEL, set(fields_of(kind)))
        for domain in DOMAINS
        for kind in vars(domain).values()
        if isinstance(kind, type) and issubclass(kind, Command) and kind.CHANNEL
    }
    return {
        operation: (channel, {SAME_ELEMENT.get(field, field) for field in fields} - {"details"})
        for operation, (channel, fields) in found.items()
    }


def test_every_field_of_every_command_is_an_element() -> None:
    """The register against the commands as they are: a new field has to find its one source."""
    asked = commands_of_people()
    assert len(asked) > 12
    for operation, (_, fields) in asked.items():
        assert fields <= ELEMENTS.keys(), operation


def test_each_element_is_entered_by_the_commands_of_its_channel() -> None:
    """What is entered nowhere could not be referred to; what belongs to an act, any may say."""
    entered = {
        (channel, field) for channel, fields in commands_of_people().values() for field in fields
    }
    for element in ELEMENTS.values():
        asking = {channel for channel, field in entered if field == element.name}
        if not element.channel:
            assert not asking, element.name
        elif element.channel == OF_THE_ACT:
            assert asking, element.name
        else:
            assert element.channel in asking, element.name


def test_a_payment_refers_to_what_its_indicator_entered() -> None:
    _, fields = commands_of_people()["payment.apply"]
    assert {ELEMENTS[name].channel for name in DIMENSIONS} == {"指标下达", "单位登记", "项目申报"}
    assert fields >= set(DIMENSIONS)


def test_the_documented_table_is_the_register() -> None:
    documented = {}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| `(\w+)` \| (\S+) \| (\d+) \| (yes)? *\| (\S+) \|$", line):
            name, title, length, coded, channel = match.groups()
            documented[name] = (title, int(length), bool(coded), channel.replace("—", ""))
    assert documented == {
        e.name: (e.title, e.max_length, e.code_set, e.channel) for e in ELEMENTS.values()
    }


# ---- which row decides


def test_a_code_in_force_gives_its_name() -> None:
    assert check(sets(row()), "2010101") == "行政运行"


def test_an_unknown_code_is_refused() -> None:
    assert "in no code set" in refusal(sets(row()), "2010102")
    assert "in no code set" in refusal(sets(), "")


def test_a_code_of_another_element_is_unknown() -> None:
    assert "in no code set" in refusal(sets(row()), "2010101", element="fund_type_code")


def test_a_disabled_code_is_refused_but_keeps_its_name() -> None:
    codes = sets(row(is_enabled=False))
    assert "not enabled" in refusal(codes, "2010101")
    name = codes.name("exp_func_code", "2010101", on=DAY, mof_div_code=PROVINCE)
    assert name == "行政运行"


def test_both_dates_are_included() -> None:
    codes = sets(row(start_date=date(2026, 1, 1), end_date=date(2026, 6, 30)))
    for on in (date(2026, 1, 1), date(2026, 6, 30)):
        assert check(codes, "2010101", on=on) == "行政运行"
    for on in (date(2025, 12, 31), date(2026, 7, 1)):
        assert "holds from 2026-01-01 to 2026-06-30" in refusal(codes, "2010101", on=on)


def test_a_code_of_another_year_is_refused() -> None:
    codes = sets(row(fiscal_year="2025"))
    assert check(codes, "2010101", on=date(2025, 12, 31)) == "行政运行"
    assert "of 2025, not of 2026" in refusal(codes, "2010101")


def test_a_code_of_another_division_is_refused() -> None:
    codes = sets(row(mof_div_code=GUANGZHOU))
    assert check(codes, "2010101", division=GUANGZHOU) == "行政运行"
    assert check(codes, "2010101", division=YUEXIU) == "行政运行"
    for division in (PROVINCE, SHAOGUAN):
        assert f"not a code of {division} but of {GUANGZHOU}" in refusal(
            codes, "2010101", division=division
        )


@pytest.mark.parametrize(
    ("division", "prefix"),
    [
        ("", ""),
        ("440000000", "44"),
        ("100000000", "10"),
        ("440100000", "4401"),
        ("501000000", "5010"),
        ("440103000", "440103"),
        ("440110000", "440110"),
        ("440103001", "440103001"),
        ("440103100", "440103100"),
    ],
)
def test_levels_of_divisions_are_told_by_position(division: str, prefix: str) -> None:
    assert division_prefix(division) == prefix


def test_the_lowest_division_overrides_those_above_it() -> None:
    codes = sets(
        row(),
        row(name="本省行政运行", mof_div_code=PROVINCE),
        row(name="本市行政运行", mof_div_code=GUANGZHOU),
    )
    assert check(codes, "2010101", division="450000000") == "行政运行"
    assert check(codes, "2010101", division=SHAOGUAN) == "本省行政运行"
    assert check(codes, "2010101", division=YUEXIU) == "本市行政运行"


def test_a_local_row_may_take_a_national_code_away() -> None:
    codes = sets(row(), row(is_enabled=False, mof_div_code=PROVINCE))
    assert "not enabled" in refusal(codes, "2010101")
    assert check(codes, "2010101", division="450000000") == "行政运行"


def test_a_local_row_overrides_only_while_it_holds() -> None:
    codes = sets(row(), row(name="试点", mof_div_code=PROVINCE, end_date=date(2026, 3, 1)))
    assert check(codes, "2010101", on=date(2026, 3, 1)) == "试点"
    assert check(codes, "2010101", on=DAY) == "行政运行"


def test_a_row_of_the_very_year_and_a_later_one_override() -> None:
    codes = sets(
        row(),
        row(name="二六年名", fiscal_year="2026"),
        row(name="新名", start_date=date(2027, 1, 1)),
    )
    assert check(codes, "2010101", on=date(2025, 5, 1)) == "行政运行"
    assert check(codes, "2010101", on=DAY) == "二六年名"
    assert check(codes, "2010101", on=date(2027, 5, 1)) == "新名"


def test_any_enabled_level_may_be_used() -> None:
    for code in ("201", "20101", "2010101"):
        assert check(shipped(), code)


def test_units_and_projects_are_known_by_shape_until_the_division_has_loaded_its_own() -> None:
    unit = CodeRow("agency_code", "101001", "样例办公厅", mof_div_code=PROVINCE)
    where: Any = {"element": "agency_code"}
    assert check(sets(), "101001", **where) == ""
    assert "shape" in refusal(sets(), "10", **where)
    assert "shape" in refusal(sets(), "", **where)
    assert check(sets(unit), "101001", **where) == "样例办公厅"
    assert "in no code set" in refusal(sets(unit), "101002", **where)
    # the province's units are not the city's: those are open until the city loads its own
    assert check(sets(unit), "999001", element="agency_code", division=GUANGZHOU) == ""


def test_a_unit_disabled_above_is_refused_below_too() -> None:
    unit = CodeRow("agency_code", "101001", "样例", is_enabled=False, mof_div_code=PROVINCE)
    assert "not enabled" in refusal(sets(unit), "101001", element="agency_code", division=GUANGZHOU)


def test_an_outdated_list_of_units_refuses() -> None:
    unit = CodeRow("agency_code", "101001", "样例", mof_div_code=PROVINCE, fiscal_year="2025")
    assert "of 2025, not of 2026" in refusal(sets(unit), "101001", element="agency_code")


def test_projects_of_a_division_above_may_be_used_below() -> None:
    above = CodeRow("pro_code", "44000026A", "省级项目", mof_div_code=PROVINCE)
    own = CodeRow("pro_code", "44010026A", "市级项目", mof_div_code=GUANGZHOU)
    for project in (above, own):
        assert (
            check(sets(above, own), project.code, element="pro_code", division=GUANGZHOU)
            == project.name
        )


def pair(gov: str, dep: str, codes: CodeSets | None = None) -> bool:
    return (codes or shipped()).allowed_pair(gov, dep, on=DAY, mof_div_code=PROVINCE)


def test_a_pair_of_classes_holds_for_what_is_below_them() -> None:
    codes = shipped().overlaid([CodeRow(ECO_PAIR, "502-302", "商品和服务")])
    assert pair("502", "302", codes)
    assert pair("50201", "30217", codes)
    assert not pair("50201", "30217")
    assert pair("50501", "30101"), "an institution's wages, by the class of the department"


def test_what_no_pair_covers_is_not_allowed() -> None:
    assert not pair("50201", "30101")
    assert not pair("512", "301")
    assert not pair("", "")


def test_a_nearer_pair_overrides_the_classes() -> None:
    rows = [
        CodeRow(ECO_PAIR, "505-302", "商品和服务"),
        CodeRow(ECO_PAIR, "50501-302", "商品和服务", is_enabled=False),
    ]
    codes = shipped().overlaid(rows)
    assert pair("50599", "30201", codes)
    assert not pair("50501", "30201", codes)


def test_a_local_pair_overrides_the_national_one() -> None:
    local = CodeRow(ECO_PAIR, "50201-30201", "本省不用", is_enabled=False, mof_div_code=PROVINCE)
    codes = shipped().overlaid([local])
    assert not pair("50201", "30201", codes)
    assert codes.allowed_pair("50201", "30201", on=DAY, mof_div_code="450000000")


# ---- the version


def test_the_version_is_of_the_content_alone() -> None:
    first, second = row(), row("2010102", "一般行政管理事务")
    assert sets(first, second).version == sets(second, first, first).version
    assert re.fullmatch("[0-9a-f]{16}", sets().version)
    versions = {sets().version, sets(first).version, sets(first, second).version}
    versions |= {sets(first._replace(name="行政运作")).version}
    versions |= {sets(first._replace(end_date=date(2026, 12, 31))).version}
    assert len(versions) == 5


def test_overlaying_leaves_the_snapshot_as_it_was() -> None:
    before = sets(row())
    after = before.overlaid([row(name="新名")])
    assert (check(before, "2010101"), check(after, "2010101")) == ("行政运行", "新名")
    assert len(after.rows()) == 1
