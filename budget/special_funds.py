"""财政专户管理资金, 单位资金: funds that do not lie at the treasury, and whether they are paid."""

from collections.abc import Mapping

import msgspec

from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, LedgerOpened

SPECIAL_FUNDS, UNIT_FUNDS = "2", "3"  # what their codes begin with
ELSEWHERE = (SPECIAL_FUNDS, UNIT_FUNDS)  # what lies in accounts of its own, and not at the treasury
_WHERE: Mapping[str, str] = {
    SPECIAL_FUNDS: "special accounts (财政专户)",
    UNIT_FUNDS: "the units' own accounts (单位资金)",
}


class SpecialAccountsKept(msgspec.Struct, frozen=True):
    """Whether a ledger keeps special accounts 财政专户, and pays from them; one that an earlier
    release opened does not know of it."""

    on: bool = False


class UnitFundsKept(msgspec.Struct, frozen=True):
    """The same of the units' own money 单位资金."""

    on: bool = False


class TreasuryTransfers(msgspec.Struct, frozen=True):
    """Whether transfers to tiers below are of the treasury's money alone; an earlier release sent
    any fund."""

    on: bool = False


def _special(kept: SpecialAccountsKept, event: Event) -> SpecialAccountsKept:
    return SpecialAccountsKept(event.special_accounts) if isinstance(event, LedgerOpened) else kept


def _of_units(kept: UnitFundsKept, event: Event) -> UnitFundsKept:
    return UnitFundsKept(event.unit_funds) if isinstance(event, LedgerOpened) else kept


def _of_transfers(alone: TreasuryTransfers, event: Event) -> TreasuryTransfers:
    return TreasuryTransfers(event.treasury_transfers) if isinstance(event, LedgerOpened) else alone


SPECIAL_ACCOUNTS_KEPT = declare(Setting("special_accounts", SpecialAccountsKept(), _special))
UNIT_FUNDS_KEPT = declare(Setting("unit_funds", UnitFundsKept(), _of_units))
TREASURY_TRANSFERS = declare(Setting("treasury_transfers", TreasuryTransfers(), _of_transfers))


def lies_elsewhere(fund_type_code: str) -> bool:
    """Whether a fund lies in accounts of its own, special ones or the units', and is paid from
    them: the central bank does not know of it."""
    return fund_type_code.startswith(ELSEWHERE)


def is_special(fund_type_code: str) -> bool:
    """Whether a fund lies in special accounts."""
    return fund_type_code.startswith(SPECIAL_FUNDS)


def is_of_unit(fund_type_code: str) -> bool:
    """Whether a fund is a unit's own 单位资金."""
    return fund_type_code.startswith(UNIT_FUNDS)


def is_kept(state: LedgerState, fund_type_code: str) -> bool:
    """Whether the ledger knows the accounts in which a fund lies."""
    if is_of_unit(fund_type_code):
        return state.settings.get(UNIT_FUNDS_KEPT).on
    return state.settings.get(SPECIAL_ACCOUNTS_KEPT).on


def is_units_money(state: LedgerState, fund_type_code: str) -> bool:
    """Whether a fund lies in units' own accounts, which the ledger knows of."""
    return is_of_unit(fund_type_code) and is_kept(state, fund_type_code)


def require_kept(state: LedgerState, fund_type_code: str, pointer: str) -> None:
    """Refuses with ``element_invalid`` what lies in accounts of its own where the ledger keeps none
    of them: the central bank does not pay it."""
    if lies_elsewhere(fund_type_code) and not is_kept(state, fund_type_code):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"资金性质 {fund_type_code} is paid from {_WHERE[fund_type_code[0]]}, which this "
            "ledger was opened without; it is not claimed from the central bank",
            pointer=pointer,
        )


def require_treasury_money(fund_type_code: str, pointer: str) -> None:
    """Refuses with ``element_invalid`` what the central bank does not pay."""
    if lies_elsewhere(fund_type_code):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"资金性质 {fund_type_code} lies in {_WHERE[fund_type_code[0]]}, not at the treasury: "
            "the central bank does not pay it",
            pointer=pointer,
        )
