"""债券发行登记: which bond the money is of that the central bank has reported. Pure.

The report (3401) books what came: 国库存款, and 应付长期政府债券 or what is owed to the tier above,
and the budget income of debts. So a bond brings no more than the central bank has reported; what is
reported and of no bond yet waits for its own.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar

from accounting.income_register import INCOME, IncomeOf, place_of
from budget.debt_events import BondIssued, DebtMoved
from budget.debt_register import DEBT, DEBT_NEEDS, Debt, moved_debt
from budget.debts import BOND, KIND_OF_FUND, Bond, require_bond
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan, stored_fen, yuan

DEBT_INCOME, LOAN_INCOME = "105", "11011"  # 债务收入, 债务转贷收入, of inc_sort_code


def came_fen(rows: Mapping[str, IncomeOf], bond_type_code: str, *, of_loans: bool) -> int:
    """What the central bank has reported this year for debts of a kind, in fen; what is ordered to
    be paid back is not there any more."""
    code, fund = LOAN_INCOME if of_loans else DEBT_INCOME, KIND_OF_FUND[bond_type_code]
    return sum(
        row.free
        for key, row in rows.items()
        if (place := place_of(key)).inc_sort_code.startswith(code)
        and place.fund_type_code.startswith(fund)
    )


class IssueBond(Command, frozen=True, kw_only=True):
    """债券发行登记: of what came and is of no bond yet, so much is this one's. So much more is
    owed, within the limit."""

    OPERATION: ClassVar[str] = "bond.issue"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "债券发行登记"
    NUMBER: ClassVar[str] = "issue_no"
    KIND: ClassVar[AnyKind] = BOND
    KEEPS_REFUSAL: ClassVar[bool] = False
    bond_code: str
    issue_no: str
    amt: str
    effective_on: date | None = None

    def check(self) -> None:
        """Raises RequestError ``invalid_amount``."""
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return (BOND, self.bond_code), (BOND, WHOLE), (INCOME, WHOLE), *DEBT_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        bond = require_bond(state, self.bond_code)
        registered, amount_fen = bond.registered, parse_yuan(self.amt)
        _require_within(bond, state.row(DEBT, self.bond_code), amount_fen)
        _require_came(state, bond, amount_fen)
        told = DebtMoved(
            bond_code=self.bond_code,
            bond_type_code=registered.bond_type_code,
            issued_amt=self.amt,
            owed_amt=self.amt,
        )
        moved = moved_debt(state, day, told)
        # point of no return
        issued = BondIssued(bond_code=self.bond_code, issue_no=self.issue_no, amt=self.amt, by=by)
        return Decision(
            events=[(BOND, self.bond_code, issued), (None, "", told)],
            effective_on=day,
            moved=moved,
        )


def _require_within(bond: Bond, row: Debt, amount_fen: int) -> None:
    """No more comes for a bond than its principal; raises ``exceeds_debt``."""
    left_fen = stored_fen(bond.registered.principal_amt) - row.issued
    if amount_fen > left_fen:
        raise Refusal(
            Code.EXCEEDS_DEBT,
            f"of bond {bond.registered.bond_code} {yuan(left_fen)} has not come 超过债券面值",
            pointer="/amt",
            bond_code=bond.registered.bond_code,
            available_amt=yuan(left_fen),
            requested_amt=yuan(amount_fen),
        )


def _require_came(state: LedgerState, bond: Bond, amount_fen: int) -> None:
    """That the central bank has reported so much that is of no bond yet.

    Raises:
        Refusal: ``exceeds_received``.
    """
    kind = bond.registered.bond_type_code
    all_fen = came_fen(state.rows_of(INCOME), kind, of_loans=bond.is_loan)
    bonds: Iterable[Bond] = (cached.obj for cached in state.cached(BOND).values())
    free_fen = all_fen - named_fen(bonds, kind, of_loans=bond.is_loan)
    if amount_fen > free_fen:
        what = "债务转贷收入" if bond.is_loan else "债务收入"
        raise Refusal(
            Code.EXCEEDS_RECEIVED,
            f"{yuan(max(0, free_fen))} of {what} in fund {bond.kind_of_fund} has been reported and"
            " is of no bond yet 超过已入库收入",
            pointer="/amt",
            available_amt=yuan(max(0, free_fen)),
            requested_amt=yuan(amount_fen),
        )


def named_fen(bonds: Iterable[Bond], bond_type_code: str, *, of_loans: bool) -> int:
    """What of this year's debt income is of a bond, in fen."""
    return sum(
        stored_fen(issue.amt)
        for bond in bonds
        if bond.registered.bond_type_code == bond_type_code and bond.is_loan == of_loans
        for issue in bond.issues
    )
