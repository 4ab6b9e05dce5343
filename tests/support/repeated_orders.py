"""Examples of what accountants do: openings, income, vouchers, wages, advances and allocations."""

from datetime import date

from accounting.income import CorrectIncome, LoadIncome
from accounting.income_events import IncomeLine
from accounting.vouchers import ReverseVoucher
from payments.orders.advance_steps import ExpenseAdvance, RecoverAdvance
from payments.orders.reversing import ReverseAdvanceStep
from payments.wages.accruing import AccrueWages, WithholdWages
from tests.support.advances import advance, answer, paid, returned
from tests.support.allocations import allocated, allocation, receipt_of, return_of
from tests.support.bookkeeper import (
    Bookkeeper,
)
from tests.support.command_examples import MARCH_2, AskedBy, example, plainly
from tests.support.income_orders import answered, correction, refund
from tests.support.income_orders import returned as came_back
from tests.support.openings import TREASURY, credit, debit, opening
from tests.support.subsidies import SUBSIDY, subsidy_line, subsidy_list
from tests.support.vouchers import cr, dr, voucher
from tests.support.wages import wage_line, wage_list

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
