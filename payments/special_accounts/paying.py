"""专户支付: which special account pays for an indicator. Pure."""

from datetime import date

from budget.special_funds import is_special
from division.payer import special_account_on
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal


def account_to_pay_from(
    state: LedgerState, fund_type_code: str, acct_no: str, day: date, *, pointer: str
) -> str:
    """The number of the special account that pays from a fund, the named one or that for the fund;
    "" of a fund that is paid from zero-balance accounts.

    Raises:
        Refusal: ``account_invalid``: there is none, or one is named for a fund that none pays.
    """
    if is_special(fund_type_code):
        return special_account_on(state, fund_type_code, acct_no, day, pointer=pointer).acct_no
    if acct_no:
        raise Refusal(
            Code.ACCOUNT_INVALID,
            f"fund {fund_type_code} is not paid from a special account: which account pays, the "
            "registers say",
            pointer=pointer,
        )
    return ""
