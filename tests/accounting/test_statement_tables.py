"""Files of statements: what is refused when they are loaded, and what an office's own may do."""

from pathlib import Path

import pytest

from accounting.statements import StatementCells, load_statements
from accounting.statements.difference_checks import RuleSurroundings, hold_rules
from accounting.statements.differences import read_rules
from ledger.books import load_charts
from ledger.errors import ConfigurationError

TWICE_IN_A_SUM = '{ title = "差额", sum = ["amt", "-amt"] }'
CHARTS = load_charts()
SHIPPED = load_statements(CHARTS)
OWN = """\
version = "own"
from_year = 2027

[statements.fixed_assets]
title = "固定资产情况表"
of = "unit"
lines = [
    ["", "固定资产"],
    ["1", "　原值", "D2"],
    ["2", "　累计折旧", "D1602"],
    ["3", "净值", "1 - 2"],
]
columns.amt = { title = "期末余额", measure = "closing" }
checks = [
    { name = "净值相符", left = "3", right = "unit_balance_sheet:16.amt" },
]
"""


def loaded(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def said_of(tmp_path: Path, *replaced: str) -> list[str]:
    """What is said of the file with each first part replaced by the one after it."""
    text = OWN
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigurationError) as refused:
        load_statements(CHARTS, [loaded(tmp_path, text)])
    return refused.value.detail.replace(str(tmp_path / "own.toml"), "own.toml").splitlines()


def test_an_office_has_tables_of_its_own(tmp_path: Path) -> None:
    statements = load_statements(CHARTS, [loaded(tmp_path, OWN)])
    assert statements.find("fixed_assets", 2026) is None, "from 2027 on"
    own = statements.find("fixed_assets", 2027)
    assert own is not None
    assert [line.depth for line in own.lines] == [0, 1, 1, 0]


def test_an_offices_own_goes_before_the_shipped_one_of_that_name(tmp_path: Path) -> None:
    text = OWN.replace("fixed_assets", "unit_balance_sheet").partition("checks =")[0]
    statements = load_statements(CHARTS, [loaded(tmp_path, text)])
    assert statements.find("unit_balance_sheet", 2026) == SHIPPED.find("unit_balance_sheet", 2026)
    found = statements.find("unit_balance_sheet", 2027)
    assert found is not None
    assert found.entry.title == "固定资产情况表"


@pytest.mark.parametrize(
    ("replaced", "line", "reason"),
    [
        (('"D2"', '"D9999"'), 9, "line 1: there is no account D9999"),
        (('"D2"', '"B1"'), 9, "line 1: B1 is of the book treasury_financial, not of a unit's"),
        (('["2", "　累', '["1", "　累'), 10, "there is a line 1 already"),
        (('"1 - 2"', '"1 - 3"'), 11, "line 3 counts itself"),
        (('"1 - 2"', '"1 - 4"'), 11, "line 3: there is no line 4 in amt"),
        (('"1 - 2"', '"1 - 1"'), 11, "line 3: 1 counts 2 times"),
        (('"D2"', '"D16* - D1602"'), 9, "line 1: D1602 counts 2 times"),
        (('"1 - 2"', '"1 - x"'), 11, "this is no formula from '- x' on"),
        (('"D2"', '"D2@today"'), 9, "line 1: unknown measure 'today'; known are closing"),
        (('"D2"', '"D2{colour=1}"'), 9, "line 1: unknown element 'colour'; known are agency_code"),
        (('"D2"', '"D2@debit{pro_code=1}"'), 9, "line 1: one side alone is not told apart by"),
        (('"D2"', '"D2{difference_code=D9}"'), 9, "line 1: no rule of differences tells D9"),
        (('"D1602"', '"D1602", "colour:3"'), 10, "line 2: unknown element 'colour'"),
        (('"1 - 2"', '"1 - 2", "pro_code:3"'), 11, "line 3 is not told apart by pro_code"),
        (('"1 - 2"', '"1 - 2", "pro_code"'), 11, "'pro_code' is no element and number of digits"),
        (('measure = "closing" }', 'measure = "closing" }\ncolumns.two = ' + TWICE_IN_A_SUM), 14,
         "'-amt' stands there already"),
        ((', measure = "closing"', ""), 13, "column amt has either a measure or a sum"),
        (("sheet:16", "sheet:999"), 15, "check 净值相符: there is no line 999 in unit_balance_"),
        (("unit_balance", "unit_bal"), 15, "check 净值相符: there is no table 'unit_bal_sheet'"),
        (('of = "unit"', 'of = "us"'), 6, "of: Invalid enum value 'us'"),
        (('"own"', '"unit-2026"'), 1, "version 'unit-2026' is that of"),
        (("title", "titel"), 5, "unknown key 'titel'"),
    ],
)  # fmt: skip
def test_what_a_table_is_refused_for(
    tmp_path: Path, replaced: tuple[str, ...], line: int, reason: str
) -> None:
    said = said_of(tmp_path, *replaced)
    assert said[0].startswith(f"own.toml:{line}: {reason}"), said


RULES = """\
version = "own"

[[rules]]
code = "B4"
accounts = ["D2001", "D22*"]
side = "debit"

[[rules]]
code = "A2"
accounts = ["D1101"]
beside = ["D4603"]
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("D2001", "D2OO1", 5, "there is no account D2OO1"),
        ("D22*", "D99*", 5, "there is no account D99*"),
        ("D4603", "D4613", 11, "there is no account D4613"),
        ('accounts = ["D1101"]', "accounts = []", 8, "a rule of A2 names no account"),
        ("side", "sides", 6, "unknown key 'sides'"),
        ('"debit"', '"debet"', 6, "side: Invalid enum value 'debet'"),
        ('code = "A2"\n', "", 8, "code is missing"),
        ('"A2"', '"A9"', 9, "no line of a table is of A9"),
        ('[[rules]]\ncode = "A2"', '[[rule]]\ncode = "A2"', 8, "unknown key 'rule'"),
        (
            'accounts = ["D1101"]\nbeside = ["D4603"]',
            'accounts = ["D22*", "D2001"]\nside = "debit"',
            10,
            "a rule of B4 says this already",
        ),
    ],
)
def test_what_a_rule_of_differences_is_refused_for(
    old: str, new: str, line: int, reason: str
) -> None:
    assert old in RULES
    around = RuleSurroundings(SHIPPED.accounts, SHIPPED.of_year(2026).values())
    hold_rules(read_rules(RULES, "own.toml"), around)
    with pytest.raises(ConfigurationError) as refused:
        hold_rules(read_rules(RULES.replace(old, new, 1), "own.toml"), around)
    assert refused.value.detail.startswith(f"own.toml:{line}: {reason}")


def test_outlays_of_the_treasury_are_not_told_apart(tmp_path: Path) -> None:
    """A claim on the central bank is over many payments: it tells their kind of fund alone."""
    said = said_of(tmp_path, 'of = "unit"', 'of = "treasury"', '"D2"', '"C11{exp_func_code=201}"',
                   '"D1602"', '"C12{fund_type_code=12}"')  # fmt: skip
    assert said == ["own.toml:9: line 1: C11 is not told apart by elements"]


@pytest.mark.parametrize(("name", "book"), [("balance_sheet", "B"), ("unit_balance_sheet", "D")])
def test_a_balance_sheet_counts_every_account_of_its_book_once(name: str, book: str) -> None:
    """Or assets would not be what is owed and owned as soon as the account moved."""
    table = SHIPPED.of_year(2026)[name]
    totals = [line.number for line in table.lines if "总计" in line.name]
    leaves = [leaf for n in totals for leaf in StatementCells(table, None).leaves(n, "amt")]  # type: ignore[arg-type]
    counted = [a for leaf in leaves for a in SHIPPED.accounts if leaf.term.names(a)]
    assert sorted(counted) == sorted(a for a in SHIPPED.accounts if a.startswith(book))
