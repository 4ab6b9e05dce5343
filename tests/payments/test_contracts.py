"""合同和采购计划: what a contract has left, and what a plan holds of its indicator."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from budget.indicators import FreezeIndicator, ReallocateIndicator, UnfreezeIndicator
from ledger.deciding.command import Outcome
from ledger.deciding.registers import AnyRegister
from ledger.money import yuan
from payments.application import RejectPayment, WithdrawPayment
from payments.contracts.contract import CONTRACTS
from payments.contracts.contracting import AmendContract, EndContract, RegisterContract
from payments.contracts.plan import PLANS
from payments.contracts.planning import AdjustPurchasePlan, RegisterPurchasePlan
from payments.corrections.correcting import CorrectPayment
from payments.disbursement.opening import OpenRun
from payments.events import PaymentDetail
from payments.voiding import VoidPayment
from tests.support.bookkeeper import PAYEE, Bookkeeper, payment, refund_notice
from tests.support.paths import ROOT

pytestmark = pytest.mark.usefixtures("decided_again")

MARCH_2 = date(2026, 3, 2)
OTHER = {**PAYEE, "payee_acct_name": "另一家公司", "payee_acct_no": "6222000000000000002"}


@pytest.fixture
def b(bookkeeper: Bookkeeper) -> Bookkeeper:
    """An indicator for purchases of 10,000.00, and one for anything of 10,000.00."""
    bookkeeper.issue("PUR", "10000.00", is_gov_pur=True)
    bookkeeper.issue("ANY", "10000.00")
    return bookkeeper


def plan(amt: str, number: str = "CG-1", bgt_id: str = "PUR") -> RegisterPurchasePlan:
    return RegisterPurchasePlan(pur_plan_no=number, bgt_id=bgt_id, pur_class="台式机", pur_amt=amt)


def contract(amt: str, number: str = "HT-1", **more: Any) -> RegisterContract:
    said = {"contract_name": "采购合同", "agency_code": "101001", "sign_date": MARCH_2, **PAYEE}
    return RegisterContract(contract_no=number, contract_amt=amt, **{**said, **more})


def amended(number: str = "BG-1", **changed: Any) -> AmendContract:
    return AmendContract(contract_no="HT-1", change_no=number, reason="补充协议", **changed)


def ended(number: str = "ZZ-1") -> EndContract:
    return EndContract(contract_no="HT-1", end_no=number, reason="履行完毕")


def between(bgt_id: str, to_bgt_id: str, amt: str) -> ReallocateIndicator:
    adj_no = f"TJ-{bgt_id}-{to_bgt_id}"
    return ReallocateIndicator(
        bgt_id=bgt_id, to_bgt_id=to_bgt_id, adj_no=adj_no, amt=amt, reason="调剂"
    )


def row(b: Bookkeeper, register: AnyRegister, key: str) -> tuple[str, ...]:
    """A row as the database holds it, in yuan."""
    [[found]] = b.sql(
        "SELECT amounts FROM registers WHERE ledger_id = %s AND register = %s AND key = %s",
        register.name,
        key,
    )
    return tuple(yuan(int(fen)) for fen in found)


def amounts(b: Bookkeeper, number: str = "HT-1") -> tuple[str, ...]:
    """Left, applied for, paid."""
    return row(b, CONTRACTS, number)


def settle(b: Bookkeeper, pay_app_no: str, *failed: str) -> None:
    approved = b.approve(pay_app_no)
    b.sign(pay_app_no)
    b.receipt(approved, *failed)


def line(detail_id: str, amt: str, payee: Mapping[str, str] = PAYEE) -> PaymentDetail:
    return PaymentDetail(pay_detail_id=detail_id, pay_amt=amt, **payee)


def held(b: Bookkeeper, bgt_id: str = "PUR") -> tuple[str, str, str, str]:
    """Available, frozen, occupied, paid."""
    figures = b.figures(bgt_id)
    return tuple(figures[name] for name in ("available", "frozen", "occupied", "paid"))  # type: ignore[return-value]


def problem(outcome: Outcome) -> dict[str, Any]:
    assert outcome.problem is not None
    return {"code": outcome.problem.code.text, **outcome.problem.extra}


def test_the_example_of_the_page_holds(bookkeeper: Bookkeeper) -> None:
    page = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    exec(example, {**globals(), "b": bookkeeper})


def test_what_is_for_purchases_gives_to_what_is_for_purchases_alone(b: Bookkeeper) -> None:
    """200.00 went by 调剂 to an indicator that anything is paid from, and was paid without a
    contract."""
    b.issue("PUR2", "1.00", is_gov_pur=True)
    refused = problem(b.ask(between("PUR", "ANY", "200.00")))
    assert (refused["code"], refused["pointer"]) == ("element_mismatch", "/to_bgt_id")
    b.do(between("PUR", "PUR2", "200.00"))
    b.do(between("ANY", "PUR", "300.00"))
    assert (held(b)[0], held(b, "PUR2")[0], held(b, "ANY")[0]) == ("10100.00", "201.00", "9700.00")


def test_direct_funds_give_to_direct_funds_alone(b: Bookkeeper) -> None:
    """调剂 between two indicators issued directly lost 直达资金标识 and 追踪项目."""
    b.issue("DIR", "100.00", is_dir_code="1")
    b.issue("DIR2", "1.00", is_dir_code="1")
    b.issue("TRK", "100.00", track_pro_code="T1")
    for giving in ("DIR", "TRK"):
        refused = problem(b.ask(between(giving, "ANY", "20.00")))
        assert (refused["code"], refused["pointer"]) == ("element_mismatch", "/to_bgt_id")
    b.do(between("DIR", "DIR2", "20.00"))
    b.do(between("ANY", "DIR", "5.00"))
    assert held(b, "DIR")[0] == "85.00"


def test_one_fen_more_than_a_contract_has_left_is_refused(b: Bookkeeper) -> None:
    b.do(contract("600.00"))
    b.do(payment("P1", "ANY", "400.00", contract_no="HT-1"))
    assert amounts(b) == ("200.00", "400.00", "0.00")
    told = problem(b.ask(payment("P2", "ANY", "200.01", contract_no="HT-1")))
    assert told["code"] == "insufficient_contract"
    assert (told["available_amt"], told["requested_amt"]) == ("200.00", "200.01")
    b.do(payment("P3", "ANY", "200.00", contract_no="HT-1"))
    assert amounts(b) == ("0.00", "600.00", "0.00")
    assert b.refusal(payment("P4", "ANY", "1.00", contract_no="HT-2")) == "contract_not_found"


def test_a_freeze_of_a_later_day_sets_nothing_free_that_a_plan_holds(b: Bookkeeper) -> None:
    """Once what was frozen from December on was set free in March, out of the plan's amount, and
    the contract that was signed could not be paid."""
    b.do(plan("6000.00"))
    b.do(contract("5000.00", pur_plan_no="CG-1"))
    december = date(2026, 12, 31)
    b.do(FreezeIndicator(bgt_id="PUR", freeze_no="F1", amt="4000.00", effective_on=december))
    one_fen = UnfreezeIndicator(bgt_id="PUR", freeze_no="F2", amt="0.01")
    assert b.refusal(one_fen) == "insufficient_indicator"
    b.pay("P1", "PUR", "5000.00", contract_no="HT-1")
    later = UnfreezeIndicator(bgt_id="PUR", freeze_no="F3", amt="4000.00", effective_on=december)
    b.do(later)


def test_an_amendment_says_no_expiry_before_the_signature_and_nothing_of_what_has_ended(
    b: Bookkeeper,
) -> None:
    """Once an amendment could let a contract expire years before it was signed, and one of a
    contract that had ended was told that too little was left of it."""
    b.do(contract("600.00"))
    told = b.ask(amended(expiry_date=date(2020, 1, 1))).problem
    assert told is not None
    assert (told.code.text, told.extra["pointer"]) == ("malformed", "/expiry_date")
    b.do(amended(expiry_date=date(2026, 12, 31)))
    b.do(ended())
    assert b.refusal(amended("BG-2", contract_amt="9.00")) == "invalid_state"


def test_a_contract_is_paid_to_its_payee_for_its_unit(b: Bookkeeper) -> None:
    b.do(contract("600.00"))
    told = problem(b.ask(payment("P1", "ANY", "1.00", contract_no="HT-1", **OTHER)))
    assert (told["code"], told["pointer"]) == ("element_mismatch", "/payee_acct_no")
    lines = (line("1", "1.00"), line("2", "2.00", OTHER))
    several = payment("P2", "ANY", "3.00", contract_no="HT-1", details=lines)
    told = problem(b.ask(several))
    assert (told["code"], told["pointer"]) == ("element_mismatch", "/details/1/payee_acct_no")
    b.issue("ELSE", "10.00", agency_code="102001")
    told = problem(b.ask(payment("P3", "ELSE", "1.00", contract_no="HT-1")))
    assert (told["code"], told["pointer"]) == ("element_mismatch", "/contract_no")


def test_what_is_not_paid_or_comes_back_may_be_paid_again(b: Bookkeeper) -> None:
    b.do(contract("1000.00"))
    for number in ("P1", "P2", "P3"):
        b.do(payment(number, "ANY", "100.00", contract_no="HT-1"))
    b.do(RejectPayment(pay_app_no="P1", reason="附件不全"), "checker")
    b.do(WithdrawPayment(pay_app_no="P2"))
    b.approve("P3")
    b.do(VoidPayment(pay_app_no="P3", reason="重复"))
    assert amounts(b) == ("1000.00", "0.00", "0.00")
    lines = (line("1", "60.00"), line("2", "40.00"))
    b.do(payment("P4", "ANY", "100.00", contract_no="HT-1", details=lines))
    settle(b, "P4", "2")
    assert amounts(b) == ("940.00", "0.00", "60.00")
    b.refund("P4", "60.00", pay_detail_id="1")
    assert amounts(b) == ("1000.00", "0.00", "0.00")


def test_what_comes_back_in_the_next_year_was_not_paid_on_it(b: Bookkeeper) -> None:
    """60.00 of 100.00 in January: the contract said 100.00 paid for ever."""
    b.do(contract("1000.00"))
    paid = b.pay("P1", "ANY", "100.00", contract_no="HT-1").subjects[0]
    january = date(2027, 1, 20)
    b.until(january)
    b.do(refund_notice(paid, [("1", 60_00)], january, "0009"), "bank")
    assert amounts(b) == ("960.00", "0.00", "40.00")


def test_a_plan_holds_its_amount_until_contracts_under_it_are_paid(b: Bookkeeper) -> None:
    b.do(plan("6000.00"))
    assert held(b) == ("4000.00", "6000.00", "0.00", "0.00")
    assert b.refusal(plan("4000.01", "CG-2")) == "insufficient_indicator"
    told = problem(b.ask(contract("6000.01", pur_plan_no="CG-1")))
    assert (told["code"], told["available_amt"]) == ("insufficient_purchase_plan", "6000.00")
    b.do(contract("5000.00", pur_plan_no="CG-1"))
    assert row(b, PLANS, "CG-1") == ("1000.00",)
    assert held(b) == ("4000.00", "6000.00", "0.00", "0.00")
    b.do(payment("P1", "PUR", "2000.00", contract_no="HT-1"))
    assert held(b) == ("4000.00", "4000.00", "2000.00", "0.00")
    settle(b, "P1")
    assert held(b) == ("4000.00", "4000.00", "0.00", "2000.00")
    assert amounts(b) == ("3000.00", "0.00", "2000.00")
    told = problem(b.ask(payment("P2", "PUR", "3000.01", contract_no="HT-1")))
    assert (told["code"], told["available_amt"]) == ("insufficient_contract", "3000.00")


def test_what_is_not_paid_is_held_for_the_purchase_again(b: Bookkeeper) -> None:
    b.do(plan("6000.00"))
    b.do(contract("6000.00", pur_plan_no="CG-1"))
    whole = ("4000.00", "6000.00", "0.00", "0.00")
    b.do(payment("P1", "PUR", "100.00", contract_no="HT-1"))
    b.do(RejectPayment(pay_app_no="P1", reason="附件不全"), "checker")
    assert held(b) == whole
    lines = (line("1", "60.00"), line("2", "40.00"))
    b.do(payment("P2", "PUR", "100.00", contract_no="HT-1", details=lines))
    settle(b, "P2", "2")
    assert held(b) == ("4000.00", "5940.00", "0.00", "60.00")
    b.refund("P2", "60.00", pay_detail_id="1")
    assert held(b) == whole
    assert amounts(b) == ("6000.00", "0.00", "0.00")


def test_purchases_are_paid_by_contracts_under_a_plan_of_the_indicator(b: Bookkeeper) -> None:
    assert b.refusal(payment("P1", "PUR", "1.00")) == "contract_required"
    b.do(contract("100.00"))
    assert b.refusal(payment("P2", "PUR", "1.00", contract_no="HT-1")) == "contract_required"
    run = OpenRun(run_no="R1", bgt_id="PUR", title="批量", use_des="采购")
    assert b.refusal(run) == "contract_required"
    b.do(plan("50.00"))
    b.do(contract("50.00", "HT-2", pur_plan_no="CG-1"))
    told = problem(b.ask(payment("P3", "ANY", "1.00", contract_no="HT-2")))
    assert (told["code"], told["pointer"]) == ("element_mismatch", "/bgt_id")


def test_what_a_plan_holds_is_set_free_by_the_plan_alone(b: Bookkeeper) -> None:
    b.do(plan("6000.00"))
    b.do(FreezeIndicator(bgt_id="PUR", freeze_no="DJ-1", amt="1000.00"))
    free = UnfreezeIndicator(bgt_id="PUR", freeze_no="JD-1", amt="1000.01")
    told = problem(b.ask(free))
    assert (told["code"], told["available_amt"]) == ("insufficient_indicator", "1000.00")
    b.do(contract("5000.00", pur_plan_no="CG-1"))
    less: dict[str, Any] = {"pur_plan_no": "CG-1", "reason": "核减"}
    told = problem(b.ask(AdjustPurchasePlan(adj_no="T1", adj_amt="-1000.01", **less)))
    assert (told["code"], told["available_amt"]) == ("insufficient_purchase_plan", "1000.00")
    b.do(AdjustPurchasePlan(adj_no="T2", adj_amt="-1000.00", **less))
    assert held(b) == ("4000.00", "6000.00", "0.00", "0.00")
    changed = b.do(AdjustPurchasePlan(adj_no="T3", adj_amt="500.00", **less)).subjects[0]
    assert (changed.pur_amt, changed.left_amt) == ("5500.00", "500.00")
    assert held(b) == ("3500.00", "6500.00", "0.00", "0.00")


def test_a_contract_is_amended_in_versions_and_not_below_what_is_used(b: Bookkeeper) -> None:
    b.do(contract("1000.00"))
    b.do(payment("P1", "ANY", "400.00", contract_no="HT-1"))
    told = problem(b.ask(amended(contract_amt="399.99")))
    assert (told["code"], told["available_amt"]) == ("insufficient_contract", "600.00")
    now = b.do(amended("BG-2", contract_amt="1200.00", payee_acct_no="6222000000000000002"))
    said = now.subjects[0]
    assert (said.version, said.says.year_amt, said.figures.left_amt) == (2, "1200.00", "800.00")
    assert said.registered.contract_amt == "1000.00"
    assert b.refusal(payment("P2", "ANY", "1.00", contract_no="HT-1")) == "element_mismatch"
    to_new = {**PAYEE, "payee_acct_no": "6222000000000000002"}
    b.do(payment("P3", "ANY", "800.00", contract_no="HT-1", **to_new))


def test_a_year_pays_what_the_contract_says_of_it(b: Bookkeeper) -> None:
    b.do(contract("1000.00", year_amt="300.00"))
    assert b.refusal(payment("P1", "ANY", "300.01", contract_no="HT-1")) == "insufficient_contract"
    assert b.refusal(amended(year_amt="1000.01")) == "insufficient_contract"
    b.do(amended("BG-2", year_amt="1000.00"))
    b.do(payment("P2", "ANY", "1000.00", contract_no="HT-1"))


def test_a_contract_that_has_ended_gives_what_is_left_to_its_plan(b: Bookkeeper) -> None:
    b.do(plan("6000.00"))
    b.do(contract("5000.00", pur_plan_no="CG-1"))
    b.do(payment("P1", "PUR", "1000.00", contract_no="HT-1"))
    assert b.refusal(ended("ZZ-0")) == "invalid_state"
    settle(b, "P1")
    b.do(ended())
    assert row(b, PLANS, "CG-1") == ("5000.00",)
    assert amounts(b) == ("0.00", "0.00", "1000.00")
    assert b.refusal(payment("P2", "PUR", "1.00", contract_no="HT-1")) == "insufficient_contract"
    assert b.refusal(amended(contract_amt="9.00")) in ("insufficient_contract", "invalid_state")
    assert b.refusal(ended("ZZ-2")) == "invalid_state"
    b.refund("P1", "1000.00")
    assert amounts(b) == ("1000.00", "0.00", "0.00")
    b.do(ended("ZZ-3"))
    assert row(b, PLANS, "CG-1") == ("6000.00",)
    less = AdjustPurchasePlan(pur_plan_no="CG-1", adj_no="T1", adj_amt="-6000.00", reason="取消")
    b.do(less)
    assert held(b) == ("10000.00", "0.00", "0.00", "0.00")


def test_a_purchase_is_not_corrected_away_from_its_plan(b: Bookkeeper) -> None:
    b.do(plan("100.00"))
    b.do(contract("100.00", pur_plan_no="CG-1"))
    b.do(payment("P1", "PUR", "100.00", contract_no="HT-1"))
    settle(b, "P1")
    given: dict[str, Any] = {"amt": "100.00", "reason": "科目用错"}
    away = CorrectPayment(cor_no="GZ-1", pay_app_no="P1", to_bgt_id="ANY", **given)
    assert b.refusal(away) == "element_mismatch"
    b.pay("P2", "ANY", "100.00")
    into = CorrectPayment(cor_no="GZ-2", pay_app_no="P2", to_bgt_id="PUR", **given)
    assert b.refusal(into) == "contract_required"


def test_a_payment_is_not_dated_before_its_contract(b: Bookkeeper) -> None:
    b.until(date(2026, 3, 3))
    b.do(contract("100.00"))
    early = payment("P1", "ANY", "1.00", contract_no="HT-1", effective_on=MARCH_2)
    assert b.refusal(early) == "insufficient_contract"
