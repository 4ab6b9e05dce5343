"""审批 over HTTP: what waits, who agrees, and what is answered then."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.tokens import create_token
from ledger.postgres.database import Database
from tests.support.bookkeeper import ELEMENTS
from tests.support.http_server import HttpTreasury, http_treasury_on

POLICY: dict[str, list[str]] = {
    "*": [],
    "indicator.issue": ["treasury_checker"],
    "indicator.adjust": ["unit_checker", "treasury_checker"],
    "signature_policy.set": ["security_officer"],
    "approval_policy.set": ["security_officer"],
}
KINDS = "…/documents/indicator.issue"


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    """A ledger of a year of its own, in which others must agree."""
    with http_treasury_on(module_database) as treasury:
        body = {
            "mof_div_code": "440000000",
            "fiscal_year": 2027,
            "name": "省本级",
            "approval_policy": POLICY,
        }
        treasury.ledger = treasury.ok(treasury.post("/v1/ledgers", body, "admin"))["ledger"]
        treasury.tokens["Maker"] = treasury.token("MAKER", "treasury_checker")
        yield treasury


def issuing(http: HttpTreasury, **more: Any) -> dict[str, Any]:
    return {"bgt_id": http.number("B"), "amount": "1000.00", **ELEMENTS, **more}


def submitted(http: HttpTreasury) -> str:
    body = issuing(http)
    answer = http.post("…/indicators", body)
    assert answer.status_code == 202, answer.text
    return str(body["bgt_id"])


def test_an_act_that_waits_is_answered_so_and_then_as_a_direct_one(http: HttpTreasury) -> None:
    body = issuing(http)
    waits = http.post("…/indicators", body)
    assert waits.status_code == 202
    bgt_id = body["bgt_id"]
    said = waits.json()
    assert {name: said[name] for name in ("state", "kind", "number", "awaits")} == {
        "state": "submitted",
        "kind": "indicator.issue",
        "number": bgt_id,
        "awaits": ["treasury_checker"],
    }
    assert said["commit"]["position"] > 0
    again = http.post("…/indicators", body)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert again.json() == said
    assert http.get(f"…/indicators/{bgt_id}").json()["code"] == "indicator_not_found"

    shown = http.ok(http.get(f"{KINDS}/{bgt_id}"))
    assert shown["by"] == "maker"
    assert shown["asks"] == body

    done = http.post(f"{KINDS}/{bgt_id}/approve", person="checker")
    assert done.status_code == 201
    assert done.json()["canuse_amt"] == "1000.00"
    final = http.post("…/indicators", body)
    assert (final.status_code, final.headers["idempotent-replayed"]) == (201, "true")
    assert final.json() == done.json()
    repeated = http.post(f"{KINDS}/{bgt_id}/approve", person="checker")
    assert (repeated.status_code, repeated.headers["idempotent-replayed"]) == (201, "true")
    assert repeated.json() == done.json()


def test_who_may_agree(http: HttpTreasury) -> None:
    bgt_id = submitted(http)
    path = f"{KINDS}/{bgt_id}/approve"
    assert http.post(path, person="maker").json()["code"] == "forbidden"
    assert http.post(path, person="Maker").json()["code"] == "same_person"
    assert http.post(path, person="auditor").json()["code"] == "forbidden"
    assert http.post(f"{KINDS}/nowhere/approve", person="checker").status_code == 404
    assert http.post("…/documents/no.kind/1/approve", person="checker").status_code == 404
    assert http.post("…/documents/Kind/1/approve", person="checker").status_code == 400
    assert http.post(path, {"seen": 1}, "checker").json()["code"] == "malformed"
    assert http.post(path, person="checker").status_code == 201


def test_two_roles_one_after_the_other(http: HttpTreasury) -> None:
    bgt_id = submitted(http)
    http.ok(http.post(f"{KINDS}/{bgt_id}/approve", person="checker"))
    adj_no = http.number("T")
    cut = {"adj_no": adj_no, "adj_amt": "-1.00", "reason": "追减"}
    waits = http.post(f"…/indicators/{bgt_id}/adjustments", cut)
    assert (waits.status_code, waits.json()["awaits"]) == (
        202,
        ["unit_checker", "treasury_checker"],
    )
    path = f"…/documents/indicator.adjust/{adj_no}/approve"
    assert http.post(path, person="checker").json()["code"] == "forbidden"
    rest = http.post(path, person="unit_checker")
    assert (rest.status_code, rest.json()["awaits"]) == (202, ["treasury_checker"])
    done = http.post(path, person="checker")
    assert (done.status_code, done.json()["amount"]) == (200, "999.00")


def test_a_document_is_given_back_with_a_reason_and_mended(http: HttpTreasury) -> None:
    body = issuing(http)
    assert http.post("…/indicators", body).status_code == 202
    path = f"{KINDS}/{body['bgt_id']}"
    assert http.post(f"{path}/return", {}, "checker").json()["code"] == "malformed"
    assert http.post(f"{path}/return", {"reason": ""}, "checker").json()["code"] == "malformed"
    back = http.ok(http.post(f"{path}/return", {"reason": "金额有误"}, "checker"))
    assert (back["state"], back["reason"], back["awaits"]) == ("returned", "金额有误", [])
    told = http.post("…/indicators", body)
    assert (told.status_code, told.json()["state"], told.json()["reason"]) == (
        202,
        "returned",
        "金额有误",
    )
    mended = http.post("…/indicators", {**body, "amount": "900.00"})
    assert (mended.status_code, mended.json()["state"]) == (202, "submitted")
    assert http.post(f"{path}/approve", {"submission": 1}, "checker").status_code == 409
    assert http.post(f"{path}/approve", {"submission": 2}, "checker").status_code == 201


def test_many_are_submitted_and_agreed_to_in_one_call_each(http: HttpTreasury) -> None:
    items = [issuing(http) for _ in range(3)] + [issuing(http, exp_func_code="9990101")]
    answer = http.ok(http.post("…/indicators:batch", items))
    assert [item["status"] for item in answer["results"]] == ["submitted"] * 3 + ["refused"]
    assert answer["results"][0]["document"]["awaits"] == ["treasury_checker"]
    again = http.ok(http.post("…/indicators:batch", items[:1]))
    assert again["results"][0]["status"] == "replayed"
    names = [{"kind": "indicator.issue", "number": item["bgt_id"]} for item in items]
    done = http.ok(http.post("…/documents:approve", {"documents": names}, "checker"))
    statuses = [item["status"] for item in done["results"]]
    assert statuses == ["created"] * 3 + ["refused"]
    assert done["results"][0]["answer"]["canuse_amt"] == "1000.00"
    assert done["results"][3]["problem"]["code"] == "not_found"
    assert done["commit"]["position"] > answer["commit"]["position"]
    minimal = {"Prefer": "return=minimal"}
    brief = http.post("…/documents:approve", {"documents": names[:1]}, "checker", headers=minimal)
    assert brief.json()["results"] == [{"index": 0, "status": "replayed"}]
    assert http.post("…/documents:approve", {"documents": []}, "checker").status_code == 400
    wrong = {"documents": [{"kind": "Kind", "number": "1"}]}
    refused = http.post("…/documents:approve", wrong, "checker").json()
    assert refused["pointer"] == "/documents/0/kind"


def listed(http: HttpTreasury, person: str, **query: Any) -> list[str]:
    head = str(http.ok(http.get(f"/v1/ledgers/{http.ledger}"))["position"])
    page = http.ok(http.get("…/documents", person, headers={"X-Min-Position": head}, **query))
    return [item["number"] for item in page["items"]]


def test_what_waits_is_listed_for_whom_it_waits(http: HttpTreasury) -> None:
    mine, back = submitted(http), submitted(http)
    http.ok(http.post(f"{KINDS}/{back}/return", {"reason": "重复"}, "checker"))
    waits = {"state": "submitted", "kind": "indicator.issue"}
    assert mine in listed(http, "auditor", **waits)
    assert back not in listed(http, "auditor", **waits)
    assert back in listed(http, "auditor", state="returned")
    assert mine in listed(http, "maker", mine="true", **waits)
    assert mine in listed(http, "checker", mine="true", **waits)
    assert mine in listed(http, "Maker", mine="true", **waits)  # one person, in whatever letters
    assert mine not in listed(http, "unit", mine="true", **waits)
    http.ok(http.post(f"{KINDS}/{mine}/approve", person="checker"))
    assert mine in listed(http, "checker", mine="true", state="approved")
    assert listed(http, "auditor", kind="indicator.adjust", state="submitted") == []
    assert http.get("…/documents", state="lost").json()["code"] == "malformed"


def test_a_dry_run_says_what_would_come(http: HttpTreasury) -> None:
    body = issuing(http)
    waits = http.post("…/indicators?dry_run=true", body)
    assert (waits.status_code, waits.json()["commit"]) == (202, None)
    assert http.get(f"{KINDS}/{body['bgt_id']}").status_code == 404


def test_policies_wait_like_all_else(http: HttpTreasury) -> None:
    for path, asked, kind in (
        ("…/signature-policy", {"roles": ["treasury"]}, "signature_policy.set"),
        ("…/approval-policy", {"period.close": ["accountant_checker"]}, "approval_policy.set"),
    ):
        waits = http.call("PUT", path, "admin", json=asked)
        assert waits.status_code == 202, waits.text
        number = waits.json()["number"]
        assert http.call("PUT", path, "admin", json=asked).json()["number"] == number
        done = http.post(f"…/documents/{kind}/{number}/approve", person="officer")
        assert done.status_code == 200, done.text
    policy = http.ok(http.get("…/approval-policy"))["policy"]
    assert policy == {**POLICY, "period.close": ["accountant_checker"]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"indicator.freeze": []}, "/indicator.freeze"),
        ({"indicator.issue": ["auditor"]}, "/indicator.issue/0"),
        ({"indicator.issue": "treasury_checker"}, None),
        ({}, None),
        ([], ""),
    ],
)
def test_a_policy_of_what_there_is_not(http: HttpTreasury, body: Any, pointer: str | None) -> None:
    refused = http.call("PUT", "…/approval-policy", "admin", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed")
    assert refused.json().get("pointer") == pointer or not pointer


def test_a_unit_agrees_to_nothing_of_another(http: HttpTreasury) -> None:
    """A document of another unit could not be looked at, but agreed to and given back."""
    conditions = http.treasury.sequencer.conditions
    with http.treasury.pool.connection() as connection:
        for name, prefix in (("school_checker", "999"), ("own_checker", "101")):
            http.tokens[name] = create_token(
                connection, name, ["unit_checker"], "44", conditions, agency_prefixes=(prefix,)
            )
    bgt_id = submitted(http)
    http.ok(http.post(f"{KINDS}/{bgt_id}/approve", person="checker"))
    adj_no = http.number("T")
    cut = {"adj_no": adj_no, "adj_amt": "-1.00", "reason": "追减"}
    assert http.post(f"…/indicators/{bgt_id}/adjustments", cut).status_code == 202
    kind = "indicator.adjust"
    one, named = f"…/documents/{kind}/{adj_no}", {"documents": [{"kind": kind, "number": adj_no}]}
    for path, body in (
        (f"{one}/approve", None),
        (f"{one}/return", {"reason": "金额有误"}),
        ("…/documents:approve", named),
    ):
        assert http.post(path, body, "school_checker").json()["code"] == "forbidden", path
    missing = http.post(f"…/documents/{kind}/none/approve", person="school_checker")
    assert missing.json()["code"] == "not_found"
    agreed = http.post(f"{one}/approve", person="own_checker")
    assert (agreed.status_code, agreed.json()["awaits"]) == (202, ["treasury_checker"])
