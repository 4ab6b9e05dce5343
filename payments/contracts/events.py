"""采购计划 and 合同: what is set aside for a purchase, and what a contract may take of it."""

from typing import ClassVar

import msgspec

from budget.events import Figures
from ledger.events import Event, Traits, Yuan, register


class ContractFigures(msgspec.Struct, frozen=True, gc=False):
    """A contract's amounts of the year after an event: what is left, applied for, and paid net."""

    left_amt: Yuan
    pay_app_amt: Yuan
    pay_amt: Yuan


class PurchasePlanRegistered(Event, frozen=True, kw_only=True):
    """采购计划: ``pur_amt`` of the indicator is frozen for it; ``left_amt`` no contract has."""

    TYPE: ClassVar[str] = "purchase_plan.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="purchase_plan",
        asked_by="purchase_plan.register",
        moves=("indicator", "purchase_plan"),
        step="indicator",
        title="采购计划",
    )
    pur_plan_no: str
    bgt_id: str
    agency_code: str
    pur_class: str
    pur_amt: Yuan
    left_amt: Yuan
    figures: Figures
    by: str


class PurchasePlanAdjusted(Event, frozen=True, kw_only=True):
    """采购计划调整: ``adj_amt`` more is frozen, or, below zero, set free; ``pur_amt`` after it."""

    TYPE: ClassVar[str] = "purchase_plan.adjusted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="purchase_plan",
        asked_by="purchase_plan.adjust",
        moves=("indicator", "purchase_plan"),
        step="indicator",
        title="采购计划调整",
    )
    pur_plan_no: str
    adj_no: str
    bgt_id: str
    adj_amt: Yuan
    pur_amt: Yuan
    left_amt: Yuan
    reason: str
    figures: Figures
    by: str


class ContractRegistered(Event, frozen=True, kw_only=True):
    """合同备案: its first version. ``year_amt`` of ``contract_amt`` may be paid in this year; of a
    contract under a plan the plan has that less to contract."""

    TYPE: ClassVar[str] = "contract.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="contract",
        asked_by="contract.register",
        moves=("contract", "purchase_plan"),
        step="indicator",
        title="合同备案",
    )
    contract_no: str
    contract_name: str
    agency_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    contract_amt: Yuan
    year_amt: Yuan
    pur_plan_no: str = ""
    bgt_id: str = ""
    sign_date: str
    expiry_date: str = ""
    figures: ContractFigures
    by: str


class ContractAmended(Event, frozen=True, kw_only=True):
    """合同变更: all that it says from here on, as ``version``; ``change_amt`` is by how much more,
    or less, may be paid in this year."""

    TYPE: ClassVar[str] = "contract.amended"
    TRAITS: ClassVar[Traits] = Traits(
        subject="contract",
        asked_by="contract.amend",
        moves=("contract", "purchase_plan"),
        step="indicator",
        title="合同变更",
    )
    contract_no: str
    change_no: str
    version: int
    contract_name: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    contract_amt: Yuan
    year_amt: Yuan
    change_amt: Yuan
    pur_plan_no: str = ""
    expiry_date: str = ""
    changed: tuple[str, ...]
    reason: str
    figures: ContractFigures
    by: str


class ContractEnded(Event, frozen=True, kw_only=True):
    """合同终止: nothing is paid on it any more; ``released_amt`` goes back to its plan, if any."""

    TYPE: ClassVar[str] = "contract.ended"
    TRAITS: ClassVar[Traits] = Traits(
        subject="contract",
        asked_by="contract.end",
        moves=("contract", "purchase_plan"),
        ends=True,
        step="indicator",
        title="合同终止",
    )
    contract_no: str
    end_no: str
    released_amt: Yuan
    pur_plan_no: str = ""
    reason: str
    figures: ContractFigures
    by: str


register(
    PurchasePlanRegistered,
    PurchasePlanAdjusted,
    ContractRegistered,
    ContractAmended,
    ContractEnded,
)
