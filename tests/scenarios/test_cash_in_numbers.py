"""Scenarios of treasury cash in numbers, through the public API: clearing, cash, income."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from ledger.account_set import parse_ledger
from ledger.deciding.state import BEIJING
from ledger.postgres.database import Database
from ledger.reading.objects import read_objects
from payments.clearing.claims import CLEARING, Clearing
from payments.messages.clearing_2301 import ClearingOutcome, fill_receipt
from payments.messages.envelope import RECEIPT, VoucherBody
from payments.signing.claims import claim_document
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.openings import TREASURY

FUNCTIONS = {"121": "2120801", "13": "2230101"}
REJECTED = "库款余额不足"


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def opened(http: HttpTreasury, **by_fund: str) -> None:
    """国库存款 by fund, ``f111="100.00"``, against 累计盈余."""
    cash = {"acct_cls_code": "1001", "dr_cr": 1, "tre_code": TREASURY}
    rows: list[dict[str, Any]] = []
    for fund, amt in by_fund.items():
        rows.append({**cash, "fund_type_code": fund[1:], "amt": amt})
        rows.append({"acct_cls_id": "B71", "dr_cr": -1, "amt": amt})
    body = {"book": "treasury_financial", "rows": rows}
    http.ok(http.post("…/openings", body, "accountant"))


def paid(http: HttpTreasury, amount: str, fund: str = "111") -> None:
    codes = {"fund_type_code": fund}
    if fund in FUNCTIONS:
        codes["exp_func_code"] = FUNCTIONS[fund]
    http.paid(http.indicator(amount, **codes), amount)


def today() -> date:
    return datetime.now(BEIJING).date()


def claimed(http: HttpTreasury, clear_no: str) -> Any:
    body = {"clear_no": clear_no, "clear_date": today().isoformat(), "pay_bank_code": "102"}
    return http.post("…/clearings", body)


def answered(http: HttpTreasury, clear_no: str, *, settled: bool = True) -> list[str]:
    """The central bank's signed answers to all claims of a clearing; their amounts."""
    key = parse_ledger(http.ledger)
    with http.treasury.pool.connection() as connection:
        clearing: Clearing = read_objects(connection, key, CLEARING, [clear_no])[clear_no]
    for claim in clearing.requested.claims:
        outcome = ClearingOutcome(
            x_pay_snd_bnk_no="011000000000",
            x_clear_date=today(),
            x_pay_amt=int(claim.pay_amt.replace(".", "")) if settled else 0,
        )
        body = VoucherBody(
            adm_div_code="440000",
            st_year=int(http.ledger[-4:]),
            vt_code=claim.vt_code,
            voucher_no=claim.voucher_no,
            voucher_flag=RECEIPT,
            voucher=fill_receipt(claim_document(key, clearing.requested, claim), outcome),
            return_reason="" if settled else REJECTED,
        )
        [result] = http.ok(http.deliver(http.message_of(body, "pboc/1")))["results"]
        assert result["status"] == "created", result
    return sorted(claim.pay_amt for claim in clearing.requested.claims)


def balances(http: HttpTreasury) -> dict[str, str]:
    """Closings that are not zero, by name; on the other side than the normal one negative."""
    shown = http.ok(http.get("…/trial-balance"))["accounts"]
    return {a["acct_cls_name"]: a["closing"] for a in shown if a["closing"] != "0.00"}


def test_19_several_funds_are_cleared_each_by_its_own_claim(http: HttpTreasury) -> None:
    """Paid 111 13,000.00, 112, 121 and 13 1,000.00 each: four 2301, 16,000.00, F 0.00."""
    opened(http, f111="14000.00", f121="1000.00", f13="1000.00")
    for fund, amount in (("111", "13000.00"), ("112", "1000.00"), ("121", "1000.00")):
        paid(http, amount, fund)
    paid(http, "1000.00", "13")
    http.ok(claimed(http, "QS-1"))
    assert answered(http, "QS-1") == ["1000.00", "1000.00", "1000.00", "13000.00"]
    after = balances(http)
    assert "零余额账户" not in after
    assert "国库存款" not in after
    assert http.ok(http.get("…/cash"))["total"] == "0.00"


def test_22_what_was_rejected_is_claimed_the_next_time(http: HttpTreasury) -> None:
    """300.00 of 111 and 50.00 of 121 rejected: F 350.00, and 0.00 after the second claim."""
    opened(http, f111="300.00", f121="50.00")
    paid(http, "300.00")
    paid(http, "50.00", "121")
    http.ok(claimed(http, "QS-1"))
    assert answered(http, "QS-1", settled=False) == ["300.00", "50.00"]
    assert http.ok(http.get("…/clearings/QS-1"))["status"] == "rejected"
    assert balances(http)["零余额账户"] == "350.00"
    assert [a["free"] for a in http.get("…/cash").json()["accounts"]] == ["300.00", "50.00"]
    http.ok(claimed(http, "QS-2"))
    answered(http, "QS-2")
    assert "零余额账户" not in balances(http)


def test_24_a_claim_one_fen_above_cash_changes_nothing(http: HttpTreasury) -> None:
    """国库存款 1,000,000.00; a claim over 1,000,000.01 is refused."""
    opened(http, f111="1000000.00")
    paid(http, "1000000.01")
    refused = claimed(http, "QS-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_cash")
    assert balances(http)["国库存款"] == "1000000.00"


def test_25_taxes_and_fines_of_a_day(http: HttpTreasury) -> None:
    """3401 of 15 January: 增值税 2,000,000.00, 罚没 345,678.90."""
    amounts = {"10101": "2000000.00", "10305": "345678.90"}
    lines = [
        {"inc_sort_code": code, "fund_type_code": "111", "budget_level_code": "2", "amt": amt}
        for code, amt in amounts.items()
    ]
    day = {"report_no": "R1", "report_date": "2026-01-15", "tre_code": TREASURY, "lines": lines}
    http.ok(http.post("…/income-reports", day, "accountant"))
    assert balances(http) == {
        "国库存款": "2345678.90",
        "税收收入": "2000000.00",
        "非税收入": "345678.90",
        "资金结存—库款资金结存": "2345678.90",
        "一般公共预算收入": "2345678.90",
    }
