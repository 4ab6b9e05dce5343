"""The worked example: one indicator from appropriation to settled books, step by step.

FY2026, an administrative unit, an indicator of goods and services; the figures after every step are
known beforehand, and a figure that differs ends the demo.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from api.demo.books import balances
from api.demo.client import Json
from api.demo.stack import Stack
from ledger.errors import IntegrityError
from ledger.money import parse_yuan, yuan

LEDGER = "/v1/ledgers/440000000-2026"
BGT_ID = "B-2026-0001"
OPENING = {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "广东省 2026 年度"}
ADJUSTMENT = {
    "adj_no": "T-1",
    "adj_amt": "-100000.00",
    "reason": "压减一般性支出",
    "effective_on": "2026-02-10",
}
REFUND = {
    "refund_no": "R-1",
    "refund_amt": "50000.00",
    "reason": "收款人退回",
    "effective_on": "2026-03-09",
}
INDICATOR = {
    "bgt_id": BGT_ID,
    "agency_code": "101001",
    "pro_code": "440000260000000000001",
    "exp_func_code": "2010102",
    "gov_bgt_eco_code": "50201",
    "dep_bgt_eco_code": "30201",
    "fund_type_code": "111",
    "bgt_type_code": "21",
    "amount": "1000000.00",
    "effective_on": "2026-01-20",
}
BOOK_ACCOUNTS = ("支出指标", "支付申请", "支付", "国库存款", "行政支出", "零余额账户")


@dataclass(frozen=True)
class Step:
    """What was done, and the figures after it: amount, available, plan, and accounts in yuan."""

    date: str
    act: str
    amount: str
    available: str
    plan: str
    accounts: tuple[str, ...]


def _payment(number: str, amount: str, day: str, details: list[Json] | None = None) -> Json:
    body: Json = {
        "pay_app_no": number,
        "bgt_id": BGT_ID,
        "pay_amt": amount,
        "use_des": "办公设备维护",
        "payee_acct_name": "广州样例科技有限公司",
        "payee_acct_no": "6222000000000000001",
        "payee_acct_bank_name": "样例银行广州分行",
        "effective_on": day,
    }
    return {**body, "details": details} if details else body


def _detail(number: str, account: str, amount: str) -> Json:
    return {
        "pay_detail_id": number,
        "payee_acct_name": "样例收款人",
        "payee_acct_no": account,
        "payee_acct_bank_name": "样例银行",
        "pay_amt": amount,
    }


def _pay(stack: Stack, body: Json) -> None:
    """Application, approval, signature, and the bank's receipt."""
    number = body["pay_app_no"]
    stack.maker.post(f"{LEDGER}/payments", body)
    stack.checker.post(f"{LEDGER}/payments/{number}/approve")
    stack.signer.bulk(f"{LEDGER}/payments:sign", {"pay_app_nos": [number], "role": "treasury"})
    stack.maker.wait_settled(LEDGER)


def _clear(stack: Stack, number: str, day: str) -> None:
    stack.maker.post(
        f"{LEDGER}/clearings", {"clear_no": number, "clear_date": day, "pay_bank_code": "102"}
    )
    stack.maker.wait_cleared(LEDGER, number)


def _acts(stack: Stack) -> Iterator[tuple[str, str, Callable[[], object], str, str]]:
    """(date, what, how, available and cleared after it in yuan)."""
    maker = stack.maker
    indicator = f"{LEDGER}/indicators/{BGT_ID}"

    def issue() -> None:
        stack.admin.post("/v1/ledgers", OPENING)
        stack.agree(LEDGER, maker.post(f"{LEDGER}/indicators", INDICATOR))

    def adjust() -> None:
        stack.agree(LEDGER, maker.post(f"{indicator}/adjustments", ADJUSTMENT))

    def plan() -> None:
        for number, month, amount in (("J-1", 3, "500000.00"), ("J-2", 6, "400000.00")):
            maker.post(
                f"{indicator}/plans",
                {"plan_voucher_no": number, "plan_month": month, "plan_amt": amount},
            )

    batch = [
        _detail("d1", "6222000000000000002", "150000.00"),
        _detail("d2", "9999000000000000003", "50000.00"),
    ]

    def refund() -> None:
        stack.agree(LEDGER, maker.post(f"{LEDGER}/payments/P2/refunds", REFUND))
        maker.wait_refunded(LEDGER, "P2", REFUND["refund_no"])

    yield "01-20", "批复下达 1,000,000", issue, "1000000.00", "0.00"
    yield "02-10", "追减 100,000", adjust, "900000.00", "0.00"
    yield "02-15", "用款计划 500,000 + 400,000", plan, "900000.00", "0.00"
    yield (
        "03-02",
        "支付 P1 300,000",
        lambda: _pay(stack, _payment("P1", "300000.00", "2026-03-02")),
        "600000.00",
        "0.00",
    )
    yield (
        "03-02",
        "支付 P2 250,000",
        lambda: _pay(stack, _payment("P2", "250000.00", "2026-03-02")),
        "350000.00",
        "0.00",
    )
    yield "03-02", "清算 2301", lambda: _clear(stack, "C-1", "2026-03-02"), "350000.00", "550000.00"
    yield (
        "03-05",
        "批量支付 P3 200,000, d2 失败",
        lambda: _pay(stack, _payment("P3", "200000.00", "2026-03-05", batch)),
        "200000.00",
        "550000.00",
    )
    yield "03-05", "清算 2301", lambda: _clear(stack, "C-2", "2026-03-05"), "200000.00", "700000.00"
    yield "03-09", "退款 P2 50,000", refund, "250000.00", "700000.00"
    yield "03-09", "清算 2302", lambda: _clear(stack, "C-3", "2026-03-09"), "250000.00", "650000.00"


def run(stack: Stack) -> Iterator[Step]:
    """Does the steps one by one and yields the figures after each.

    Raises:
        IntegrityError: when a figure is not the one the example states.
    """
    for day, act, do, available, cleared in _acts(stack):
        do()
        figures = stack.maker.get(f"{LEDGER}/indicators/{BGT_ID}")
        books = balances(stack.maker, LEDGER)
        seen = (figures["canuse_amt"], yuan(-books.get("国库存款", 0)))
        if seen != (available, cleared):
            raise IntegrityError(f"{day} {act}: {seen} instead of {(available, cleared)}")
        yield Step(
            day,
            act,
            figures["amount"],
            figures["canuse_amt"],
            figures["plan_canuse_amt"],
            tuple(yuan(abs(books.get(name, 0))) for name in BOOK_ACCOUNTS),
        )
    refused = stack.maker.refused(f"{LEDGER}/payments", _payment("P4", "250001.00", "2026-03-10"))
    if refused != "insufficient_indicator":
        raise IntegrityError(f"250001.00 of {yuan(parse_yuan('250000.00'))} was not refused")
