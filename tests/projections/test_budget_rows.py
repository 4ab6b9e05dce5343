"""预算行: the read model of rows, followed step by step and built anew; rows as of any moment."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from budget.adjusting.adjusting import AdjustBudget
from budget.indicators import AdjustIndicator, ReallocateIndicator
from budget.row_events import AdjustmentPart, NewRow
from ledger.errors import RequestError
from ledger.postgres.database import Database
from projections.budget_row_lists import PastRow, list_budget_rows, past_row
from projections.core import tables
from projections.core.moments import Moment
from projections.core.rebuild import verify
from projections.core.runner import Runner
from projections.queries import list_indicators
from tests.support.budgets import HOSPITAL, PROJECT, ROW, SCHOOL, BudgetKeeper, of_row, row
from tests.support.histories import differences

ANOTHER = "440000260000000000002"
IN_FEBRUARY, IN_MARCH = date(2026, 2, 10), date(2026, 3, 2)


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


def adjusting(adj_no: str, kind: str, amt: str, giving: str = "", taking: str = "", **more: Any
              ) -> AdjustBudget:  # fmt: skip
    part = AdjustmentPart(from_bgt_pman_id=giving, to_bgt_pman_id=taking, amt=amt)
    return AdjustBudget(adj_no=adj_no, kind=kind, parts=(part,), reason="据实调整", **more)


def a_budget(b: BudgetKeeper) -> None:
    """R1 of 500 and R2 of 300 approved, R3 asked for alone. R1 is raised by 200 and gives 150 to
    R2; of R1 400 are issued, 60 of that given back and 40 moved to an indicator of R2; R4 comes
    into being by an adjustment."""
    b.project(amt="5000.00", is_gov_pur=True)
    b.approved(("R1", "500.00"), ("R2", "300.00"), is_gov_pur=True)
    b.draft("YS-1", row("R3", "70.00"), of_round=1)
    b.do(adjusting("TZ-1", "addition", "200.00", taking="R1"))
    b.do(adjusting("TJ-1", "within_unit", "150.00", "R1", "R2"))
    b.do(of_row("B1", "R1", "400.00", is_gov_pur=True, effective_on=IN_FEBRUARY))
    b.do(of_row("B2", "R2", "10.00", is_gov_pur=True, effective_on=IN_FEBRUARY))
    b.do(AdjustIndicator(bgt_id="B1", adj_no="ZJ-1", adj_amt="-60.00", reason="追减",
                         effective_on=IN_MARCH))  # fmt: skip
    b.do(ReallocateIndicator(bgt_id="B1", adj_no="TJ-2", to_bgt_id="B2", amt="40.00",
                             reason="调剂", effective_on=IN_MARCH))  # fmt: skip
    new = NewRow(bgt_pman_id="R4", agency_code=SCHOOL, **ROW)
    b.do(adjusting("TZ-2", "addition", "90.00", taking="R4", new_rows=(new,)))


def listed(b: BudgetKeeper, **filters: str) -> dict[str, dict[str, Any]]:
    with b.pool.connection() as connection:
        items = list_budget_rows(connection, b.ledger_id, filters).items
    return {item["bgt_pman_id"]: item for item in items}


def as_of(b: BudgetKeeper, bgt_pman_id: str, **moment: Any) -> PastRow | None:
    with b.pool.connection() as connection:
        return past_row(connection, b.ledger_id, bgt_pman_id, Moment(**moment))


def head(b: BudgetKeeper) -> int:
    return len(b.events())


@pytest.mark.parametrize("batch_events", [1, 10_000])
def test_rows_stand_as_the_register_has_them(budgets: BudgetKeeper, batch_events: int) -> None:
    """Two ways, one figure: the read model sums the movements, the register is what controls."""
    a_budget(budgets)
    Runner(budgets.pool, batch_events=batch_events).catch_up()
    rows = listed(budgets)
    assert list(rows) == ["R1", "R2", "R3", "R4"]
    for bgt_pman_id, item in rows.items():
        kept = budgets.amounts(bgt_pman_id)
        assert {name: item[name] for name in kept} == kept, bgt_pman_id
    first = rows["R1"]
    assert (first["reply_amt"], first["adj_amt"], first["dis_amt"]) == (
        "500.00", "200.00", "-150.00",
    )  # fmt: skip
    assert (first["cur_amt"], first["issued_amt"], first["rest_amt"]) == (
        "550.00", "300.00", "250.00",
    )  # fmt: skip
    assert rows["R2"]["issued_amt"] == "50.00"
    assert (rows["R3"]["apply_up"], rows["R3"]["approve_doc_no"]) == ("70.00", "")
    assert (rows["R4"]["approve_doc_no"], rows["R4"]["draft_no"]) == ("TZ-2", "")
    assert (first["is_gov_pur"], rows["R3"]["is_gov_pur"]) == (True, False)
    report = verify(budgets.pool, budgets.ledger_id)
    assert report.equal, differences(report)


def test_rows_are_found_by_unit_project_codes_and_state(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00", use_agency_codes=(SCHOOL, HOSPITAL))
    budgets.project(ANOTHER, amt="1000.00")
    budgets.approved(("R1", "500.00"))
    budgets.draft("YS-1", row("R2", "1.00"), of_round=1, agency_code=HOSPITAL)
    budgets.draft("YS-2", row("R3", "1.00", pro_code=ANOTHER), of_round=1)
    Runner(budgets.pool).catch_up()
    assert list(listed(budgets, agency_code=HOSPITAL)) == ["R2"]
    assert list(listed(budgets, agency_prefixes="101,103")) == ["R1", "R3"]
    assert list(listed(budgets, pro_code=PROJECT)) == ["R1", "R2"]
    assert list(listed(budgets, state="approved")) == ["R1"]
    assert list(listed(budgets, state="asked", pro_code=ANOTHER)) == ["R3"]
    assert list(listed(budgets, exp_func_code=ROW["exp_func_code"])) == ["R1", "R2", "R3"]
    assert listed(budgets, fund_type_code="12") == {}
    with pytest.raises(RequestError, match="asked, approved"):
        listed(budgets, state="issued")


def test_a_cursor_carries_the_filter(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00")
    budgets.approved(("R1", "1.00"), ("R2", "2.00"), ("R3", "3.00"))
    budgets.draft("YS-1", row("R0", "1.00"), of_round=1)
    Runner(budgets.pool).catch_up()
    with budgets.pool.connection() as connection:
        scope = connection, budgets.ledger_id
        first = list_budget_rows(*scope, {"state": "approved"}, None, 2)
        second = list_budget_rows(*scope, {}, first.next_cursor, 2)
    assert [item["bgt_pman_id"] for item in first.items + second.items] == ["R1", "R2", "R3"]
    assert second.next_cursor is None


def test_a_row_as_of_each_position_is_what_the_register_was_then(budgets: BudgetKeeper) -> None:
    """Whatever part of the history the read model has seen."""
    budgets.project(amt="5000.00")
    budgets.approved(("R1", "500.00"), ("R2", "300.00"))
    then = {}
    for act in (
        adjusting("TZ-1", "addition", "200.00", taking="R1"),
        of_row("B1", "R1", "400.00", is_gov_pur=True),
        AdjustIndicator(bgt_id="B1", adj_no="ZJ-1", adj_amt="-60.00", reason="追减"),
        adjusting("TJ-1", "within_unit", "150.00", "R1", "R2"),
    ):
        then[head(budgets)] = budgets.amounts("R1")
        if len(then) == 2:
            Runner(budgets.pool).catch_up()  # the rest is behind the read model
        budgets.do(act)
    then[head(budgets)] = budgets.amounts("R1")
    for _ in range(2):
        for position, amounts in then.items():
            found = as_of(budgets, "R1", position=position)
            assert found is not None
            assert found.position == position
            figures = found.amounts.figures()
            assert {name: getattr(figures, name) for name in amounts} == amounts
        Runner(budgets.pool).catch_up()
    assert as_of(budgets, "R1", position=1) is None


def test_a_row_as_of_a_day_is_what_took_effect_until_it(budgets: BudgetKeeper) -> None:
    a_budget(budgets)
    Runner(budgets.pool).catch_up()
    assert as_of(budgets, "R1", effective=date(2026, 1, 19)) is None, "approved as of the 20th"
    approved = as_of(budgets, "R1", effective=date(2026, 1, 31))
    assert approved is not None
    assert (approved.amounts.reply, approved.amounts.rest) == (500_00, 500_00)
    issued = as_of(budgets, "R1", effective=IN_FEBRUARY)
    assert issued is not None
    assert issued.amounts.figures().issued_amt == "400.00"
    assert issued.row.approve_doc_no
    back = as_of(budgets, "R1", effective=IN_MARCH)
    assert back is not None
    assert back.amounts.figures().issued_amt == "300.00"


def test_what_a_later_draft_says_was_not_said_before(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000.00")
    budgets.ceiling("900.00")
    budgets.draft("YS-1", row("R1", "70.00"), of_round=1)
    before = head(budgets)
    budgets.draft("ES-1", row("R1", "60.00"))
    Runner(budgets.pool).catch_up()
    wished = as_of(budgets, "R1", position=before)
    assert wished is not None
    assert (wished.row.said.draft_no, wished.row.fin_audit_fen) == ("YS-1", 0)
    assert listed(budgets)["R1"]["draft_no"] == "ES-1"
    assert listed(budgets)["R1"]["fin_audit_money"] == "60.00"


def test_indicators_are_found_by_their_row(budgets: BudgetKeeper) -> None:
    a_budget(budgets)
    Runner(budgets.pool).catch_up()
    for bgt_pman_id, expected in (("R1", ["B1"]), ("R2", ["B2"]), ("R3", [])):
        with budgets.pool.connection() as connection:
            asked = {"bgt_pman_id": bgt_pman_id}
            page = list_indicators(connection, budgets.ledger_id, asked)
        assert [item["bgt_id"] for item in page.items] == expected


def test_rows_are_written_some_at_a_time(
    budgets: BudgetKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of an approval of a province's budget are: what is sent at once is bounded."""
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 1)
    a_budget(budgets)
    Runner(budgets.pool).catch_up()
    report = verify(budgets.pool, budgets.ledger_id)
    assert report.equal, differences(report)
