"""专户支付: which special account pays for an indicator. Pure."""

from datetime import date

from budget.indicator import Indicator
from budget.special_funds import is_special
from division.payer import special_account_on
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal


def account_to_pay_from(state: LedgerState, indicator: Indicator, acct_no: str, day: date) -> str:
    """The number of the special account that pays from an indicator, the one that is named or that
    for its fund; "" of a fund that is paid from zero-balance accounts.

    Raises:
        Refusal: ``account_invalid``: there is none, or one is named for a fund that none pays.
    """
    fund = indicator.issued.fund_type_code
    if is_special(fund):
        return special_account_on(state, fund, acct_no, day, pointer="/pay_acct_no").acct_no
    if acct_no:
        raise Refusal(
            Code.ACCOUNT_INVALID,
            f"fund {fund} is not paid from a special account: the registers say which one pays",
            pointer="/pay_acct_no",
        )
    return ""
