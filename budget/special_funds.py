"""财政专户管理资金: the funds that do not lie at the treasury, and whether a ledger pays them."""

import msgspec

from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, LedgerOpened

SPECIAL_FUNDS = "2"  # what their codes begin with


class SpecialAccountsKept(msgspec.Struct, frozen=True):
    """Whether a ledger keeps special accounts 财政专户, and pays from them; one that an earlier
    release opened does not know of it."""

    on: bool = False


def _kept(kept: SpecialAccountsKept, event: Event) -> SpecialAccountsKept:
    return SpecialAccountsKept(event.special_accounts) if isinstance(event, LedgerOpened) else kept


SPECIAL_ACCOUNTS_KEPT = declare(Setting("special_accounts", SpecialAccountsKept(), _kept))


def is_special(fund_type_code: str) -> bool:
    """Whether a fund lies in special accounts."""
    return fund_type_code.startswith(SPECIAL_FUNDS)


def require_kept(state: LedgerState, fund_type_code: str, pointer: str) -> None:
    """Refuses with ``element_invalid`` what lies in special accounts where the ledger keeps none:
    the central bank does not pay it."""
    if is_special(fund_type_code) and not state.settings.get(SPECIAL_ACCOUNTS_KEPT).on:
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"资金性质 {fund_type_code} is paid from special accounts (财政专户), which this "
            "ledger was opened without; it is not claimed from the central bank",
            pointer=pointer,
        )


def require_treasury_money(fund_type_code: str, pointer: str) -> None:
    """Refuses with ``element_invalid`` what the central bank does not pay."""
    if is_special(fund_type_code):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"资金性质 {fund_type_code} lies in special accounts (财政专户), not at the treasury: "
            "the central bank does not pay it",
            pointer=pointer,
        )
