"""Examples of what is done about payments, from the application to the clearing, and about runs."""

from ledger.deciding.command import Command
from ledger.gm import sm3
from ledger.integrity.merkle import Tree
from ledger.reading.documents import keep_plainly
from payments.application import ApprovePayment, RejectPayment, WithdrawPayment
from payments.clearing.bank_claims import MarkReturnTold, ReturnBankClaim, TakeBankClaim
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
from payments.recalls import DeclineRecall, RecallPayment
from payments.refunds.requests import DeclineRefund, RefundPayment
from payments.voiding import VoidPayment
from payments.voucher import MarkSent, RefuseVoucher
from tests.support.bank_claims import taken_claim
from tests.support.bookkeeper import (
    Bookkeeper,
    claim_receipt,
    payment,
    receipt,
    signature,
)
from tests.support.command_examples import EXAMPLES, MARCH_2, AskedBy, example, plainly
from tests.support.tellings import answer as told_answer

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
plainly("payment.apply", payment("P1", "B1", "100.00"))
plainly("disbursement.open", OPEN_RUN)


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
