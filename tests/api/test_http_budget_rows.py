"""Rows of the budget over HTTP: lists, units that see their own, and rows of earlier moments."""

from collections.abc import Iterator

import pytest

from api.http.app import create_app
from api.treasury import treasury_on
from ledger.postgres.database import Database
from tests.support import asking
from tests.support.http_budgets import (
    SCHOOL,
    approval,
    ceiling,
    code_of,
    drafted,
    indicator,
    open_budget,
    project,
)
from tests.support.http_server import HttpTreasury, served


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with open_budget(module_database) as opened:
        yield opened


@pytest.fixture(scope="module")
def pro_code(own: HttpTreasury) -> str:
    """A project of which three rows are approved, one of them issued in part, and one asked."""
    pro_code = project(own, "1000.00")
    ceiling(own, "1000.00")
    draft_no = drafted(own, pro_code, "500.00", "300.00", "100.00")
    own.ok(own.post(f"…/budget-drafts/{draft_no}/check", person="checker"))
    own.ok(own.post("…/budget-approvals", approval(own, draft_no)))
    own.ok(own.post("…/indicators", indicator(own, pro_code, "120.00")))
    return pro_code


def test_rows_are_listed_in_pages_whose_cursor_carries_the_filter(
    own: HttpTreasury, pro_code: str
) -> None:
    drafted(own, project(own, "10.00"), "10.00", of_round=1)
    first = own.ok(own.get("…/budget-rows", pro_code=pro_code, state="approved", page_size=2))
    second = own.ok(own.get("…/budget-rows", page_size=2, cursor=first["next_cursor"]))
    rows = first["items"] + second["items"]
    assert [row["bgt_pman_id"] for row in rows] == [f"{pro_code}-{n}" for n in range(3)]
    assert second["next_cursor"] is None
    assert [row["rest_amt"] for row in rows] == ["380.00", "300.00", "100.00"]
    assert own.ok(own.get(f"…/budget-rows/{pro_code}-0")) == rows[0], "as the register has it"
    assert len(own.ok(own.get("…/budget-rows", agency_code=SCHOOL, state="asked"))["items"]) == 1
    assert code_of(own.get("…/budget-rows", state="spent")) == "malformed"


def test_a_unit_sees_its_own_rows(own: HttpTreasury, pro_code: str) -> None:
    assert own.ok(own.get("…/budget-rows", person="unit", pro_code=pro_code))["items"]
    assert own.ok(own.get("…/budget-rows", person="other_unit"))["items"] == []
    hidden = own.get(f"…/budget-rows/{pro_code}-0", person="other_unit")
    assert code_of(hidden) == "forbidden"
    hidden = own.get(
        f"…/budget-rows/{pro_code}-0", person="other_unit", as_of_effective="2026-12-31"
    )
    assert code_of(hidden) == "forbidden"


def test_a_row_as_of_a_moment(own: HttpTreasury, pro_code: str) -> None:
    answer = own.get(f"…/budget-rows/{pro_code}-1")
    position = answer.headers["X-Projection-Position"]
    own.ok(own.post("…/indicators", indicator(own, pro_code, "300.00", row=1)))
    assert own.ok(own.get(f"…/budget-rows/{pro_code}-1"))["rest_amt"] == "0.00"
    then = own.get(f"…/budget-rows/{pro_code}-1", as_of_position=position)
    assert (own.ok(then)["issued_amt"], own.ok(then)["rest_amt"]) == ("0.00", "300.00")
    assert then.headers["X-Projection-Position"] == position
    early = own.get(f"…/budget-rows/{pro_code}-1", as_of_effective="2026-01-19")
    assert (early.status_code, code_of(early)) == (404, "not_found")
    approved = own.get(f"…/budget-rows/{pro_code}-1", as_of_effective="2026-01-20")
    assert own.ok(approved)["reply_amt"] == "300.00"


def test_indicators_are_listed_by_their_row(own: HttpTreasury, pro_code: str) -> None:
    found = own.ok(own.get("…/indicators", bgt_pman_id=f"{pro_code}-0"))["items"]
    assert [item["amount"] for item in found] == ["120.00"]
    assert own.ok(own.get("…/indicators", bgt_pman_id=f"{pro_code}-2"))["items"] == []


def test_a_payment_is_traced_back_to_its_project(own: HttpTreasury, pro_code: str) -> None:
    body = indicator(own, pro_code, "50.00", row=2)
    own.ok(own.post("…/indicators", body))
    number = own.applied(body["bgt_id"], "5.00")
    chain = own.ok(own.get(f"…/payments/{number}/trace"))["chain"]
    steps = {link["step"]: link for link in chain}
    assert [link["step"] for link in chain[:4]] == ["project", "draft", "budget", "indicator"]
    assert (steps["project"]["number"], steps["project"]["ledger"]) == (pro_code, "440000000-0000")
    assert steps["budget"]["number"] == f"{pro_code}-2"
    assert steps["budget"]["facts"][-1]["type"] == "budget_row.replied"
    shown = own.ok(own.get(f"…/indicators/{body['bgt_id']}/trace"))["origin"]
    assert [link["number"] for link in shown] == [link["number"] for link in chain[:3]]


def test_a_server_that_has_just_begun_adjusts_an_indicator_of_a_row(
    own: HttpTreasury, pro_code: str
) -> None:
    """Nothing asked for its row, so the first adjustment after a start failed inside (500)."""
    [item] = own.ok(own.get("…/indicators", bgt_pman_id=f"{pro_code}-0"))["items"]
    adjustments = f"/v1/ledgers/{own.ledger}/indicators/{item['bgt_id']}/adjustments"
    body = {"adj_no": "TZ-1", "adj_amt": "-20.00", "reason": "压减"}
    headers = {"Authorization": f"Bearer {own.tokens['maker']}"}
    with (
        treasury_on(own.treasury.settings, own.treasury.database) as fresh,
        served(create_app(fresh)) as url,
    ):
        answer = asking.post(url + adjustments, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["amount"] == "100.00"
