"""Charts and rules: how a chart books, and which one on which day."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from api.domains import DOMAINS as DOMAINS
from ledger.books import (
    CREDIT,
    DEBIT,
    Account,
    Books,
    Charts,
    load_charts,
    parse_books,
    shipped_books,
)
from ledger.errors import ConfigurationError, PostingError
from ledger.events import TYPES, JournalPosted, rule_needs
from ledger.money import parse_yuan
from tests.support.chart_texts import SHIPPED, changed, later

CODES = {
    "agency_code": "101001",
    "pro_code": "440000260000000000001",
    "exp_func_code": "2010102",
    "gov_bgt_eco_code": "50201",
    "dep_bgt_eco_code": "30201",
    "fund_type_code": "111",
    "agency_type_code": "",
    "current_item_code": "",
    "is_carried": "2",
    "inc_sort_code": "10101",
    "acct_cls_id": "B37",
}


def receipt(books: Books, codes: Mapping[str, str] = CODES, **amounts_fen: int) -> JournalPosted:
    """The journal of a bank's receipt, over 1.00 paid unless the amounts say otherwise."""
    return books.post(
        "voucher.receipted",
        source=1,
        number="C",
        amounts_fen=amounts_fen or {"paid": 100, "failed": 0},
        codes=codes,
    )


def debited(books: Books, journal: JournalPosted) -> set[str]:
    return {books.accounts[line.account].name for line in journal.lines if line.dr_cr == 1}


def test_the_rules_that_are_needed_are_those_of_events_that_exist() -> None:
    claims = ("2301", "2302", "2302_prior")
    clearing = {f"clearing.{claim}{of}" for claim in claims for of in ("", "_special")}
    of_indicators = {
        f"indicator.{act}"
        for act in (
            "allotted_pending",
            "issued_of_row",
            "issued_pending",
            "issued_pending_of_row",
            "adjusted_of_row",
            "recalled_of_row",
            "recalled_pending",
            "recalled_pending_of_row",
            "carried_in_pending",
            "carried_over_pending",
            "taken_back_pending",
        )
    }
    of_advances = {f"advance.{step}_reversed" for step in ("expense", "recovery")}
    of_special = {
        f"{event}_special"
        for event in (
            "voucher.receipted",
            "payment.refunded",
            "payment.refund_shared",
            "payment.corrected",
            "payment.correction_taken",
            "prior_return.carried",
            "prior_return.taken_back",
        )
    }
    named = clearing | of_indicators | of_advances | of_special | {"bond.service_returned"}
    assert set(rule_needs()) - named <= set(TYPES)
    assert set(shipped_books().rules) == set(rule_needs())


@pytest.mark.parametrize(
    ("gov_bgt_eco_code", "expense"),
    [
        ("50101", "政府机关工资福利拨款费用"),
        ("50201", "政府机关商品和服务拨款费用"),
        ("50301", "资本性拨款费用"),
        ("50501", "对事业单位补助拨款费用"),
        ("50701", "对企业补助拨款费用"),
        ("50901", "对个人和家庭补助拨款费用"),
        ("51002", "对社会保障基金补助拨款费用"),
        ("51101", "财务费用"),
        ("59999", "其他拨款费用"),
    ],
)
def test_the_treasury_expense_follows_the_economic_class(
    gov_bgt_eco_code: str, expense: str
) -> None:
    books = shipped_books()
    journal = books.post(
        "clearing.claim_receipted",
        rule_name="clearing.2301",
        source=1,
        number="C",
        amounts_fen={"claim": 100},
        codes={**CODES, "gov_bgt_eco_code": gov_bgt_eco_code},
    )
    assert expense in debited(books, journal)


def test_every_rule_balances_in_every_book_for_odd_amounts() -> None:
    books = shipped_books()
    for rule, need in rule_needs().items():
        amounts = {name: 7 * index + 1 for index, name in enumerate(need.amounts)}
        journal = books.post(rule, source=1, number="x", amounts_fen=amounts, codes=CODES)
        per_book: dict[str, int] = {}
        for line in journal.lines:
            book = books.accounts[line.account].book
            per_book[book] = per_book.get(book, 0) + line.dr_cr * parse_yuan(line.amt)
        assert set(per_book.values()) == {0}, rule


def test_an_account_may_be_chosen_by_any_element_that_comes_with_the_event() -> None:
    """业务活动费用 by function: of education (205) it is the unit's asset, of all else its expense.
    Two payments that differ in nothing else are booked on different accounts."""
    by_function = changed(
        'element = "dep_bgt_eco_code"\nprefixes = { "309" = "D2", "310" = "D2", "" = "D1" }',
        'element = "exp_func_code"\nprefixes = { "205" = "D2", "" = "D1" }',
    )
    books = parse_books(by_function)
    for exp_func_code, account in (("2010102", "业务活动费用"), ("2050201", "固定资产")) * 2:
        journal = receipt(books, {**CODES, "exp_func_code": exp_func_code})
        assert account in debited(books, journal), exp_func_code


def test_of_many_projects_each_is_booked_on_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """More projects than resolutions are kept in memory."""
    monkeypatch.setattr("ledger.books.postings.RESOLVED_MAX", 3)
    by_project = changed(
        'element = "dep_bgt_eco_code"\nprefixes = { "309" = "D2", "310" = "D2", "" = "D1" }',
        'element = "pro_code"\nprefixes = { "P1" = "D2", "" = "D1" }',
    )
    books = parse_books(by_project)
    for serial in range(20):
        journal = receipt(books, {**CODES, "pro_code": f"P{serial:02d}"})
        assert ("固定资产" in debited(books, journal)) == (serial >= 10)


@pytest.mark.parametrize(
    ("amounts_fen", "codes", "said"),
    [
        ({"paid": 100}, CODES, "needs failed, paid; given are paid"),
        ({"payd": 100, "failed": 0}, CODES, "needs failed, paid; given are failed, payd"),
        ({"paid": 1, "failed": 0, "tip": 1}, CODES, "given are failed, paid, tip"),
        (
            {"paid": 100, "failed": 0},
            {"gov_bgt_eco_code": "50201", "fund_type_code": "111"},
            "needs agency_type_code, current_item_code, dep_bgt_eco_code, .*; given are",
        ),
    ],
)
def test_nothing_is_made_good_where_an_amount_or_a_code_is_missing(
    amounts_fen: dict[str, int], codes: dict[str, str], said: str
) -> None:
    with pytest.raises(PostingError, match=said):
        receipt(shipped_books(), codes, **amounts_fen)


def test_no_event_is_posted_by_a_rule_that_is_not_there() -> None:
    with pytest.raises(PostingError, match=r"no rule 'voucher\.lost'"):
        shipped_books().controlled("voucher.lost", {"paid": 1})
    with pytest.raises(PostingError, match="needs failed, paid; given are paid"):
        shipped_books().controlled("voucher.receipted", {"paid": 1})


def test_nothing_is_posted_to_an_account_that_a_code_has_not() -> None:
    """社会保险基金 (14): such an indicator is refused, so the clearing never comes."""
    books = shipped_books()
    codes = {**CODES, "fund_type_code": "14"}
    assert books.uncovered(codes) == "fund_type_code"
    assert books.uncovered(CODES) == ""
    with pytest.raises(PostingError, match="fund_type_code 14 has no account"):
        books.post("clearing.2301", source=1, number="x", amounts_fen={"claim": 1}, codes=codes)


def test_a_newer_chart_takes_over_from_its_date(tmp_path: Path) -> None:
    path = tmp_path / "2027.toml"
    path.write_text(later(SHIPPED, "2027.1", "2027-01-01"), encoding="utf-8")
    charts = load_charts([path])
    assert charts.on(date(2026, 12, 31)).version == "2026.12"
    assert charts.on(date(2027, 1, 1)).version == "2027.1"
    assert set(charts.by_version) == {"2026.1", "2026.12", "2027.1"}


def test_without_a_chart_nothing_can_be_booked() -> None:
    with pytest.raises(ConfigurationError, match="no charts of accounts are loaded"):
        Charts([])


def test_a_users_own_chart_is_read_beside_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(later(SHIPPED, "甲", "2027-01-01"), encoding="utf-8")
    assert set(load_charts([own]).by_version) == {"2026.1", "2026.12", "甲"}


def test_before_the_first_chart_nothing_can_be_booked() -> None:
    with pytest.raises(ConfigurationError, match="no charts of accounts are valid on 1999-12-31"):
        load_charts().on(date(1999, 12, 31))


def test_an_account_is_what_its_line_says() -> None:
    accounts = parse_books(SHIPPED).accounts
    assert accounts["A3"] == Account(
        id="A3", book="indicator", name="支出指标", side=CREDIT, code="", control="available"
    )
    assert accounts["B1"] == Account(
        id="B1",
        book="treasury_financial",
        name="国库存款",
        side=DEBIT,
        code="1001",
        control="cash",
        kind="asset",
    )


def test_a_chart_names_its_books_and_controls_its_accounts() -> None:
    books = parse_books(SHIPPED)
    assert books.titles["zero_balance"] == "零余额账户"
    assert books.controlled("payment.applied", {"pay": 5}) == {"available": -5, "occupied": 5}


def test_each_combination_of_codes_has_accounts_of_its_own() -> None:
    books = parse_books(SHIPPED)
    changed: list[dict[str, str]] = [
        {},
        {"gov_bgt_eco_code": "50501"},
        {"dep_bgt_eco_code": "310"},
        {"fund_type_code": "2"},
        {"agency_type_code": "4"},
    ]
    accounts = [
        {
            line.account
            for event, amounts in (
                ("clearing.2301", {"claim": 1}),
                ("voucher.receipted", {"paid": 1, "failed": 0}),
            )
            for line in books.post(
                event, source=1, number="x", amounts_fen=amounts, codes=CODES | change
            ).lines
        }
        for change in changed
    ]
    assert [sorted(found ^ accounts[0]) for found in accounts] == [
        [],
        ["B12", "B14", "E1", "E2"],
        ["D1", "D2"],
        ["C11", "C14"],  # and B2 and C2 by the rule of special accounts
        ["E1", "E2"],
    ]
