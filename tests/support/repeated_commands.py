"""An example of every command without a number: what stands before it, and who asks."""

from collections.abc import Callable
from datetime import date
from typing import Any

from accounting.income import CorrectIncome, LoadIncome
from accounting.income_events import IncomeLine
from accounting.reconciliation.policy import SetReconciliationPolicy
from accounting.vouchers import ReverseVoucher
from budget import indicators
from budget.distributing import DistributeIndicator
from budget.distribution_events import DistributedPart
from budget.issuing import IssueIndicator
from budget.plan_policy import SetPlanPolicy
from budget.staging import EnableIndicator, RecallIndicator
from budget.year_end.policy import SetCarryOverPolicy
from ledger.closing import ClosePeriod
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.command import Command
from ledger.deciding.documents import ApproveDocument, ReturnDocument
from ledger.deciding.noted import NoteStanding
from ledger.deciding.opening import OpenLedger
from ledger.events import StandingHead
from ledger.gm import sm3
from ledger.integrity.merkle import Tree
from ledger.reading.documents import keep_plainly
from payments.application import ApprovePayment, RejectPayment, WithdrawPayment
from payments.clearing.bank_claims import MarkReturnTold, ReturnBankClaim, TakeBankClaim
from payments.clearing.cash_policy import SetCashPolicy
from payments.clearing.claims import RequestClearing
from payments.clearing.clearing_policy import SetClearingPolicy
from payments.corrections.correcting import CorrectPayment
from payments.corrections.telling import TellAgain
from payments.disbursement.commands import (
    ApproveRun,
    CloseRun,
    DrawVoucher,
    LoadLines,
    StartRun,
    StopRun,
)
from payments.disbursement.opening import OpenRun
from payments.manifest import ManifestText, SignManifest, leaf_of
from payments.orders.advance_policy import SetAdvancePolicy
from payments.orders.advance_steps import ExpenseAdvance, RecoverAdvance
from payments.orders.reversing import ReverseAdvanceStep
from payments.recalls import DeclineRecall, RecallPayment
from payments.refunds.requests import DeclineRefund, RefundPayment
from payments.signature_policy import SetSignaturePolicy
from payments.voiding import VoidPayment
from payments.voucher import MarkSent, RefuseVoucher
from payments.wages.accruing import AccrueWages, WithholdWages
from tests.support.advances import advance, answer, paid, returned
from tests.support.allocations import allocated, allocation, receipt_of, return_of
from tests.support.bank_claims import taken_claim
from tests.support.bookkeeper import (
    ELEMENTS,
    NOBODY_ELSE,
    Bookkeeper,
    claim_receipt,
    payment,
    receipt,
    signature,
)
from tests.support.commands_on_file import COMMANDS, LINES, TODAY
from tests.support.income_orders import answered, correction, refund
from tests.support.income_orders import returned as came_back
from tests.support.openings import TREASURY, credit, debit, opening
from tests.support.subsidies import SUBSIDY, subsidy_line, subsidy_list
from tests.support.tellings import answer as told_answer
from tests.support.vouchers import cr, dr, voucher
from tests.support.wages import wage_line, wage_list

MARCH_2 = date(2026, 3, 2)
LINES_SM3 = sm3("行".encode()).hex()
OPEN_RUN = OpenRun(run_no="R1", bgt_id="B1", title="三月补贴", use_des="惠农补贴")
LOAD = LoadLines(
    run_no="R1", bgt_id="B1", line_count=600, pay_amt="600.00", lines_sm3=LINES_SM3, file_sm3="f"
)
APPROVE_RUN = ApproveRun(run_no="R1", bgt_id="B1", lines_sm3=LINES_SM3)
START = StartRun(run_no="R1", bgt_id="B1", role="treasury", lines_sm3=LINES_SM3)
DRAW = DrawVoucher(run_no="R1", bgt_id="B1", voucher=1, pay_amt="499.00")
STOP = StopRun(run_no="R1", bgt_id="B1", reason="午休")
CLOSE_RUN = CloseRun(run_no="R1", bgt_id="B1")

AskedBy = tuple[Command, str]
Example = Callable[[Bookkeeper], AskedBy]
EXAMPLES: dict[str, Example] = {}


def example(operation: str) -> Callable[[Example], Example]:
    def add(function: Example) -> Example:
        EXAMPLES[operation] = function
        return function

    return add


def plainly(operation: str, command: Command, by: str = "maker") -> None:
    """A command that an indicator of 100,000.00 is enough for."""
    EXAMPLES[operation] = lambda _: (command, by)


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
plainly("payment.apply", payment("P1", "B1", "100.00"))
plainly(
    "opening.load",
    opening(
        "treasury_financial",
        debit("5.00", acct_cls_id="B2", fund_type_code="2"),
        credit("5.00", acct_cls_id="B71"),
    ),
    "accountant",
)
INCOME = LoadIncome(
    report_no="R1",
    report_date=date(2026, 1, 15),
    tre_code=TREASURY,
    lines=(IncomeLine(inc_sort_code="10101", fund_type_code="111", amt="7.00"),),
)
plainly("income.load", INCOME, "accountant")

INCOME_REFUND = refund("TF-1", "10101", "5.00", INCOME.report_date)
INCOME_CORRECTION = correction("SG-1", "10101", "10305", "5.00", INCOME.report_date)


@example("income.refund")
def _refund_income(keeper: Bookkeeper) -> AskedBy:
    keeper.do(INCOME, "accountant")
    return INCOME_REFUND, "accountant"


@example("income.refund_receipt")
def _receipt_of_income_refund(keeper: Bookkeeper) -> AskedBy:
    keeper.do(INCOME, "accountant")
    keeper.do(INCOME_REFUND, "accountant")
    return answered(keeper.ledger_id, INCOME_REFUND, MARCH_2), "pboc"


@example("income.refund_return")
def _return_of_income_refund(keeper: Bookkeeper) -> AskedBy:
    receipt, by = _receipt_of_income_refund(keeper)
    keeper.do(receipt, by)
    return came_back(receipt, "1.00", MARCH_2), "pboc"


@example("correction.income_codes")
def _correct_income_codes(keeper: Bookkeeper) -> AskedBy:
    keeper.do(INCOME, "accountant")
    return INCOME_CORRECTION, "accountant"


@example("income.correction_receipt")
def _receipt_of_income_correction(keeper: Bookkeeper) -> AskedBy:
    keeper.do(INCOME, "accountant")
    keeper.do(INCOME_CORRECTION, "accountant")
    return answered(keeper.ledger_id, INCOME_CORRECTION, MARCH_2), "pboc"


VOUCHER = voucher("JZ-1", dr("5.00", "5001"), cr("5.00", "1602"))
plainly("voucher.enter", VOUCHER, "accountant")


@example("voucher.reverse")
def _reverse_voucher(keeper: Bookkeeper) -> AskedBy:
    keeper.do(VOUCHER, "accountant")
    return ReverseVoucher(voucher_no="JZ-1", reason="重复"), "accountant"


@example("correction.income")
def _correct_income(keeper: Bookkeeper) -> AskedBy:
    keeper.do(INCOME, "accountant")
    return CorrectIncome(report_no="R1", correct_no="C1", lines=(), reason="重报"), "accountant"


def _wages(keeper: Bookkeeper) -> None:
    keeper.issue("B2", "500.00", gov_bgt_eco_code="50101", dep_bgt_eco_code="30101")


@example("wage_run.load")
def _list_of_wages(keeper: Bookkeeper) -> AskedBy:
    _wages(keeper)
    return wage_list("GZ-1", wage_line(1, "90.00", "B2")), "maker"


@example("subsidy_list.load")
def _list_of_a_subsidy(keeper: Bookkeeper) -> AskedBy:
    keeper.issue("B2", "1000.00", **SUBSIDY)
    return subsidy_list("BT-1", subsidy_line(1, "2.5"), bgt_id="B2"), "maker"


@example("wage.accrue")
def _accrue(keeper: Bookkeeper) -> AskedBy:
    _wages(keeper)
    return (
        AccrueWages(accrual_no="J1", bgt_id="B2", sala_month="2026-03", amt="90.00"),
        "accountant",
    )


@example("wage.withhold")
def _withhold(keeper: Bookkeeper) -> AskedBy:
    _wages(keeper)
    return (
        WithholdWages(withhold_no="K1", bgt_id="B2", sala_month="2026-03", income_tax_amt="9.00"),
        "accountant",
    )


plainly("period.close", ClosePeriod(through="2026-01-31"))
plainly("signature_policy.set", SetSignaturePolicy(roles=("unit", "treasury")), "admin")
plainly("disbursement.open", OPEN_RUN)
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


def _claimed_by_a_bank(keeper: Bookkeeper) -> TakeBankClaim:
    """What bank 102 claims of a payment of 300.00."""
    keeper.do(SetClearingPolicy(claimed_by="banks"), "admin")
    keeper.pay("P1", "B1", "300.00")
    keeper.until(MARCH_2)
    return taken_claim("S1", ("101", "2010102", "300.00"))


@example("clearing.claim")
def _claim_of_a_bank(keeper: Bookkeeper) -> AskedBy:
    return _claimed_by_a_bank(keeper), "bank"


@example("clearing.return_claim")
def _return_of_a_claim(keeper: Bookkeeper) -> AskedBy:
    claim = keeper.do(_claimed_by_a_bank(keeper), "bank").subjects[0].taken
    return ReturnBankClaim(claim_no=claim.claim_no, reason="次日再报"), "maker"


@example("clearing.tell_return")
def _return_of_a_claim_told(keeper: Bookkeeper) -> AskedBy:
    asked, by = _return_of_a_claim(keeper)
    keeper.do(asked, by)
    return MarkReturnTold(claim_no="102-S1"), "dispatcher"


plainly("reconciliation_policy.set", SetReconciliationPolicy(), "admin")
plainly("carry_over_policy.set", SetCarryOverPolicy(carry_years=3), "admin")
plainly("advance_policy.set", SetAdvancePolicy(limit_amt="500.00"), "admin")
plainly("advance.pay", advance("YB-1", "300.00", due_on=MARCH_2), "accountant")


@example("advance.receipt")
def _receipt_of_advance(keeper: Bookkeeper) -> AskedBy:
    return answer(keeper.do(advance("YB-1", "300.00"), "accountant").subjects[0]), "pboc"


plainly("allocation.order", allocation("SB-1", "B1", "300.00"), "accountant")


@example("allocation.receipt")
def _receipt_of_allocation(keeper: Bookkeeper) -> AskedBy:
    ordered = keeper.do(allocation("SB-1", "B1", "300.00"), "accountant").subjects[0]
    return receipt_of(ordered, paid=False), "pboc"


@example("allocation.return")
def _return_of_allocation(keeper: Bookkeeper) -> AskedBy:
    return return_of(allocated(keeper, "SB-1", "B1", "300.00"), "5.00"), "pboc"


@example("advance.return")
def _return_of_advance(keeper: Bookkeeper) -> AskedBy:
    return returned("YB-1", paid(keeper, "YB-1", "300.00").ordered.voucher_no, "5.00"), "pboc"


@example("advance.recover")
def _recover_advance(keeper: Bookkeeper) -> AskedBy:
    paid(keeper, "YB-1", "300.00")
    return RecoverAdvance(adv_no="YB-1", step_no="S1", amt="5.00", reason="归还"), "accountant"


@example("advance.reverse")
def _reverse_step(keeper: Bookkeeper) -> AskedBy:
    paid(keeper, "YB-1", "300.00")
    step = ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="B1", amt="5.00")
    keeper.do(step, "accountant")
    asked = {"adv_no": "YB-1", "of_step_no": "S1", "reason": "错列"}
    return ReverseAdvanceStep(step_no="S2", **asked), "accountant"


@example("advance.to_expense")
def _expense_advance(keeper: Bookkeeper) -> AskedBy:
    paid(keeper, "YB-1", "300.00")
    return ExpenseAdvance(adv_no="YB-1", step_no="S1", bgt_id="B1", amt="5.00"), "accountant"


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


@example("payment.approve")
def _approve(keeper: Bookkeeper) -> AskedBy:
    keeper.apply("P1", "B1", "100.00")
    return ApprovePayment(pay_app_no="P1"), "checker"


@example("payment.reject")
def _reject(keeper: Bookkeeper) -> AskedBy:
    keeper.apply("P1", "B1", "100.00")
    return RejectPayment(pay_app_no="P1", reason="缺附件"), "checker"


@example("payment.withdraw")
def _withdraw(keeper: Bookkeeper) -> AskedBy:
    keeper.apply("P1", "B1", "100.00")
    return WithdrawPayment(pay_app_no="P1"), "maker"


@example("payment.void")
def _void(keeper: Bookkeeper) -> AskedBy:
    """Signed, and not on its way yet."""
    keeper.apply("P1", "B1", "100.00")
    keeper.approve("P1")
    keeper.sign("P1")
    return VoidPayment(pay_app_no="P1", reason="收款人有误"), "maker"


def _at_the_bank(keeper: Bookkeeper) -> None:
    keeper.apply("P1", "B1", "100.00")
    keeper.approve("P1")
    keeper.sign("P1")
    keeper.do(MarkSent(pay_app_no="P1"), "dispatcher")


@example("payment.recall")
def _recall(keeper: Bookkeeper) -> AskedBy:
    _at_the_bank(keeper)
    return RecallPayment(pay_app_no="P1", reason="收款人有误"), "maker"


@example("recall.refuse")
def _refuse_recall(keeper: Bookkeeper) -> AskedBy:
    _at_the_bank(keeper)
    keeper.do(RecallPayment(pay_app_no="P1", reason="收款人有误", recall_no="C1"))
    return DeclineRecall(pay_app_no="P1", recall_no="C1", reason="已支付"), "dispatcher"


@example("voucher.sign")
def _sign(keeper: Bookkeeper) -> AskedBy:
    """The first of two: the voucher still waits for the other's signature."""
    keeper.policy("unit", "treasury")
    keeper.apply("P1", "B1", "100.00")
    keeper.approve("P1")
    return signature("P1", "unit"), "signer"


@example("voucher.send")
def _send(keeper: Bookkeeper) -> AskedBy:
    keeper.apply("P1", "B1", "100.00")
    keeper.approve("P1")
    keeper.sign("P1")
    return MarkSent(pay_app_no="P1"), "dispatcher"


@example("voucher.refuse")
def _refuse_voucher(keeper: Bookkeeper) -> AskedBy:
    keeper.apply("P1", "B1", "100.00")
    keeper.approve("P1")
    keeper.sign("P1")
    refuse = RefuseVoucher(pay_app_no="P1", code="account_invalid", reason="收款账号无效")
    return refuse, "dispatcher"


@example("voucher.receipt")
def _receipt(keeper: Bookkeeper) -> AskedBy:
    keeper.apply("P1", "B1", "100.00")
    approved = keeper.approve("P1")
    keeper.sign("P1")
    return receipt(approved), "bank"


@example("payment.refund")
def _refund(keeper: Bookkeeper) -> AskedBy:
    keeper.pay("P1", "B1", "100.00")
    return RefundPayment(pay_app_no="P1", refund_no="T1", refund_amt="1.00", reason="退回"), "maker"


@example("correction.apply")
def _correct(keeper: Bookkeeper) -> AskedBy:
    keeper.pay("P1", "B1", "100.00")
    keeper.issue("B2", "100.00")
    asked = CorrectPayment(
        cor_no="G1", pay_app_no="P1", to_bgt_id="B2", amt="1.00", reason="科目用错"
    )
    return asked, "accountant"


def _told_of_a_correction(keeper: Bookkeeper) -> None:
    """A correction to another function, of what is claimed."""
    keeper.pay("P1", "B1", "100.00")
    keeper.clear("Q1", MARCH_2)
    keeper.issue("B2", "100.00", exp_func_code="2010103")
    asked = CorrectPayment(
        cor_no="G1", pay_app_no="P1", to_bgt_id="B2", amt="1.00", reason="功能科目用错"
    )
    keeper.do(asked, "accountant")


@example("correction.answer")
def _answer_to_a_correction(keeper: Bookkeeper) -> AskedBy:
    _told_of_a_correction(keeper)
    return told_answer("5351", "G1-5351", "原凭证科目不符"), "pboc"


@example("correction.tell")
def _tell_again(keeper: Bookkeeper) -> AskedBy:
    told, by = _answer_to_a_correction(keeper)
    keeper.do(told, by)
    return TellAgain(tell_no="G1-A", again_of="G1-5351"), "accountant"


@example("refund.refuse")
def _decline(keeper: Bookkeeper) -> AskedBy:
    keeper.pay("P1", "B1", "100.00")
    keeper.ask_back("P1", "1.00", refund_no="T1")
    return DeclineRefund(pay_app_no="P1", refund_no="T1", reason="账户已销"), "dispatcher"


@example("clearing.request")
def _clearing(keeper: Bookkeeper) -> AskedBy:
    keeper.pay("P1", "B1", "100.00")
    return RequestClearing(clear_no="Q1", clear_date=MARCH_2, pay_bank_code="102"), "maker"


@example("clearing.receipt")
def _claim_receipt(keeper: Bookkeeper) -> AskedBy:
    keeper.pay("P1", "B1", "100.00")
    asked = RequestClearing(clear_no="Q1", clear_date=MARCH_2, pay_bank_code="102")
    [claim] = keeper.do(asked).subjects[0].requested.claims
    return claim_receipt("Q1", claim.voucher_no, "100.00", MARCH_2), "pboc"


def run_until(keeper: Bookkeeper, last: Command) -> None:
    """Brings the run to where ``last`` is the next that is asked."""
    steps = ((OPEN_RUN, "maker"), (LOAD, "maker"), (APPROVE_RUN, "checker"), (START, "signer"))
    for command, by in steps:
        if command is last:
            return
        keeper.do(command, by)


def on_run(operation: str, command: Command, by: str) -> None:
    def ask(keeper: Bookkeeper) -> AskedBy:
        run_until(keeper, command)
        return command, by

    EXAMPLES[operation] = ask


on_run("disbursement.load", LOAD, "maker")
on_run("disbursement.approve", APPROVE_RUN, "checker")
on_run("disbursement.execute", START, "signer")
on_run("disbursement.draw", DRAW, "signer")
on_run("disbursement.stop", STOP, "signer")


@example("disbursement.close")
def _close_run(keeper: Bookkeeper) -> AskedBy:
    run_until(keeper, STOP)
    keeper.do(STOP, "signer")
    return CLOSE_RUN, "maker"


@example("manifest.sign")
def _manifest(_: Bookkeeper) -> AskedBy:
    leaves = leaf_of(sm3(b"voucher"))
    text = ManifestText("440000000-2026", "treasury", 1, Tree([leaves]).root).written()
    return SignManifest(
        role="treasury",
        cert_serial="test",
        text=text,
        signature="test",
        leaves_sm3=sm3(leaves).hex(),
        document=keep_plainly(leaves),
    ), "signer"
