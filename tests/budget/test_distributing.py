"""待分配指标分配, as an accountant would try it: Σ parts ≤ what there is to give."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from budget.adjusting.adjusting import AdjustBudget
from budget.distributing import DistributeIndicator
from budget.distribution_events import DistributedPart
from budget.indicators import AdjustIndicator, ReallocateIndicator
from budget.issuing import IssueIndicator
from budget.row_events import AdjustmentPart
from budget.staging import EnableIndicator, RecallIndicator
from ledger.postgres.database import Database
from tests.budget.test_staging import pending
from tests.budget.test_verifying import found
from tests.projections.test_journal_numbers import journals
from tests.support.audited_books import audited_as_it_stands, export_audited
from tests.support.bookkeeper import ELEMENTS, payment
from tests.support.budgets import HOSPITAL, BudgetKeeper, of_row
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, run

pytestmark = pytest.mark.usefixtures("decided_again")

CLINIC = "102002"
MARKS = {"is_dir_code": "01", "track_pro_code": "T-1", "sup_bgt_doc_no": "财预〔2026〕9号"}


@pytest.fixture
def budgets(database: Database) -> Iterator[BudgetKeeper]:
    """A row of 100.00, all of it issued to the education department, 待分配."""
    keeper = BudgetKeeper(database)
    keeper.open()
    keeper.project(use_agency_codes=(HOSPITAL, CLINIC))
    keeper.approved(("R1", "100.00"))
    keeper.do(of_row("W", "R1", "100.00", bgt_exe_flag=2))
    yield keeper
    keeper.close()
    keeper.pool.close()


def part(bgt_id: str, amount: str, agency_code: str = HOSPITAL, **more: Any) -> DistributedPart:
    return DistributedPart(bgt_id=bgt_id, agency_code=agency_code, amount=amount, **more)


def of(dist_no: str, *parts: DistributedPart, whole: str = "W", **more: Any) -> DistributeIndicator:
    return DistributeIndicator(bgt_id=whole, dist_no=dist_no, parts=parts, **more)


# ---- conservation


def test_what_a_unit_pays_of_its_part_is_numbered_in_its_own_books(budgets: BudgetKeeper) -> None:
    """Of all units with parts the journals were numbered as of none, together."""
    budgets.do(of("FP-1", part("P1", "60.00"), part("P2", "30.00", CLINIC)))
    for number, bgt_id in (("SQ-1", "P1"), ("SQ-2", "P2"), ("SQ-3", "P1")):
        budgets.pay(number, bgt_id, "10.00")
    receipted = [each for each in journals(budgets) if each["event"] == "voucher.receipted"]
    assert [each["vou_nos"]["unit"] for each in receipted] == [1, 1, 2]


def test_what_is_distributed_the_parts_have_and_the_row_gives_once(budgets: BudgetKeeper) -> None:
    budgets.do(of("FP-1", part("P1", "60.00"), part("P2", "30.00", CLINIC)))
    assert (pending(budgets, "W"), budgets.amounts("R1")["rest_amt"]) == (10_00, "0.00")
    assert budgets.figures("P1")["available"] == "60.00"
    assert budgets.books() == {"指标来源": "100.00", "待下达指标": "10.00", "支出指标": "90.00"}
    budgets.pay("SQ-1", "P1", "60.00")
    assert budgets.refusal(payment("SQ-2", "W", "0.01")) == "indicator_not_executable"


def test_a_fen_more_than_there_is_is_refused_with_all_its_parts(budgets: BudgetKeeper) -> None:
    budgets.do(of("FP-1", part("P1", "60.00")))
    too_much = of("FP-2", part("P2", "40.00"), part("P3", "0.01"))
    refused = budgets.ask(too_much).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["available_amt"]) == (
        "insufficient_indicator", "40.00"
    )  # fmt: skip
    assert budgets.refusal(payment("SQ-1", "P2", "0.01")) == "indicator_not_found"
    budgets.do(of("FP-3", part("P2", "40.00")))


def test_the_last_fen_goes_once(budgets: BudgetKeeper) -> None:
    outcomes = budgets.submit(of("FP-1", part("P1", "100.00")), of("FP-2", part("P2", "100.00")))
    assert [each.problem and each.problem.code.text for each in outcomes] == [
        None, "insufficient_indicator"
    ]  # fmt: skip


def test_the_same_number_is_answered_as_before(budgets: BudgetKeeper) -> None:
    first = budgets.do(of("FP-1", part("P1", "60.00")))
    again = budgets.do(of("FP-1", part("P1", "60.00")))
    assert (again.replayed, again.commit) == (True, first.commit)
    assert [each.bgt_id for each in again.subjects] == ["W", "P1"]
    assert budgets.refusal(of("FP-1", part("P1", "60.01"))) == "idempotency_conflict"


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_a_number_is_of_one_indicator(budgets: BudgetKeeper, together: bool) -> None:
    """It was issued anew, into the stream of the part, where both were decided in one batch."""
    distributed, issued = of("FP-1", part("P1", "60.00")), of_row("P1", "R1", "1.00")
    asked = [[distributed, issued]] if together else [[distributed], [issued]]
    outcomes = [outcome for commands in asked for outcome in budgets.submit(*commands)]
    assert [each.problem and each.problem.code.text for each in outcomes] == [
        None, "idempotency_conflict"
    ]  # fmt: skip
    assert budgets.refusal(of("FP-2", part("W", "1.00"))) == "idempotency_conflict"
    assert budgets.refusal(of("FP-3", part("P1", "1.00"))) == "idempotency_conflict"


def test_before_its_day_nothing_is_distributed(budgets: BudgetKeeper) -> None:
    early = of("FP-1", part("P1", "1.00"), effective_on=date(2026, 3, 1))
    assert budgets.refusal(early) == "indicator_not_executable"


# ---- back to the whole


def test_a_part_gives_back_to_the_whole_and_takes_of_it(budgets: BudgetKeeper) -> None:
    budgets.do(of("FP-1", part("P1", "60.00")))
    budgets.do(AdjustIndicator(bgt_id="P1", adj_no="ZJ-1", adj_amt="-20.00", reason="追减"))
    assert (pending(budgets, "W"), budgets.amounts("R1")["rest_amt"]) == (60_00, "0.00")
    budgets.do(AdjustIndicator(bgt_id="P1", adj_no="ZJ-2", adj_amt="60.00", reason="追加"))
    assert (pending(budgets, "W"), budgets.figures("P1")["available"]) == (0, "100.00")
    more = AdjustIndicator(bgt_id="P1", adj_no="ZJ-3", adj_amt="0.01", reason="追加")
    refused = budgets.ask(more).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["bgt_id"]) == ("insufficient_indicator", "W")
    assert budgets.books() == {"指标来源": "100.00", "支出指标": "100.00"}


def test_a_recall_goes_back_by_the_way_it_came(budgets: BudgetKeeper) -> None:
    budgets.do(of("FP-1", part("P1", "60.00"), part("P2", "40.00", bgt_exe_flag=2)))
    budgets.pay("SQ-1", "P1", "25.00")
    budgets.do(RecallIndicator(bgt_id="P1", recall_no="SH-1"))
    budgets.do(RecallIndicator(bgt_id="P2", recall_no="SH-2", amt="15.00"))
    assert (pending(budgets, "W"), pending(budgets, "P2")) == (50_00, 25_00)
    assert budgets.amounts("R1")["rest_amt"] == "0.00", "the row gave once and has nothing back"
    budgets.do(RecallIndicator(bgt_id="W", recall_no="SH-3"))
    assert budgets.amounts("R1")["rest_amt"] == "50.00"
    assert budgets.refusal(of("FP-2", part("P3", "0.01"))) == "insufficient_indicator"


def test_what_is_distributed_is_enabled_part_by_part(budgets: BudgetKeeper) -> None:
    budgets.do(of("FP-1", part("P1", "60.00", bgt_exe_flag=2)))
    assert budgets.refusal(EnableIndicator(bgt_id="W")) == "invalid_state"
    budgets.do(EnableIndicator(bgt_id="P1"))
    assert budgets.refusal(of("FP-2", part("P2", "1.00"), whole="P1")) == "invalid_state"
    budgets.pay("SQ-1", "P1", "60.00")


def test_a_part_is_distributed_on(budgets: BudgetKeeper) -> None:
    budgets.do(of("FP-1", part("D", "60.00", bgt_exe_flag=2)))
    budgets.do(of("FP-2", part("P1", "45.00", CLINIC), whole="D"))
    assert budgets.refusal(of("FP-3", part("P2", "15.01"), whole="D")) == "insufficient_indicator"
    budgets.do(RecallIndicator(bgt_id="P1", recall_no="SH-1"))
    assert (pending(budgets, "D"), pending(budgets, "W")) == (60_00, 40_00)


def test_between_parts_of_one_whole_money_moves_and_to_nobody_else(budgets: BudgetKeeper) -> None:
    budgets.do(
        AdjustBudget(adj_no="TZ-1", kind="addition", reason="追加",
                     parts=(AdjustmentPart(to_bgt_pman_id="R1", amt="10.00"),))
    )  # fmt: skip
    budgets.do(of_row("B1", "R1", "10.00"))
    budgets.do(of("FP-1", part("P1", "60.00"), part("P2", "40.00")))

    def to(bgt_id: str, giving: str = "P1") -> ReallocateIndicator:
        return ReallocateIndicator(
            bgt_id=giving, to_bgt_id=bgt_id, adj_no=f"TJ-{giving}{bgt_id}", amt="1.00",
            reason="调剂",
        )  # fmt: skip

    budgets.do(to("P2"))
    assert budgets.figures("P2")["available"] == "41.00"
    assert budgets.refusal(to("B1")) == "element_mismatch", "its marks would be lost"
    assert budgets.refusal(to("P1", "B1")) == "element_mismatch"


# ---- what a part is of


def test_a_part_has_the_marks_of_the_whole_and_no_others(budgets: BudgetKeeper) -> None:
    budgets.issue("U", "10.00", bgt_exe_flag=2, **MARKS)
    other = of("FP-1", part("P1", "1.00", is_dir_code="02"), whole="U")
    refused = budgets.ask(other).problem
    assert refused is not None
    assert (refused.code.text, refused.extra["pointer"]) == (
        "element_mismatch", "/parts/0/is_dir_code"
    )  # fmt: skip
    lost = of("FP-2", part("P1", "1.00", track_pro_code="T-2"), whole="U")
    assert budgets.refusal(lost) == "element_mismatch"
    unmarked = of("FP-3", part("P1", "1.00", is_dir_code="01"))
    assert budgets.refusal(unmarked) == "element_mismatch", "the whole bears none"

    [_, allotted] = budgets.do(of("FP-4", part("P1", "1.00"), whole="U")).subjects
    for name, value in MARKS.items():
        assert getattr(allotted.issued, name) == value
    assert allotted.issued.ori_bgt_id == "U"
    assert allotted.codes == {**budgets_codes(), "agency_code": HOSPITAL}


def budgets_codes() -> dict[str, str]:
    return {name: code for name, code in ELEMENTS.items() if name != "bgt_type_code"}


def test_the_economies_of_a_part(budgets: BudgetKeeper) -> None:
    of_institution = part("P1", "1.00", gov_bgt_eco_code="50502")
    [_, allotted] = budgets.do(of("FP-1", of_institution)).subjects
    assert allotted.issued.gov_bgt_eco_code == "50502", "an institution's: 30201 goes with it, too"
    apart = of("FP-2", part("P2", "1.00", gov_bgt_eco_code="50206"))
    assert budgets.refusal(apart) == "element_invalid"
    another = of("FP-3", part("P2", "1.00", dep_bgt_eco_code="30202"))
    assert budgets.refusal(another) == "element_mismatch"


def test_a_unit_beside_the_projects_scope_gets_nothing(budgets: BudgetKeeper) -> None:
    stranger = of("FP-1", part("P1", "1.00", "103001"))
    assert budgets.refusal(stranger) == "element_mismatch"


def test_what_is_executable_is_not_distributed(budgets: BudgetKeeper) -> None:
    budgets.issue("B", "10.00", sup_bgt_doc_no="财预〔2026〕9号")
    assert budgets.refusal(of("FP-1", part("P1", "1.00"), whole="B")) == "invalid_state"
    assert budgets.refusal(of("FP-2", part("P1", "1.00"), whole="none")) == "indicator_not_found"


# ---- rebuilt, verified, exported


def test_it_is_verified_here_and_offline(
    budgets: BudgetKeeper, database: Database, tmp_path: Path
) -> None:
    budgets.do(of("FP-1", part("P1", "60.00"), part("P2", "40.00", CLINIC, bgt_exe_flag=2)))
    budgets.apply("SQ-1", "P1", "25.00")
    budgets.do(AdjustIndicator(bgt_id="P1", adj_no="ZJ-1", adj_amt="-5.00", reason="追减"))
    budgets.do(AdjustIndicator(bgt_id="P1", adj_no="ZJ-2", adj_amt="2.00", reason="追加"))
    budgets.do(RecallIndicator(bgt_id="P2", recall_no="SH-1", amt="10.00"))
    assert found(database, budgets, tmp_path) == []
    audited = audited_as_it_stands(database, budgets)
    folder = export_audited(database, audited.ledger_id, tmp_path / "export", audited.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 0, output


def test_an_issue_under_the_number_of_a_part(budgets: BudgetKeeper) -> None:
    asked = {**ELEMENTS, "sup_bgt_doc_no": "财预〔2026〕9号"}
    budgets.do(of("FP-1", part("P1", "60.00")))
    again = IssueIndicator(bgt_id="P1", amount="60.00", **asked)
    assert budgets.refusal(again) == "idempotency_conflict"
