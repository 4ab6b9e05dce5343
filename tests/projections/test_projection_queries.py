"""What callers read: lists complete through pages, cursors that cannot be misused, journals."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest

from ledger.books import Charts, load_charts, shipped_books
from ledger.errors import Code, ConfigurationError, RequestError
from ledger.money import parse_yuan
from ledger.postgres.database import Database
from projections.core.listing import PAGE_SIZE_MAX, ListingPage
from projections.core.runner import Runner
from projections.journal_lists import list_journals
from projections.queries import (
    list_clearing_movements,
    list_indicators,
    list_payments,
    list_refusals,
)
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.histories import commit_ends, mixed_history

CHARTS = load_charts()
JANUARY_20, FEBRUARY_10 = date(2026, 1, 20), date(2026, 2, 10)
MARCH_2, MARCH_3, MARCH_5, MARCH_9 = (date(2026, 3, day) for day in (2, 3, 5, 9))

Lister = Callable[..., ListingPage]


@pytest.fixture(scope="module")
def books(module_database: Database) -> Iterator[Bookkeeper]:
    """The mixed history, projected; only for looking at."""
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.open()
        mixed_history(keeper)
        Runner(pool).catch_up()
        yield keeper
        keeper.close()


def ask(b: Bookkeeper, lister: Lister, *more: Any) -> ListingPage:
    with b.pool.connection() as connection:
        return lister(connection, b.ledger_id, *more)


def all_pages(b: Bookkeeper, lister: Lister, filters: dict[str, str], size: int) -> list[Any]:
    """Everything, page by page; the filters are given once, after that the cursor carries them."""
    items, page = [], ask(b, lister, filters, None, size)
    while True:
        items += page.items
        assert len(page.items) == size or page.next_cursor is None
        if page.next_cursor is None:
            return items
        page = ask(b, lister, {}, page.next_cursor, size)


def journals(connection: Any, ledger_id: int, *more: Any) -> ListingPage:
    return list_journals(connection, ledger_id, CHARTS, *more)


# ---- pages


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("lister", [list_indicators, list_payments, list_refusals, journals])
def test_pages_of_any_size_are_the_whole_list(books: Bookkeeper, lister: Lister, size: int) -> None:
    whole = ask(books, lister, {}, None, PAGE_SIZE_MAX)
    assert whole.next_cursor is None
    assert whole.items
    assert all_pages(books, lister, {}, size) == whole.items


PAYMENT_FILTERS: list[tuple[dict[str, str], Callable[[dict[str, Any]], bool]]] = [
    ({"status": "paid"}, lambda p: p["status"] == "paid"),
    ({"status": "failed"}, lambda p: p["status"] == "failed"),
    ({"agency_code": "102001"}, lambda p: p["agency_code"] == "102001"),
    ({"bgt_id": "B1"}, lambda p: p["bgt_id"] == "B1"),
    ({"from": "2026-03-03"}, lambda p: p["effective_on"] >= "2026-03-03"),
    ({"to": "2026-03-03"}, lambda p: p["effective_on"] <= "2026-03-03"),
    (
        {"bgt_id": "B1", "status": "paid", "from": "2026-03-03", "to": "2026-03-03"},
        lambda p: (p["bgt_id"], p["status"], p["effective_on"]) == ("B1", "paid", "2026-03-03"),
    ),
    ({"agency_code": "999999"}, lambda p: False),
]


@pytest.mark.parametrize(("filters", "wanted"), PAYMENT_FILTERS)
def test_payments_are_filtered(
    books: Bookkeeper, filters: dict[str, str], wanted: Callable[[dict[str, Any]], bool]
) -> None:
    whole = ask(books, list_payments, {}, None, PAGE_SIZE_MAX).items
    assert all_pages(books, list_payments, filters, 2) == [p for p in whole if wanted(p)]
    assert whole == sorted(whole, key=lambda p: (p["effective_on"], p["applied_position"]))


def test_indicators_are_filtered_by_agency(books: Bookkeeper) -> None:
    found = all_pages(books, list_indicators, {"agency_code": "101001"}, 1)
    assert [indicator["bgt_id"] for indicator in found] == ["B1", "B3"]


def test_what_is_written_between_pages_neither_repeats_nor_hides(bookkeeper: Bookkeeper) -> None:
    books = bookkeeper
    mixed_history(books)
    Runner(books.pool).catch_up()
    before = [p["pay_app_no"] for p in ask(books, list_payments).items]
    page = ask(books, list_payments, {}, None, 7)
    books.apply("P0", "B1", "1.00", effective_on=MARCH_2)  # its place is on the page just read
    books.apply("P99", "B1", "1.00", effective_on=MARCH_9)
    Runner(books.pool).catch_up()
    rest = ask(books, list_payments, {}, page.next_cursor, 1000)
    shown = [p["pay_app_no"] for p in (*page.items, *rest.items)]
    assert sorted(shown) == sorted([*before, "P99"])


def test_the_position_of_the_model_is_given(bookkeeper: Bookkeeper) -> None:
    books = bookkeeper
    books.issue("B1", "100.00")
    books.apply("P1", "B1", "1.00")
    Runner(books.pool).catch_up()
    head = commit_ends(books)[-1]
    books.adjust("B1", "1.00")
    assert ask(books, list_payments).position == head
    assert ask(books, list_payments, {"status": "withdrawn", "bgt_id": "B3"}).position == head
    assert ask(books, list_payments, {}, None, 1).position == head


def test_a_ledger_without_models_has_empty_lists(bookkeeper: Bookkeeper) -> None:
    for lister in (list_indicators, list_payments, list_refusals, journals):
        assert ask(bookkeeper, lister) == ListingPage([], None, 0)


# ---- misuse


def malformed(b: Bookkeeper, lister: Lister, *more: Any) -> str:
    """The pointer of the refusal."""
    with pytest.raises(RequestError) as error:
        ask(b, lister, *more)
    assert error.value.code is Code.MALFORMED
    return str(error.value.extra["pointer"])


def forged(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_belongs_to_its_list_ledger_and_filters(books: Bookkeeper) -> None:
    cursor = ask(books, list_payments, {"status": "paid"}, None, 1).next_cursor
    assert malformed(books, list_payments, {"status": "failed"}, cursor) == "/cursor"
    assert malformed(books, list_payments, {"status": "paid", "bgt_id": "B1"}, cursor) == "/cursor"
    assert malformed(books, list_refusals, {}, cursor) == "/cursor"
    elsewhere = partial(list_payments, ledger_id=books.ledger_id + 1)
    with books.pool.connection() as connection, pytest.raises(RequestError):
        elsewhere(connection, cursor=cursor)
    same = ask(books, list_payments, {"status": "paid", "bgt_id": ""}, cursor, 1)
    assert same == ask(books, list_payments, None, cursor, 1)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "?",
        "游标",
        "AAAA",
        forged("{}"),
        forged("[]"),
        forged('["proj_payments",4400000002026,{},[]]'),
        forged('["proj_payments",4400000002026,{},["2026-03-02"]]'),
        forged('["proj_payments",4400000002026,{},["2026-02-30",1]]'),
        forged('["proj_payments",4400000002026,{},[1,"2026-03-02"]]'),
        forged('["proj_payments",4400000002026,{},["2026-03-02",-1]]'),
        forged('["proj_payments",4400000002026,{},["2026-03-02",9223372036854775808]]'),
        forged('["proj_payments",4400000002026,{},["2026-03-02",1,1]]'),
        forged('["proj_payments",4400000002026,{},["2026-03-02",1.5]]'),
        forged('["proj_payments",4400000002026,{},["2026-03-02",true]]'),
        forged('["proj_payments",4400000002026,{"x":1},["2026-03-02",1]]'),
    ],
)
def test_what_is_no_cursor_is_refused(books: Bookkeeper, cursor: str) -> None:
    assert malformed(books, list_payments, {}, cursor) == "/cursor"


@pytest.mark.parametrize(
    ("lister", "filters", "pointer"),
    [
        (list_payments, {"status": "done"}, "/status"),
        (list_payments, {"colour": "red"}, "/colour"),
        (list_payments, {"from": "2026-3-2"}, "/from"),
        (list_payments, {"to": "20260302"}, "/to"),
        (list_payments, {"to": "2026-02-30"}, "/to"),
        (list_payments, {"bgt_id": "B\0"}, "/bgt_id"),
        (list_payments, {"bgt_id": "B" * 201}, "/bgt_id"),
        (journals, {"source": "-1"}, "/source"),
        (journals, {"source": "1e3"}, "/source"),
        (journals, {"source": "9" * 19}, "/source"),
        (journals, {"book": "cash"}, "/book"),
    ],
)
def test_filters_are_checked(
    books: Bookkeeper, lister: Lister, filters: dict[str, str], pointer: str
) -> None:
    assert malformed(books, lister, filters) == pointer
    smuggled = forged(
        '["proj_payments",4400000002026,{"status":"\'; DROP TABLE events"},["2026-03-02",1]]'
    )
    assert malformed(books, list_payments, {}, smuggled) == "/status"


@pytest.mark.parametrize("size", [0, -1, 1001])
def test_page_sizes_are_bounded(books: Bookkeeper, size: int) -> None:
    assert malformed(books, list_payments, {}, None, size) == "/page_size"


def test_a_clearing_that_is_none_has_no_movements(books: Bookkeeper) -> None:
    page = ask(books, list_clearing_movements, "C99")
    assert (page.items, page.next_cursor) == ([], None)
    first = ask(books, list_clearing_movements, "C4", None, 1)
    rest = ask(books, list_clearing_movements, "C4", first.next_cursor, 5)
    assert [item["vt_code"] for item in (*first.items, *rest.items)] == ["2301", "2302", "2302"]


# ---- journals


def test_every_journal_balances_in_every_book(books: Bookkeeper) -> None:
    items = all_pages(books, journals, {}, 7)
    assert len(items) == len(books.journals())
    for item in items:
        sums: dict[str, int] = {}
        for line in item["lines"]:
            fen = line["dr_cr"] * parse_yuan(line["amt"])
            sums[line["book"]] = sums.get(line["book"], 0) + fen
        assert set(sums.values()) == {0}


def test_a_receipt_is_found_by_its_event_and_named(books: Bookkeeper) -> None:
    [source] = [
        position
        for position, name, event in books.events()
        if name == "voucher.receipted" and event.pay_app_no == "P3"
    ]
    [item] = ask(books, journals, {"source": str(source), "book": "unit_financial"}).items
    dimensions = {
        "bgt_id": "B1",
        "agency_code": "101001",
        "pro_code": "440000260000000000001",
        "exp_func_code": "2010102",
        "gov_bgt_eco_code": "50201",
        "dep_bgt_eco_code": "30201",
        "fund_type_code": "111",
    }
    line = {"book": "unit_financial", "amt": "30.00", "dimensions": dimensions}
    assert item["lines"] == [
        {
            **line,
            "acct_cls_id": "D1",
            "acct_cls_code": "5001",
            "acct_cls_name": "业务活动费用",
            "dr_cr": 1,
        },
        {
            **line,
            "acct_cls_id": "D3",
            "acct_cls_code": "4001",
            "acct_cls_name": "财政拨款收入",
            "dr_cr": -1,
        },
    ]
    assert (item["rule"], item["rule_version"]) == ("voucher.receipted", "2026.12")
    assert (item["number"], item["effective_on"], item["red_flag"]) == ("P3", "2026-03-02", 0)


def test_journals_of_a_book_and_a_period(books: Bookkeeper) -> None:
    found = all_pages(books, journals, {"book": "treasury_financial", "to": "2026-03-08"}, 2)
    assert [(item["number"], item["rule"]) for item in found] == [
        ("C1", "clearing.2301"),
        ("C1", "clearing.2301"),
        ("C3", "clearing.2301"),
    ]
    later = all_pages(books, journals, {"book": "treasury_financial", "from": "2026-03-04"}, 2)
    assert [(item["number"], item["rule"], item["red_flag"]) for item in later] == [
        ("C4", "clearing.2301", 0),
        ("C4", "clearing.2302", 1),
    ]
    assert later[0]["lines"][0]["dimensions"] == {"fund_type_code": "111"}


def test_a_chart_that_is_not_loaded_is_named(books: Bookkeeper) -> None:
    shipped = shipped_books()
    other = Charts(
        [
            type(shipped)(
                "2030.1",
                shipped.valid_from,
                shipped.titles,
                shipped.accounts.values(),
                {},
                [],
            )
        ]
    )
    with books.pool.connection() as connection, pytest.raises(ConfigurationError, match=r"2026\.1"):
        list_journals(connection, books.ledger_id, other)
