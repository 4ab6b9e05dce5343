"""A year is booked by the chart that it was opened with, whatever releases come within it."""

import pytest
from psycopg_pool import ConnectionPool

from ledger.deciding.opening import OpenLedger
from tests.support.bookkeeper import Bookkeeper

pytestmark = pytest.mark.usefixtures("decided_again")

SOFTWARE = {"gov_bgt_eco_code": "50306", "dep_bgt_eco_code": "31007"}


def unit_assets(keeper: Bookkeeper) -> dict[str, str]:
    return {n: fen for n, fen in keeper.books().items() if n in ("固定资产", "无形资产")}


def versions(keeper: Bookkeeper) -> set[str]:
    return {journal.chart_version for journal in keeper.journals()}


def test_a_new_ledger_books_software_as_what_it_is(pool: ConnectionPool) -> None:
    """软件 of 80,000.00 (50306, 31007) is 无形资产 (1701)."""
    keeper = Bookkeeper(pool)
    keeper.open()
    keeper.issue("B1", "80000.00", **SOFTWARE)
    keeper.pay("SQ-1", "B1", "80000.00")
    assert unit_assets(keeper) == {"无形资产": "80000.00"}
    assert versions(keeper) == {"2026.12"}
    keeper.close()


def test_a_ledger_of_the_release_before_keeps_to_its_chart(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of its year nothing changes: what was paid before and what is paid after this
    release stand on one account, and what comes back leaves it."""
    keeper = Bookkeeper(pool)
    with monkeypatch.context() as before:
        before.setattr(OpenLedger, "CHARTS", 1)
        before.setattr(OpenLedger, "PLANS", False)
        before.setattr(OpenLedger, "PURCHASES", False)
        before.setattr(OpenLedger, "CARDS", False)
        before.setattr(OpenLedger, "SPECIAL", False)
        before.setattr(OpenLedger, "UNIT_FUNDS", False)
        before.setattr(OpenLedger, "TRANSFERS", False)
        before.setattr(OpenLedger, "FOLLOWS", False)
        keeper.open()
    [opened] = [event for _, name, event in keeper.events() if name == "ledger.opened"]
    assert opened.chart_edition == 1
    keeper.issue("B1", "90000.00", **SOFTWARE)
    keeper.pay("SQ-1", "B1", "80000.00")
    keeper.refund("SQ-1", "30000.00")
    assert unit_assets(keeper) == {"固定资产": "50000.00"}
    assert versions(keeper) == {"2026.1"}
    keeper.close()
