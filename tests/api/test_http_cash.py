"""库款 over HTTP: what lies at the treasury, and a claim that is not covered."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from ledger.deciding.state import BEIJING
from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.openings import TREASURY


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def opening(amt: str, fund: str = "111") -> dict[str, Any]:
    cash = {"acct_cls_code": "1001", "dr_cr": 1, "tre_code": TREASURY, "fund_type_code": fund}
    return {
        "book": "treasury_financial",
        "rows": [{**cash, "amt": amt}, {"acct_cls_id": "B71", "dr_cr": -1, "amt": amt}],
    }


def claim(http: HttpTreasury, clear_no: str) -> Any:
    day = datetime.now(BEIJING).date().isoformat()
    body = {"clear_no": clear_no, "clear_date": day, "pay_bank_code": "102"}
    return http.post("…/clearings", body)


def account(balance: str, claimed: str, free: str) -> dict[str, str]:
    at = {"acct": TREASURY, "fund_type_code": "11"}
    return {**at, "balance": balance, "claimed": claimed, "free": free, "bonds": "0.00"}


def test_a_claim_above_what_lies_there_changes_nothing(http: HttpTreasury) -> None:
    """Scenario 24: 国库存款 1,000,000.00; a claim over 1,000,000.01 is refused."""
    shown = http.ok(http.get("…/cash"))
    assert (shown["cash_control"], shown["accounts"], shown["total"]) == (False, [], "0.00")
    http.ok(http.post("…/openings", opening("1000000.00"), "accountant"))
    http.paid(http.indicator("1000000.01"), "1000000.01")
    before = http.get("…").json()["position"]
    refused = claim(http, "QS-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_cash")
    told = refused.json()
    assert (told["available_amt"], told["requested_amt"]) == ("1000000.00", "1000000.01")
    shown = http.ok(http.get("…/cash"))
    assert shown["cash_control"] is True
    assert shown["accounts"] == [account("1000000.00", "0.00", "1000000.00")]
    assert shown["total"] == "1000000.00"
    balances = {a["acct_cls_name"]: a for a in http.get("…/trial-balance").json()["accounts"]}
    assert balances["国库存款"]["closing"] == "1000000.00"
    assert http.get("…").json()["position"] == before + 1, "the refusal is on record"


def test_cash_as_of_any_moment(http: HttpTreasury) -> None:
    opened = http.ok(http.post("…/openings", opening("1000.00"), "accountant"))
    http.paid(http.indicator("300.00"), "300.00")
    claimed = http.ok(claim(http, "QS-1"))
    assert http.ok(http.get("…/cash"))["accounts"] == [account("1000.00", "300.00", "700.00")]
    then = http.get("…/cash", as_of_position=str(opened["commit"]["position"])).json()
    assert then["accounts"] == [account("1000.00", "0.00", "1000.00")]
    now = http.get("…/cash", as_of_position=str(claimed["commit"]["position"])).json()
    assert now["accounts"] == [account("1000.00", "300.00", "700.00")]
    new_year = http.get("…/cash", as_of_effective="2026-01-01").json()
    assert new_year["accounts"] == [account("1000.00", "0.00", "1000.00")]
