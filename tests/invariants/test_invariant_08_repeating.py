"""Whoever got no answer asks again, and is answered as the first time: every command there is.

A command with a business number is known again by it, one without by what it left on its object.
A command that is asked by nobody here yet needs its example below.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from budget import indicators
from ledger.closing import ClosePeriod
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.command import Command, Outcome, commands
from ledger.deciding.documents import ApproveDocument, ReturnDocument
from ledger.deciding.noted import NoteStanding
from ledger.deciding.opening import OpenLedger
from ledger.events import StandingHead
from ledger.gm import sm3
from ledger.integrity.merkle import Tree
from ledger.reading.documents import keep_plainly
from payments.application import ApprovePayment, RejectPayment, WithdrawPayment
from payments.clearing.claims import RequestClearing
from payments.disbursement.commands import (
    ApproveRun,
    CloseRun,
    DrawVoucher,
    LoadLines,
    OpenRun,
    StartRun,
    StopRun,
)
from payments.manifest import ManifestText, SignManifest, leaf_of
from payments.recalls import DeclineRecall, RecallPayment
from payments.refunds.requests import DeclineRefund, RefundPayment
from payments.signature_policy import SetSignaturePolicy
from payments.voiding import VoidPayment
from payments.voucher import MarkSent, RefuseVoucher
from tests.support.bookkeeper import (
    ELEMENTS,
    NOBODY_ELSE,
    Bookkeeper,
    claim_receipt,
    payment,
    receipt,
    signature,
)
from tests.support.commands_on_file import COMMANDS, LINES, TODAY, every_command

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
plainly(
    "plan.set", indicators.SetPlan(**DETAILS, plan_voucher_no="J1", plan_month=3, plan_amt="9.00")
)
plainly("indicator.issue", indicators.IssueIndicator(bgt_id="B9", amount="5.00", **ELEMENTS))
plainly("payment.apply", payment("P1", "B1", "100.00"))
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


@pytest.fixture
def keeper(bookkeeper: Bookkeeper) -> Bookkeeper:
    bookkeeper.issue("B1", "100000.00")
    return bookkeeper


@pytest.fixture
def later(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """Another process on the same ledger: it has nothing at hand."""
    made = Bookkeeper(pool)
    yield made
    made.close()


def told(outcome: Outcome) -> tuple[Any, ...]:
    """All that an answer says, but for whether it is the first: of a refusal, what it is."""
    if outcome.problem is not None:
        return (str(outcome.problem), outcome.problem.extra)
    return outcome.subjects[:1], outcome.commit


def test_every_command_without_a_number_has_an_example() -> None:
    told_by_number = {line.command for line in LINES[TODAY] if line.read().number}
    for command in every_command():
        if command.__name__ not in told_by_number and command.OPERATION != "refusal.record":
            assert command.OPERATION in EXAMPLES, f"say how {command.OPERATION} comes about"
    assert EXAMPLES.keys() <= commands().keys()


@pytest.mark.parametrize("operation", EXAMPLES)
def test_a_command_that_is_repeated_is_answered_as_the_first_time(
    keeper: Bookkeeper, later: Bookkeeper, operation: str
) -> None:
    """Directly, from the history, as a rehearsal, and in one commit with others."""
    command, by = EXAMPLES[operation](keeper)
    first = keeper.do(command, by)
    events = keeper.events()
    for again in (keeper, later):
        repeated = again.ask(command, by)
        assert told(repeated) == told(first)
        assert repeated.replayed
    assert later.ask(command, by, dry_run=True).replayed
    assert [each.replayed for each in later.submit(command, command, by=by, atomic=True)] == [
        True
    ] * 2
    assert keeper.events() == events


@pytest.mark.parametrize("operation", EXAMPLES)
def test_asked_twice_at_once_it_is_done_once(keeper: Bookkeeper, operation: str) -> None:
    """Both in one commit: the first is not yet in the history when the second is decided."""
    command, by = EXAMPLES[operation](keeper)
    before = len(keeper.events())
    first, second = keeper.submit(command, command, by=by)
    assert told(first) == told(second)
    assert second.replayed
    done = 0 if first.replayed else first.last_position - first.first_position + 1
    assert len(keeper.events()) == before + done


ANOTHER = {
    "payment.approve": "invalid_state",
    "payment.reject": "invalid_state",
    "payment.withdraw": "invalid_state",
    "voucher.sign": "signature_order",
    "disbursement.approve": "invalid_state",
    "disbursement.draw": "invalid_state",
    "disbursement.stop": "invalid_state",
    "disbursement.close": "invalid_state",
}


@pytest.mark.parametrize("operation", ANOTHER)
def test_another_caller_is_refused_by_the_state(keeper: Bookkeeper, operation: str) -> None:
    command, by = EXAMPLES[operation](keeper)
    keeper.do(command, by)
    other = keeper.ask(command, "somebody else")
    assert other.problem is not None
    assert other.problem.code.text == ANOTHER[operation]
    assert not other.replayed


def test_another_act_is_refused_by_the_state(keeper: Bookkeeper) -> None:
    command, by = _reject(keeper)
    keeper.do(command, by)
    assert keeper.refusal(RejectPayment(pay_app_no="P1", reason="金额不符"), by) == "invalid_state"
    assert keeper.refusal(ApprovePayment(pay_app_no="P1"), by) == "invalid_state"


def test_another_date_is_another_act(keeper: Bookkeeper, later: Bookkeeper) -> None:
    keeper.apply("P1", "B1", "100.00")
    dated = ApprovePayment(pay_app_no="P1", effective_on=MARCH_2)
    other = ApprovePayment(pay_app_no="P1", effective_on=date(2026, 3, 1))
    first, refused = keeper.submit(dated, other, by="checker")
    assert refused.problem is not None
    for again in (keeper, later):
        assert again.ask(dated, "checker").replayed
        assert again.ask(ApprovePayment(pay_app_no="P1"), "checker").replayed
        assert again.refusal(other, "checker") == "invalid_state"
    assert first.problem is None


def test_an_approval_is_replayed_after_all_that_came_of_it(
    keeper: Bookkeeper, later: Bookkeeper
) -> None:
    """The answer of then: approved, whatever has been signed and paid since."""
    keeper.pay("P1", "B1", "100.00")
    repeated = later.ask(ApprovePayment(pay_app_no="P1"), "checker")
    assert repeated.replayed
    assert repeated.subjects[0].status == "approved"


def test_a_rejection_is_replayed_when_its_period_is_closed_by_now(keeper: Bookkeeper) -> None:
    keeper.apply("P1", "B1", "100.00")
    dated = RejectPayment(pay_app_no="P1", reason="缺附件", effective_on=MARCH_2)
    first = keeper.do(dated, "checker")
    keeper.clock.now += timedelta(days=40)
    keeper.do(ClosePeriod(through="2026-03-31"))
    assert told(keeper.ask(dated, "checker")) == told(first)


def test_a_run_that_was_stopped_meanwhile_is_started_anew(keeper: Bookkeeper) -> None:
    run_until(keeper, STOP)
    for command in (STOP, START, STOP):
        assert not keeper.do(command, "signer").replayed
        assert keeper.do(command, "signer").replayed


def test_a_policy_that_was_changed_meanwhile_is_set_anew(
    keeper: Bookkeeper, later: Bookkeeper
) -> None:
    two, one = (SetSignaturePolicy(roles=roles) for roles in (("unit", "treasury"), ("treasury",)))
    for command in (two, one, two):
        assert not keeper.do(command, "admin").replayed
        assert later.do(command, "admin").replayed
    assert not later.do(two, "another admin").replayed


def test_a_rolled_back_group_leaves_nothing_to_repeat(keeper: Bookkeeper) -> None:
    keeper.apply("P1", "B1", "100.00")
    approve, impossible = ApprovePayment(pay_app_no="P1"), ApprovePayment(pay_app_no="P2")
    keeper.submit(approve, impossible, by="checker", atomic=True)
    assert not keeper.do(approve, "checker").replayed


# ---- what one is refused is not another's


TOO_MUCH = payment("P9", "B1", "100000.01")


def test_a_refusal_is_its_callers_and_leaves_the_number_to_others(
    keeper: Bookkeeper, later: Bookkeeper
) -> None:
    """SQUAT: a unit's refused application made the maker's own number unusable."""
    refused = keeper.ask(TOO_MUCH, "unit")
    assert str(refused.problem).startswith("insufficient_indicator")
    accepted = keeper.do(payment("P9", "B1", "10.00"), "maker")
    assert not accepted.replayed
    for again in (keeper, later):
        assert told(again.ask(TOO_MUCH, "unit")) == told(refused)
        assert again.ask(payment("P9", "B1", "10.00"), "maker").replayed
        # the number belongs to whoever's command was accepted
        assert again.refusal(payment("P9", "B1", "11.00"), "third") == "idempotency_conflict"


def test_a_refusal_stays_whatever_the_books_say_since(keeper: Bookkeeper) -> None:
    refused = keeper.ask(TOO_MUCH, "unit")
    keeper.adjust("B1", "1.00")
    again = keeper.ask(TOO_MUCH, "unit")
    assert again.replayed
    assert told(again) == told(refused)
    assert keeper.refusal(payment("P9", "B1", "1.00"), "unit") == "idempotency_conflict"


def test_refused_and_accepted_in_one_commit(keeper: Bookkeeper, later: Bookkeeper) -> None:
    outcomes = keeper.submit(TOO_MUCH, payment("P10", "B1", "1.00"), TOO_MUCH, by="unit")
    assert [each.status for each in outcomes] == ["refused", "created", "refused"]
    assert outcomes[2].replayed
    assert not later.do(payment("P9", "B1", "10.00"), "maker").replayed
