"""专户支付, 单位资金支付: which account pays for a fund that no zero-balance account does."""

from datetime import date

from budget.indicator import Indicator
from budget.special_funds import is_of_unit, lies_elsewhere
from division.account import BankAccount
from division.payer import OF_THE_TREASURY, special_account_on
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from payments.special_accounts.cash import (
    NOTHING_MOVED,
    SpecialMove,
    account_key,
    moved_special,
)


def taken_of(
    state: LedgerState, indicator: Indicator, acct_no: str, day: date, pay_fen: int
) -> tuple[str, SpecialMove]:
    """The number of the special account, or of the unit's own, that pays from an indicator, the one
    that is named or that for its fund, and what is taken of it; "" and nothing of a fund that is
    paid from zero-balance accounts.

    Raises:
        Refusal: ``account_invalid``: there is none, or one is named for a fund that none pays;
            ``insufficient_cash``.
    """
    issued = indicator.issued
    fund, agency_code = issued.fund_type_code, issued.agency_code
    if lies_elsewhere(fund):
        pays = paying_account(state, fund, agency_code, acct_no, day, pointer="/pay_acct_no")
        key = account_key(pays.acct_no, fund, agency_code)
        return pays.acct_no, moved_special(state, day, key, claimed_fen=pay_fen)
    if acct_no:
        raise Refusal(
            Code.ACCOUNT_INVALID,
            f"fund {fund} is not paid from a special account: the registers say which one pays",
            pointer="/pay_acct_no",
        )
    return "", NOTHING_MOVED


def paying_account(
    state: LedgerState, fund: str, agency_code: str, acct_no: str, day: date, *, pointer: str
) -> BankAccount:
    """The account in which a fund lies that a unit spends, as it is on a day.

    Raises:
        Refusal: ``account_invalid``: there is none, or not the one that is named.
    """
    owner = agency_code if is_of_unit(fund) else OF_THE_TREASURY
    return special_account_on(state, fund, acct_no, day, agency_code=owner, pointer=pointer)
