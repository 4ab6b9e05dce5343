"""库款调度: what goes between treasuries of two tiers, ordered of the central bank and told by it.

The one that sends has an order and its receipt; the one that receives has the central bank's word
that the money is there, which names the order. Both keep it as owed between them (往来) until it is
settled against transfers.
"""

from typing import ClassVar

from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register
from payments.order_kinds import OrderAnswered, OrderGiven, OrderReturned

ELEMENTS = ("fund_type_code",)  # by which the rules may tell accounts
_GONE: AmountMoves = {"treasury_financial": {"cash": -1}, "treasury_budgetary": {}}
_THERE: AmountMoves = {"treasury_financial": {"cash": 1}, "treasury_budgetary": {}}


class FundsDispatched(OrderGiven, frozen=True, kw_only=True):
    """调度: ordered, and its cash taken. ``rec_div_code`` is a tier below, or one above, which is
    paid what is owed to it. ``is_dir_code`` marks cash of direct funds, which is kept apart."""

    TYPE: ClassVar[str] = "transfer.dispatched"
    TRAITS: ClassVar[Traits] = Traits(
        subject="fund_dispatch",
        asked_by="transfer.dispatch",
        moves=("tier_funds", "cash"),
        delivery=True,
        title="库款调度",
    )
    dispatch_no: str
    voucher_no: str
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    amt: Yuan
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    reason: str = ""
    cash_acct: str = ""
    order_date: str
    by: str


class DispatchReceipted(OrderAnswered, frozen=True, kw_only=True):
    """调度回单: the money has left, or the order was ``rejected``. ``booked_on`` is the business
    day where that is not the central bank's (迟记)."""

    TYPE: ClassVar[str] = "transfer.dispatch_receipted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="fund_dispatch",
        asked_by="transfer.dispatch_receipt",
        moves=("tier_funds", "cash"),
        posts={
            "transfer.dispatch_receipted": RuleNeeds(ELEMENTS, {"below": _GONE, "above": _GONE})
        },
        delivery=True,
        ends=True,
        title="库款调度回单",
    )
    dispatch_no: str
    voucher_no: str
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    amt: Yuan
    xpay_amt: Yuan
    xpay_date: str
    booked_on: str = ""
    agent_business_no: str
    rejected: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class FundsArrived(Event, frozen=True, kw_only=True):
    """调度到账: the central bank says that what ``from_ledger`` has ordered by ``voucher_no`` is
    there. ``cash_acct`` is "" in a ledger whose cash is not controlled."""

    TYPE: ClassVar[str] = "transfer.funds_arrived"
    TRAITS: ClassVar[Traits] = Traits(
        subject="fund_arrival",
        asked_by="transfer.take_funds",
        moves=("tier_funds", "cash"),
        posts={"transfer.funds_arrived": RuleNeeds(ELEMENTS, {"above": _THERE, "below": _THERE})},
        ends=True,
        title="库款调度到账",
    )
    voucher_no: str
    from_ledger: str
    dispatch_no: str
    from_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    amt: Yuan
    tre_code: str
    cash_acct: str
    notice_no: str
    arrived_on: str
    booked_on: str = ""
    agent_business_no: str
    notice_sm3: str
    cert_serial: str
    signature: str
    by: str


class DispatchReturned(OrderReturned, frozen=True, kw_only=True):
    """调度退回: what had left is at the treasury again, whole, and has come to nobody."""

    TYPE: ClassVar[str] = "transfer.dispatch_returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="fund_dispatch",
        asked_by="transfer.dispatch_return",
        moves=("tier_funds", "cash"),
        posts={
            "transfer.dispatch_returned": RuleNeeds(ELEMENTS, {"below": _THERE, "above": _THERE})
        },
        ends=True,
        title="库款调度退回",
    )
    dispatch_no: str
    voucher_no: str
    rec_div_code: str
    fund_type_code: str
    is_dir_code: str = ""
    notice_no: str
    amt: Yuan
    cash_acct: str
    return_date: str
    booked_on: str = ""
    agent_business_no: str
    reason: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


register(FundsDispatched, DispatchReceipted, FundsArrived, DispatchReturned)
