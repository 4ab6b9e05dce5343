"""A chart that does not fit the program is refused when it is loaded: file, line and reason."""

from contextlib import suppress

import pytest

from api.domains import DOMAINS as DOMAINS
from ledger.books import checks
from tests.support.chart_faults import CLOSING, OTHERWISE_MEANT, TWICE, Case
from tests.support.chart_texts import NEWEST, SHIPPED, said_of

REFUND_RULE = (
    '[[rules]]\nevent = "payment.refunded"'
    + SHIPPED.partition('[[rules]]\nevent = "payment.refunded"')[2].partition("\n\n")[0]
)
APPLIED = 'lines = [["A3", "A5", "pay"]]'
UNIT_OUTLAY = '["unit_outlay", "E3", "paid"]'


CASES = [
    # form
    Case("", ("[books]", "[books"), "[books", "Expected ']' at the end of a table declaration"),
    Case("", (SHIPPED, 'version = "x'), "version", "Unterminated string"),
    Case("", ("A7 =", "A1 ="), '"结转"', "Cannot overwrite a value"),
    Case("", ("[accounts]", "[acounts]"), "[acounts]", "unknown key 'acounts'; known are version"),
    Case("", (SHIPPED, 'version = "1"'), "version", "valid_from is missing"),
    Case("", ("2000-01-01", '"2000-01-01"'), "2000", "valid_from is no date"),
    Case("", ("2000-01-01", "2000-01-01T00:00:00"), "2000", "valid_from is no date"),
    Case("", ('"2026.1"', '""'), "version =", "version is empty"),
    Case("", (", control =", ", controll ="), "A2 =", "unknown key 'controll'"),
    Case("", ('side = "debit"', 'side = "left"'), "A1 =", "side: Invalid enum value 'left'"),
    Case("", ('"指标来源",   side = "debit"', '"指标来源"'), "A1 =", "side is missing"),
    Case("", (APPLIED, "lines = [\n['A3', 'A5'],\n]"), "'A5'", "length 3"),
    Case("", ("red = true", "red = 1"), "red = 1", "red: Expected `bool`, got `int`"),
    # books and accounts
    Case("books_are_told_apart", ("F =", "f ="), "f =", "one capital, not 'f'"),
    Case(
        "books_are_told_apart",
        ('"zero_balance", ', '"indicator", '),
        "零余额账户",
        "book A is called indicator already",
    ),
    Case("accounts_stand_in_a_book", ("A7 =", "G7 ="), "G7 =", "'G7' stands in no book"),
    # controls
    Case(
        "controls_are_known",
        ('"available"', '"availabel"'),
        "A3 =",
        "unknown control 'availabel' in book indicator; known are available, frozen, occupied",
    ),
    Case(
        "controls_are_known",
        ('F1 = { name = "零余额账户",', 'F1 = { name = "零余额账户", control = "paid",'),
        "F1 =",
        "unknown control 'paid' in book zero_balance; known are none",
    ),
    Case(
        "controls_are_carried_once",
        (', control = "available"', ""),
        "[accounts]",
        "no account of book indicator carries control 'available'",
    ),
    Case(
        "controls_are_carried_once",
        ('"结转",       side = "credit"', '"结转", side = "credit", control = "paid"'),
        "A7 =",
        "control 'paid' is carried by account A6 already",
    ),
    Case(
        "controls_move_as_they_must",
        ('"冻结",       side = "credit"', '"冻结", side = "debit"'),
        'event = "indicator.frozen"',
        "rule indicator.frozen: amount moves control 'frozen' by -1 times itself, not by +1",
    ),
    # choices
    Case("choices_pick_known_accounts", ('"B16", "510"', '"B66", "510"'), "B66", "'B66', which"),
    Case(
        "choices_pick_known_accounts",
        ("[choices.unit_outlay]", "[choices.E1]"),
        "[choices.E1]",
        "'E1' is an account and a choice",
    ),
    Case(
        "choices_pick_known_accounts",
        ('"505" = "E2", "506" = "E2"', '"505" = "unit_outlay", "506" = "E2"'),
        '"505" = "unit_outlay"',
        "picks 'unit_outlay', which is no account, nor a choice behind it",
    ),
    Case(
        "choices_stay_in_one_book",
        ('"" = "unit_outlay_by_economy"', '"" = "D1"'),
        '"4" = "E2", "" = "D1"',
        "mixes the books unit_budgetary and unit_financial",
    ),
    Case("choices_are_complete", (', "" = ""', ""), '"501" =', "lacks a default"),
    Case(
        "choices_are_complete",
        ('"309" = "D2", "310" = "D2", "" = "D1"', '"" = ""'),
        '{ "" = "" }',
        "no account",
    ),
    Case(
        "choices_stay_in_one_book",
        ('"509" = "B16"', '"509" = "C11"'),
        '"509"',
        "mixes the books treasury_financial and treasury_budgetary",
    ),
    Case(
        "choices_pick_nothing_controlled",
        ('"309" = "D2", "310" = "D2", "" = "D1"', '"309" = "A3", "" = "A2"'),
        '"A3", "" =',
        "picks A3, which carries control 'available'",
    ),
    Case(
        "choices_are_by_what_is_carried",
        ('to pay\nelement = "fund_type_code"', 'to pay\nelement = "pro_code"'),
        'element = "pro_code"',
        "choice treasury_outlay is by pro_code, which does not come with clearing.2301",
    ),
    Case(
        "choices_are_by_what_is_carried",
        ('"dep_bgt_eco_code"', '"dep_bgt_eco_cod"'),
        '"dep_bgt_eco_cod"',
        "by dep_bgt_eco_cod, which does not come with payment.refunded",
    ),
    Case(
        "choices_are_by_what_is_carried",
        (
            *(UNIT_OUTLAY, '["E1", "E3", "paid"]'),
            *('["unit_outlay", "E3", "corrected"]', '["E1", "E3", "corrected"]'),
            *('["E3", "unit_outlay"', '["E3", "E1"') * 3,
            *('["unit_outlay", "E6101"', '["E1", "E6101"') * 2,
            *('["E6101", "unit_outlay"', '["E6101", "E1"') * 3,
        ),
        "[choices.unit_outlay]",
        "no rule uses the choice unit_outlay",
    ),
    Case(
        "prefixes_begin_codes",
        ('"502" = "B12"', '"5O2" = "B12"'),
        "5O2",
        "no gov_bgt_eco_code begins with '5O2'",
    ),
    # rules
    Case(
        "rules_are_those_of_the_program",
        (REFUND_RULE, ""),
        "[[rules]]",
        "there is no rule payment.refunded",
    ),
    Case(
        "rules_are_those_of_the_program",
        ('"payment.withdrawn"', '"payment.rejected"  # again'),
        "# again",
        "there is a rule payment.rejected already",
    ),
    Case(
        "rules_are_those_of_the_program",
        (REFUND_RULE, REFUND_RULE.replace("refunded", "refundet")),
        "refundet",
        "unknown rule 'payment.refundet'",
    ),
    Case("lines_name_accounts", (UNIT_OUTLAY, '["E9", "E3", "paid"]'), '"E9"', "'E9' is neither"),
    Case(
        "lines_name_accounts",
        (UNIT_OUTLAY, '["unit_outlay", "E2", "paid"]'),
        '"E2", "paid"',
        "unit_outlay / E2 may move an account to itself",
    ),
    Case(
        "lines_stand_in_one_book",
        ('lines = [["A3", "A4", "amount"]]', 'lines = [["A3", "B1", "amount"]]'),
        '"B1", "amount"',
        "A3 / B1 does not balance in indicator nor in treasury_financial",
    ),
    Case(
        "lines_carry_known_amounts",
        (UNIT_OUTLAY, '["unit_outlay", "E3", "payd"]'),
        "payd",
        "rule voucher.receipted: unknown amount 'payd'; known are paid, failed",
    ),
    Case(
        "lines_stand_once",
        (UNIT_OUTLAY + ",", f"{UNIT_OUTLAY},\n{UNIT_OUTLAY},  # again"),
        "# again",
        "paid moves between unit_outlay and E3 already",
    ),
    Case(
        "lines_stand_once",
        (
            '"increase"], ["A3", "A2", "decrease"], ["A2", "A1", "decrease"]]',
            '"increase"], ["A2", "A1", "decrease"], ["A2", "A1", "decrease"]]',
        ),
        '"increase"], ["A2", "A1", "decrease"], ["A2"',
        "decrease moves between A2 and A1 already",
    ),
    Case(
        "amounts_move_their_books",
        (UNIT_OUTLAY + ",", ""),
        '"voucher.receipted"',
        "paid moves nothing in book unit_budgetary",
    ),
    Case(
        "amounts_move_their_books",
        ('["A5", "A3", "failed"],', ""),
        '"voucher.receipted"',
        "failed moves nothing in book indicator",
    ),
    Case(
        "controls_move_as_they_must",
        (APPLIED, 'lines = [["A2", "A5", "pay"]]'),
        '"payment.applied"',
        "pay moves control 'available' by +0 times itself, not by -1",
    ),
    Case(
        "controls_move_as_they_must",
        ('["A6", "A3", "refund"]', '["A6", "A3", "refund"], ["A2", "A4", "refund"]'),
        '"payment.refunded"',
        "refund moves control 'frozen' by +1 times itself, not by +0",
    ),
]
# a table, in the file that follows the first
TABLES = [
    Case("", ("rows = [\n", "row = [\n"), "row = [", "unknown key 'row'", NEWEST),
    Case("", ('["*", "501",', '["*", 501,'), '["*", 501', "Expected `str`", NEWEST),
    Case(
        "rows_have_a_cell_each",
        ('["*", "505",               "B14"]', '["*", "505", "*", "B14"]'),
        '"505", "*"',
        "a row has 3 cells, this one has 4",
        NEWEST,
    ),
    Case(
        "rows_have_a_cell_each",
        ('["*", "505",', '["", "505",'),
        '["", "505"',
        "a cell is empty; any code is *",
        NEWEST,
    ),
    Case(
        "rows_have_a_cell_each",
        ('by = ["fund_type_code", "gov_bgt_eco_code"]', "by = []"),
        "by = []",
        "choice treasury_expense is by no element, or by one twice",
        NEWEST,
    ),
    Case(
        "choices_pick_known_accounts",
        ('"B14"]', '"B99"]'),
        '"B99"',
        "choice treasury_expense picks 'B99', which is no account",
        NEWEST,
    ),
    Case(
        "choices_pick_known_accounts",
        ("[choices.unit_revenue]", "[choices.none]"),
        "[choices.none]",
        "'none' says that nothing is booked",
        NEWEST,
    ),
    Case(
        "choices_are_complete",
        ('["*", "*",                 ""]', '["1", "*",                 ""]'),
        '["1", "*"',
        "choice treasury_expense lacks a default, a last row of any code (*)",
        NEWEST,
    ),
    Case(
        "choices_stay_in_one_book",
        ('"505",               "B14"]', '"505",               "C14"]'),
        '"505",               "C14"]',
        "choice treasury_expense mixes the books treasury_financial and treasury_budgetary",
        NEWEST,
    ),
    Case(
        "choices_are_by_what_is_carried",
        ('by = ["fund_type_code", "gov', 'by = ["agency_type_code", "gov'),
        'by = ["agency_type_code", "gov_bgt_eco_code"]',
        "choice treasury_expense is by agency_type_code, which does not come with clearing.2301",
        NEWEST,
    ),
    Case(
        "prefixes_begin_codes",
        ('"50803 50804 50805"', '"50803 5O804 50805"'),
        "5O804",
        "choice treasury_expense: no gov_bgt_eco_code begins with '5O804'",
        NEWEST,
    ),
    Case(
        "rows_are_reached",
        ('["*", "505",               "B14"]', '["*", "5",               "B14"]'),
        '["*", "507"',
        "the rows before take all of gov_bgt_eco_code 507 in this one",
        NEWEST,
    ),
    Case(
        "rows_are_reached",
        ('"3 4", "*",                 "E2"', '"3 2", "*",                 "E2"'),
        '"3 2"',
        "choice unit_outlay: the rows before take all of agency_type_code 2 in this one",
        NEWEST,
    ),
    Case(
        "pairs_name_known_accounts",
        ('budgetary = ["E800101"]', 'budgetary = ["E8O0101"]'),
        "E8O0101",
        "'E8O0101' is no account",
    ),
    Case(
        "pairs_name_known_accounts",
        ('budgetary = ["E800101"]', "budgetary = []"),
        "budgetary = []",
        "parallel unit_quota has no budgetary account",
    ),
    Case(
        "pairs_stand_in_two_books",
        ('budgetary = ["E800101"]', 'budgetary = ["E800101", "C3"]'),
        "[parallel.unit_quota]",
        "is of the books treasury_budgetary, unit_budgetary, unit_financial, not of two",
    ),
    Case(
        "pairs_stand_in_two_books",
        ('budgetary = ["E800101"]', 'budgetary = ["D1211"]'),
        "[parallel.unit_quota]",
        "parallel unit_quota is of the books unit_financial, not of two",
    ),
    Case(
        "pairs_share_no_money",
        ('financial = ["D1011"]', 'financial = ["D1002"]'),
        'financial = ["D1002"]',
        "D1002 stands in unit_money already",
    ),
    Case(
        "", ('follows = "2026.1"', 'follows = "2025.1"'), "follows", "it follows '2025.1'", NEWEST
    ),
]
CASES += TABLES
CASES += CLOSING + TWICE + OTHERWISE_MEANT
CHECKED = [case for case in CASES if case.check]


def called(case: Case) -> str:
    return f"{case.check or 'form'}: {case.reason}"


def finds(case: Case, said: list[str]) -> bool:
    return any(line.startswith(f"own.toml:{case.line}: ") and case.reason in line for line in said)


@pytest.mark.parametrize("text", [SHIPPED, NEWEST])
def test_a_shipped_chart_is_not_refused(text: str) -> None:
    assert said_of(text) == []


@pytest.mark.parametrize("case", CASES, ids=called)
def test_a_faulty_chart_is_refused_with_the_line_and_the_reason(case: Case) -> None:
    assert finds(case, said_of(case.text)), said_of(case.text)


@pytest.mark.parametrize("case", CHECKED, ids=called)
def test_canary_without_its_check_the_fault_is_not_found(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tuple(check for check in checks.CHECKS if check.__name__ != case.check)
    monkeypatch.setattr(checks, "CHECKS", others)
    with suppress(LookupError):  # checks that come later rely on it
        assert not finds(case, said_of(case.text))


def test_every_check_has_a_fault_that_it_finds() -> None:
    assert {check.__name__ for check in checks.CHECKS} == {case.check for case in CHECKED}
