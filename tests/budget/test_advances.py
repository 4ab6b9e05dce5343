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
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.postgres.database import Database
from ledger.reading.loading import read_rows
from tests.budget.test_verifying import found
from tests.support.approved_documents import agreeing
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import ELEMENTS, payment
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


@pytest.fixture
def unlimited(database: Database) -> Iterator[BudgetKeeper]:
    """A ledger that was told no limits."""
    keeper = BudgetKeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


def limits(limit_no: str, *units: tuple[str, str]) -> SetAdvanceLimits:
    asked = tuple(AdvanceLimit(agency_code, amt) for agency_code, amt in units)
    return SetAdvanceLimits(limit_no=limit_no, limits=asked, basis="上年同期支出")


def advance(bgt_id: str, amount: str, **more: Any) -> IssueIndicator:
    elements = {**ELEMENTS, "bgt_type_code": "11", **more}
    return IssueIndicator(bgt_id=bgt_id, amount=amount, **elements)


def more(bgt_id: str, amt: str) -> AdjustIndicator:
    """追加, or 追减 of less than nothing."""
    return AdjustIndicator(bgt_id=bgt_id, adj_no=f"ZJ{amt}", adj_amt=amt, reason="追加")


def between(bgt_id: str, to_bgt_id: str) -> ReallocateIndicator:
    """调剂 of 0.50."""
    adj_no = f"TJ-{bgt_id}-{to_bgt_id}"
    return ReallocateIndicator(
        bgt_id=bgt_id, to_bgt_id=to_bgt_id, adj_no=adj_no, amt="0.50", reason="调剂"
    )


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


def test_what_is_older_than_the_limits_is_not_raised_beyond_them(unlimited: BudgetKeeper) -> None:
    """An indicator of before the limits could be raised by a million under a limit of 50.00."""
    unlimited.issue("OLD", "1.00")
    unlimited.do(advance("YB", "1.00"))
    unlimited.do(limits("XE-1", (SCHOOL, "50.00")))
    refused = unlimited.ask(more("OLD", "1000000.00")).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["pointer"], refused.extra["requested_amt"]) == (
        "insufficient_budget", "/bgt_id", "1000000.00"
    )  # fmt: skip
    assert unlimited.refusal(more("YB", "0.01")) == "insufficient_budget", "it takes of no limit"
    assert unlimited.refusal(between("YB", "OLD")) == "insufficient_budget"
    unlimited.do(more("OLD", "-1.00"))
    unlimited.do(advance("B1", "50.00"))


def test_a_ledger_without_limits_issues_as_ever(unlimited: BudgetKeeper) -> None:
    unlimited.issue("B1", "10.00")
    unlimited.issue("B2", "10.00")
    unlimited.do(more("B1", "1000000.00"))
    unlimited.do(between("B1", "B2"))


# ---- what stands beside the budget once it is approved


def test_what_was_issued_before_the_approval_has_no_more_after_it(unlimited: BudgetKeeper) -> None:
    """A budget of 100.00, and an indicator of 1.00 from before it, which could be raised by a
    million and paid from; what the tier above has sent is of its documents, as before."""
    unlimited.issue("OLD", "1.00")
    unlimited.issue("OTHER", "5.00")
    unlimited.issue("ABOVE", "9.00", sup_bgt_doc_no="财预〔2026〕9号")
    approved(unlimited)
    refused = unlimited.ask(more("OLD", "1000000.00")).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["available_amt"]) == ("insufficient_budget", "0.00")
    assert unlimited.refusal(between("OTHER", "OLD")) == "insufficient_budget"
    from_above = unlimited.ask(between("ABOVE", "OLD")).problem
    assert from_above is not None
    assert (from_above.code.text, from_above.extra["pointer"]) == (
        "insufficient_budget", "/to_bgt_id"
    )  # fmt: skip
    assert unlimited.refusal(payment("SQ-1", "OLD", "1.01")) == "insufficient_indicator"
    unlimited.do(more("ABOVE", "1000.00"))
    unlimited.do(more("OLD", "-0.50"))
    unlimited.do(of_row("OF_ROW", "R1", "60.00"))
    unlimited.do(more("OF_ROW", "30.00"))
    unlimited.do(AbsorbIndicator(bgt_id="OLD", bgt_pman_id="R1"))
    unlimited.do(more("OLD", "9.50"))
    assert unlimited.amounts("R1")["rest_amt"] == "0.00"
    assert unlimited.refusal(more("OLD", "0.01")) == "insufficient_budget", "no more than its row"


def test_what_is_left_of_a_limit_ends_with_the_approval(budgets: BudgetKeeper) -> None:
    """Limits could be set after the approval, and an advance be raised by what no row had."""
    budgets.do(advance("B1", "30.00"))
    budgets.do(advance("B2", "10.00"))
    approved(budgets)
    assert budgets.refusal(more("B1", "10.00")) == "insufficient_budget"
    assert budgets.refusal(between("B2", "B1")) == "insufficient_budget"
    assert budgets.refusal(limits("XE-2", (SCHOOL, "5000.00"))) == "invalid_state"
    budgets.do(more("B1", "-5.00"))
    budgets.do(AbsorbIndicator(bgt_id="B1", bgt_pman_id="R1"))
    assert budgets.amounts("R1")["issued_amt"] == "25.00"


def test_a_raise_that_waits_over_the_approval_is_decided_after_it(unlimited: BudgetKeeper) -> None:
    unlimited.issue("OLD", "1.00")
    waits = {"indicator.adjust": ("treasury_checker",)}
    unlimited.do(SetApprovalPolicy(approval_policy=waits), "admin")
    unlimited.do(more("OLD", "100.00"))
    approved(unlimited)
    agreed = agreeing("indicator.adjust", "ZJ100.00")
    assert unlimited.refusal(agreed, "checker") == "insufficient_budget"


def test_a_row_for_purchases_absorbs_what_is_for_purchases(budgets: BudgetKeeper) -> None:
    """What nobody had marked could be absorbed, raised by all the row had, and paid without a
    contract."""
    budgets.do(advance("ANY", "1.00"))
    budgets.do(advance("PUR", "1.00", is_gov_pur=True))
    budgets.project()
    budgets.approved(("R1", "100.00"), is_gov_pur=True)
    unmarked = AbsorbIndicator(bgt_id="ANY", bgt_pman_id="R1")
    assert budgets.refusal(unmarked) == "element_mismatch"
    budgets.do(AbsorbIndicator(bgt_id="PUR", bgt_pman_id="R1"))


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
