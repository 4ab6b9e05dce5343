"""Journals as an accountant would write them, by the first chart that was shipped; no database.

Ledgers that were opened with it are booked by it as ever; what is booked otherwise since stands in
``test_postings_2026_12``.
"""

import pytest

from ledger.books import merge, parse_books, shipped_books
from ledger.errors import PostingError
from ledger.events import JournalPosted, Line
from ledger.money import parse_yuan, stored_fen, yuan
from tests.support.chart_texts import SHIPPED


def codes_of(gov: str, dep: str, fund: str = "111", kind: str = "") -> dict[str, str]:
    """``kind`` is the unit's type; "" of none. Nothing is withheld, prepaid or carried over."""
    return {
        "gov_bgt_eco_code": gov,
        "dep_bgt_eco_code": dep,
        "fund_type_code": fund,
        "agency_type_code": kind,
        "current_item_code": "",
        "is_carried": "2",
    }


BOOKS = shipped_books(edition=1)
GOODS = codes_of("50201", "30201")
LAND = codes_of("50301", "31005", "121")
TO_A_SCHOOL = codes_of("50502", "30201", "2")


def journal(
    event: str, codes: dict[str, str] = GOODS, rule_name: str = "", **fen: int
) -> JournalPosted:
    return BOOKS.post(
        event,
        source=7,
        number="SQ-1",
        amounts_fen=fen,
        codes=codes,
        bgt_id="ZB-1",
        rule_name=rule_name,
    )


def lines(posted: JournalPosted) -> list[tuple[str, int, str]]:
    return [(line.account, line.dr_cr, line.amt) for line in posted.lines]


def test_an_application_occupies_the_indicator() -> None:
    posted = journal("payment.applied", pay=12_345)
    assert posted == JournalPosted(
        source=7,
        event="payment.applied",
        chart_version="2026.1",
        number="SQ-1",
        bgt_id="ZB-1",
        fund_type_code="111",
        red_flag=0,
        lines=(Line("A3", 1, "123.45"), Line("A5", -1, "123.45")),
    )


def test_a_withdrawal_is_written_in_red() -> None:
    posted = journal("payment.withdrawn", pay=100)
    assert posted.red_flag == 1
    assert lines(posted) == [("A5", 1, "1.00"), ("A3", -1, "1.00")]


def test_a_receipt_of_which_a_part_failed_is_booked_in_four_books() -> None:
    assert lines(journal("voucher.receipted", paid=900, failed=100)) == [
        *[("A5", 1, "9.00"), ("A6", -1, "9.00")],
        *[("A5", 1, "1.00"), ("A3", -1, "1.00")],
        *[("D1", 1, "9.00"), ("D3", -1, "9.00")],
        *[("E1", 1, "9.00"), ("E3", -1, "9.00")],
        *[("F2", 1, "9.00"), ("F1", -1, "9.00")],
    ]


def test_what_did_not_happen_has_no_line() -> None:
    assert {amt for _, _, amt in lines(journal("voucher.receipted", paid=0, failed=100))} == {
        "1.00"
    }
    assert lines(journal("voucher.receipted", paid=0, failed=0)) == []


@pytest.mark.parametrize(
    ("codes", "unit_expense", "unit_outlay"),
    [
        (GOODS, "D1", "E1"),
        (LAND, "D2", "E1"),
        (TO_A_SCHOOL, "D1", "E2"),
        # 行政 and 参公 book 行政支出, 公益一类 and 二类 事业支出, whatever the money is for; the
        # outlay of an enterprise goes by 政府经济 as ever
        (codes_of("50201", "30201", kind="1"), "D1", "E1"),
        (codes_of("50502", "30201", kind="2"), "D1", "E1"),
        (codes_of("50905", "30302", kind="3"), "D1", "E2"),
        (codes_of("50301", "31005", kind="4"), "D2", "E2"),
        (codes_of("50502", "30201", kind="5"), "D1", "E2"),
    ],
)
def test_a_units_accounts_follow_the_elements(
    codes: dict[str, str], unit_expense: str, unit_outlay: str
) -> None:
    debits = [
        account for account, side, _ in lines(journal("voucher.receipted", codes, paid=1, failed=0))
    ]
    assert unit_expense in debits
    assert unit_outlay in debits


@pytest.mark.parametrize(
    ("codes", "booked"),
    [
        (GOODS, [("B12", 1), ("B1", -1), ("C11", 1), ("C1", -1)]),
        (LAND, [("B13", 1), ("B1", -1), ("C12", 1), ("C1", -1)]),
        (TO_A_SCHOOL, [("B14", 1), ("B2", -1), ("C14", 1), ("C2", -1)]),
    ],
)
def test_a_claim_is_booked_by_fund_and_class(
    codes: dict[str, str], booked: list[tuple[str, int]]
) -> None:
    rule_name = "clearing.2301" + ("_special" if codes["fund_type_code"] == "2" else "")
    posted = journal("clearing.claim_receipted", codes, rule_name=rule_name, claim=5)
    assert [(account, side) for account, side, _ in lines(posted)][:4] == booked
    assert posted.event == "clearing.claim_receipted"


def test_what_the_treasury_does_not_pay_is_named() -> None:
    books = BOOKS
    assert books.uncovered(GOODS) == ""
    assert books.uncovered({**GOODS, "fund_type_code": "14"}) == "fund_type_code"


def test_controlled_balances_move_as_the_lines_do() -> None:
    books = BOOKS
    assert books.controlled("payment.applied", {"pay": 5}) == {"available": -5, "occupied": 5}
    assert books.controlled("indicator.issued", {"amount": 5}) == {"available": 5}
    assert books.controlled("voucher.receipted", {"paid": 3, "failed": 2}) == {
        "occupied": -5,
        "paid": 3,
        "available": 2,
    }
    assert books.controlled("voucher.receipted", {"paid": 3, "failed": 0}) == {
        "occupied": -3,
        "paid": 3,
    }


def test_an_event_without_a_rule_is_not_booked() -> None:
    with pytest.raises(PostingError, match=r"chart 2026.1 has no rule .payment.eaten"):
        journal("payment.eaten", pay=1)


def test_an_account_has_its_official_code_where_that_is_established() -> None:
    accounts = BOOKS.accounts
    assert [accounts[key].code for key in ("B1", "B2")] == ["1001", ""]
    assert (accounts["A5"].name, accounts["A5"].book, accounts["A5"].side) == (
        "支付申请",
        "indicator",
        -1,
    )
    assert BOOKS.titles["zero_balance"] == "零余额账户"


def test_journals_of_one_event_are_added_up() -> None:
    first = journal("clearing.claim_receipted", GOODS, rule_name="clearing.2301", claim=100)
    second = journal("clearing.claim_receipted", LAND, rule_name="clearing.2301", claim=50)
    merged = merge([first, second])
    assert (merged.source, merged.number, merged.fund_type_code) == (7, "SQ-1", "111")
    assert ("B1", -1, "1.50") in lines(merged)
    assert ("B12", 1, "1.00") in lines(merged)
    assert ("B13", 1, "0.50") in lines(merged)


def test_lines_of_two_indicators_stay_apart() -> None:
    def of(bgt_id: str) -> JournalPosted:
        line = Line("A3", 1, "1.00", bgt_id)
        return JournalPosted(source=1, event="x", chart_version="r", number="n", lines=(line,))

    assert merge([of("B1"), of("B2"), of("B1")]).lines == (
        Line("A3", 1, "2.00", "B1"),
        Line("A3", 1, "1.00", "B2"),
    )


def test_a_rule_that_is_marked_red_is_read_so() -> None:
    before, rule, behind = SHIPPED.partition('event = "payment.withdrawn"')
    plain = parse_books(before + rule + behind.replace("red = true", "red = false", 1))
    for books, red_flag in ((parse_books(SHIPPED), 1), (plain, 0)):
        posted = books.post(
            "payment.withdrawn", source=1, number="x", amounts_fen={"pay": 1}, codes=GOODS
        )
        assert posted.red_flag == red_flag


@pytest.mark.parametrize(
    ("fen", "text"), [(99, "0.99"), (100, "1.00"), (1, "0.01"), (-99, "-0.99")]
)
def test_fen_about_a_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text
    assert stored_fen(text) == fen
    assert parse_yuan(text, signed=True) == fen
