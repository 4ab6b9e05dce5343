"""Invariant 1: Σ debit = Σ credit in every book, every journal."""

from datetime import date

from ledger.books import shipped_books
from ledger.events import JournalPosted
from ledger.money import parse_yuan
from tests.support.bookkeeper import Bookkeeper, detail


def assert_balanced(journals: list[JournalPosted]) -> None:
    books = shipped_books()
    for journal in journals:
        per_book: dict[str, int] = {}
        for line in journal.lines:
            book = books.accounts[line.account].book
            per_book[book] = per_book.get(book, 0) + line.dr_cr * parse_yuan(line.amt)
        assert journal.lines, f"the journal of {journal.event} at {journal.source} is empty"
        assert set(per_book.values()) == {0}, f"{journal.event} at {journal.source}: {per_book}"


def busy_month(b: Bookkeeper) -> None:
    b.issue("A", "1000.00")
    b.issue("B", "500.00", gov_bgt_eco_code="50501", dep_bgt_eco_code="30101")
    b.adjust("A", "10.00")
    b.adjust("A", "-20.00")
    b.pay("P1", "A", "100.00")
    b.pay("P2", "A", "30.00", "d2", details=(detail("d1", "10.00"), detail("d2", "20.00")))
    b.pay("P3", "B", "5.55", "1")
    b.refund("P1", "40.00")
    b.clear("C", date(2026, 3, 31))


def test_every_journal_balances_in_each_book(bookkeeper: Bookkeeper) -> None:
    busy_month(bookkeeper)
    journals = bookkeeper.journals()
    assert {journal.event for journal in journals} >= {
        "indicator.issued",
        "indicator.adjusted",
        "payment.applied",
        "voucher.receipted",
        "payment.refunded",
        "clearing.claim_receipted",
    }
    assert_balanced(journals)


def test_a_journal_names_its_source_and_the_rules_it_was_made_by(bookkeeper: Bookkeeper) -> None:
    busy_month(bookkeeper)
    events = {position: name for position, name, _ in bookkeeper.events()}
    for journal in bookkeeper.journals():
        assert events[journal.source] == journal.event
        assert journal.chart_version == shipped_books().version


def test_reversals_are_marked_red(bookkeeper: Bookkeeper) -> None:
    busy_month(bookkeeper)
    red = {journal.event for journal in bookkeeper.journals() if journal.red_flag}
    assert red == {"payment.refunded", "clearing.claim_receipted"}


def test_canary_an_unbalanced_journal_is_found(bookkeeper: Bookkeeper) -> None:
    busy_month(bookkeeper)
    journals = bookkeeper.journals()
    one_side = JournalPosted(
        source=1, event="x", chart_version="x", number="x", lines=journals[0].lines[:1]
    )
    try:
        assert_balanced([*journals, one_side])
    except AssertionError:
        return
    raise RuntimeError("the checker of double entry cannot fail")
