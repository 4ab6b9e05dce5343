"""预算编制和批复: from a project in the library to rows that indicators are issued from."""

from collections.abc import Iterator

import pytest

from budget.preparation.approving import SetIncomeBudget
from budget.preparation.checking import CheckDraft, ReturnDraft, SubmitDraft
from budget.preparation.entering import AskedIncome
from ledger.deciding import of_division
from ledger.postgres.database import Database
from ledger.reading import object_streams
from ledger.writing import local_writer
from tests.support.budgets import (
    HOSPITAL,
    BudgetKeeper,
    approval,
    ceiling,
    draft,
    of_row,
    row,
)

pytestmark = pytest.mark.usefixtures("decided_again")

ANOTHER = "440000260000000000002"


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    keeper = BudgetKeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


# ---- the way through


def test_a_row_comes_from_a_project_and_pays(budgets: BudgetKeeper) -> None:
    budgets.project(amt="1000000.00")
    budgets.draft("YS-1", row("R1", "900000.00"), of_round=1)
    budgets.check("YS-1")
    budgets.ceiling("800000.00")
    budgets.draft("ES-1", row("R1", "800000.00"))
    budgets.check("ES-1")
    budgets.do(approval("人大〔2026〕1号", "ES-1"), "treasury")

    assert budgets.row("R1").apply_up_fen == 900_000_00
    assert budgets.row("R1").fin_audit_fen == 800_000_00
    assert budgets.row("R1").approve_doc_no == "人大〔2026〕1号"
    assert budgets.amounts("R1")["rest_amt"] == "800000.00"

    budgets.do(of_row("B1", "R1", "800000.00"))
    assert budgets.amounts("R1") == {
        "reply_amt": "800000.00",
        "adj_amt": "0.00",
        "dis_amt": "0.00",
        "cur_amt": "800000.00",
        "issued_amt": "800000.00",
        "rest_amt": "0.00",
    }
    budgets.pay("SQ-1", "B1", "800000.00")
    assert budgets.figures("B1")["paid"] == "800000.00"


# ---- projects


def test_a_row_needs_a_project_of_the_library(budgets: BudgetKeeper) -> None:
    assert budgets.refusal(draft("YS-1", row("R1", "1.00")), "unit") == "element_invalid"
    budgets.project(amt="1.00")
    assert budgets.refusal(draft("YS-1", row("R1", "1.00")), "unit") == ""


def test_a_row_keeps_to_what_its_project_plans_for_the_year(budgets: BudgetKeeper) -> None:
    budgets.project(amt="300.00", years=[(2026, "100.00"), (2027, "200.00")])
    one_fen_more = draft("YS-1", row("R1", "60.00"), row("R2", "40.01"))
    assert budgets.refusal(one_fen_more, "unit") == "budget_mismatch"
    budgets.do(draft("YS-1", row("R1", "60.00"), row("R2", "40.00")), "unit")


def test_another_unit_does_not_draw_on_a_project(budgets: BudgetKeeper) -> None:
    budgets.project(amt="100.00", use_agency_codes=())
    asked = draft("YS-1", row("R1", "1.00"), agency_code=HOSPITAL)
    assert budgets.refusal(asked, "unit") == "element_mismatch"


def test_two_approvals_of_one_project_do_not_exceed_it_together(budgets: BudgetKeeper) -> None:
    budgets.project(amt="100.00", use_agency_codes=(HOSPITAL,))
    budgets.ceiling("100.00")
    budgets.ceiling("100.00", agency_code=HOSPITAL)
    budgets.draft("ES-1", row("R1", "60.00"))
    budgets.draft("ES-2", row("R2", "40.01"), agency_code=HOSPITAL)
    budgets.check("ES-1")
    budgets.check("ES-2")
    budgets.do(approval("PF-1", "ES-1"), "treasury")
    assert budgets.refusal(approval("PF-2", "ES-2"), "treasury") == "budget_mismatch"


# ---- ceilings


def test_a_plan_keeps_to_its_ceiling_to_the_fen(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.ceiling("100.00")
    budgets.do(draft("ES-1", row("R1", "60.00"), row("R2", "40.01")), "unit")
    refused = budgets.ask(SubmitDraft(draft_no="ES-1"), "unit").problem
    assert refused is not None
    assert refused.code.text == "insufficient_ceiling"
    assert refused.extra["available_amt"] == "100.00"
    budgets.ceiling("100.01")
    budgets.do(SubmitDraft(draft_no="ES-1"), "unit")


def test_wishes_of_the_first_round_know_no_ceiling(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.draft("YS-1", row("R1", "999.00"), of_round=1)


def test_a_ceiling_is_not_cut_below_what_is_planned(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.ceiling("100.00")
    budgets.draft("ES-1", row("R1", "60.00"))
    assert budgets.refusal(ceiling("KZ-X", "59.99")) == "insufficient_ceiling"
    assert budgets.refusal(ceiling("KZ-Y", "60.00")) == ""


def test_what_was_returned_leaves_its_ceiling_free(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.ceiling("100.00")
    budgets.draft("ES-1", row("R1", "100.00"))
    budgets.do(ReturnDraft(draft_no="ES-1", reason="测算依据不足"), "department")
    budgets.draft("ES-2", row("R1", "100.00"))


# ---- drafts


def test_income_equals_expenditure(budgets: BudgetKeeper) -> None:
    budgets.project()
    appropriation = AskedIncome("appropriation", "111", "99.99")
    asked = draft("YS-1", row("R1", "100.00"), income=[appropriation])
    assert budgets.refusal(asked, "unit") == "budget_mismatch"
    appropriation = AskedIncome("appropriation", "111", "100.00")
    budgets.do(draft("YS-1", row("R1", "100.00"), income=[appropriation]), "unit")


def test_nobody_checks_what_he_has_made(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.ceiling("100.00")
    budgets.draft("ES-1", row("R1", "100.00"))
    assert budgets.refusal(CheckDraft(draft_no="ES-1", level="dept"), "Unit") == "same_person"
    budgets.do(CheckDraft(draft_no="ES-1", level="dept"), "department")
    again = CheckDraft(draft_no="ES-1", level="mof")
    assert budgets.refusal(again, "department") == "same_person"


def test_a_row_is_of_one_unit(budgets: BudgetKeeper) -> None:
    budgets.project(use_agency_codes=(HOSPITAL,))
    budgets.draft("YS-1", row("R1", "1.00"), of_round=1)
    budgets.do(draft("YS-2", row("R1", "1.00"), of_round=1, agency_code=HOSPITAL), "unit")
    assert budgets.refusal(SubmitDraft(draft_no="YS-2"), "unit") == "element_mismatch"


def test_a_draft_of_many_rows_goes_on_in_further_events(budgets: BudgetKeeper) -> None:
    budgets.project()
    rows = [row(f"R{number}", "0.01") for number in range(1_201)]
    budgets.do(draft("YS-1", *rows, of_round=1), "unit")
    names = [name for _, name, _ in budgets.events() if name.startswith("budget_draft")]
    assert names == ["budget_draft.entered", "budget_draft.rows", "budget_draft.rows"]
    budgets.do(SubmitDraft(draft_no="YS-1"), "unit")
    assert budgets.row("R1200").apply_up_fen == 1


# ---- approval


def test_only_checked_drafts_of_the_second_round_are_approved(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.ceiling("100.00")
    budgets.draft("YS-1", row("R1", "1.00"), of_round=1)
    budgets.draft("ES-1", row("R2", "1.00"))
    assert budgets.refusal(approval("PF-1", "ES-1"), "treasury") == "invalid_state", "unchecked"
    budgets.check("YS-1")
    assert budgets.refusal(approval("PF-1", "YS-1"), "treasury") == "invalid_state", "一上"
    budgets.check("ES-1")
    budgets.do(approval("PF-1", "ES-1"), "treasury")
    assert budgets.refusal(approval("PF-2", "ES-1"), "treasury") == "invalid_state", "twice"


def test_expenditure_equals_the_income_that_is_given(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.do(SetIncomeBudget(inc_sort_code="10101", fund_type_code="111", amt="99.99"))
    budgets.ceiling("100.00")
    budgets.draft("ES-1", row("R1", "100.00"))
    budgets.check("ES-1")
    assert budgets.refusal(approval("PF-1", "ES-1"), "treasury") == "budget_mismatch"
    budgets.do(SetIncomeBudget(inc_sort_code="10101", fund_type_code="111", amt="100.00"))
    budgets.do(approval("PF-1", "ES-1"), "treasury")


# ---- indicators of rows


def test_indicators_do_not_exceed_their_row(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.approved(("R1", "1000000.00"))
    budgets.do(of_row("B1", "R1", "900000.00"))
    refused = budgets.ask(of_row("B2", "R1", "100000.01")).problem
    assert refused is not None
    assert refused.code.text == "insufficient_budget"
    assert refused.extra["available_amt"] == "100000.00"
    assert budgets.amounts("R1")["rest_amt"] == "100000.00"


def test_an_indicator_is_of_its_row_in_every_code(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.approved(("R1", "100.00"))
    other = of_row("B1", "R1", "1.00", agency_code=HOSPITAL)
    assert budgets.refusal(other) == "element_mismatch"


def test_with_an_approved_budget_nothing_is_issued_beside_it(budgets: BudgetKeeper) -> None:
    budgets.issue("B0", "1.00")
    budgets.project()
    budgets.approved(("R1", "100.00"))
    assert budgets.refusal(of_row("B1", "", "1.00")) == "insufficient_budget"
    budgets.issue("B2", "1.00", sup_bgt_doc_no="粤财预〔2026〕9号")


def test_a_cut_gives_back_to_the_row_and_a_raise_takes_of_it(budgets: BudgetKeeper) -> None:
    budgets.project()
    budgets.approved(("R1", "100.00"))
    budgets.do(of_row("B1", "R1", "80.00"))
    budgets.adjust("B1", "-30.00")
    assert budgets.amounts("R1")["rest_amt"] == "50.00"
    budgets.adjust("B1", "50.00")
    assert budgets.amounts("R1")["rest_amt"] == "0.00"


def test_a_draft_keeps_the_projects_that_were_known_before(
    budgets: BudgetKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that a batch knew went when it read others, in the middle of its decisions."""
    monkeypatch.setattr(of_division, "KNOWN_MAX", 1)
    budgets.project()
    budgets.project(ANOTHER)
    budgets.do(draft("YS-1", row("R1", "1.00"), of_round=1), "unit")
    both = row("R2", "1.00"), row("R3", "1.00", pro_code=ANOTHER)
    budgets.do(draft("YS-2", *both, of_round=1), "unit")


def test_an_approval_is_read_and_written_some_at_a_time(
    budgets: BudgetKeeper, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One decision over 39,000 rows held their projects whole, all that it had read and all that
    was packed to be written at once: 460 MB of the server's memory."""
    monkeypatch.setattr(object_streams, "STREAMS_AT_ONCE", 1)
    monkeypatch.setattr(local_writer, "SHORT_ROWS_MAX", 0)
    monkeypatch.setattr(local_writer, "PACKED_ROWS", 2)
    budgets.project()
    budgets.project(ANOTHER)
    budgets.ceiling("100.00")
    budgets.draft("ES-1", row("R1", "40.00"), row("R2", "60.00", pro_code=ANOTHER))
    budgets.check("ES-1")
    another_process = BudgetKeeper(database)
    another_process.do(approval("PF-1", "ES-1"), "treasury")
    another_process.close()
    another_process.pool.close()
    assert [budgets.amounts(number)["rest_amt"] for number in ("R1", "R2")] == ["40.00", "60.00"]
    numbers = [position for position, _, _ in budgets.events()]
    assert numbers == list(range(1, len(numbers) + 1))
