"""制单, 审核, 记账: who stands behind a journal, and which one a red one reverses."""

from budget.issuing import IssueIndicator
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.documents import ApproveDocument
from payments.application import RejectPayment
from projections.core.runner import Runner
from projections.journal_lists import list_journals
from tests.projections.test_trial_balance import CHARTS
from tests.support.bookkeeper import ELEMENTS, Bookkeeper


def test_what_is_released_names_the_application(bookkeeper: Bookkeeper) -> None:
    bookkeeper.issue("B1", "100.00")
    bookkeeper.apply("P1", "B1", "40.00")
    bookkeeper.do(RejectPayment(pay_app_no="P1", reason="重复"), "checker")
    Runner(bookkeeper.pool).catch_up()
    with bookkeeper.pool.connection() as connection:
        _, applied, rejected = list_journals(connection, bookkeeper.ledger_id, CHARTS).items
    assert (rejected["event"], rejected["red_vou_no"]) == ("payment.rejected", applied["position"])
    assert rejected["made_by"] == "maker"


def test_an_act_that_waited_was_checked_by_who_had_the_last_word(bookkeeper: Bookkeeper) -> None:
    policy = {"indicator.issue": ("treasury_checker",)}
    bookkeeper.do(SetApprovalPolicy(approval_policy=policy), "admin")
    issuing = IssueIndicator(bgt_id="B1", amount="100.00", **ELEMENTS)
    bookkeeper.ask(issuing, "maker")
    agreeing = ApproveDocument(
        document_kind="indicator.issue", document_no="B1", roles=("treasury_checker",)
    )
    bookkeeper.do(agreeing, "checker")
    Runner(bookkeeper.pool).catch_up()
    with bookkeeper.pool.connection() as connection:
        [issued] = list_journals(connection, bookkeeper.ledger_id, CHARTS).items
    assert (issued["made_by"], issued["checked_by"]) == ("maker", "checker")
