"""债务承接: the next year owes what the year before has left owed, in its limits. Pure decisions.

Nobody asks for it over the network: the program brings it before the carried indicators, whose
bonds are there then. The command holds what it brings, whole, so that it is decided again from the
record, and is held against that year's.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import ClassVar

import msgspec

from budget.debt_events import BondCarriedIn, BondRegistered, DebtMoved, DebtsCarriedIn
from budget.debt_register import (
    DEBT,
    DEBT_LIMIT,
    DEBT_NEEDS,
    GENERAL,
    SPECIAL,
    Debt,
    debt_changes,
    outstanding_change,
)
from budget.debts import BOND, DEBTS_KEPT
from ledger.account_set import require_year_before
from ledger.calendar import first_open_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan, yuan

_SAID = ("from_ledger", "from_position", "from_chain", "general_amt", "special_amt", "bonds_sm3")


class CarriedBond(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bond as the year before has left it; see ``BondCarriedIn``."""

    bond_code: str
    bond_name: str
    bond_type_code: str
    principal_amt: str
    int_rate: str
    int_times: str
    issue_date: str
    due_date: str
    pro_code: str = ""
    from_div_code: str = ""
    opening_amt: str
    issued_amt: str
    accrued_amt: str
    lent_amt: str


_LEFT = ("opening_amt", "issued_amt", "accrued_amt", "lent_amt")
_TERMS = tuple(name for name in CarriedBond.__struct_fields__ if name not in _LEFT)


def as_carried(registered: BondRegistered, row: Debt | None) -> CarriedBond:
    """A bond with what its row says at the year's end; a repayment that is ordered is owed."""
    left = row or Debt()
    return CarriedBond(
        **{name: getattr(registered, name) for name in _TERMS},
        opening_amt=yuan(left.outstanding),
        issued_amt=yuan(left.issued),
        accrued_amt=yuan(left.accrued),
        lent_amt=yuan(left.lent),
    )


def as_begun(begun: BondCarriedIn) -> CarriedBond:
    """A bond as the year begins with it."""
    return CarriedBond(**{name: getattr(begun, name) for name in CarriedBond.__struct_fields__})


class TakeDebts(Command, frozen=True, kw_only=True):
    """债务承接: limits and bonds, all of them or none; ``from_position`` is that of the closing of
    ``from_ledger``."""

    OPERATION: ClassVar[str] = "year_end.take_debts"
    NUMBER: ClassVar[str] = "from_ledger"
    KEEPS_REFUSAL: ClassVar[bool] = False
    from_ledger: str
    from_position: int
    from_chain: str
    general_amt: str
    special_amt: str
    bonds: tuple[CarriedBond, ...]

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """The bonds are told behind the event."""
        begun = (event for event in told.behind() if isinstance(event, BondCarriedIn))
        bonds = tuple(map(as_begun, begun))
        return (cls(**fields_in(cls, told.event, bonds=bonds)),)

    @property
    def bonds_sm3(self) -> str:
        """SM3 of what is brought, hex."""
        return hashlib.new("sm3", msgspec.json.encode(self.bonds)).hexdigest()

    @property
    def body(self) -> object:
        """What is brought stands behind the event; its SM3 stands for it."""
        return {name: getattr(self, name) for name in _SAID}

    @classmethod
    def bodies_in(cls, event: DebtsCarriedIn, day: date) -> Iterable[object]:
        return ({name: getattr(event, name) for name in _SAID},)

    def needs(self) -> Iterable[Need]:
        return *((BOND, bond.bond_code) for bond in self.bonds), *DEBT_NEEDS

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_before(state.ledger_id, self.from_ledger)
        if state.settings.get(DEBTS_KEPT).on:
            raise Refusal(Code.ALREADY_OPENED, "the ledger has been told its debts 已下达债务限额")
        day = first_open_day(state, date(state.fiscal_year, 1, 1))
        told = [_left(bond) for bond in self.bonds]
        moved = _rows(state, day, self, told)
        # point of no return
        head = DebtsCarriedIn(
            debt_limit_no=self.from_ledger,
            general_amt=self.general_amt,
            special_amt=self.special_amt,
            general_change_amt=self.general_amt,
            special_change_amt=self.special_amt,
            approval_doc_no="",
            from_ledger=self.from_ledger,
            from_position=self.from_position,
            from_chain=self.from_chain,
            bonds_sm3=self.bonds_sm3,
            by=by,
        )
        events: list[tuple[AnyKind | None, str, Event]] = [(None, "", head)]
        for bond, left in zip(self.bonds, told, strict=True):
            said = msgspec.structs.asdict(bond)
            begun = BondCarriedIn(**said, from_ledger=self.from_ledger, by=by)
            events += [(BOND, bond.bond_code, begun), (None, "", left)]
        opens = [(BOND, bond.bond_code) for bond in self.bonds]
        return Decision(events=events, effective_on=day, moved=moved, opens=opens)


def _left(bond: CarriedBond) -> DebtMoved:
    return DebtMoved(
        bond_code=bond.bond_code,
        bond_type_code=bond.bond_type_code,
        issued_amt=bond.issued_amt,
        owed_amt=bond.opening_amt,
        accrued_amt=bond.accrued_amt,
        lent_amt=bond.lent_amt,
    )


def _rows(
    state: LedgerState, day: date, asked: TakeDebts, told: Iterable[DebtMoved]
) -> list[MovedRow]:
    """Each bond's row, and by kind what the limit leaves of it."""
    limits = {
        kind: parse_yuan(amt, zero=True)
        for kind, amt in ((GENERAL, asked.general_amt), (SPECIAL, asked.special_amt))
    }
    owed = dict.fromkeys(limits, 0)
    rows = []
    for left in told:
        owed[left.bond_type_code] += outstanding_change(left)
        rows.append(state.moved(DEBT, left.bond_code, day, debt_changes(left)))
    return [
        *(
            state.moved(DEBT_LIMIT, kind, day, {"free": fen - owed[kind], "limit": fen})
            for kind, fen in limits.items()
        ),
        *rows,
    ]
