"""国库现金管理: what lies above the reserve is placed, and is back by the central bank's word."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ledger.gm import sm3
from ledger.money import parse_yuan
from ledger.postgres.database import Database
from ledger.reading.documents import compress_document
from ledger.reading.loading import read_rows
from payments.clearing.cash import CASH
from payments.clearing.cash_events import CashReserve
from payments.clearing.cash_policy import SetCashPolicy
from payments.orders.placements import (
    PLACED,
    PLACEMENT,
    ApplyPlacementReceipt,
    PlaceCash,
    PlacedCash,
    Placement,
    ReturnPlacement,
)
from tests.support.advances import MARCH_2
from tests.support.bookkeeper import Bookkeeper
from tests.support.http_orders import order_answered
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.openings import TREASURY, cash_opened

pytestmark = pytest.mark.usefixtures("decided_again")

BANK = {
    "payee_acct_name": "样例银行",
    "payee_acct_no": "4400000000000000102",
    "payee_acct_bank_name": "样例银行广州分行",
}


def placing(number: str, amt: str, **more: Any) -> PlaceCash:
    terms = {"fund_type_code": "111", "int_rate": "1.85", "due_on": date(2026, 6, 2)}
    return PlaceCash(**{"place_no": number, "amt": amt, **terms, **BANK, **more})


def _signed(text: str) -> dict[str, Any]:
    said = text.encode()
    return {
        "receipt_sm3": sm3(said).hex(),
        "cert_serial": "pboc",
        "signature": "test",
        "document": compress_document(said),
    }


def answered(placement: Placement, *, paid: bool = True) -> ApplyPlacementReceipt:
    ordered = placement.ordered
    return ApplyPlacementReceipt(
        place_no=ordered.place_no,
        voucher_no=ordered.voucher_no,
        xpay_fen=parse_yuan(ordered.amt) if paid else 0,
        xpay_date=MARCH_2,
        agent_business_no="S1",
        rejected="" if paid else "退回",
        **_signed(f"receipt {ordered.voucher_no} {paid}"),
    )


def back(placement: Placement, amt: str, notice_no: str = "T1") -> ReturnPlacement:
    return ReturnPlacement(
        place_no=placement.ordered.place_no,
        voucher_no=placement.ordered.voucher_no,
        notice_no=notice_no,
        amt=amt,
        return_date=MARCH_2,
        agent_business_no=f"B-{notice_no}",
        **_signed(f"notice {notice_no}"),
    )


def funded(keeper: Bookkeeper, reserve: str = "400.00") -> None:
    keeper.do(cash_opened(f111="1000.00"), "accountant")
    keeper.do(SetCashPolicy(reserves=(CashReserve("11", reserve),)), "admin")


def placed(keeper: Bookkeeper, number: str, amt: str) -> Placement:
    ordered: Placement = keeper.do(placing(number, amt), "accountant").subjects[0]
    done: Placement = keeper.do(answered(ordered), "pboc").subjects[0]
    return done


def rows(keeper: Bookkeeper) -> tuple[dict[str, PlacedCash], int]:
    with keeper.pool.connection() as connection:
        cash = read_rows(connection, keeper.ledger_id, CASH)[f"{TREASURY}/11"]
        return read_rows(connection, keeper.ledger_id, PLACED), cash.free


def test_what_lies_above_the_reserve_is_placed_and_is_back(bookkeeper: Bookkeeper) -> None:
    """600.00 of 1,000.00 with a reserve of 400.00: an asset, and no expenditure of any budget."""
    funded(bookkeeper)
    assert bookkeeper.refusal(placing("XJ-0", "600.01"), "accountant") == "insufficient_cash"
    done = placed(bookkeeper, "XJ-1", "600.00")
    books = bookkeeper.books()
    assert (books["国库存款"], books["国库现金管理资产"]) == ("400.00", "600.00")
    assert books["资金结存—国库现金管理资金结存"] == "600.00"
    assert books["资金结存—库款资金结存"] == "-600.00"  # the opening was of one book alone
    assert rows(bookkeeper) == ({"XJ-1": PlacedCash(left=60_000)}, 40_000)
    assert bookkeeper.refusal(placing("XJ-2", "0.01"), "accountant") == "insufficient_cash"
    bookkeeper.do(back(done, "600.00"), "pboc")
    assert rows(bookkeeper) == ({}, 100_000)
    books = bookkeeper.books()
    assert books["国库存款"] == "1000.00"
    assert not {"国库现金管理资产", "资金结存—国库现金管理资金结存"} & books.keys()
    assert bookkeeper.refusal(back(done, "0.01", "T2"), "pboc") == "refund_exceeds_paid"


def test_without_a_reserve_nobody_knows_what_lies_above_it(bookkeeper: Bookkeeper) -> None:
    bookkeeper.do(cash_opened(f111="1000.00"), "accountant")
    assert bookkeeper.refusal(placing("XJ-1", "1.00"), "accountant") == "invalid_state"


def test_what_the_central_bank_rejects_is_free_again(bookkeeper: Bookkeeper) -> None:
    funded(bookkeeper)
    ordered = bookkeeper.do(placing("XJ-1", "600.00"), "accountant").subjects[0]
    assert rows(bookkeeper) == ({"XJ-1": PlacedCash(ordered=60_000)}, 40_000)
    bookkeeper.do(answered(ordered, paid=False), "pboc")
    assert rows(bookkeeper) == ({}, 100_000)
    assert bookkeeper.books()["国库存款"] == "1000.00"


def test_what_is_placed_is_back_later_and_of_the_treasury(bookkeeper: Bookkeeper) -> None:
    funded(bookkeeper)
    today = placing("XJ-1", "1.00", due_on=MARCH_2)
    assert bookkeeper.refusal(today, "accountant") == "invalid_state"
    of_units = placing("XJ-2", "1.00", fund_type_code="31")
    assert bookkeeper.refusal(of_units, "accountant") == "element_invalid"


@pytest.fixture
def http(database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(database) as opened:
        yield opened


def test_over_http(http: HttpTreasury) -> None:
    """The order goes as a 5207, and its signed receipt books it; the cash tells what is placed."""
    rows = [
        {"acct_cls_code": "1001", "dr_cr": 1, "amt": "1000.00", "tre_code": TREASURY,
         "fund_type_code": "111"},
        {"acct_cls_id": "B71", "dr_cr": -1, "amt": "1000.00"},
    ]  # fmt: skip
    http.ok(http.post("…/openings", {"book": "treasury_financial", "rows": rows}, "accountant"))
    policy = {"reserves": [{"fund_type_code": "11", "amt": "400.00"}]}
    http.ok(http.call("PUT", "…/cash-policy", "admin", json=policy))
    asked = {"place_no": "XJ-1", "fund_type_code": "111", "amt": "600.00", "int_rate": "1.85",
             "due_on": "2030-01-02", **BANK}  # fmt: skip
    http.ok(http.post("…/placements", asked, "accountant"))
    assert order_answered(http, PLACEMENT, "XJ-1") == "created"
    shown = http.ok(http.get("…/placements/XJ-1"))
    assert (shown["status"], shown["left_amt"]) == ("paid", "600.00")
    cash = http.ok(http.get("…/cash"))
    assert (cash["total"], cash["placed_amt"]) == ("400.00", "600.00")
