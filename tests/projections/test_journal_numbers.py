"""凭证号: each set of books counts its journals up month by month, without gap."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounting.vouchers import ReverseVoucher
from ledger.closing import ClosePeriod, ReopenPeriod
from projections.core.advance import BATCH_EVENTS
from projections.core.rebuild import verify
from projections.core.runner import Runner
from projections.journal_lists import list_journals
from tests.projections.test_trial_balance import CHARTS
from tests.support.bookkeeper import Bookkeeper
from tests.support.histories import mixed_history
from tests.support.openings import cash_opened
from tests.support.vouchers import cr, dr, voucher

SETS = ("indicator", "treasury", "unit", "zero_balance")
DEPRECIATION = dr("800.00", "5001"), cr("800.00", "1602")
MARCH_2 = date(2026, 3, 2)


def journals(
    keeper: Bookkeeper, *, batch_events: int = BATCH_EVENTS, **filters: str
) -> list[dict[str, Any]]:
    """In the order of their positions."""
    Runner(keeper.pool, batch_events=batch_events).catch_up()
    with keeper.pool.connection() as connection:
        items = list_journals(connection, keeper.ledger_id, CHARTS, filters, page_size=1000).items
    return sorted(items, key=lambda item: item["position"])


def numbers(keeper: Bookkeeper) -> list[dict[str, Any]]:
    return [item["vou_nos"] for item in journals(keeper)]


def units_of(item: dict[str, Any]) -> set[str]:
    found = {line["dimensions"].get("agency_code", "") for line in item["lines"]}
    return found or {""}


def test_a_payment_has_a_number_in_each_set_of_books(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B1", "100.00")
    bookkeeper.pay("P1", "B1", "40.00")
    bookkeeper.clear("QS-1", MARCH_2)
    issued, applied, receipted, settled = numbers(bookkeeper)
    assert [issued["indicator"], applied["indicator"], receipted["indicator"]] == [1, 2, 3]
    assert receipted == {
        "acct_period": "2026-03",
        "indicator": 3,
        "unit": 1,
        "zero_balance": 1,
    }
    assert settled == {"acct_period": "2026-03", "treasury": 1, "zero_balance": 2}


def test_each_unit_and_each_month_begins_at_one(bookkeeper: Bookkeeper) -> None:
    for number, unit, month in (
        ("JZ-1", "101001", "2026-01"),
        ("JZ-2", "102001", "2026-01"),
        ("JZ-3", "101001", "2026-01"),
        ("JZ-4", "101001", "2026-02"),
    ):
        asked = voucher(number, *DEPRECIATION, agency_code=unit, acct_period=month)
        bookkeeper.do(asked, "accountant")
    own = dr("7.00", "B18"), cr("7.00", "B56")
    bookkeeper.do(voucher("JZ-5", *own, book="treasury_financial"), "accountant")
    assert numbers(bookkeeper) == [
        {"acct_period": "2026-01", "unit": 1},
        {"acct_period": "2026-01", "unit": 1},
        {"acct_period": "2026-01", "unit": 2},
        {"acct_period": "2026-02", "unit": 1},
        {"acct_period": "2026-03", "treasury": 1},
    ]


def test_openings_are_no_vouchers(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="10.00"), "accountant")
    assert numbers(bookkeeper) == [None]


def test_a_red_voucher_names_the_number_that_it_reverses(bookkeeper: Bookkeeper) -> None:
    january = voucher("JZ-1", *DEPRECIATION, acct_period="2026-01")
    bookkeeper.do(january, "accountant")
    bookkeeper.do(ReverseVoucher(voucher_no="JZ-1"), "accountant")
    [blue, red] = journals(bookkeeper)
    assert blue["red_vou_nos"] is None
    assert red["vou_nos"] == {"acct_period": "2026-03", "unit": 1}
    assert red["red_vou_nos"] == blue["vou_nos"] == {"acct_period": "2026-01", "unit": 1}
    # also where the blue one is on another page
    [alone] = journals(bookkeeper, **{"from": "2026-02-01"})
    assert alone["red_vou_nos"] == blue["vou_nos"]


def test_a_closed_month_keeps_its_numbers_and_a_reopened_one_counts_on(
    bookkeeper: Bookkeeper,
) -> None:
    january = {"acct_period": "2026-01"}
    bookkeeper.do(voucher("JZ-1", *DEPRECIATION, **january), "accountant")
    bookkeeper.do(ClosePeriod(through="2026-01-31"), "accountant")
    bookkeeper.do(voucher("JZ-2", *DEPRECIATION), "accountant")
    bookkeeper.do(ReopenPeriod(from_month="2026-01", reason="补记"), "accountant")
    bookkeeper.do(voucher("JZ-3", *DEPRECIATION, **january), "accountant")
    assert [each["unit"] for each in numbers(bookkeeper)] == [1, 1, 2]


def test_what_comes_when_december_is_closed_is_of_month_13(bookkeeper: Bookkeeper) -> None:
    bookkeeper.clock.now = datetime(2027, 1, 4, 2, tzinfo=UTC)
    december, late = {"acct_period": "2026-12"}, {"acct_period": "2026-13"}
    bookkeeper.do(voucher("JZ-1", *DEPRECIATION, **december), "accountant")
    bookkeeper.do(ClosePeriod(through="2026-12-31"), "accountant")
    assert bookkeeper.refusal(voucher("JZ-2", *DEPRECIATION, **december)) == "period_closed"
    bookkeeper.do(voucher("JZ-2", *DEPRECIATION, **late), "accountant")
    bookkeeper.do(ReopenPeriod(from_month="2026-12", reason="漏记"), "accountant")
    bookkeeper.do(voucher("JZ-3", *DEPRECIATION, **december), "accountant")
    bookkeeper.do(ClosePeriod(through="2026-12-31", reopened=1), "accountant")
    bookkeeper.do(voucher("JZ-4", *DEPRECIATION, **late), "accountant")
    assert numbers(bookkeeper) == [
        {"acct_period": "2026-12", "unit": 1},
        {"acct_period": "2026-13", "unit": 1},
        {"acct_period": "2026-12", "unit": 2},
        {"acct_period": "2026-13", "unit": 2},
    ]
    assert verify(bookkeeper.pool, bookkeeper.ledger_id).equal


@pytest.mark.parametrize("steps", [1, 7, 10_000])
def test_they_are_without_gap_however_they_came_to_be(bookkeeper: Bookkeeper, steps: int) -> None:
    """Followed live in small steps and in large ones, and built anew."""
    mixed_history(bookkeeper)
    found: dict[tuple[str, str, str], list[int]] = {}
    for item in journals(bookkeeper, batch_events=steps):
        given = item["vou_nos"]
        for name in SETS:
            if name in given:
                unit = ",".join(sorted(units_of(item))) if name == "unit" else ""
                found.setdefault((name, unit, given["acct_period"]), []).append(given[name])
    assert found
    for place, those in found.items():
        assert those == list(range(1, len(those) + 1)), place
    report = verify(bookkeeper.pool, bookkeeper.ledger_id)
    assert report.equal, [c.difference for c in report.comparisons if c.difference]
