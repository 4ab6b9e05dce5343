"""拨款单: what the central bank is ordered to pay out of the treasury, and what became of it.

预拨、暂付 (an advance) takes no indicator and stands out until it is turned into an expense or is
back. 实拨 (an allocation) is an indicator's, and lies in the unit's own account then. Both are
ordered by a 5207, booked by the central bank's receipt, and may come back by a 3208.
"""

from typing import ClassVar

from budget.events import Figures
from budget.year_end_events import IS_CARRIED
from ledger.elements.register import DIMENSIONS
from ledger.events import (
    LEDGER,
    AmountMoves,
    Event,
    Needs,
    RuleNeeds,
    Traits,
    Yuan,
    register,
)
from payments.order_kinds import OrderAnswered, OrderGiven, OrderReturned

_OF_ADVANCE = ("acct_cls_id", "fund_type_code")
_UNIT_HOLDS: AmountMoves = {"unit_financial": {}}
_UNIT_EARNS: AmountMoves = {"unit_financial": {}, "unit_budgetary": {}}


def _cash(change: int) -> AmountMoves:
    return {"treasury_financial": {"cash": change}, "treasury_budgetary": {}}


def _of_advance(rule: str, paid: str, cash: int, unit: str) -> Needs:
    return {rule: RuleNeeds(_OF_ADVANCE, {paid: _cash(cash), unit: _UNIT_HOLDS})}


class AdvancePolicySet(Event, frozen=True, kw_only=True):
    """暂付款限额: how much may stand out as advances; "" is no limit."""

    TYPE: ClassVar[str] = "ledger.advance_policy_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="advance_policy.set", title="暂付款限额"
    )
    limit_amt: str = ""
    by: str


class AdvanceOrdered(OrderGiven, frozen=True, kw_only=True):
    """预拨、暂付: ordered, and its cash taken. ``acct_cls_code`` is what was asked for, the chart's
    account is ``acct_cls_id``; ``cash_acct`` "" of a ledger whose cash is not controlled."""

    TYPE: ClassVar[str] = "advance.ordered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="advance",
        asked_by="advance.pay",
        moves=("advances", "cash"),
        delivery=True,
        step="payment",
        title="预拨暂付",
    )
    adv_no: str
    voucher_no: str
    acct_cls_code: str
    acct_cls_id: str
    acct_cls_name: str
    object: str
    agency_code: str = ""
    fund_type_code: str = "111"
    amt: Yuan
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    reason: str = ""
    due_on: str = ""
    approval_doc_no: str = ""
    cash_acct: str = ""
    order_date: str
    by: str


class AdvanceReceipted(OrderAnswered, frozen=True, kw_only=True):
    """拨款回单 of an advance: it was paid, or ``rejected``. ``booked_on`` is the business day where
    that is not the central bank's (迟记)."""

    TYPE: ClassVar[str] = "advance.receipted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="advance",
        asked_by="advance.receipt",
        moves=("advances", "cash"),
        posts=_of_advance("advance.receipted", "paid", -1, "to_unit"),
        delivery=True,
        ends=True,
        step="receipt",
        title="预拨暂付回单",
    )
    adv_no: str
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


class AdvanceReturned(OrderReturned, frozen=True, kw_only=True):
    """实拨退款 of an advance: what the central bank says came back of it."""

    TYPE: ClassVar[str] = "advance.returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="advance",
        asked_by="advance.return",
        moves=("advances", "cash"),
        posts=_of_advance("advance.returned", "returned", 1, "from_unit"),
        step="receipt",
        title="预拨暂付退回",
    )
    adv_no: str
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


class AdvanceRecovered(Event, frozen=True, kw_only=True):
    """收回: an advance has come back to the treasury account, as persons say."""

    TYPE: ClassVar[str] = "advance.recovered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="advance",
        asked_by="advance.recover",
        moves=("advances", "cash"),
        posts=_of_advance("advance.recovered", "recovered", 1, "from_unit"),
        step="journals",
        title="预拨暂付收回",
    )
    adv_no: str
    step_no: str
    amt: Yuan
    fund_type_code: str
    cash_acct: str
    reason: str = ""
    by: str


class AdvanceExpensed(Event, frozen=True, kw_only=True):
    """转列支出: an indicator bears what was advanced; no cash moves. ``monitor_rules`` are
    those that warned of it."""

    TYPE: ClassVar[str] = "advance.expensed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="advance",
        asked_by="advance.to_expense",
        moves=("advances", "indicator"),
        posts={
            "advance.expensed": RuleNeeds(
                (*DIMENSIONS, "acct_cls_id", IS_CARRIED),
                {
                    "expensed": {
                        "indicator": {"available": -1, "paid": 1},
                        "treasury_financial": {},
                        "treasury_budgetary": {},
                    },
                    "of_unit": _UNIT_EARNS,
                },
            )
        },
        step="journals",
        title="预拨暂付转列支出",
    )
    adv_no: str
    step_no: str
    bgt_id: str
    amt: Yuan
    reason: str = ""
    figures: Figures
    by: str
    monitor_rules: tuple[str, ...] = ()


class AdvanceStepReversed(Event, frozen=True, kw_only=True):
    """红冲: a step that was entered by mistake is taken back, 转列支出 where ``bgt_id`` names its
    indicator, else 收回 to ``cash_acct``. ``step_no`` is its own number."""

    TYPE: ClassVar[str] = "advance.step_reversed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="advance",
        asked_by="advance.reverse",
        moves=("advances", "indicator", "cash"),
        posts={
            "advance.expense_reversed": RuleNeeds(
                (*DIMENSIONS, "acct_cls_id", IS_CARRIED),
                {
                    "expensed": {
                        "indicator": {"available": 1, "paid": -1},
                        "treasury_financial": {},
                        "treasury_budgetary": {},
                    },
                    "of_unit": _UNIT_EARNS,
                },
            ),
            **_of_advance("advance.recovery_reversed", "recovered", -1, "from_unit"),
        },
        step="journals",
        title="预拨暂付红冲",
    )
    adv_no: str
    step_no: str
    of_step_no: str
    bgt_id: str = ""
    amt: Yuan
    fund_type_code: str = ""
    cash_acct: str = ""
    reason: str
    figures: Figures | None = None
    by: str


_ALLOCATED_FOR = (*DIMENSIONS, IS_CARRIED)
_ALLOCATED: AmountMoves = {"indicator": {"occupied": -1, "paid": 1}, **_cash(-1), **_UNIT_EARNS}
_CAME_BACK: AmountMoves = {"indicator": {"paid": -1, "available": 1}, **_cash(1), **_UNIT_EARNS}


class AllocationOrdered(OrderGiven, frozen=True, kw_only=True):
    """实拨: ordered; the indicator is occupied and its cash taken. ``is_carried`` where the year
    before has handed the indicator on; ``monitor_rules`` are those that warned of it. One that is
    paid for debts names the kind of its bond, 转贷 the division that it goes to, and what is paid
    for a loan the one that has lent it."""

    TYPE: ClassVar[str] = "allocation.ordered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="allocation",
        asked_by="allocation.order",
        moves=("indicator", "cash"),
        posts={
            "allocation.ordered": RuleNeeds(
                DIMENSIONS, {"pay": {"indicator": {"available": -1, "occupied": 1}}}
            )
        },
        delivery=True,
        step="payment",
        title="实拨",
    )
    alloc_no: str
    voucher_no: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: Yuan
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str = ""
    use_des: str = ""
    cash_acct: str = ""
    order_date: str
    is_carried: bool = False
    bond_code: str = ""
    bond_type_code: str = ""
    from_div_code: str = ""
    rec_div_code: str = ""
    figures: Figures
    by: str
    monitor_rules: tuple[str, ...] = ()


class AllocationReceipted(OrderAnswered, frozen=True, kw_only=True):
    """实拨回单: paid into the unit's account, or ``rejected``, and the indicator has it back."""

    TYPE: ClassVar[str] = "allocation.receipted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="allocation",
        asked_by="allocation.receipt",
        moves=("indicator", "cash"),
        posts={
            "allocation.receipted": RuleNeeds(
                _ALLOCATED_FOR,
                {"paid": _ALLOCATED, "failed": {"indicator": {"available": 1, "occupied": -1}}},
            )
        },
        delivery=True,
        ends=True,
        step="receipt",
        title="实拨回单",
    )
    alloc_no: str
    voucher_no: str
    bgt_id: str
    xpay_amt: Yuan
    xpay_date: str
    booked_on: str = ""
    agent_business_no: str
    rejected: str = ""
    figures: Figures
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class AllocationReturned(OrderReturned, frozen=True, kw_only=True):
    """实拨退款: what the central bank says came back; the indicator has it again."""

    TYPE: ClassVar[str] = "allocation.returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="allocation",
        asked_by="allocation.return",
        moves=("indicator", "cash"),
        posts={"allocation.returned": RuleNeeds(_ALLOCATED_FOR, {"returned": _CAME_BACK})},
        step="receipt",
        title="实拨退款",
    )
    alloc_no: str
    voucher_no: str
    notice_no: str
    bgt_id: str
    amt: Yuan
    fund_type_code: str
    cash_acct: str
    return_date: str
    booked_on: str = ""
    agent_business_no: str
    reason: str = ""
    figures: Figures
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


register(
    AdvancePolicySet,
    AdvanceOrdered,
    AdvanceReceipted,
    AdvanceReturned,
    AdvanceRecovered,
    AdvanceExpensed,
    AdvanceStepReversed,
    AllocationOrdered,
    AllocationReceipted,
    AllocationReturned,
)
