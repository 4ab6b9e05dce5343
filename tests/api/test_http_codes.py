"""Refusals over HTTP: which one comes first, what it looks like, and that none tells too much."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.http.app import create_app
from api.http.problems import SANITISED
from ledger.errors import Code
from tests.support import asking
from tests.support.bookkeeper import ELEMENTS
from tests.support.http_server import BYTES_MAX, HttpTreasury, http, served

Wrong = Callable[[dict[str, Any]], None]

ORDER = [code.text for code in Code]


def change(**fields: Any) -> Wrong:
    return lambda body: body.update(fields)


# what is wrong with a payment -> the code it is refused with; every pair is tried together below
WRONG: dict[str, Wrong] = {
    "malformed": change(unknown_field="x"),
    "invalid_amount": change(pay_amt=0.1 + 0.2),
    "period_closed": change(effective_on="2025-12-31"),
    "indicator_not_found": change(bgt_id="B-none"),
    "element_invalid": change(set_mode_code="77"),
    "element_mismatch": change(exp_func_code="2010101"),
    "details_mismatch": change(
        details=[
            {
                "pay_detail_id": "1",
                "payee_acct_name": "甲",
                "payee_acct_no": "6222000000000000001",
                "payee_acct_bank_name": "样例银行",
                "pay_amt": "0.01",
            }
        ]
    ),
    "insufficient_indicator": change(pay_amt="999999999.00"),
}
TOUCHES = {"invalid_amount": "pay_amt", "insufficient_indicator": "pay_amt"}
PAIRS = [
    (first, second)
    for first in WRONG
    for second in WRONG
    if ORDER.index(first) < ORDER.index(second)
    and (first not in TOUCHES or TOUCHES[first] != TOUCHES.get(second))
]


def refusal(response: httpx.Response) -> str:
    """The code of a problem document, which is checked for its shape."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    code = next(code for code in Code if code.text == problem["code"])
    assert problem["type"] == f"urn:guoku:problem:{code.text}"
    assert problem["status"] == response.status_code == code.status
    assert problem["title"]
    assert problem["correlation_id"] == response.headers["x-request-id"]
    return code.text


@pytest.fixture(scope="module")
def bgt_id(http: HttpTreasury) -> str:
    return http.indicator("1000.00")


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_has_its_code(http: HttpTreasury, bgt_id: str, code: str) -> None:
    body = http.payment(bgt_id)
    WRONG[code](body)
    assert refusal(http.post("…/payments", body)) == code


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_things_wrong_the_first_is_told(
    http: HttpTreasury,
    bgt_id: str,
    first: str,
    second: str,
) -> None:
    body = http.payment(bgt_id)
    WRONG[second](body)
    WRONG[first](body)
    assert refusal(http.post("…/payments", body)) == first


def test_the_request_is_judged_in_the_documented_order(http: HttpTreasury, bgt_id: str) -> None:
    """Of malformed, invalid_amount, unauthenticated, forbidden, ledger_not_found the first wins."""
    sound = http.payment(bgt_id)
    bad_amount, malformed = {**sound, "pay_amt": 1}, {**sound, "pay_amt": 1, "x": 1}
    none = "/v1/ledgers/440000000-2031/payments"
    elsewhere = "/v1/ledgers/110000000-2031/payments"
    for person, path in (("", none), ("auditor", none), ("maker", none), ("maker", elsewhere)):
        assert refusal(http.post(path, malformed, person)) == "malformed"
        assert refusal(http.post(path, bad_amount, person)) == "invalid_amount"
    assert refusal(http.post(none, sound, "")) == "unauthenticated"
    assert refusal(http.post(none, sound, "auditor")) == "forbidden"
    assert refusal(http.post(elsewhere, sound)) == "forbidden"
    assert refusal(http.post(none, sound)) == "ledger_not_found"


def test_a_malformed_field_comes_before_a_bad_amount_wherever_they_stand(
    http: HttpTreasury,
    bgt_id: str,
) -> None:
    detail = {
        "pay_detail_id": "1",
        "payee_acct_name": "甲",
        "payee_acct_no": "6222000000000000001",
        "payee_acct_bank_name": "样例银行",
    }
    body = http.payment(bgt_id, details=[{**detail, "pay_amt": 1}, {**detail, "pay_amt": "1.00"}])
    answer = http.post("…/payments", body)
    assert (refusal(answer), answer.json()["pointer"]) == ("invalid_amount", "/details/0/pay_amt")
    body["details"][1]["payee_acct_name"] = "𠮷田"
    answer = http.post("…/payments", body)
    pointer = answer.json()["pointer"]
    assert (refusal(answer), pointer) == ("malformed", "/details/1/payee_acct_name")


AMOUNTS = [
    0.1 + 0.2, 100, True, None, [], "100", "100.0", "100.000", "1e2", "1E2", "+1.00", "-1.00",
    "0.00", "00.10", " 1.00", "1.00 ", "1,000.00", "１.00", "12345678901234567.00", "NaN", "",
]  # fmt: skip


@pytest.mark.parametrize("amount", AMOUNTS, ids=repr)
def test_only_yuan_text_is_an_amount(http: HttpTreasury, bgt_id: str, amount: Any) -> None:
    answer = http.post("…/payments", http.payment(bgt_id, amount))
    assert (refusal(answer), answer.json()["pointer"]) == ("invalid_amount", "/pay_amt")
    body = {"bgt_id": http.number("B"), "amount": amount, **ELEMENTS}
    assert refusal(http.post("…/indicators", body)) == "invalid_amount"


def test_sixteen_integer_digits_are_an_amount(http: HttpTreasury, bgt_id: str) -> None:
    answer = http.post("…/payments", http.payment(bgt_id, "9999999999999999.99"))
    assert refusal(answer) == "insufficient_indicator"
    assert answer.json()["available_amt"] == http.figures(bgt_id)["canuse_amt"]
    assert answer.json()["requested_amt"] == "9999999999999999.99"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("payee_acct_name", "𠮷田商店"),
        ("use_des", "㛃"),
        ("payee_acct_name", "a\x00b"),
        ("use_des", "\x1b[31m"),
        ("payee_acct_no", ""),
        ("pay_app_no", ""),
        ("pay_app_no", "a/b"),
        ("pay_app_no", ".."),
        ("pay_app_no", " a"),
        ("pay_app_no", "x" * 101),
        ("use_des", "长" * 301),
        ("effective_on", "2026-02-30"),
        ("details", {}),
        ("bgt_id", 7),
    ],
)
def test_hostile_text_is_malformed_and_named(
    http: HttpTreasury,
    bgt_id: str,
    field: str,
    text: Any,
) -> None:
    answer = http.post("…/payments", {**http.payment(bgt_id), field: text})
    assert (refusal(answer), answer.json()["pointer"]) == ("malformed", f"/{field}")


# what spreadsheets and hasty programs make of an account: it was taken, and paid
NO_ACCOUNTS = (
    "6.222E+18", "6.22200E+18", "#N/A", "-", "nan", "None", "６２２２００００００００１",
    "6222000000000000001.0", "'6222000000000000001", "6222 0000 0000 0000 001", "6222", "1e5",
    "6222\u200b000000000001", "----5-----", "ABCDEFGH", "6" * 41, "6222000000000000001\n",
)  # fmt: skip


@pytest.mark.parametrize("account", NO_ACCOUNTS)
def test_what_is_no_account_is_malformed_by_every_way_in(
    http: HttpTreasury, bgt_id: str, account: str
) -> None:
    single = {**http.payment(bgt_id), "payee_acct_no": account}
    answer = http.post("…/payments", single)
    assert (refusal(answer), answer.json()["pointer"]) == ("malformed", "/payee_acct_no")
    named = {
        "payee_acct_name": "甲", "payee_acct_no": account, "payee_acct_bank_name": "样例银行",
        "pay_detail_id": "D1", "pay_amt": single["pay_amt"],
    }  # fmt: skip
    answer = http.post("…/payments", {**http.payment(bgt_id), "details": [named]})
    assert (refusal(answer), answer.json()["pointer"]) == ("malformed", "/details/0/payee_acct_no")
    lines = json.dumps(single).encode()
    for content, media in ((b"[" + lines + b"]", "json"), (lines, "x-ndjson")):
        headers = {"Content-Type": f"application/{media}"}
        answer = http.call("POST", "…/payments:batch", content=content, headers=headers)
        [result] = answer.json()["results"]
        problem = result["problem"]
        assert (problem["code"], problem["pointer"]) == ("malformed", "/payee_acct_no")


@pytest.mark.parametrize("account", ["12345", "6222-0000-0000-0001", "NRA44001234567", "6" * 40])
def test_accounts_of_every_form_that_banks_have_are_taken(
    http: HttpTreasury, bgt_id: str, account: str
) -> None:
    assert http.ok(http.post("…/payments", {**http.payment(bgt_id), "payee_acct_no": account}))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'"x"', b'{"pay_app_no":"\xff"}', b'{"a":"\\ud800"}']
)
def test_what_is_no_json_object_is_malformed(http: HttpTreasury, content: bytes) -> None:
    assert refusal(http.call("POST", "…/payments", content=content)) == "malformed"


def test_an_unknown_code_is_named(http: HttpTreasury) -> None:
    for code in ("9999999", "bogus", ""):
        body = {"bgt_id": http.number("B"), "amount": "1.00", **ELEMENTS, "exp_func_code": code}
        answer = http.post("…/indicators", body)
        assert (refusal(answer), answer.json()["pointer"]) == ("element_invalid", "/exp_func_code")


def test_what_http_refuses_is_a_problem_too(http: HttpTreasury) -> None:
    assert refusal(http.get("/v1/nothing")) == "not_found"
    assert http.call("PUT", "…/payments").headers["allow"] == "GET, HEAD, POST"
    answer = http.call("DELETE", "…/payments/x")
    assert (answer.status_code, answer.json()["code"]) == (405, "not_found")
    assert "GET" in answer.headers["allow"]
    assert refusal(http.post("…/payments?dry_run=perhaps", {})) == "malformed"
    assert refusal(http.get("…/events", limit="-1")) == "malformed"
    assert refusal(http.get("…/payments", page_size="1001")) == "malformed"
    assert refusal(http.get("…/payments", cursor="nonsense")) == "malformed"


def test_a_body_has_a_bound(http: HttpTreasury) -> None:
    body = b"[" + b" " * BYTES_MAX + b"]"
    assert refusal(http.call("POST", "…/payments:batch", content=body)) == "too_many_items"
    pieces = (b" " * 65536 for _ in range(BYTES_MAX // 65536 + 2))
    assert refusal(http.call("POST", "…/payments:batch", content=pieces)) == "too_many_items"
    assert refusal(http.call("POST", "…/payments:batch", "", content=body)) == "unauthenticated"


def test_what_fails_inside_is_not_told(http: HttpTreasury) -> None:
    app = create_app(http.treasury)

    @app.get("/fail")
    async def fail() -> None:
        raise RuntimeError("password=hunter2")

    with served(app) as url:
        answer = asking.get(f"{url}/fail", headers={"X-Request-Id": "abc-1"})
    assert refusal(answer) == "internal"
    assert answer.json()["detail"] == SANITISED
    assert answer.json()["correlation_id"] == answer.headers["x-request-id"] == "abc-1"
    assert "hunter2" not in answer.text


def test_a_correlation_id_of_the_caller_is_kept_unless_it_is_hostile(http: HttpTreasury) -> None:
    assert (
        http.get("/healthz", headers={"X-Request-Id": "job-7"}).headers["x-request-id"] == "job-7"
    )
    answer = http.get("/healthz", headers={"X-Request-Id": "a" * 500})
    assert len(answer.headers["x-request-id"]) == 32
