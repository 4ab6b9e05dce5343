"""还本付息、转贷: what an allocation pays for debts, and what is owed behind it. Pure.

The central bank is ordered to pay as for every allocation, from an indicator of the debts' own
functions (230 转贷, 231 还本, 232 付息, 233 发行费用). What it has signed brings down what is owed.
"""

from datetime import date
from typing import NamedTuple

from budget.debt_events import BondServiced, DebtMoved
from budget.debt_register import DEBT, moved_debt
from budget.debts import (
    INTEREST,
    ON_LENDING,
    PRINCIPAL,
    SERVICES,
    require_bond,
)
from budget.events import IndicatorIssued
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan
from payments.order_events import AllocationOrdered
from payments.orders.ordering import kept_by

RETURNED_RULE = "bond.service_returned"


class ForBond(NamedTuple):
    """What of an order is said of its bond; "" of one that is for none."""

    bond_code: str = ""
    bond_type_code: str = ""
    from_div_code: str = ""
    rec_div_code: str = ""


class DebtChange(NamedTuple):
    """What an act changes of what is owed: the events that say so, and the rows behind it."""

    of_order: tuple[Event, ...] = ()
    told: tuple[DebtMoved, ...] = ()
    rows: tuple[MovedRow, ...] = ()


NO_CHANGE = DebtChange()


def bond_of_order(
    state: LedgerState, issued: IndicatorIssued, bond_code: str, rec_div_code: str
) -> ForBond:
    """The bond that an order is for: its indicator's. What is paid for debts says it again.

    Raises:
        Refusal: ``element_mismatch``, ``element_invalid``.
    """
    economy = issued.gov_bgt_eco_code
    is_service = economy in SERVICES and issued.bond_code != ""
    if bond_code != issued.bond_code and (bond_code or is_service):
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"indicator {issued.bgt_id} is of bond {issued.bond_code or 'none'}, not of"
            f" {bond_code or 'none'}",
            pointer="/bond_code",
            bgt_id=issued.bgt_id,
        )
    if (rec_div_code != "") != (is_service and economy == ON_LENDING):
        raise Refusal(
            Code.ELEMENT_INVALID,
            "转贷 names the division that it goes to, and nothing else does",
            pointer="/rec_div_code",
        )
    if not is_service:
        return ForBond(bond_code=issued.bond_code)
    registered = require_bond(state, bond_code).registered
    return ForBond(bond_code, registered.bond_type_code, registered.from_div_code, rec_div_code)


def debt_ordered(
    state: LedgerState, day: date, issued: IndicatorIssued, of: ForBond, amt: str
) -> DebtChange:
    """What an order takes: no more principal than is owed, and no more than has come is lent on.

    Raises:
        Refusal: ``exceeds_debt``.
    """
    less = yuan(-parse_yuan(amt))
    match issued.gov_bgt_eco_code if of.bond_type_code else "":
        case economy if economy == PRINCIPAL:
            return _changed(state, day, of, owed_amt=less, ordered_amt=amt)
        case economy if economy == ON_LENDING:
            return _changed(state, day, of, lent_amt=amt)
    return NO_CHANGE


def debt_answered(
    state: LedgerState, day: date, ordered: AllocationOrdered, paid_fen: int
) -> DebtChange:
    """Behind the central bank's receipt, which is over the whole order or rejects it."""
    of, less = _of(ordered), yuan(-stored_fen(ordered.amt))
    if not of.bond_type_code:
        return NO_CHANGE
    match ordered.gov_bgt_eco_code:
        case economy if economy == PRINCIPAL and paid_fen:
            of_loan_fen = paid_fen if of.from_div_code else 0
            serviced = _serviced(state, day, ordered, 0, of_loan_fen)
            return _changed(state, day, of, serviced, ordered_amt=less)
        case economy if economy == PRINCIPAL:
            return _changed(state, day, of, ordered_amt=less, owed_amt=ordered.amt)
        case economy if economy == ON_LENDING and not paid_fen:
            return _changed(state, day, of, lent_amt=less)
        case economy if economy == INTEREST and paid_fen:
            accrued_fen = min(_accrued_from(state, day, of.bond_code), paid_fen)
            if accrued_fen > 0:
                serviced = _serviced(state, day, ordered, accrued_fen, 0)
                return _changed(state, day, of, serviced, accrued_amt=yuan(-accrued_fen))
    return NO_CHANGE


def debt_returned(
    state: LedgerState, day: date, ordered: AllocationOrdered, accrued_left_fen: int, amt: str
) -> DebtChange:
    """Behind what the central bank says came back: it is owed again, or no more lent on.

    Args:
        accrued_left_fen: what of the order has settled interest that was accrued.

    Raises:
        Refusal: ``insufficient_ceiling`` where the limit has been lowered meanwhile.
    """
    of, amount_fen = _of(ordered), parse_yuan(amt)
    if not of.bond_type_code:
        return NO_CHANGE
    match ordered.gov_bgt_eco_code:
        case economy if economy == PRINCIPAL:
            of_loan_fen = amount_fen if of.from_div_code else 0
            serviced = _serviced(state, day, ordered, 0, -of_loan_fen)
            return _changed(state, day, of, serviced, owed_amt=amt)
        case economy if economy == ON_LENDING:
            return _changed(state, day, of, lent_amt=yuan(-amount_fen))
        case economy if economy == INTEREST:
            accrued_fen = min(accrued_left_fen, amount_fen)
            if accrued_fen:
                serviced = _serviced(state, day, ordered, -accrued_fen, 0)
                return _changed(state, day, of, serviced, accrued_amt=yuan(accrued_fen))
    return NO_CHANGE


def _of(ordered: AllocationOrdered) -> ForBond:
    return ForBond(
        ordered.bond_code, ordered.bond_type_code, ordered.from_div_code, ordered.rec_div_code
    )


def _accrued_from(state: LedgerState, day: date, bond_code: str) -> int:
    """The interest that is accrued on a day and on every later one, in fen."""
    levels = state.row_on(DEBT, bond_code, day).levels(day)
    return min(level.accrued for _, level in levels)


def _changed(
    state: LedgerState,
    day: date,
    of: ForBond,
    of_order: tuple[Event, ...] = (),
    **amounts: str,
) -> DebtChange:
    told = DebtMoved(bond_code=of.bond_code, bond_type_code=of.bond_type_code, **amounts)
    return DebtChange(of_order, (told,), tuple(moved_debt(state, day, told)))


def _serviced(
    state: LedgerState, day: date, ordered: AllocationOrdered, accrued_fen: int, of_loan_fen: int
) -> tuple[Event, ...]:
    """The event and its journal; none where the order's own journal has booked it all."""
    if not accrued_fen and not of_loan_fen:
        return ()
    serviced = BondServiced(
        alloc_no=ordered.alloc_no,
        bond_code=ordered.bond_code,
        accrued_amt=yuan(accrued_fen),
        of_loan_amt=yuan(of_loan_fen),
    )
    is_back = accrued_fen < 0 or of_loan_fen < 0
    codes = {"fund_type_code": ordered.fund_type_code}
    entry = state.books(day).post(
        RETURNED_RULE if is_back else serviced.TYPE,
        source=state.next_position,
        number=ordered.alloc_no,
        amounts_fen={"accrued": abs(accrued_fen), "of_loan": abs(of_loan_fen)},
        codes=codes,
    )
    return serviced, kept_by(entry, codes)
