"""地方政府债务: the limits within which a division owes, its bonds, and whose money is whose. Pure.

A ledger keeps its debts from the first limit on that it is told: until then it books repayments and
interest as it did, and knows of no bond. From there on the money of bonds (funds 112, 122) and what
is paid for debts (还本、付息、发行费用、转贷) names its bond; 专项债券 is for its own project.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

import msgspec

from budget.debt_events import (
    BondCarriedIn,
    BondIssued,
    BondRegistered,
    DebtLimitSet,
    DebtMoved,
    InterestAccrued,
)
from budget.debt_register import (
    DEBT,
    DEBT_LIMIT,
    DEBT_NEEDS,
    GENERAL,
    KINDS,
    SPECIAL,
    moved_debt,
)
from ledger.account_set import division_of
from ledger.calendar import day_text, effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan

# by bond_type_code: the kind of fund in which its money lies, and the fund that is its money
KIND_OF_FUND = {GENERAL: "11", SPECIAL: "12"}
BOND_FUND = {GENERAL: "112", SPECIAL: "122"}
INTEREST, COST, PRINCIPAL, ON_LENDING = "51101", "51103", "51201", "51303"  # 政府经济 of debts
SERVICES = (INTEREST, COST, PRINCIPAL, ON_LENDING)


class DebtsKept(msgspec.Struct, frozen=True):
    """Whether a ledger keeps its debts: it has been told limits."""

    on: bool = False


def _kept(kept: DebtsKept, event: Event) -> DebtsKept:
    return DebtsKept(on=True) if isinstance(event, DebtLimitSet) else kept


DEBTS_KEPT = declare(Setting("debts", DebtsKept(), _kept))


class Bond(msgspec.Struct, frozen=True, kw_only=True):
    """A bond, or a loan of the tier above, and what was entered of it."""

    registered: BondRegistered
    issues: tuple[BondIssued, ...] = ()
    accruals: tuple[InterestAccrued, ...] = ()

    @property
    def is_loan(self) -> bool:
        """Whether the tier above has lent it on 转贷."""
        return self.registered.from_div_code != ""

    @property
    def begun_amt(self) -> str:
        """What had come for it when the ledger began."""
        begun = self.registered
        return begun.issued_amt if isinstance(begun, BondCarriedIn) else begun.opening_amt

    @property
    def kind_of_fund(self) -> str:
        return KIND_OF_FUND[self.registered.bond_type_code]


def _fold(bond: Bond | None, event: Event) -> Bond | None:
    if isinstance(event, BondRegistered):
        return Bond(registered=event)
    if bond is not None and isinstance(event, BondIssued):
        return msgspec.structs.replace(bond, issues=(*bond.issues, event))
    if bond is not None and isinstance(event, InterestAccrued):
        return msgspec.structs.replace(bond, accruals=(*bond.accruals, event))
    return bond


BOND: Kind[Bond] = Kind(name="bond", opened_by="bond.register", fold=_fold)


def require_bond(state: LedgerState, bond_code: str) -> Bond:
    """Raises Refusal ``element_invalid`` for one that nobody has registered."""
    if (bond := state.get(BOND, bond_code)) is None:
        raise _invalid(f"no bond {bond_code[:40]!r} is registered 债券未登记", "/bond_code")
    return bond


def _invalid(detail: str, pointer: str) -> Refusal:
    return Refusal(Code.ELEMENT_INVALID, detail, pointer=pointer)


# ---- commands


class SetDebtLimit(Command, frozen=True, kw_only=True):
    """债务限额: what may be owed of each kind, from here on; never below what is."""

    OPERATION: ClassVar[str] = "debt_limit.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "债务限额"
    NUMBER: ClassVar[str] = "debt_limit_no"
    KEEPS_REFUSAL: ClassVar[bool] = False
    debt_limit_no: str
    general_amt: str
    special_amt: str
    approval_doc_no: str

    def check(self) -> None:
        """Raises RequestError ``invalid_amount``, and ``malformed`` without an approval."""
        for name in ("general_amt", "special_amt"):
            parse_yuan(getattr(self, name), pointer=f"/{name}", zero=True)
        if not self.approval_doc_no:
            raise RequestError(
                Code.MALFORMED, "limits are approved by a document", pointer="/approval_doc_no"
            )

    def needs(self) -> Iterable[Need]:
        return DEBT_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, None)
        changes_fen = {
            kind: parse_yuan(amt, zero=True) - state.row(DEBT_LIMIT, kind).limit
            for kind, amt in zip(KINDS, (self.general_amt, self.special_amt), strict=True)
        }
        moved = [
            state.moved(DEBT_LIMIT, kind, day, {"free": fen, "limit": fen})
            for kind, fen in changes_fen.items()
        ]
        # point of no return
        limited = DebtLimitSet(
            debt_limit_no=self.debt_limit_no,
            general_amt=self.general_amt,
            special_amt=self.special_amt,
            general_change_amt=yuan(changes_fen[GENERAL]),
            special_change_amt=yuan(changes_fen[SPECIAL]),
            approval_doc_no=self.approval_doc_no,
            by=by,
        )
        return Decision(events=[(None, "", limited)], effective_on=day, moved=moved)


class RegisterBond(Command, frozen=True, kw_only=True):
    """债券登记. ``opening_amt`` is what is owed of it when the ledger begins 存量债务, for which no
    money comes any more."""

    OPERATION: ClassVar[str] = "bond.register"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "债券登记"
    NUMBER: ClassVar[str] = "bond_code"
    KIND: ClassVar[AnyKind] = BOND
    KEEPS_REFUSAL: ClassVar[bool] = False
    bond_code: str
    bond_name: str
    bond_type_code: str
    principal_amt: str
    int_rate: str
    int_times: str
    issue_date: date
    due_date: date
    pro_code: str = ""
    from_div_code: str = ""
    opening_amt: str = "0.00"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        days = {
            name: date.fromisoformat(getattr(told.event, name))
            for name in ("issue_date", "due_date")
        }
        return (cls(**fields_in(cls, told.event, **days)),)

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        principal_fen = parse_yuan(self.principal_amt, pointer="/principal_amt")
        opening_fen = parse_yuan(self.opening_amt, pointer="/opening_amt", zero=True)
        if opening_fen > principal_fen:
            raise RequestError(
                Code.MALFORMED, "no more is owed than was issued", pointer="/opening_amt"
            )
        if self.due_date <= self.issue_date:
            raise RequestError(
                Code.MALFORMED, "a bond is due after it is issued", pointer="/due_date"
            )

    def needs(self) -> Iterable[Need]:
        return (BOND, self.bond_code), *DEBT_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, None)
        if not state.settings.get(DEBTS_KEPT).on:
            raise Refusal(
                Code.INVALID_STATE, "the ledger has been told no limits of debt 未下达债务限额"
            )
        if self.pro_code:
            state.codes.check(
                "pro_code",
                self.pro_code,
                on=day,
                mof_div_code=division_of(state.ledger_id),
                pointer="/pro_code",
            )
        if self.from_div_code == division_of(state.ledger_id):
            raise _invalid("a division does not lend on to itself", "/from_div_code")
        opened = DebtMoved(
            bond_code=self.bond_code,
            bond_type_code=self.bond_type_code,
            issued_amt=self.opening_amt,
            owed_amt=self.opening_amt,
        )
        moved = moved_debt(state, day, opened) if stored_fen(self.opening_amt) else []
        # point of no return
        registered = BondRegistered(
            bond_code=self.bond_code,
            bond_name=self.bond_name,
            bond_type_code=self.bond_type_code,
            principal_amt=self.principal_amt,
            int_rate=self.int_rate,
            int_times=self.int_times,
            issue_date=day_text(self.issue_date),
            due_date=day_text(self.due_date),
            pro_code=self.pro_code,
            from_div_code=self.from_div_code,
            opening_amt=self.opening_amt,
            by=by,
        )
        told = [(None, "", opened)] if moved else []
        return Decision(
            events=[(BOND, self.bond_code, registered), *told], effective_on=day, moved=moved
        )


class AccrueInterest(Command, frozen=True, kw_only=True):
    """计提利息: 财务费用 and 应付利息, until it is paid."""

    OPERATION: ClassVar[str] = "bond.accrue"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "利息计提"
    NUMBER: ClassVar[str] = "int_accrual_no"
    KIND: ClassVar[AnyKind] = BOND
    bond_code: str
    int_accrual_no: str
    amt: str
    reason: str = ""
    effective_on: date | None = None

    def check(self) -> None:
        """Raises RequestError ``invalid_amount``."""
        parse_yuan(self.amt, pointer="/amt")

    def needs(self) -> Iterable[Need]:
        return (BOND, self.bond_code), *DEBT_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        bond = require_bond(state, self.bond_code)
        if not state.row(DEBT, self.bond_code).outstanding:
            raise Refusal(Code.INVALID_STATE, f"of bond {self.bond_code} nothing is owed")
        told = DebtMoved(
            bond_code=self.bond_code,
            bond_type_code=bond.registered.bond_type_code,
            accrued_amt=self.amt,
        )
        moved = moved_debt(state, day, told)
        # point of no return
        accrued = InterestAccrued(
            bond_code=self.bond_code,
            int_accrual_no=self.int_accrual_no,
            amt=self.amt,
            reason=self.reason,
            by=by,
        )
        entry = state.books(day).post(
            accrued.TYPE,
            source=state.next_position,
            number=self.int_accrual_no,
            amounts_fen={"accrued": parse_yuan(self.amt)},
            codes={"fund_type_code": bond.kind_of_fund},
        )
        return Decision(
            events=[
                (BOND, self.bond_code, accrued),
                (BOND, self.bond_code, entry),
                (None, "", told),
            ],
            effective_on=day,
            moved=moved,
        )
