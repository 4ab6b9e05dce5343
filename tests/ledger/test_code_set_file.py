"""Files of code sets: what is read, and that every bad line is named with what is wrong."""

import io
from datetime import date

import pytest

from ledger.elements.code_sets import CodeRow, CodeSets
from ledger.elements.files import decode_file, parse_code_sets
from ledger.elements.register import ECO_PAIR
from ledger.elements.stored_code_sets import shipped
from ledger.errors import ConfigurationError


def parse(text: str, known: CodeSets | None = None) -> list[CodeRow]:
    return parse_code_sets(io.StringIO(text, newline=""), known.codes() if known else set())


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    listed: list[str] = caught.value.extra["problems"]
    assert all(problem in caught.value.detail for problem in listed)
    return listed


SMALL = "element,code,name,parent\nfund_type_code,1,甲,\nfund_type_code,11,乙,1\n"


def test_a_file_gives_its_rows_and_leaves_follow_from_the_parents() -> None:
    assert parse(SMALL) == [
        CodeRow("fund_type_code", "1", "甲", is_leaf=False),
        CodeRow("fund_type_code", "11", "乙", "1", is_leaf=True),
    ]


def test_every_column_is_read() -> None:
    text = (
        "mof_div_code,element,code,name,is_enabled,start_date,end_date,fiscal_year,is_leaf,"
        "is_standard,parent\n"
        '440000000,fund_type_code,1111," 本级,财力 ",2,2026-01-01,20261231,2026,2,2,111\n'
    )
    assert parse(text, shipped()) == [
        CodeRow(
            "fund_type_code",
            "1111",
            "本级,财力",
            "111",
            is_leaf=False,
            is_enabled=False,
            start_date=date(2026, 1, 1),
            end_date=date(2026, 12, 31),
            mof_div_code="440000000",
            fiscal_year="2026",
            is_standard=False,
        )
    ]


def test_every_bad_line_is_named_with_what_is_wrong() -> None:
    text = (
        "element,code,name,parent,is_enabled,start_date,end_date,mof_div_code,fiscal_year\n"
        "exp_fun_code,201,名,,,,,,\n"  # 2
        "exp_func_code,20x,名,,,,,,\n"  # 3
        "exp_func_code,202,,,,,,,\n"  # 4
        "exp_func_code,203,名,,true,,,,\n"  # 5
        "exp_func_code,204,名,,,2026-02-30,,,\n"  # 6
        "exp_func_code,205,名,,,2026-02-01,2026-01-31,,\n"  # 7
        "exp_func_code,206,名,,,,,44,\n"  # 8
        "exp_func_code,207,名,,,,,,26\n"  # 9
        "exp_func_code,208,名\n"  # 10
        "exp_func_code,209,名,,,,,,\n"  # 11: nothing wrong here
        "exp_func_code,209,名,,,,,,\n"  # 12
        "exp_func_code,21001,名,210,,,,,\n"  # 13
        "use_des,210,名,,,,,,\n"  # 14
    )
    found = problems(text)
    assert [problem.partition(":")[0] for problem in found] == [
        f"line {n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14)
    ]
    wrong = (
        "no element",
        "shape",
        "characters",
        "neither",
        "start_date",
        "before it starts",
        "mof_div_code",
        "fiscal_year",
        "cells",
        "line 11",
        "does not exist",
        "no element",
    )
    for problem, words in zip(found, wrong, strict=True):
        assert words in problem


def test_a_bad_parents_line_is_not_held_against_its_children() -> None:
    text = "element,code,name,parent\nfund_type_code,1,,\nfund_type_code,11,乙,1\n"
    assert [problem.partition(":")[0] for problem in problems(text)] == ["line 2"]


def test_a_parent_may_be_in_force_already() -> None:
    text = "element,code,name,parent\nfund_type_code,1111,本级财力安排,111\n"
    assert "fund_type_code 111, which does not exist" in problems(text)[0]
    assert parse(text, shipped())[0].parent == "111"


def test_both_halves_of_a_pair_have_to_exist() -> None:
    text = f"element,code,name\n{ECO_PAIR},502-388,无\n"
    with pytest.raises(ConfigurationError) as caught:
        parse(text, shipped())
    assert "dep_bgt_eco_code 388" in caught.value.detail
    assert "gov_bgt_eco_code" not in caught.value.detail


def test_codes_that_are_their_own_ancestors_are_named() -> None:
    text = (
        "element,code,name,parent\nfund_type_code,1,甲,2\nfund_type_code,2,乙,1\n"
        "fund_type_code,3,丙,3\nfund_type_code,31,丁,3\n"
    )
    assert [problem.partition(":")[0] for problem in problems(text)] == [
        "line 2",
        "line 3",
        "line 4",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no codes"),
        ("element,code,name\n\n", "no codes"),
        ("element,code\n", "lacks name"),
        ("element,code,name,colour\n", "unknown columns"),
        ("element,code,name,name\n", "twice"),
        ('element,code,name\nfund_type_code,1,"甲\n', "not CSV"),
    ],
)
def test_a_file_that_is_no_table_of_codes(text: str, words: str) -> None:
    assert words in problems(text)[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_utf8_with_and_without_bom_and_gbk_are_read_alike(encoding: str) -> None:
    assert parse(decode_file(SMALL.encode(encoding))) == parse(SMALL)


def test_a_bom_that_was_not_taken_off_is_no_part_of_the_header() -> None:
    assert parse("\ufeff" + SMALL) == parse(SMALL)


def test_bytes_in_no_known_encoding_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="neither UTF-8 nor GBK"):
        decode_file(b"element,code,name\n\xff\xff\xff")
