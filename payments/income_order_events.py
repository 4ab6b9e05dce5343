"""收入退库、收入更正: what the central bank is ordered to do with income it has reported.

退付 (5209) pays income back to who paid it; 更正 (5407) says of what code, level or fund it is, or
a refund of it was (退库更正), or that it is another treasury's (调库).
The central bank answers each; what the receiver's bank returns of a 退付 it tells by a 3210. What
it has done on a day stands in its report of that day as well: ``is_reported`` says that the report
was there first, and has booked it, or will be in the next year's ledger.
"""

from typing import ClassVar

from ledger.events import Traits, Yuan, register
from payments.order_kinds import OrderAnswered, OrderGiven, OrderReturned


class IncomeRefundOrdered(OrderGiven, frozen=True, kw_only=True):
    """收入退付: ordered, and its cash taken of the treasury account."""

    TYPE: ClassVar[str] = "income.refund_ordered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="income_refund",
        asked_by="income.refund",
        moves=("income", "cash"),
        delivery=True,
        step="journals",
        title="收入退付",
    )
    inc_refund_no: str
    voucher_no: str
    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str = ""
    amt: Yuan
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    reason: str
    cash_acct: str
    order_date: str
    by: str


class IncomeRefundReceipted(OrderAnswered, frozen=True, kw_only=True):
    """收入退付回单: it was paid back, or ``rejected``. ``booked_on`` is the business day where that
    is not the central bank's (迟记)."""

    TYPE: ClassVar[str] = "income.refund_receipted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="income_refund",
        asked_by="income.refund_receipt",
        moves=("income", "income_told", "cash"),
        delivery=True,
        ends=True,
        step="journals",
        title="收入退付回单",
    )
    inc_refund_no: str
    voucher_no: str
    xpay_amt: Yuan
    xpay_date: str
    booked_on: str = ""
    agent_business_no: str
    rejected: str = ""
    is_reported: bool = False
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class IncomeRefundReturned(OrderReturned, frozen=True, kw_only=True):
    """收入退付退款: what the central bank says came back of it, and is income again."""

    TYPE: ClassVar[str] = "income.refund_returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="income_refund",
        asked_by="income.refund_return",
        moves=("income", "income_told", "cash"),
        step="journals",
        title="收入退付退款",
    )
    inc_refund_no: str
    voucher_no: str
    notice_no: str
    amt: Yuan
    fund_type_code: str
    cash_acct: str
    return_date: str
    booked_on: str = ""
    agent_business_no: str
    reason: str = ""
    is_reported: bool = False
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class IncomeCorrectionOrdered(OrderGiven, frozen=True, kw_only=True):
    """收入更正: ordered; ``to_…`` says of what it is.

    ``inc_refund_no`` names the refund that was of ``to_…`` (退库更正), ``to_tre_code`` the treasury
    that has the income (调库), whose cash is taken here until the central bank answers; "" of what
    was received here and stays.
    """

    TYPE: ClassVar[str] = "income.correction_ordered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="income_correction",
        asked_by="correction.income_codes",
        moves=("income", "cash"),
        delivery=True,
        step="journals",
        title="收入更正通知",
    )
    inc_cor_no: str
    voucher_no: str
    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str = ""
    to_inc_sort_code: str
    to_fund_type_code: str
    to_budget_level_code: str = ""
    amt: Yuan
    reason: str
    cash_acct: str
    order_date: str
    by: str
    inc_refund_no: str = ""
    to_tre_code: str = ""


class IncomeCorrectionReceipted(OrderAnswered, frozen=True, kw_only=True):
    """收入更正回单: the central bank has corrected its books, or ``rejected`` it."""

    TYPE: ClassVar[str] = "income.correction_receipted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="income_correction",
        asked_by="income.correction_receipt",
        moves=("income", "income_told", "cash"),
        delivery=True,
        ends=True,
        step="journals",
        title="收入更正回单",
    )
    inc_cor_no: str
    voucher_no: str
    xpay_amt: Yuan
    xpay_date: str
    booked_on: str = ""
    agent_business_no: str
    rejected: str = ""
    is_reported: bool = False
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


register(
    IncomeRefundOrdered,
    IncomeRefundReceipted,
    IncomeRefundReturned,
    IncomeCorrectionOrdered,
    IncomeCorrectionReceipted,
)
