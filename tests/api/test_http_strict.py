"""What is said twice, or to nobody, is malformed on every call: query parameters and JSON keys."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.bodies import Body
from api.http.routes import Operation
from api.http.strict import require_single_keys
from ledger.errors import Code, RequestError
from payments.application import ApplyPayment
from tests.api.test_http_fastapi import address
from tests.support.http_server import OPERATIONS, HttpTreasury, http, method_of

DETAIL = {
    "pay_detail_id": "1",
    "payee_acct_name": "甲",
    "payee_acct_no": "6222000000000000001",
    "payee_acct_bank_name": "样例银行",
    "pay_amt": "1.00",
}


def malformed(answer: httpx.Response, pointer: str) -> bool:
    assert answer.status_code == 400, answer.text
    return (answer.json()["code"], answer.json()["pointer"]) == ("malformed", pointer)


def ids(operation: Operation) -> str:
    return str(operation.operation_id)


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids)
def test_an_unknown_parameter_is_refused_by_name(http: HttpTreasury, operation: Operation) -> None:
    path = address(operation, http.ledger)
    for person in ("maker", ""):
        answer = http.call(method_of(operation), f"{path}?stauts=failed", person)
        assert malformed(answer, "/stauts")


@pytest.mark.parametrize(
    "operation", [operation for operation in OPERATIONS if operation.query_names], ids=ids
)
def test_a_parameter_that_stands_twice_is_refused(http: HttpTreasury, operation: Operation) -> None:
    path = address(operation, http.ledger)
    for name in operation.query_names:
        answer = http.call(method_of(operation), f"{path}?{name}=1&{name}=1", "maker")
        assert malformed(answer, f"/{name}")


def test_a_misspelt_filter_does_not_list_everything(http: HttpTreasury) -> None:
    http.applied(http.indicator())
    assert malformed(http.get("…/payments", stauts="failed"), "/stauts")
    assert malformed(http.get("…/payments", status="faild"), "/status")
    assert malformed(http.get("…/journals", book="none"), "/book")
    assert http.get("…/payments", status="failed").json()["items"] == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/divisions/440000000/projects", "agency_code"),
        ("/v1/divisions/440000000/projects", "pro_cat_code"),
        ("/v1/direct-funds", "track_pro_code"),
        ("/v1/direct-funds/payees", "is_dir_code"),
        ("…/payments", "payee_acct_name"),
    ],
)
def test_a_parameter_that_holds_nul_is_refused(http: HttpTreasury, path: str, name: str) -> None:
    """The database cannot be asked for such a text: it was a failure of the server."""
    assert malformed(http.call("GET", f"{path}?{name}=a%00b", "auditor"), f"/{name}")


def test_a_dry_run_that_is_none_as_well_pays_nothing(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    for query in ("dry_run=true&dry_run=false", "dry_run=false&dry_run=true", "dryrun=true"):
        answer = http.post(f"…/payments?{query}", http.payment(bgt_id))
        assert malformed(answer, f"/{query.partition('=')[0]}")
    assert http.figures(bgt_id)["canuse_amt"] == "100.00"


# ---- JSON


def said_twice(body: dict[str, Any], key: str, first: Any) -> bytes:
    """The body, with another value of one key before it."""
    return b"{%s:%s,%s" % (
        json.dumps(key).encode(),
        json.dumps(first).encode(),
        json.dumps(body, ensure_ascii=False).encode()[1:],
    )


def send(http: HttpTreasury, path: str, content: bytes, person: str = "maker", **more: Any) -> Any:
    headers = {"Content-Type": "application/json", **more}
    return http.call("POST", path, person, content=content, headers=headers)


def test_of_two_payments_to_approve_none_is(http: HttpTreasury) -> None:
    bgt_id = http.indicator()
    one, other = http.applied(bgt_id), http.applied(bgt_id)
    content = said_twice({"pay_app_nos": [other]}, "pay_app_nos", [one])
    assert malformed(send(http, "…/payments:approve", content, "checker"), "/pay_app_nos")
    states = [http.get(f"…/payments/{number}").json()["status"] for number in (one, other)]
    assert states == ["applied", "applied"]


@pytest.mark.parametrize(
    ("path", "person", "body", "key"),
    [
        ("/v1/ledgers", "admin", {"mof_div_code": "44", "fiscal_year": 2026, "name": "x"}, "name"),
        ("…/periods:close", "admin", {"through": "2020-01-31"}, "through"),
        ("…/payments:sign", "signer", {"pay_app_nos": ["x"], "role": "treasury"}, "role"),
        ("…/payments/none/approve", "checker", {"effective_on": "2026-01-01"}, "effective_on"),
        ("…/payments/none/reject", "checker", {"reason": "x"}, "reason"),
        ("…/indicators/none/freezes", "maker", {"freeze_no": "D", "amt": "1.00"}, "amt"),
        ("…/clearings", "maker",
         {"clear_no": "C", "clear_date": "2026-01-01", "pay_bank_code": "102"}, "clear_date"),
        ("…/disbursements", "maker", {"run_no": "none", "bgt_id": "none", "title": "x"}, "title"),
        ("…/disbursements/none/approve", "checker", {"lines_sm3": "x"}, "lines_sm3"),
        ("…/disbursements/none/execute", "signer", {"role": "treasury"}, "role"),
        ("…/disbursements/none/stop", "checker", {"reason": "x"}, "reason"),
    ],
)  # fmt: skip
def test_a_key_that_stands_twice_is_malformed_on_every_call(
    http: HttpTreasury, path: str, person: str, body: dict[str, Any], key: str
) -> None:
    assert malformed(send(http, path, said_twice(body, key, body[key]), person), f"/{key}")


@pytest.mark.parametrize("path", ["…/approval-policy", "/v1/divisions/440000000/approval-policy"])
@pytest.mark.parametrize("kind", ["indicator.issue", "payment.*", "*"])
def test_a_policy_says_of_a_kind_once_who_agrees(http: HttpTreasury, path: str, kind: str) -> None:
    """Else nobody would know whether a second person is asked."""
    content = said_twice({kind: []}, kind, ["treasury_checker"])
    answer = http.call("PUT", f"{path}?dry_run=true", "admin", content=content)
    assert malformed(answer, f"/{kind}")


def test_a_ledger_is_opened_with_one_policy_for_a_kind(http: HttpTreasury) -> None:
    policy = said_twice({"period.close": []}, "period.close", ["accountant_checker"])
    content = b'{"mof_div_code":"440000000","fiscal_year":2031,"name":"x","approval_policy":%s}'
    assert malformed(send(http, "/v1/ledgers", content % policy, "admin"), "/period.close")


def test_a_key_twice_in_a_detail_is_malformed(http: HttpTreasury) -> None:
    bgt_id = http.indicator("100.00")
    once = http.payment(bgt_id, "2.00", details=[DETAIL, {**DETAIL, "pay_detail_id": "2"}])
    content = json.dumps(once, ensure_ascii=False).encode()
    twice = content.replace(b'"pay_detail_id": "2"', b'"pay_amt": "1.00", "pay_detail_id": "2"')
    assert malformed(send(http, "…/payments", twice), "/pay_amt")
    assert send(http, "…/payments", content).status_code == 201
    assert http.figures(bgt_id)["canuse_amt"] == "98.00"


@pytest.mark.parametrize("lines", [False, True], ids=["array", "ndjson"])
def test_in_a_batch_only_the_item_that_says_a_thing_twice_is_refused(
    http: HttpTreasury, lines: bool
) -> None:
    bgt_id = http.indicator("1000.00")
    bodies = [http.payment(bgt_id, "10.00") for _ in range(3)]
    items = [json.dumps(body, ensure_ascii=False).encode() for body in bodies]
    items[1] = said_twice(bodies[1], "pay_amt", "900.00")
    content = b"\n".join(items) if lines else b"[" + b",".join(items) + b"]"
    kind = {"Content-Type": "application/x-ndjson"} if lines else {}
    results = http.ok(send(http, "…/payments:batch", content, **kind))["results"]
    assert [result["status"] for result in results] == ["created", "refused", "created"]
    problem = results[1]["problem"]
    assert (problem["code"], problem["pointer"]) == ("malformed", "/pay_amt")
    assert http.figures(bgt_id)["canuse_amt"] == "980.00"


def test_a_key_that_stands_twice_comes_before_a_bad_amount(http: HttpTreasury) -> None:
    body = http.payment(http.indicator(), 1)  # type: ignore[arg-type]
    assert malformed(send(http, "…/payments", said_twice(body, "pay_amt", 2)), "/pay_amt")


# ---- the quick look at a body and the exact one agree

_BODY = Body(ApplyPayment)
_REQUIRED = {"pay_app_no": "P-1", "bgt_id": "B-1", "pay_amt": "1.00", "use_des": "办公用品"}
_KEYS = [*_REQUIRED, "payee_acct_name", "payee_acct_no", "set_mode_code", "effective_on", "details"]
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "pay_amt": st.sampled_from(["1.00", 1, None]),
    "effective_on": st.sampled_from(["2026-01-01", None]),
    "details": st.sampled_from([[], [DETAIL]]),
    "set_mode_code": st.sampled_from(["1", "2"]),
    "payee_acct_name": st.sampled_from(["", "甲", 'said "pay_amt": twice', "{:,}"]),
}
_SPACES = st.sampled_from(["", " ", "\n\t"])


def code_of(content: bytes) -> Code | None:
    """What the body is refused with; None when it is not."""
    try:
        _BODY.read(content)
    except RequestError as error:
        return error.code
    return None


@given(data=st.data())
def test_a_body_says_each_key_once_or_is_refused(data: st.DataObject) -> None:
    more = data.draw(st.lists(st.sampled_from(_KEYS), max_size=4))
    pairs = []
    for key in data.draw(st.permutations([*_REQUIRED, *more])):
        value = data.draw(_VALUES.get(key, st.just(_REQUIRED.get(key, "x"))))
        written = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
        name = json.dumps(key) if data.draw(st.booleans()) else f'"\\u{ord(key[0]):04x}{key[1:]}"'
        pairs.append(f"{name}{data.draw(_SPACES)}:{data.draw(_SPACES)}{written}")
    content = ("{" + ",".join(pairs) + "}").encode()
    is_single = len(set(more) | set(_REQUIRED)) == len(more) + len(_REQUIRED)
    assert is_single or code_of(content) is Code.MALFORMED


def test_keys_of_different_objects_may_be_the_same() -> None:
    require_single_keys(b'[{"a":1,"b":{"a":2}},{"a":3}]')
    with pytest.raises(RequestError, match="twice"):
        require_single_keys(b'[{"a":1,"b":{"a":2,"c":1,"a":3}}]')
