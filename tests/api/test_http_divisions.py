"""Divisions, persons and tokens over HTTP; and units that act for their own alone."""

from typing import Any

import pytest

from division.credentials import token_sm3
from tests.api.test_http_advances import OPENED
from tests.api.test_http_vouchers import LINES
from tests.support.bookkeeper import PAYEE
from tests.support.http_server import HttpTreasury, http  # noqa: F401 - a fixture

DIVISION = "/v1/divisions/440000000"


@pytest.fixture(scope="module")
def own(http: HttpTreasury) -> HttpTreasury:  # noqa: F811
    return http.alone_in_divisions()


def person(own: HttpTreasury, principal: str, *roles: str, **more: Any) -> Any:
    body = {"principal": principal, "name": "某人", "roles": list(roles), **more}
    return own.post(f"{DIVISION}/persons", body, "admin")


def credential(own: HttpTreasury, principal: str, *roles: str, **more: Any) -> None:
    """A token whose text nobody but its holder ever had."""
    key = token_sm3(f"gk_{principal}").hex()
    body = {"token_sm3": key, "roles": list(roles), **more}
    own.ok(own.post(f"{DIVISION}/persons/{principal}/tokens", body, "admin"))
    own.tokens[principal] = f"gk_{principal}"


def test_a_division_is_opened(own: HttpTreasury) -> None:
    before = own.ok(own.get("/v1/divisions/440000000"))
    assert (before["is_standing"], before["name"]) == (False, "")
    body = {"mof_div_code": "440000000", "name": "广东省", "tier_code": "2"}
    rehearsed = own.ok(own.post("/v1/divisions", body, "admin", params={"dry_run": "true"}))
    assert rehearsed["commit"] is None
    opened = own.ok(own.post("/v1/divisions", body, "admin"))
    assert opened["ledger"] == opened["commit"]["ledger"] == "440000000-0000"
    again = own.post("/v1/divisions", body, "admin")
    assert again.headers["idempotent-replayed"] == "true"
    assert own.ok(own.get("/v1/divisions/440000000"))["is_standing"]
    assert own.post("/v1/divisions", {**body, "name": "粤"}, "admin").status_code == 422
    assert own.post("/v1/divisions", body, "maker").status_code == 403
    assert [d["mof_div_code"] for d in own.ok(own.get("/v1/divisions"))["items"]] == ["440000000"]
    assert "440000000-0000" not in [d["ledger"] for d in own.ok(own.get("/v1/ledgers"))["items"]]


def test_a_person_from_registration_to_the_end(own: HttpTreasury) -> None:
    made = own.ok(person(own, "wang.wu", "auditor", valid_until="2099-12-31"))
    assert (made["division"], made["roles"]) == ("440000000", ["auditor"])
    credential(own, "wang.wu", "auditor")
    assert own.get("…", "wang.wu").is_success
    at = made["commit"]["position"]
    changed = own.ok(
        own.post(f"{DIVISION}/persons/wang.wu/rights", {"roles": ["ops", "auditor"]}, "admin")
    )
    assert changed["roles"] == ["ops", "auditor"]
    ended = own.ok(own.post(f"{DIVISION}/persons/wang.wu/end", {"reason": "调离"}, "admin"))
    assert ended["has_ended"]
    persons = own.ok(own.get(f"{DIVISION}/persons"))["items"]
    assert [p["has_ended"] for p in persons if p["principal"] == "wang.wu"] == [True]
    then = own.ok(own.get(f"{DIVISION}/persons", as_of_position=at))["items"]
    assert [p["roles"] for p in then if p["principal"] == "wang.wu"] == [["auditor"]]


def test_a_change_is_told_again_under_its_number(own: HttpTreasury) -> None:
    own.ok(person(own, "zhao.liu", "auditor"))
    path, body = f"{DIVISION}/persons/zhao.liu/rights", {"roles": ["ops"], "change_no": "QX-1"}
    own.ok(own.post(path, body, "admin"))
    assert own.post(path, body, "admin").headers["idempotent-replayed"] == "true"
    other = own.post(path, {**body, "roles": ["admin"]}, "admin")
    assert other.json()["code"] == "idempotency_conflict"


def test_a_token_is_ended_alone(own: HttpTreasury) -> None:
    own.ok(person(own, "sun.qi", "auditor"))
    credential(own, "sun.qi", "auditor")
    key = token_sm3("gk_sun.qi").hex()
    assert own.ok(own.post(f"{DIVISION}/tokens/{key}/end", None, "admin"))["ended_at"]
    tokens = own.ok(own.get(f"{DIVISION}/tokens", page_size=1000))["items"]
    assert [t["ended_at"] != "" for t in tokens if t["token_sm3"] == key] == [True]
    assert own.get("…", "sun.qi").json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("persons", {"principal": "x y", "roles": ["ops"]}, "malformed"),
        ("persons", {"principal": "x", "roles": ["king"]}, "malformed"),
        ("persons", {"principal": "x", "roles": []}, "malformed"),
        ("persons", {"principal": "x", "roles": ["ops"], "valid_until": "bald"}, "malformed"),
        ("persons/nobody/rights", {"roles": ["ops"]}, "not_found"),
        ("persons/nobody/end", {}, "not_found"),
        ("persons/nobody/tokens", {"token_sm3": "a" * 64, "roles": ["ops"]}, "not_found"),
        (f"tokens/{'b' * 64}/end", {}, "not_found"),
        ("tokens/b/end", {}, "malformed"),
    ],
)
def test_what_cannot_be_is_refused(own: HttpTreasury, path: str, body: Any, code: str) -> None:
    assert own.post(f"{DIVISION}/{path}", body, "admin").json()["code"] == code


def test_another_division_is_out_of_reach(own: HttpTreasury) -> None:
    answer = own.post(
        "/v1/divisions/450000000/persons", {"principal": "x", "roles": ["ops"]}, "admin"
    )
    assert answer.json()["code"] == "forbidden"
    assert own.get("/v1/divisions/450000000").json()["code"] == "forbidden"
    assert own.get("/v1/divisions/000000000/persons").json()["code"] in ("malformed", "forbidden")


def test_a_standing_ledger_has_no_books(own: HttpTreasury) -> None:
    own.ok(own.get("/v1/ledgers/440000000-0000"))
    refused = own.call("POST", "/v1/ledgers/440000000-0000/periods:close", "admin", json={})
    assert refused.json()["code"] == "malformed"
    body = {"through": "2020-01-31"}
    refused = own.call("POST", "/v1/ledgers/440000000-0000/periods:close", "admin", json=body)
    assert refused.json()["code"] == "forbidden"


# ---- units


@pytest.fixture
def units(own: HttpTreasury) -> HttpTreasury:
    """``u101`` acts for the units below 101, ``u102`` for those below 102."""
    for prefix in ("101", "102"):
        name = f"u{prefix}"
        if name not in own.tokens:
            own.ok(person(own, name, "unit", agency_prefixes=[prefix]))
            credential(own, name, "unit", agency_prefixes=[prefix])
    return own


def test_a_unit_applies_for_its_own_indicators(units: HttpTreasury) -> None:
    bgt_id = units.indicator()  # of 101001
    body = units.payment(bgt_id)
    refused = units.post("…/payments", body, "u102")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    batch = units.post("…/payments:batch", [units.payment(bgt_id)], "u102")
    assert batch.json()["code"] == "forbidden"
    units.ok(units.post("…/payments", body, "u101"))


def test_a_unit_sees_its_own(units: HttpTreasury) -> None:
    bgt_id = units.indicator()
    number = units.applied(bgt_id)
    for path in (f"…/payments/{number}", f"…/indicators/{bgt_id}", f"…/indicators/{bgt_id}/trace"):
        assert units.get(path, "u101").is_success, path
        assert units.get(path, "u102").json()["code"] == "forbidden", path
    mine = units.ok(units.get("…/payments", "u101", bgt_id=bgt_id))["items"]
    assert [payment["pay_app_no"] for payment in mine] == [number]
    assert units.ok(units.get("…/payments", "u102"))["items"] == []
    assert units.ok(units.get("…/indicators", "u102"))["items"] == []


def test_a_unit_sees_no_single_thing_of_another(units: HttpTreasury) -> None:
    """A unit's token read another unit's vouchers, advances, runs and a payment's events."""
    bgt_id = units.indicator("500.00")
    number, hand, run_no = units.applied(bgt_id), units.number("JZ"), units.number("D")
    alloc_no, adv_no = units.number("SB"), units.number("YB")
    of_unit = {"voucher_no": hand, "agency_code": "101001", "acct_period": "2026-03"}
    entered = {**of_unit, "voucher_abs": "房租到账", "lines": LINES}
    units.ok(units.post("…/accounting-vouchers", entered, "accountant"))
    units.ok(units.post("…/disbursements", {"run_no": run_no, "bgt_id": bgt_id, "title": "津贴"}))
    given = {"amt": "1.00", **PAYEE}
    units.ok(units.post("…/openings", OPENED, "accountant"))
    asked = {"alloc_no": alloc_no, "bgt_id": bgt_id, **given}
    units.ok(units.post("…/allocations", asked, "accountant"))
    asked = {"adv_no": adv_no, "acct_cls_code": "B37", "agency_code": "101001", **given}
    units.ok(units.post("…/advances", {**asked, "object": "样例单位"}, "accountant"))
    for path in (
        f"…/accounting-vouchers/{hand}",
        f"…/allocations/{alloc_no}",
        f"…/advances/{adv_no}",
        f"…/disbursements/{run_no}",
        f"…/disbursements/{run_no}/results",
        f"…/disbursements/{run_no}/results.csv",
        f"…/disbursements/{run_no}/results.xlsx",
        f"…/payments/{number}/events",
    ):
        assert units.get(path, "u101").is_success, path
        refused = units.get(path, "u102")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    assert units.get(f"…/payments/{number}/evidence", "u102").status_code == 403
    for path in ("…/allocations", "…/advances", "…/disbursements"):
        assert units.ok(units.get(path, "u102"))["items"] == [], path
        assert len(units.ok(units.get(path, "u101"))["items"]) == 1, path
    assert units.ok(units.get("…/advance-ageing", "u102"))["advances"] == []


def test_a_units_books_are_its_own(units: HttpTreasury) -> None:
    """A unit's token read journals and balances of all units."""
    mine = units.paid(units.indicator("500.00"), "30.00")
    other = units.paid(units.indicator("500.00", agency_code="102001"), "7.00")
    hand = {"voucher_no": units.number("JZ"), "agency_code": "102001", "acct_period": "2026-03"}
    entered = {**hand, "voucher_abs": "房租到账", "lines": LINES}
    units.ok(units.post("…/accounting-vouchers", entered, "accountant"))

    def numbers(person_: str, **asked: str) -> set[str]:
        items = units.ok(units.get("…/journals", person_, page_size="1000", **asked))["items"]
        units_seen = {li["dimensions"].get("agency_code") for i in items for li in i["lines"]}
        assert len(units_seen) <= 1 or person_ == "maker", units_seen
        return {item["number"] for item in items}

    assert numbers("maker") >= {mine, other, hand["voucher_no"]}
    assert numbers("u101") & {mine, other, hand["voucher_no"]} == {mine}
    assert numbers("u102") & {mine, other, hand["voucher_no"]} == {other, hand["voucher_no"]}
    assert numbers("u102", book="unit_financial") == {other, hand["voucher_no"]}
    assert numbers("u102", agency_code="101001") == set()

    def expense(person_: str, **asked: str) -> list[str]:
        accounts = units.ok(units.get("…/trial-balance", person_, **asked))["accounts"]
        return [a["closing"] for a in accounts if a["acct_cls_name"] == "业务活动费用"]

    assert expense("u102") == ["7.00"]
    assert expense("u102", agency_code="101001") == []
    assert expense("u101") == expense("maker", agency_code="101001") == ["30.00"]
    for path in ("events", "events/stream", "cash", "cash/coverage", "suspense", "clearings"):
        refused = units.get(f"…/{path}", "u101")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    unspent = units.ok(units.get("…/year-end", "u101"))["unspent"]
    assert {item["number"] for item in unspent} < {
        item["number"] for item in units.ok(units.get("…/year-end", "maker"))["unspent"]
    }
    seen = units.ok(units.get("…/documents", "u102", page_size="1000"))["items"]
    assert {item["asks"].get("agency_code", "102001") for item in seen} <= {"102001"}


def test_what_is_the_treasurys_is_no_units(units: HttpTreasury) -> None:
    hand = units.number("JZ")
    lines = [{"acct_cls_id": "B39", "dr_cr": 1, "amt": "1.00"}]
    lines.append({"acct_cls_id": "B81", "dr_cr": -1, "amt": "1.00"})
    entered = {"voucher_no": hand, "book": "treasury_financial", "acct_period": "2026-03"}
    entered |= {"voucher_abs": "调整", "lines": lines}
    units.ok(units.post("…/accounting-vouchers", entered, "accountant"))
    refused = units.get(f"…/accounting-vouchers/{hand}", "u101").json()
    assert (refused["code"], "the treasury's" in refused["detail"]) == ("forbidden", True)
    assert units.get(f"…/accounting-vouchers/{hand}").is_success


def test_a_payment_is_withdrawn_by_who_applied_or_his_unit(units: HttpTreasury) -> None:
    bgt_id = units.indicator()
    numbers = [units.applied(bgt_id) for _ in range(2)]
    units.tokens["other"] = units.token("other", "treasury_maker")
    for stranger in ("other", "u102"):
        refused = units.post(f"…/payments/{numbers[0]}/withdraw", None, stranger)
        assert refused.json()["code"] == "forbidden", stranger
    for number, person_ in zip(numbers, ("maker", "u101"), strict=True):
        assert units.ok(units.post(f"…/payments/{number}/withdraw", None, person_))


def test_principals_are_one_whatever_their_case(units: HttpTreasury) -> None:
    """``Both`` applied and ``both`` approved: two tokens of one person."""
    units.tokens["Both"] = units.token("Both", "treasury_maker", division="")
    units.tokens["both"] = units.token("both", "treasury_checker")
    body = units.payment(units.indicator())
    units.ok(units.post("…/payments", body, "Both"))
    answer = units.post(f"…/payments/{body['pay_app_no']}/approve", person="both")
    assert answer.json()["code"] == "same_person"
