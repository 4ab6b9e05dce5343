"""辅助核算 over HTTP: the books of one unit, fund or project."""

from collections.abc import Iterator

import pytest

from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def test_the_books_of_one_unit(http: HttpTreasury) -> None:
    other = http.indicator("500.00", agency_code="102001")
    http.paid(http.indicator("1000.00"), "100.00")
    number = http.paid(other, "30.00")

    def expense(**asked: str) -> list[str]:
        accounts = http.ok(http.get("…/trial-balance", book="unit_financial", **asked))["accounts"]
        return [a["closing"] for a in accounts if a["acct_cls_name"] == "业务活动费用"]

    assert expense() == ["130.00"]
    assert expense(agency_code="102001") == ["30.00"]
    assert expense(agency_code="102001", fund_type_code="121") == []
    assert expense(agency_code="102001", as_of_effective="2026-01-31") == []
    listed = http.ok(http.get("…/journals", agency_code="102001", book="unit_financial"))
    assert [journal["number"] for journal in listed["items"]] == [number]


@pytest.mark.parametrize("path", ["…/trial-balance", "…/journals"])
def test_a_code_that_is_none(http: HttpTreasury, path: str) -> None:
    refused = http.get(path, pro_code="x" * 300)
    assert (refused.status_code, refused.json()["pointer"]) == (400, "/pro_code")
    assert http.get(path, dep="30201").status_code == 400
