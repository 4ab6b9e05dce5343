"""提前下达 before the approval, within last year's same period (预算法 §54), and absorbed."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from budget.advance_events import AdvanceLimit
from budget.advances import ADVANCES, Advances
from budget.advancing import AbsorbIndicator, SetAdvanceLimits
from budget.distributing import DistributeIndicator
from budget.distribution_events import DistributedPart
from budget.indicators import AdjustIndicator, ReallocateIndicator
from budget.issuing import IssueIndicator
from budget.staging import RecallIndicator
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from tests.budget.test_verifying import found
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import ELEMENTS
from tests.support.budgets import HOSPITAL, SCHOOL, BudgetKeeper, of_row
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    """The school may be advanced 50.00, as it had by this day last year."""
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.do(limits("XE-1", (SCHOOL, "50.00")))
    yield keeper
    keeper.close()
    keeper.pool.close()


def limits(limit_no: str, *units: tuple[str, str]) -> SetAdvanceLimits:
    asked = tuple(AdvanceLimit(agency_code, amt) for agency_code, amt in units)
    return SetAdvanceLimits(limit_no=limit_no, limits=asked, basis="上年同期支出")


def advance(bgt_id: str, amount: str, **more: Any) -> IssueIndicator:
    elements = {**ELEMENTS, "bgt_type_code": "11", **more}
    return IssueIndicator(bgt_id=bgt_id, amount=amount, **elements)


def left(budgets: BudgetKeeper, agency_code: str = SCHOOL) -> int:
    with budgets.pool.connection() as connection:
        rows = read_rows(connection, budgets.ledger_id, ADVANCES, [agency_code])
    return int(rows.get(agency_code, Advances()).left)


def approved(budgets: BudgetKeeper, amount: str = "100.00") -> None:
    budgets.project()
    budgets.approved(("R1", amount))


# ---- before the approval


def test_a_unit_is_advanced_to_its_limit_and_not_a_fen_more(budgets: BudgetKeeper) -> None:
    budgets.do(advance("B1", "30.00"))
    refused = budgets.ask(advance("B2", "20.01")).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["available_amt"]) == ("insufficient_budget", "20.00")
    budgets.do(advance("B2", "20.00"))
    assert left(budgets) == 0
    budgets.pay("SQ-1", "B1", "30.00")


def test_nothing_but_an_advance_is_issued_before_the_approval(budgets: BudgetKeeper) -> None:
    refused = budgets.ask(advance("B1", "1.00", bgt_type_code="21")).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["pointer"]) == (
        "insufficient_budget", "/bgt_type_code"
    )  # fmt: skip
    other = advance("B1", "0.01", agency_code=HOSPITAL)
    assert budgets.refusal(other) == "insufficient_budget", "nobody has named the hospital"
    budgets.do(advance("B1", "99.00", bgt_type_code="21", sup_bgt_doc_no="财预〔2026〕9号"))
    assert left(budgets) == 50_00, "what the tier above has sent is not of the budget"


def test_two_at_once_share_the_limit(budgets: BudgetKeeper) -> None:
    outcomes = budgets.submit(advance("B1", "50.00"), advance("B2", "50.00"))
    assert [each.problem and each.problem.code.text for each in outcomes] == [
        None, "insufficient_budget"
    ]  # fmt: skip


def test_what_is_cut_or_recalled_may_be_advanced_again(budgets: BudgetKeeper) -> None:
    budgets.do(advance("B1", "50.00"))
    more = AdjustIndicator(bgt_id="B1", adj_no="ZJ-1", adj_amt="0.01", reason="追加")
    assert budgets.refusal(more) == "insufficient_budget"
    budgets.do(AdjustIndicator(bgt_id="B1", adj_no="ZJ-2", adj_amt="-20.00", reason="追减"))
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="10.00"))
    assert left(budgets) == 30_00
    budgets.do(AdjustIndicator(bgt_id="B1", adj_no="ZJ-3", adj_amt="30.00", reason="追加"))
    assert left(budgets) == 0


def test_a_limit_is_not_set_below_what_was_advanced(budgets: BudgetKeeper) -> None:
    budgets.do(advance("B1", "30.00"))
    assert budgets.refusal(limits("XE-2", (SCHOOL, "29.99"))) == "insufficient_budget"
    budgets.do(limits("XE-3", (SCHOOL, "30.00"), (HOSPITAL, "5.00")))
    assert (left(budgets), left(budgets, HOSPITAL)) == (0, 5_00)


def test_an_advance_stays_with_its_unit(budgets: BudgetKeeper) -> None:
    budgets.do(limits("XE-2", (HOSPITAL, "10.00")))
    budgets.do(advance("B1", "50.00"))
    budgets.do(advance("B2", "10.00", agency_code=HOSPITAL))
    across = ReallocateIndicator(
        bgt_id="B1", to_bgt_id="B2", adj_no="TJ-1", amt="1.00", reason="调剂"
    )
    assert budgets.refusal(across) == "element_mismatch"
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="10.00"))
    budgets.do(advance("B3", "10.00", bgt_exe_flag=2))
    part = DistributedPart(bgt_id="P1", agency_code=HOSPITAL, amount="1.00")
    onward = DistributeIndicator(bgt_id="B3", dist_no="FP-1", parts=(part,))
    assert budgets.refusal(onward) == "invalid_state"


def test_a_ledger_without_limits_issues_as_ever(database: Database) -> None:
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.issue("B1", "10.00")
    keeper.close()
    keeper.pool.close()


# ---- absorbed by the row


def test_the_row_has_it_once(budgets: BudgetKeeper) -> None:
    budgets.do(advance("B1", "50.00"))
    budgets.pay("SQ-1", "B1", "20.00")
    approved(budgets)
    assert budgets.books()["指标来源"] == "150.00", "the advance, and the budget that has it, too"
    budgets.do(AbsorbIndicator(bgt_id="B1", bgt_pman_id="R1"))
    assert budgets.amounts("R1")["issued_amt"] == "50.00"
    books = budgets.books()
    assert (books["指标来源"], books["支出预算"]) == ("100.00", "50.00")
    assert budgets.refusal(of_row("B2", "R1", "50.01")) == "insufficient_budget"
    budgets.do(of_row("B2", "R1", "50.00"))


def test_what_is_recalled_of_it_then_goes_back_to_the_row(budgets: BudgetKeeper) -> None:
    budgets.do(advance("B1", "50.00"))
    approved(budgets)
    budgets.do(AbsorbIndicator(bgt_id="B1", bgt_pman_id="R1"))
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="10.00"))
    assert (budgets.amounts("R1")["rest_amt"], left(budgets)) == ("60.00", 0)


def test_a_row_absorbs_no_fen_more_than_it_has(budgets: BudgetKeeper) -> None:
    budgets.do(advance("B1", "50.00"))
    approved(budgets, "49.99")
    absorb = AbsorbIndicator(bgt_id="B1", bgt_pman_id="R1")
    refused = budgets.ask(absorb).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["available_amt"]) == ("insufficient_budget", "49.99")
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="0.01"))
    budgets.do(absorb)
    assert budgets.amounts("R1")["rest_amt"] == "0.00"


def test_it_is_absorbed_once_and_by_its_own_row(budgets: BudgetKeeper) -> None:
    budgets.do(advance("B1", "10.00", exp_func_code="2010101"))
    budgets.do(advance("B2", "10.00", bgt_exe_flag=2))
    budgets.do(advance("B3", "10.00", sup_bgt_doc_no="财预〔2026〕9号"))
    approved(budgets)
    apart = AbsorbIndicator(bgt_id="B1", bgt_pman_id="R1")
    assert budgets.refusal(apart) == "element_mismatch"
    assert budgets.refusal(AbsorbIndicator(bgt_id="B2", bgt_pman_id="R9")) == "not_found"
    from_above = AbsorbIndicator(bgt_id="B3", bgt_pman_id="R1")
    assert budgets.refusal(from_above) == "invalid_state"
    first = budgets.do(AbsorbIndicator(bgt_id="B2", bgt_pman_id="R1"))
    again = budgets.do(AbsorbIndicator(bgt_id="B2", bgt_pman_id="R1"))
    assert (again.replayed, again.commit) == (True, first.commit)
    assert budgets.amounts("R1")["issued_amt"] == "10.00", "what is 待下达 is absorbed, too"
    assert budgets.refusal(advance("B9", "1.00")) == "insufficient_budget", "it is approved now"


# ---- verified


def test_it_is_verified_here_and_offline(
    budgets: BudgetKeeper, database: Database, tmp_path: Path
) -> None:
    budgets.do(advance("B1", "40.00"))
    budgets.do(advance("B2", "10.00", effective_on=date(2026, 1, 5)))
    budgets.apply("SQ-1", "B1", "20.00")
    budgets.do(AdjustIndicator(bgt_id="B1", adj_no="ZJ-1", adj_amt="-5.00", reason="追减"))
    approved(budgets)
    budgets.do(AbsorbIndicator(bgt_id="B1", bgt_pman_id="R1"))
    budgets.do(RecallIndicator(bgt_id="B1", recall_no="SH-1", amt="5.00"))
    assert found(database, budgets, tmp_path) == []
    audited = audited_as_it_stands(database, budgets)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 0, output
