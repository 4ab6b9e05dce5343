"""查支付: what an official looks for is found by every filter, sorted as he likes, and added up."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from ledger.errors import Code, RequestError
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import Database
from projections.core.listing import PAGE_SIZE_MAX, ListingPage
from projections.core.runner import Runner
from projections.queries import list_payments
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.histories import mixed_history

Item = dict[str, Any]


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


def ask(
    books: Bookkeeper,
    filters: dict[str, str] | None = None,
    cursor: str | None = None,
    size: int = PAGE_SIZE_MAX,
    **more: Any,
) -> ListingPage:
    with books.pool.connection() as connection:
        return list_payments(connection, books.ledger_id, filters, cursor, size, **more)


def all_pages(books: Bookkeeper, filters: dict[str, str], size: int, sort: str = "") -> list[Item]:
    """Everything, page by page; filters and order are given once, then the cursor carries them."""
    page = ask(books, filters, None, size, sort=sort)
    items = list(page.items)
    while page.next_cursor is not None:
        page = ask(books, {}, page.next_cursor, size)
        items += page.items
    return items


def fen(item: Item) -> int:
    return parse_yuan(item["pay_amt"])


# what is asked for is taken from a payment of the list, so that each filter finds something
FOUND_BY: list[tuple[str, Callable[[Item], str], Callable[[Item, str], bool]]] = [
    ("payee_acct_no", lambda p: p["payee_acct_no"], lambda p, v: p["payee_acct_no"] == v),
    ("payee_acct_name", lambda p: p["payee_acct_name"], lambda p, v: p["payee_acct_name"] == v),
    ("min_amt", lambda p: p["pay_amt"], lambda p, v: fen(p) >= parse_yuan(v)),
    ("max_amt", lambda p: p["pay_amt"], lambda p, v: fen(p) <= parse_yuan(v)),
    ("pay_cert_no", lambda p: p["pay_cert_no"], lambda p, v: p["pay_cert_no"] == v),
    ("clear_no", lambda p: p["clear_no"], lambda p, v: p["clear_no"] == v),
    ("exp_func_code", lambda p: p["exp_func_code"], lambda p, v: p["exp_func_code"] == v),
    ("exp_func_code", lambda p: p["exp_func_code"][:3], lambda p, v: p["exp_func_code"][:3] == v),
    ("made_by", lambda p: p["made_by"], lambda p, v: p["made_by"] == v),
    ("checked_by", lambda p: p["checked_by"], lambda p, v: p["checked_by"] == v),
    ("received_from", lambda p: p["received_on"], lambda p, v: (p["received_on"] or "") >= v),
    ("received_to", lambda p: p["received_on"], lambda p, v: "" < (p["received_on"] or "") <= v),
]


@pytest.mark.parametrize(("name", "value_of", "wanted"), FOUND_BY)
def test_each_filter_finds_just_those(
    books: Bookkeeper,
    name: str,
    value_of: Callable[[Item], str],
    wanted: Callable[[Item, str], bool],
) -> None:
    whole = ask(books).items
    value = next(value_of(p) for p in whole if value_of(p))
    expected = [p for p in whole if wanted(p, value)]
    assert expected
    assert all_pages(books, {name: value}, 2) == expected


def test_who_made_and_checked_a_payment_and_when_the_bank_answered(books: Bookkeeper) -> None:
    paid = ask(books, {"status": "paid"}).items
    assert all(p["made_by"] and p["checked_by"] and p["received_on"] for p in paid)
    assert all(p["made_by"] != p["checked_by"] for p in paid)
    others = {p["status"]: p for p in ask(books).items}
    assert (others["withdrawn"]["checked_by"], others["withdrawn"]["received_on"]) == ("", None)
    assert (others["rejected"]["checked_by"] != "", others["rejected"]["received_on"]) == (
        True,
        None,
    )


KEYS: dict[str, Callable[[Item], Any]] = {
    "effective_on": lambda p: (p["effective_on"], p["applied_position"]),
    "pay_amt": lambda p: (fen(p), p["applied_position"]),
    "pay_app_no": lambda p: p["pay_app_no"],
}


@pytest.mark.parametrize(("sort", "down", "size"), [*product(KEYS, (False, True), (1, 3, 1000))])
def test_a_list_is_sorted_whole_whatever_its_pages(
    books: Bookkeeper, sort: str, down: bool, size: int
) -> None:
    whole = ask(books, {"agency_code": "101001"}).items
    asked = f"-{sort}" if down else sort
    found = all_pages(books, {"agency_code": "101001"}, size, asked)
    assert found == sorted(whole, key=KEYS[sort], reverse=down)


@pytest.mark.parametrize("filters", [{}, {"status": "paid"}, {"min_amt": "50.00"}, {"bgt_id": "X"}])
def test_a_total_is_of_all_pages(books: Bookkeeper, filters: dict[str, str]) -> None:
    whole = ask(books, filters).items
    first = ask(books, filters, None, 2, with_total=True)
    assert first.total is not None
    total_fen = sum(map(fen, whole))
    assert (first.total.rows, yuan(first.total.amount_fen)) == (len(whole), yuan(total_fen))
    if first.next_cursor is not None:  # the next page's is the same, by the filters of its cursor
        assert ask(books, {}, first.next_cursor, 2, with_total=True).total == first.total
    assert ask(books, filters).total is None


def refused(books: Bookkeeper, **asked: Any) -> str:
    with pytest.raises(RequestError) as refusal:
        ask(books, **asked)
    assert refusal.value.code is Code.MALFORMED or refusal.value.code is Code.INVALID_AMOUNT
    return refusal.value.extra["pointer"]


def test_a_cursor_keeps_to_its_order(books: Bookkeeper) -> None:
    cursor = ask(books, None, None, 1, sort="-pay_amt").next_cursor
    assert refused(books, cursor=cursor, sort="pay_amt") == "/cursor"
    assert ask(books, None, cursor, 1, sort="-pay_amt").items == ask(books, None, cursor, 1).items


@pytest.mark.parametrize(
    "sort", ["-", "amount", "--pay_amt", "PAY_AMT", "pay_fen", "effective_on "]
)
def test_an_order_that_there_is_not(books: Bookkeeper, sort: str) -> None:
    assert refused(books, sort=sort) == "/sort"


@pytest.mark.parametrize(
    ("name", "value"),
    [("min_amt", "1"), ("max_amt", "1e5"), ("min_amt", "-1.00"), ("received_to", "2026-02-30")],
)
def test_a_filter_that_is_none(books: Bookkeeper, name: str, value: str) -> None:
    assert refused(books, filters={name: value}) == f"/{name}"
