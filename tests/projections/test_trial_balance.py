"""余额表: the worked example at every date, periods, and what was known at any moment."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest

from ledger.books import Charts, load_charts, parse_books, shipped_books
from ledger.errors import Code, RequestError
from ledger.money import parse_yuan, yuan
from ledger.postgres.database import Database
from projections.core.runner import Runner
from projections.queries import trial_balance
from projections.trial_balance import TrialBalance
from tests.support.bookkeeper import Bookkeeper, detail, fresh_pool
from tests.support.bookkeeper import trial_balance as balances_of
from tests.support.histories import MARCH_2, MARCH_3, MARCH_5, MARCH_9, commit_ends, mixed_history

CHARTS = load_charts()
JANUARY_20, FEBRUARY_10 = date(2026, 1, 20), date(2026, 2, 10)


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


@pytest.fixture(scope="module")
def worked_example(module_database: Database) -> Iterator[Bookkeeper]:
    """The worked example of the domain reference, through its refund, projected; for looking at."""
    with fresh_pool(module_database.app_conninfo) as pool:
        keeper = Bookkeeper(pool, division="440100000")
        keeper.open()
        play_worked_example(keeper)
        yield keeper
        keeper.close()


def play_worked_example(b: Bookkeeper) -> None:
    b.issue("B", "1000000.00", effective_on=JANUARY_20)
    b.adjust("B", "-100000.00", effective_on=FEBRUARY_10)
    b.pay("P1", "B", "300000.00", effective_on=MARCH_2)
    b.pay("P2", "B", "250000.00", effective_on=MARCH_2)
    b.clear("C1", MARCH_2)
    lines = (detail("d1", "150000.00"), detail("d2", "50000.00"))
    b.pay("P3", "B", "200000.00", "d2", details=lines, effective_on=MARCH_5)
    b.clear("C2", MARCH_5)
    b.refund("P2", "50000.00", effective_on=MARCH_9)
    b.clear("C3", MARCH_9)
    Runner(b.pool).catch_up()


def balance(b: Bookkeeper, **asked: Any) -> TrialBalance:
    with b.pool.connection() as connection:
        return trial_balance(connection, b.ledger_id, CHARTS, **asked)


def closings(answer: TrialBalance) -> dict[str, str]:
    """Closing of each account by name on its normal side; zero ones left out."""
    sides = {account.name: account.side for account in shipped_books().accounts.values()}
    return {
        a["acct_cls_name"]: yuan(parse_yuan(a["closing"]) * a["dr_cr"] * sides[a["acct_cls_name"]])
        for a in answer.accounts
        if a["closing"] != "0.00"
    }


def test_the_worked_example_at_every_date(worked_example: Bookkeeper) -> None:
    b = worked_example
    assert closings(balance(b, as_of_effective=date(2026, 1, 19))) == {}
    assert closings(balance(b, as_of_effective=JANUARY_20)) == {
        "指标来源": "1000000.00",
        "支出指标": "1000000.00",
    }
    assert closings(balance(b, as_of_effective=date(2026, 3, 1))) == {
        "指标来源": "900000.00",
        "支出指标": "900000.00",
    }
    assert closings(balance(b, as_of_effective=MARCH_2)) == {
        "指标来源": "900000.00",
        "支出指标": "350000.00",
        "支付": "550000.00",
        "国库存款": "-550000.00",
        "政府机关商品和服务拨款费用": "550000.00",
        "资金结存—库款资金结存": "-550000.00",
        "一般公共预算支出": "550000.00",
        "业务活动费用": "550000.00",
        "财政拨款收入": "550000.00",
        "行政支出": "550000.00",
        "财政拨款预算收入": "550000.00",
    }
    paid = {
        "国库存款": "-650000.00",
        "政府机关商品和服务拨款费用": "650000.00",
        "资金结存—库款资金结存": "-650000.00",
        "一般公共预算支出": "650000.00",
        "业务活动费用": "650000.00",
        "财政拨款收入": "650000.00",
        "行政支出": "650000.00",
        "财政拨款预算收入": "650000.00",
    }
    indicator = {"指标来源": "900000.00", "支出指标": "250000.00", "支付": "650000.00"}
    assert closings(balance(b)) == {**indicator, **paid}
    assert closings(balance(b, as_of_effective=date(2026, 12, 31))) == {**indicator, **paid}
    assert closings(balance(b, book="indicator")) == indicator


def _unnumbered(acct_cls_id: str, name: str, **more: str) -> dict[str, str]:
    """An account whose official code is not established."""
    return {**more, "acct_cls_id": acct_cls_id, "acct_cls_code": "", "acct_cls_name": name}


def test_opening_movement_and_closing_of_a_period(worked_example: Bookkeeper) -> None:
    answer = balance(worked_example, from_day=MARCH_3, to_day=MARCH_5, book="zero_balance")
    zero_account = _unnumbered("F1", "零余额账户", book="zero_balance")
    waiting = _unnumbered("F2", "待清算款项", book="zero_balance")
    flat = {"opening": "0.00", "debit": "150000.00", "credit": "150000.00", "closing": "0.00"}
    assert answer.accounts == [
        {**zero_account, **flat, "dr_cr": 1},
        {**waiting, **flat, "dr_cr": 1},
    ]
    assert answer.totals == [{"book": "zero_balance", "debit": "300000.00", "credit": "300000.00"}]

    march = balance(worked_example, from_day=MARCH_3, book="treasury_financial")
    expense = _unnumbered("B12", "政府机关商品和服务拨款费用")
    deposit = {"acct_cls_id": "B1", "acct_cls_code": "1001", "acct_cls_name": "国库存款"}
    assert march.accounts == [
        {
            "book": "treasury_financial",
            **deposit,
            "opening": "550000.00",
            "debit": "50000.00",
            "credit": "150000.00",
            "closing": "650000.00",
            "dr_cr": -1,
        },
        {
            "book": "treasury_financial",
            **expense,
            "opening": "550000.00",
            "debit": "150000.00",
            "credit": "50000.00",
            "closing": "650000.00",
            "dr_cr": 1,
        },
    ]


def test_an_opening_is_seen_from_the_side_of_the_closing(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B", "100.00", effective_on=JANUARY_20)
    bookkeeper.pay("P", "B", "60.00", effective_on=MARCH_2)
    bookkeeper.clear("C1", MARCH_2)
    bookkeeper.refund("P", "60.00", effective_on=MARCH_5)  # received back, not yet cleared
    Runner(bookkeeper.pool).catch_up()
    answer = balance(bookkeeper, from_day=MARCH_3, book="zero_balance")
    figures = [
        (a["opening"], a["debit"], a["credit"], a["closing"], a["dr_cr"]) for a in answer.accounts
    ]
    assert figures == [
        ("0.00", "60.00", "0.00", "60.00", 1),
        ("0.00", "0.00", "60.00", "60.00", -1),
    ]
    turned = balance(bookkeeper, from_day=MARCH_2, to_day=MARCH_9, book="unit_financial")
    for account in turned.accounts:
        opening, debit, credit, closing = (
            parse_yuan(account[name], zero=True, signed=True)
            for name in ("opening", "debit", "credit", "closing")
        )
        assert closing == opening + account["dr_cr"] * (debit - credit)


def test_what_was_known_at_every_position(books: Bookkeeper) -> None:
    journals_at = [
        (position, event) for position, name, event in books.events() if name == "journal.posted"
    ]
    head = commit_ends(books)[-1]
    for position in range(head + 1):
        answer = balance(books, as_of_position=position)
        assert answer.position == position
        known = balances_of([event for at, event in journals_at if at <= position])
        assert closings(answer) == known, position
        for totals in answer.totals:
            assert totals["debit"] == totals["credit"]


def test_positions_ahead_of_the_model_are_answered_from_the_events(
    bookkeeper: Bookkeeper,
) -> None:
    books = bookkeeper
    mixed_history(books)
    Runner(books.pool).catch_up()
    outcome = books.adjust("B1", "1.00")
    before = closings(balance(books))["指标来源"]
    after = closings(balance(books, as_of_position=outcome.last_position))["指标来源"]
    assert parse_yuan(after) - parse_yuan(before) == 100


def test_what_was_known_at_a_time(books: Bookkeeper) -> None:
    moments = books.sql(
        "SELECT recorded_at, position FROM commits WHERE ledger_id = %s ORDER BY position"
    )
    for recorded_at, position in moments[:: max(1, len(moments) // 6)]:
        assert balance(books, as_of_recorded=recorded_at).position == position
    first: datetime = moments[0][0]
    assert balance(books, as_of_recorded=first - timedelta(microseconds=1)).accounts == []


def test_both_times_can_be_asked_together(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    play_worked_example(b)
    known = balance(b).position
    b.adjust("B", "5.00", effective_on=date(2026, 3, 1))  # entered late for an early day
    Runner(b.pool).catch_up()
    day = date(2026, 3, 1)
    assert closings(balance(b, as_of_effective=day))["支出指标"] == "900005.00"
    then = balance(b, as_of_effective=day, as_of_position=known)
    assert closings(then)["支出指标"] == "900000.00"


@pytest.mark.parametrize(
    "asked",
    [
        {"as_of_position": -1},
        {"as_of_position": 10**6},
        {"as_of_position": 1, "as_of_recorded": datetime(2026, 1, 1).astimezone()},
        {"as_of_recorded": datetime(2026, 1, 1)},  # noqa: DTZ001 - the missing offset is the point
        {"as_of_effective": MARCH_2, "to_day": MARCH_5},
        {"book": "cash"},
    ],
)
def test_impossible_moments_are_refused(books: Bookkeeper, asked: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as error:
        balance(books, **asked)
    assert error.value.code is Code.MALFORMED


def test_accounts_are_named_by_the_chart_of_the_day(worked_example: Bookkeeper) -> None:
    text = (shipped_text().replace('version = "2026.1"', 'version = "2026.2"')).replace(
        "valid_from = 2000-01-01", "valid_from = 2026-03-05"
    )
    renamed = parse_books(text.replace('"待清算款项"', '"待清算"'))
    charts = Charts([shipped_books(), renamed])
    with worked_example.pool.connection() as connection:
        for day, name in ((MARCH_3, "待清算款项"), (MARCH_5, "待清算")):
            answer = trial_balance(
                connection, worked_example.ledger_id, charts, to_day=day, book="zero_balance"
            )
            assert answer.accounts[1]["acct_cls_name"] == name


def shipped_text() -> str:
    return (files("ledger.data") / "books" / "2026.toml").read_text(encoding="utf-8")
