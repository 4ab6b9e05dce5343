"""单位 over HTTP: registered one by one and by the thousand, changed by days, agreed to at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.account_set import standing_ledger
from ledger.postgres.database import Database
from tests.api.test_http_division_documents import findings
from tests.support.http_server import HttpTreasury, http_treasury_on

DIVISION = "/v1/divisions/440000000"
AGENCIES = f"{DIVISION}/agencies"


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database) as opened:
        yield opened


@pytest.fixture(scope="module")
def alone(own: HttpTreasury) -> HttpTreasury:
    own.alone_in_divisions()
    own.ok(own.post(AGENCIES, unit("301", name="样例部门"), "admin"))
    return own


def unit(code: str, name: str = "样例学校", kind: str = "3", **more: Any) -> dict[str, Any]:
    return {"agency_code": code, "agency_name": name, "agency_type_code": kind, **more}


def batch(own: HttpTreasury, items: Any, **more: Any) -> list[Any]:
    return list(own.ok(own.post(f"{AGENCIES}:batch", items, "admin", **more))["results"])


# ---- two persons


def test_units_wait_and_are_agreed_to_at_once(own: HttpTreasury) -> None:
    """部门 first, then 500 units below it; 501 documents, two calls of whoever agrees."""
    department = own.post(AGENCIES, unit("101", "样例部门", "1"), "admin")
    assert (department.status_code, department.json()["awaits"]) == (202, ["treasury_checker"])
    below = [unit(f"101{n:03d}", parent_agency_code="101") for n in range(500)]
    early = batch(own, below[:1])
    assert early[0]["problem"]["pointer"] == "/parent_agency_code", "its parent is not there yet"
    own.ok(own.post(f"{DIVISION}/documents/agency.register/101/approve", None, "checker"))
    waiting = batch(own, below)
    assert {each["status"] for each in waiting} == {"submitted"}
    assert own.get(f"{AGENCIES}/101001").json()["code"] == "not_found"
    named = [{"kind": "agency.register", "number": unit["agency_code"]} for unit in below]
    agreed = own.ok(own.post(f"{DIVISION}/documents:approve", {"documents": named}, "checker"))
    assert {each["status"] for each in agreed["results"]} == {"created"}
    assert agreed["results"][1]["answer"]["agency_code"] == "101001"
    listed = own.ok(own.get(AGENCIES, page_size=1000))["items"]
    assert len(listed) == 501
    assert {each["status"] for each in batch(own, below[:3])} == {"replayed"}
    assert findings(own, standing_ledger("44")) == []


# ---- one person is enough from here on


def test_a_unit_is_registered_changed_and_ended(alone: HttpTreasury) -> None:
    body = unit("301001", parent_agency_code="301", start_date="2026-01-01", mof_dep_code="06")
    made = alone.ok(alone.post(AGENCIES, body, "admin"))
    assert made["commit"]["ledger"] == "440000000-0000"
    again = alone.post(AGENCIES, body, "admin")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    path = f"{AGENCIES}/301001"
    june = {"change_no": "DW-1", "start_date": "2026-06-01", "agency_type_code": "1"}
    changed = alone.ok(alone.post(f"{path}/changes", june, "admin"))
    assert [v["agency_type_code"] for v in changed["versions"]] == ["3", "1"]
    for day, kind in (("2026-05-31", "3"), ("2026-06-01", "1")):
        assert alone.ok(alone.get(path, as_of_effective=day))["agency_type_code"] == kind, day
    then = alone.ok(alone.get(path, as_of_position=made["commit"]["position"]))
    assert len(then["versions"]) == 1
    own_end = {"end_date": "2099-01-01", "successor_agency_code": "301"}
    ended = alone.ok(alone.post(f"{path}/changes", own_end, "admin"))
    assert (ended["end_date"], ended["successor_agency_code"]) == ("2099-01-01", "301")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (unit("302001", kind="6"), "malformed", "/agency_type_code"),
        (unit("30"), "malformed", "/agency_code"),
        (unit("302001", parent_agency_code="303"), "element_invalid", "/parent_agency_code"),
        (unit("302001", pay_bank_code="999"), "element_invalid", "/pay_bank_code"),
        (unit("302001", unifsoc_cred_code="x"), "malformed", "/unifsoc_cred_code"),
        (unit("302001", start_date="gestern"), "malformed", "/start_date"),
        ({"agency_code": "302001", "agency_name": "样例"}, "malformed", "/agency_type_code"),
    ],
)
def test_what_cannot_be_is_refused(alone: HttpTreasury, body: Any, code: str, pointer: str) -> None:
    problem = alone.post(AGENCIES, body, "admin").json()
    assert (problem["code"], problem["pointer"]) == (code, pointer)
    [in_a_batch] = batch(alone, [body])
    assert (in_a_batch["problem"]["code"], in_a_batch["problem"]["pointer"]) == (code, pointer)


def test_a_batch_is_an_array_or_a_unit_a_line(alone: HttpTreasury) -> None:
    """Those above before those below; what is wrong with one touches no other."""
    items = [unit("401", "部门", "1"), unit("x"), unit("401001", parent_agency_code="401")]
    results = batch(alone, items)
    assert [each["status"] for each in results] == ["created", "refused", "created"]
    assert results[2]["agency"]["parent_agency_code"] == "401"
    lines = b'{"agency_code":"402","agency_name":"a","agency_type_code":"1"}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    answer = alone.call("POST", f"{AGENCIES}:batch", "admin", content=lines, headers=headers)
    assert [each["status"] for each in alone.ok(answer)["results"]] == ["created"]
    none_of_them = batch(alone, [unit("403"), unit("x")], params={"mode": "atomic"})
    assert [each["status"] for each in none_of_them] == ["refused", "refused"]
    assert alone.get(f"{AGENCIES}/403").json()["code"] == "not_found"


def test_a_unit_names_an_appointed_bank(alone: HttpTreasury) -> None:
    from tests.api.test_http_banks import bank, certificate

    alone.ok(alone.post(AGENCIES, unit("501", pay_bank_code="102"), "admin"))  # none is appointed
    serial = alone.ok(certificate(alone, pay_bank_code="105"))["cert_serial"]
    alone.ok(bank(alone, "105", serial))
    refused = alone.post(AGENCIES, unit("502", pay_bank_code="102"), "admin")
    assert (refused.status_code, refused.json()["code"]) == (422, "bank_not_appointed")
    alone.ok(alone.post(AGENCIES, unit("502", pay_bank_code="105"), "admin"))


def test_an_indicator_is_a_registered_units(alone: HttpTreasury) -> None:
    opening = {"mof_div_code": "440000000", "name": "广东省", "tier_code": "2"}
    alone.ok(alone.post("/v1/divisions", opening, "admin"))
    bgt_id = alone.indicator(agency_code="301")
    assert alone.figures(bgt_id)["agency_name"] == "样例部门"
    from tests.support.bookkeeper import ELEMENTS

    body = {"bgt_id": "NONE", "amount": "1.00", **ELEMENTS, "agency_code": "999001"}
    refused = alone.post("…/indicators", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "element_invalid")
    assert refused.json()["pointer"] == "/agency_code"
    assert findings(alone, standing_ledger("44")) == []
