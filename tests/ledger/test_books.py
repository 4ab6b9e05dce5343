"""Charts and rules: what does not balance is refused when it is loaded."""

from datetime import date
from importlib import resources

import pytest

from ledger.books import Charts, load_charts, parse_books, shipped_books
from ledger.errors import ConfigurationError
from ledger.events import TYPES
from ledger.money import parse_yuan

TEXT = (resources.files("ledger.data") / "books" / "2026.toml").read_text(encoding="utf-8")
CODES = {"gov_bgt_eco_code": "50201", "dep_bgt_eco_code": "30201", "fund_type_code": "111"}


def test_the_shipped_rules_name_only_events_that_exist() -> None:
    clearing = {"clearing.2301", "clearing.2302"}
    assert set(shipped_books().rules) - clearing <= set(TYPES)


def test_a_rule_across_two_books_is_refused_at_load() -> None:
    broken = TEXT.replace('lines = [["A3", "A4", "amount"]]', 'lines = [["A3", "B1", "amount"]]')
    assert broken != TEXT
    with pytest.raises(ConfigurationError, match="does not balance"):
        parse_books(broken)


def test_a_choice_across_two_books_is_refused_at_load() -> None:
    broken = TEXT.replace('"509" = "B16"', '"509" = "C11"')
    assert broken != TEXT
    with pytest.raises(ConfigurationError, match="mixes the books"):
        parse_books(broken)


def test_an_unknown_account_is_refused_at_load() -> None:
    with pytest.raises(ConfigurationError, match="A99"):
        parse_books(TEXT.replace('["A5", "A6", "paid"]', '["A5", "A99", "paid"]'))


def test_text_that_is_no_chart_is_refused() -> None:
    for text in ("", "version = 1", "[[", TEXT.replace('side = "debit"', 'side = "left"', 1)):
        with pytest.raises(ConfigurationError):
            parse_books(text)


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
    names = {books.accounts[line.account].name for line in journal.lines if line.dr_cr == 1}
    assert expense in names


def test_every_rule_balances_in_every_book_for_odd_amounts() -> None:
    books = shipped_books()
    amounts = {
        name: 7 * index + 1
        for index, name in enumerate(
            ("amount", "increase", "decrease", "pay", "paid", "failed", "refund", "claim")
        )
    }
    for event in books.rules:
        journal = books.post(event, source=1, number="x", amounts_fen=amounts, codes=CODES)
        per_book: dict[str, int] = {}
        for line in journal.lines:
            book = books.accounts[line.account].book
            per_book[book] = per_book.get(book, 0) + line.dr_cr * parse_yuan(line.amt)
        assert set(per_book.values()) == {0}, event


def test_a_newer_chart_takes_over_from_its_date() -> None:
    newer = parse_books(
        TEXT.replace('version = "2026.1"', 'version = "2027.1"').replace(
            "valid_from = 2000-01-01", "valid_from = 2027-01-01"
        )
    )
    charts = Charts([newer, shipped_books()])
    assert charts.on(date(2026, 12, 31)).version == "2026.1"
    assert charts.on(date(2027, 1, 1)).version == "2027.1"


def test_before_the_first_chart_nothing_can_be_booked() -> None:
    with pytest.raises(ConfigurationError):
        load_charts().on(date(1999, 12, 31))
