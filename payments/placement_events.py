"""国库现金管理: what of the treasury's cash is placed with a bank for a term, and comes back."""

from typing import ClassVar

from ledger.events import AmountMoves, RuleNeeds, Traits, Yuan, register
from payments.order_kinds import OrderAnswered, OrderGiven, OrderReturned

_KEPT_BY = ("fund_type_code",)


def _cash(change: int) -> AmountMoves:
    return {"treasury_financial": {"cash": change}, "treasury_budgetary": {}}


class PlacementOrdered(OrderGiven, frozen=True, kw_only=True):
    """国库现金管理操作: ordered, and its cash taken; ``int_rate`` is per cent a year. It is back on
    ``due_on``."""

    TYPE: ClassVar[str] = "placement.ordered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="placement",
        asked_by="placement.order",
        moves=("placements", "cash"),
        delivery=True,
        step="payment",
        title="国库现金管理操作",
    )
    place_no: str
    voucher_no: str
    fund_type_code: str
    amt: Yuan
    int_rate: str
    due_on: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    reason: str = ""
    cash_acct: str
    order_date: str
    by: str


class PlacementReceipted(OrderAnswered, frozen=True, kw_only=True):
    """拨款回单: the central bank has placed it, or will not; ``booked_on`` where that is late."""

    TYPE: ClassVar[str] = "placement.receipted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="placement",
        asked_by="placement.receipt",
        moves=("placements", "cash"),
        posts={"placement.receipted": RuleNeeds(_KEPT_BY, {"placed": _cash(-1)})},
        delivery=True,
        ends=True,
        step="receipt",
        title="国库现金管理回单",
    )
    place_no: str
    voucher_no: str
    xpay_amt: Yuan
    xpay_date: str
    booked_on: str = ""
    agent_business_no: str
    rejected: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class PlacementReturned(OrderReturned, frozen=True, kw_only=True):
    """到期收回: what of the principal the central bank says is back; interest is 非税收入 of its
    day, and stands in the 3401."""

    TYPE: ClassVar[str] = "placement.returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="placement",
        asked_by="placement.return",
        moves=("placements", "cash"),
        posts={"placement.returned": RuleNeeds(_KEPT_BY, {"returned": _cash(1)})},
        step="receipt",
        title="国库现金管理到期收回",
    )
    place_no: str
    voucher_no: str
    notice_no: str
    amt: Yuan
    fund_type_code: str
    cash_acct: str
    return_date: str
    booked_on: str = ""
    agent_business_no: str
    reason: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


register(PlacementOrdered, PlacementReceipted, PlacementReturned)
