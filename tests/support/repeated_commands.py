"""An example of every command without a number: what stands before it, and who asks."""

from typing import Any

from accounting.reconciliation.policy import SetReconciliationPolicy
from budget import indicators
from budget.distributing import DistributeIndicator
from budget.distribution_events import DistributedPart
from budget.issuing import IssueIndicator
from budget.plan_policy import SetPlanPolicy
from budget.staging import EnableIndicator, RecallIndicator
from budget.year_end.policy import SetCarryOverPolicy
from ledger.closing import ClosePeriod
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.documents import ApproveDocument, ReturnDocument
from ledger.deciding.noted import NoteStanding
from ledger.deciding.opening import OpenLedger
from ledger.events import StandingHead
from payments.clearing.cash_policy import SetCashPolicy
from payments.clearing.clearing_policy import SetClearingPolicy
from payments.orders.advance_policy import SetAdvancePolicy
from payments.signature_policy import SetSignaturePolicy
from tests.support import repeated_orders, repeated_payments  # noqa: F401  (each adds its own)
from tests.support.bookkeeper import (
    ELEMENTS,
    NOBODY_ELSE,
    Bookkeeper,
)
from tests.support.command_examples import EXAMPLES as EXAMPLES
from tests.support.command_examples import AskedBy, example, plainly
from tests.support.commands_on_file import COMMANDS, LINES, TODAY

DETAILS: dict[str, Any] = {"bgt_id": "B1"}
OPENING = OpenLedger(
    mof_div_code="440000000", fiscal_year=2026, name="省本级", approval_policy=NOBODY_ELSE
)
plainly("ledger.open", OPENING, "admin")
plainly(
    "indicator.adjust",
    indicators.AdjustIndicator(**DETAILS, adj_no="T1", adj_amt="1.00", reason="追加"),
)
plainly("indicator.freeze", indicators.FreezeIndicator(**DETAILS, freeze_no="D1", amt="1.00"))
plainly("indicator.recall", RecallIndicator(**DETAILS, amt="1.00"))


@example("indicator.distribute")
def _distribute(keeper: Bookkeeper) -> AskedBy:
    keeper.issue("B2", "9.00", bgt_exe_flag=2)
    part = DistributedPart(bgt_id="B2-1", agency_code="102001", amount="5.00")
    return DistributeIndicator(bgt_id="B2", dist_no="FP-1", parts=(part,)), "maker"


plainly(
    "plan.set", indicators.SetPlan(**DETAILS, plan_voucher_no="J1", plan_month=3, plan_amt="9.00")
)
plainly("indicator.issue", IssueIndicator(bgt_id="B9", amount="5.00", **ELEMENTS))
plainly("period.close", ClosePeriod(through="2026-01-31"))
plainly("signature_policy.set", SetSignaturePolicy(roles=("unit", "treasury")), "admin")
plainly(
    "standing.note",
    NoteStanding(heads=(StandingHead(ledger="440000000-0000", position=1, chain="00" * 32),)),
    "guoku",
)


for name in ("log_key.register", "checkpoint.seal", "province.seal", "checkpoint.cosign"):
    plainly(
        name, next(each.read() for each in LINES[TODAY] if name == COMMANDS[each.command].OPERATION)
    )


POLICY = SetApprovalPolicy(approval_policy={"indicator.adjust": ("treasury_checker",)})
plainly("approval_policy.set", POLICY, "admin")
plainly("plan_policy.set", SetPlanPolicy(plan_control="monthly"), "admin")
plainly("cash_policy.set", SetCashPolicy(cash_control=False), "admin")
plainly("clearing_policy.set", SetClearingPolicy(claimed_by="banks"), "admin")
plainly("reconciliation_policy.set", SetReconciliationPolicy(), "admin")
plainly("carry_over_policy.set", SetCarryOverPolicy(carry_years=3), "admin")
plainly("advance_policy.set", SetAdvancePolicy(limit_amt="500.00"), "admin")


def submitted(keeper: Bookkeeper) -> dict[str, str]:
    """A document that awaits a checker."""
    keeper.do(POLICY, "admin")
    keeper.do(
        indicators.AdjustIndicator(**DETAILS, adj_no="T3", adj_amt="1.00", reason="追加"), "maker"
    )
    return {"document_kind": "indicator.adjust", "document_no": "T3"}


@example("document.approve")
def _agree(keeper: Bookkeeper) -> AskedBy:
    return ApproveDocument(**submitted(keeper), roles=("treasury_checker",)), "checker"


@example("document.return")
def _return(keeper: Bookkeeper) -> AskedBy:
    return ReturnDocument(
        **submitted(keeper), roles=("treasury_checker",), reason="金额不符"
    ), "checker"


@example("indicator.reallocate")
def _reallocate(keeper: Bookkeeper) -> AskedBy:
    keeper.issue("B2", "5.00")
    return indicators.ReallocateIndicator(
        bgt_id="B1", adj_no="T2", to_bgt_id="B2", amt="1.00", reason="调剂"
    ), "maker"


@example("indicator.enable")
def _enable(keeper: Bookkeeper) -> AskedBy:
    keeper.issue("B2", "5.00", bgt_exe_flag=2)
    return EnableIndicator(bgt_id="B2"), "maker"


@example("indicator.unfreeze")
def _unfreeze(keeper: Bookkeeper) -> AskedBy:
    keeper.do(indicators.FreezeIndicator(bgt_id="B1", freeze_no="D1", amt="1.00"))
    return indicators.UnfreezeIndicator(bgt_id="B1", freeze_no="D2", amt="1.00"), "maker"
