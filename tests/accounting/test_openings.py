"""期初: what a book begins the year with is entered once, balanced, in accounts that are there."""

from datetime import date
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from accounting.entered_rows import NamedAccount
from accounting.opening_events import BookOpened, OpeningRow
from accounting.openings import Opening
from ledger.books import shipped_books
from ledger.books.given import GivenLine, given_journal
from ledger.closing import ClosePeriod
from ledger.deciding.documents import ApproveDocument
from ledger.errors import PostingError
from ledger.events import JournalPosted
from tests.support.bookkeeper import Bookkeeper
from tests.support.openings import credit, debit, opening

DEPOSIT = debit("100.00", acct_cls_id="B2", fund_type_code="2")
SURPLUS = credit("100.00", acct_cls_id="B71")
OWN = credit("5.00", acct_cls_code="4001")


def test_a_book_is_opened_on_the_first_day_of_the_year(bookkeeper: Bookkeeper) -> None:
    outcome = bookkeeper.do(opening("treasury_financial", DEPOSIT, SURPLUS), "accountant")
    [opened] = outcome.subjects
    assert isinstance(opened, Opening)
    assert opened.loaded.accounts == (
        NamedAccount("B2", "", "其他财政存款"),
        NamedAccount("B71", "", "累计盈余"),
    )
    (loaded_at, _, _), (_, _, journal), (_, _, told) = bookkeeper.events()[-3:]
    assert isinstance(journal, JournalPosted)
    assert [(line.account, line.dr_cr, line.amt) for line in journal.lines] == [
        ("B2", 1, "100.00"),
        ("B71", -1, "100.00"),
    ]
    assert journal.line_codes == ({"fund_type_code": "2"}, {})
    assert journal.source == loaded_at
    assert isinstance(told, BookOpened)
    days = "SELECT DISTINCT effective_on FROM events WHERE ledger_id = %s AND position > %s"
    [(day,)] = bookkeeper.sql(days, loaded_at - 1)
    assert day == date(2026, 1, 1)


def test_asked_again_it_is_answered_as_the_first_time(bookkeeper: Bookkeeper) -> None:
    asked = opening("treasury_financial", DEPOSIT, SURPLUS)
    first = bookkeeper.do(asked, "accountant")
    again = bookkeeper.ask(asked, "accountant")
    assert again.replayed
    assert again.commit == first.commit


def test_a_book_is_opened_once(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(opening("treasury_financial", DEPOSIT, SURPLUS), "accountant")
    others = debit("7.00", acct_cls_id="B2"), credit("7.00", acct_cls_id="B71")
    assert bookkeeper.refusal(opening("treasury_financial", *others)) == "already_opened"
    bookkeeper.do(opening("unit_financial", debit("5.00", acct_cls_code="1601"), OWN), "accountant")


# ---- refused


@pytest.mark.parametrize(
    ("book", "rows", "code"),
    [
        ("treasury_financial", (DEPOSIT, credit("99.99", acct_cls_id="B71")), "details_mismatch"),
        ("treasury_financial", (DEPOSIT, credit("100.00", acct_cls_id="B999")), "element_invalid"),
        ("treasury_financial", (DEPOSIT, credit("100.00", acct_cls_id="D3")), "element_invalid"),
        ("indicator", (debit("1.00", acct_cls_id="A1"),), "element_invalid"),
        ("zero_balance", (debit("1.00", acct_cls_id="F1"),), "element_invalid"),
        ("cash_book", (debit("1.00", acct_cls_id="B2"),), "element_invalid"),
        (
            "treasury_financial",
            (debit("1.00", acct_cls_id="B2", fund_type_code="999"),),
            "element_invalid",
        ),
    ],
)
def test_what_is_no_opening_is_refused_and_leaves_the_book_to_be_opened(
    bookkeeper: Bookkeeper, book: str, rows: tuple[OpeningRow, ...], code: str
) -> None:
    assert bookkeeper.refusal(opening(book, *rows), "accountant") == code
    bookkeeper.do(opening("treasury_financial", DEPOSIT, SURPLUS), "accountant")


def test_what_is_wrong_is_told_with_its_place(bookkeeper: Bookkeeper) -> None:
    wrong = debit("1.00", acct_cls_code="9999"), SURPLUS
    problem = bookkeeper.ask(opening("treasury_financial", *wrong)).problem
    assert problem is not None
    assert problem.extra["pointer"] == "/rows/0/acct_cls_code"


def test_nothing_is_opened_in_a_month_that_is_closed(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(ClosePeriod(through="2026-01-31"), "accountant")
    assert bookkeeper.refusal(opening("treasury_financial", DEPOSIT, SURPLUS)) == "period_closed"


def opened_books(keeper: Bookkeeper) -> list[str]:
    return [event.book for _, _, event in keeper.events() if isinstance(event, BookOpened)]


def test_another_person_has_to_agree(pool: ConnectionPool) -> None:
    keeper = Bookkeeper(pool)
    keeper.open(**{"opening.load": ("accountant_checker",)})
    asked = opening("treasury_financial", DEPOSIT, SURPLUS)
    keeper.do(asked, "accountant")
    assert opened_books(keeper) == []
    agree = ApproveDocument(
        document_kind="opening.load", document_no=asked.number, roles=("accountant_checker",)
    )
    assert keeper.refusal(agree, "accountant") == "same_person"
    keeper.do(agree, "other")
    assert opened_books(keeper) == ["treasury_financial"]
    keeper.close()


# ---- journals whose lines the event gives


BOOKS = shipped_books()


def given(*lines: tuple[str, int, int], **more: Any) -> JournalPosted:
    found = [GivenLine(BOOKS.accounts[name], side, fen) for name, side, fen in lines]
    return given_journal(BOOKS, "opening.loaded", source=1, number="N", lines=found, **more)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([("B2", 1, 100), ("B71", -1, 99)], "differ in treasury_financial"),
        ([("B2", 1, 100), ("C51", -1, 100)], "differ in treasury_budgetary, treasury_financial"),
        ([("A1", 1, 100), ("A3", -1, 100)], "carries control 'available'"),
        ([("B2", 1, 0), ("B71", -1, 0)], "is over 0.00"),
    ],
)
def test_a_journal_of_given_lines_is_held_as_a_rule_is(
    lines: list[tuple[str, int, int]], problem: str
) -> None:
    with pytest.raises(PostingError, match=problem):
        given(*lines)


def test_a_control_is_moved_where_its_register_is() -> None:
    journal = given(("A1", 1, 100), ("A3", -1, 100), moves=("available",))
    assert [line.account for line in journal.lines] == ["A1", "A3"]
