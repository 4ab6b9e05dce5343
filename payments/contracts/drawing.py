"""What payments take of contracts, and give back. Pure functions.

What a purchase plan holds of its indicator stays frozen until a payment on a contract under it is
applied for; in the same journal it is set free and occupied. Whatever ends the payment without
money having gone, or brings it back, freezes it again.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol

from budget.events import IndicatorIssued
from budget.purchase_control import PURCHASE_CONTROL
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from payments.contracts.contract import (
    CONTRACTS,
    Contract,
    exceeded,
)
from payments.events import PaymentApplied, PaymentDetail

PaidTo = tuple[str, str, str]  # name and number of an account, and where it stands in the request


class Payees(Protocol):
    """Of the application's command."""

    @property
    def payee_acct_name(self) -> str: ...
    @property
    def payee_acct_no(self) -> str: ...
    @property
    def details(self) -> Sequence[PaymentDetail]: ...


def require_purchase_control(
    state: LedgerState,
    issued: IndicatorIssued,
    contract: Contract | None,
    *,
    pointer: str = "/contract_no",
) -> None:
    """What is marked 是否政府采购 is paid on a contract under a purchase plan of it.

    Raises:
        Refusal: ``contract_required``.
    """
    if not issued.is_gov_pur or not state.settings.get(PURCHASE_CONTROL).on:
        return
    if contract is None or contract.bgt_id != issued.bgt_id:
        raise Refusal(
            Code.CONTRACT_REQUIRED,
            f"indicator {issued.bgt_id} is for purchases (是否政府采购): a payment from it names a "
            "contract under a purchase plan of the indicator",
            pointer=pointer,
            bgt_id=issued.bgt_id,
        )


def hold_to_contract(contract: Contract, issued: IndicatorIssued, asked: Payees) -> None:
    """A payment on a contract is of its unit, from the indicator of its plan, and to its payee.

    Raises:
        Refusal: ``element_mismatch``.
    """
    number = contract.contract_no
    problem, pointer = "", "/contract_no"
    if issued.agency_code != contract.agency_code:
        problem = f"contract {number} is of unit {contract.agency_code}, not {issued.agency_code}"
    elif contract.bgt_id and issued.bgt_id != contract.bgt_id:
        problem, pointer = f"contract {number} is paid from indicator {contract.bgt_id}", "/bgt_id"
    else:
        says = contract.says
        for name, account, place in _payees(asked):
            if (name, account) != (says.payee_acct_name, says.payee_acct_no):
                problem, pointer = f"{name} {account} is not the payee of contract {number}", place
                break
    if problem:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            problem,
            pointer=pointer,
            bgt_id=issued.bgt_id,
            contract_no=number,
        )


def _payees(asked: Payees) -> Iterator[PaidTo]:
    if not asked.details:
        yield asked.payee_acct_name, asked.payee_acct_no, "/payee_acct_no"
    for index, detail in enumerate(asked.details):
        yield detail.payee_acct_name, detail.payee_acct_no, f"/details/{index}/payee_acct_no"


def drawn(state: LedgerState, contract: Contract, day: date, pay_fen: int) -> MovedRow:
    """The contract's amounts with a payment applied for on it.

    Raises:
        Refusal: ``insufficient_contract``, too, of one that has ended.
    """
    if contract.ended is not None:
        raise exceeded(contract.contract_no, 0, pay_fen, "has ended 合同已终止")
    changes = {"left": -pay_fen, "applied": pay_fen}
    return state.moved(CONTRACTS, contract.contract_no, day, changes)


def settled(
    state: LedgerState, applied: PaymentApplied, day: date, pay_fen: int, paid_fen: int = 0
) -> list[MovedRow]:
    """The same where the payment has its outcome: ``paid_fen`` of it was paid. Nothing where it is
    on no contract."""
    if not applied.contract_no:
        return []
    changes = {"left": pay_fen - paid_fen, "applied": -pay_fen, "paid": paid_fen}
    return [state.moved(CONTRACTS, applied.contract_no, day, changes)]


def brought_back(
    state: LedgerState, applied: PaymentApplied, day: date, back_fen: int
) -> list[MovedRow]:
    """The same where money that was paid has come back."""
    if not applied.contract_no:
        return []
    changes = {"left": back_fen, "paid": -back_fen}
    return [state.moved(CONTRACTS, applied.contract_no, day, changes)]


def held_again(applied: PaymentApplied, back_fen: int) -> int:
    """What of an amount that is free again the payment's purchase plan holds: all, or nothing."""
    return back_fen if applied.pur_plan_no else 0


def refuse_purchase(applied: PaymentApplied) -> None:
    """A purchase is borne by the indicator of its plan, whose amount it gives back: it is not
    corrected to another.

    Raises:
        Refusal: ``element_mismatch``.
    """
    if applied.pur_plan_no:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"payment {applied.pay_app_no} is of purchase plan {applied.pur_plan_no}, which is of "
            f"indicator {applied.bgt_id}",
            pointer="/pay_app_no",
            bgt_id=applied.bgt_id,
        )
