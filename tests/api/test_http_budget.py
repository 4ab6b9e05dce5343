"""The budget over HTTP: from a project to a payment, one fen too much refused at every link."""

from collections.abc import Iterator

import pytest

from ledger.postgres.database import Database
from tests.support.http_budgets import (
    SCHOOL,
    approval,
    ceiling,
    code_of,
    drafted,
    indicator,
    open_budget,
    project,
    rows,
)
from tests.support.http_server import HttpTreasury


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with open_budget(module_database) as opened:
        yield opened


def test_a_budget_from_project_to_payment(own: HttpTreasury) -> None:
    pro_code = project(own, "1000.00")
    wishes = drafted(own, pro_code, "1000.00", of_round=1)
    own.ok(own.post(f"…/budget-drafts/{wishes}/check", person="unit_checker"))

    ceiling(own, "800.00")
    draft_no = own.number("ES")
    plan = {"draft_no": draft_no, "agency_code": SCHOOL, "round": 2}
    plan["rows"] = rows(pro_code, "800.01", key=pro_code)
    own.ok(own.post("…/budget-drafts", plan, "unit"))
    too_much = own.post(f"…/budget-drafts/{draft_no}/submit", person="unit")
    assert (too_much.status_code, code_of(too_much)) == (422, "insufficient_ceiling")

    draft_no = drafted(own, pro_code, "800.00")
    checked = own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="unit_checker"))
    assert checked["state"] == "checked"
    checked = own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
    assert [each["level"] for each in checked["checked"]] == ["dept", "mof"]

    approved = own.ok(own.post("…/budget-approvals", approval(own, draft_no)))
    assert (approved["rows_count"], approved["reply_amt"]) == (1, "800.00")

    refused = own.post("…/indicators", indicator(own, pro_code, "800.01"))
    assert (refused.status_code, code_of(refused)) == (422, "insufficient_budget")
    assert refused.json()["available_amt"] == "800.00"
    issued = own.ok(own.post("…/indicators", indicator(own, pro_code, "800.00")))
    assert issued["bgt_pman_id"] == f"{pro_code}-0"
    assert issued["pro_name"] == "教学楼修缮"

    row = own.ok(own.get(f"…/budget-rows/{pro_code}-0"))
    assert (row["apply_up"], row["fin_audit_money"]) == ("1000.00", "800.00")
    assert (row["cur_amt"], row["issued_amt"], row["rest_amt"]) == ("800.00", "800.00", "0.00")

    shown = own.ok(own.get(f"…/budget-drafts/{draft_no}", person="unit"))
    assert (shown["state"], len(shown["rows"])) == ("approved", 1)


def test_what_is_repeated_is_answered_as_the_first_time(own: HttpTreasury) -> None:
    pro_code = project(own)
    ceiling(own, "10000.00")
    draft_no = drafted(own, pro_code, "10.00")
    again = own.post(f"…/budget-drafts/{draft_no}/submit", person="unit")
    assert again.headers["Idempotent-Replayed"] == "true"
    own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="unit_checker"))
    again = own.post(f"…/budget-drafts/{draft_no}/check", person="unit_checker")
    assert again.headers["Idempotent-Replayed"] == "true"
    body = approval(own, draft_no)
    first = own.ok(own.post("…/budget-approvals", body))
    again = own.post("…/budget-approvals", body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert own.ok(again)["rows"] == first["rows"]


def test_units_prepare_for_their_own(own: HttpTreasury) -> None:
    pro_code = project(own)
    body = {"draft_no": own.number("YS"), "agency_code": SCHOOL, "round": 1}
    body["rows"] = rows(pro_code, "1.00", key=own.number("X"))
    assert code_of(own.post("…/budget-drafts", body, "other_unit")) == "forbidden"
    own.ok(own.post("…/budget-drafts", body, "unit"))
    path = f"…/budget-drafts/{body['draft_no']}"
    assert code_of(own.post(f"{path}/submit", person="other_unit")) == "forbidden"
    assert code_of(own.get(path, person="other_unit")) == "forbidden"


def test_many_drafts_at_once(own: HttpTreasury) -> None:
    ceiling(own, "20000.00")
    drafts = []
    for _ in range(3):
        pro_code = project(own, "10.00")
        drafts.append(
            {
                "draft_no": own.number("ES"),
                "agency_code": SCHOOL,
                "round": 2,
                "rows": rows(pro_code, "10.00", key=pro_code),
            }
        )
    numbers = {"draft_nos": [draft["draft_no"] for draft in drafts]}
    for path, body, person in (
        ("…/budget-drafts:batch", drafts, "unit"),
        ("…/budget-drafts:submit", numbers, "unit"),
        ("…/budget-drafts:check", numbers, "checker"),
    ):
        results = own.ok(own.post(path, body, person))["results"]
        assert [each["status"] for each in results] == ["created"] * 3, results
    own.ok(own.post("…/budget-approvals", approval(own, *numbers["draft_nos"])))


def test_a_row_is_adjusted_over_http(own: HttpTreasury) -> None:
    pro_code = project(own)
    ceiling(own, "30000.00")
    draft_no = drafted(own, pro_code, "500.00", "300.00")
    own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
    own.ok(own.post("…/budget-approvals", approval(own, draft_no)))
    body = {
        "adj_no": own.number("TJ"),
        "kind": "within_unit",
        "parts": [
            {
                "from_bgt_pman_id": f"{pro_code}-0",
                "to_bgt_pman_id": f"{pro_code}-1",
                "amt": "500.01",
            }
        ],
        "reason": "据实调剂",
    }
    assert code_of(own.post("…/budget-adjustments", body)) == "insufficient_budget"
    body["adj_no"] = own.number("TJ")
    body["parts"][0]["amt"] = "500.00"
    adjusted = own.ok(own.post("…/budget-adjustments", body))
    assert [(row["dis_amt"], row["cur_amt"]) for row in adjusted["rows"]] == [
        ("-500.00", "0.00"),
        ("500.00", "800.00"),
    ]


def test_a_nested_amount_that_is_none_is_told(own: HttpTreasury) -> None:
    pro_code = project(own)
    body = {"draft_no": own.number("YS"), "agency_code": SCHOOL, "round": 1}
    body["rows"] = [{**rows(pro_code, "1.00")[0], "amt": 1.0}]
    answer = own.post("…/budget-drafts", body, "unit")
    assert (answer.status_code, code_of(answer)) == (400, "invalid_amount")
    assert answer.json()["pointer"] == "/rows/0/amt"


def test_what_income_is_expected_may_be_said_twice(own: HttpTreasury) -> None:
    body = {"inc_sort_code": "10102", "fund_type_code": "13", "amt": "10.00"}
    own.ok(own.post("…/income-budgets", body))
    again = own.post("…/income-budgets", body)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
