"""付款账户: the account that a voucher is paid from, and the one that reimburses it, on a day.

A unit is paid for from its own zero-balance account 单位零余额 or, where it has none, from the
treasury's 财政零余额; of several that would do, from the one that is for the fund. Nothing is made
up: as soon as a division has registered an account to pay from, one has to be there.

财政专户管理资金 is paid from its special account, 单位资金 from the unit's own, without a
zero-balance account, and nothing reimburses that.
"""

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from division.account import (
    SPECIAL,
    TREASURY_SINGLE,
    TREASURY_ZERO,
    UNIT_OWN,
    UNIT_ZERO,
    BankAccount,
)
from division.agencies import agency_on
from division.knowledge import own_division
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal

DEPARTMENT_DIGITS = 3  # 一级预算单位: the first three digits of a unit's code
OF_THE_TREASURY = ""  # in the place of a unit


class Payer(msgspec.Struct, frozen=True):
    """What the registers say of who pays, on a voucher's day; "" where they say nothing."""

    pay_acct_no: str
    pay_acct_name: str
    pay_acct_bank_name: str
    clear_acct_no: str
    clear_acct_name: str
    clear_acct_bank_name: str
    sup_dep_name: str
    mof_dep_code: str


def payer_on(
    state: LedgerState, agency_code: str, fund_type_code: str, pay_bank_code: str, day: date
) -> Payer | None:
    """Who pays for a unit through a bank; None where the registers know neither unit nor account.

    Raises:
        Refusal: ``account_invalid``: accounts to pay from are registered, and none of them is the
            unit's or the treasury's, for this fund, at this bank, open on the day.
    """
    if state.standing is None or not (division := own_division(state)).is_open:
        return None

    def find(owner: str, acc_type_code: str) -> BankAccount | None:
        registered = (each.on(day) for each in division.accounts.get(owner, ()))
        return _best(registered, acc_type_code, fund_type_code, pay_bank_code)

    pays = find(agency_code, UNIT_ZERO) or find(OF_THE_TREASURY, TREASURY_ZERO)
    if pays is None and division.pays_from_registered:
        raise Refusal(
            Code.ACCOUNT_INVALID,
            f"no account pays for {agency_code} from fund {fund_type_code} through bank"
            f" {pay_bank_code} on {day} 付款账户未登记或已销户",
        )
    payer = _payer(state, agency_code, pays, find(OF_THE_TREASURY, TREASURY_SINGLE), day)
    return payer if payer != _NOBODY else None


def special_payer(state: LedgerState, agency_code: str, special: BankAccount, day: date) -> Payer:
    """Who pays for a unit where a special account does, or its own."""
    return _payer(state, agency_code, special, None, day)


def special_account_on(
    state: LedgerState,
    fund_type_code: str,
    acct_no: str,
    day: date,
    *,
    agency_code: str = OF_THE_TREASURY,
    pointer: str,
) -> BankAccount:
    """The division's special account 财政专户 for a fund, or that of a unit 单位实有资金: the one
    that is named, or else the one that says most of the fund, of several the first by its number.

    Args:
        agency_code: the unit whose own account it is.

    Raises:
        Refusal: ``account_invalid``: none is registered for the fund and open on the day, or not
            the one that is named.
    """
    registered = own_division(state).accounts.get(agency_code, ())
    acc_type_code = UNIT_OWN if agency_code else SPECIAL
    of_day = (each.on(day) for each in registered)
    would_do = [
        each
        for each in of_day
        if each is not None
        and each.acc_type_code == acc_type_code
        and acct_no in ("", each.acct_no)
        and fund_type_code.startswith(each.fund_type_code)
    ]
    found = min(would_do, key=lambda a: (-len(a.fund_type_code), a.acct_no), default=None)
    if found is None:
        kind, title = ("special account", "财政专户")
        if agency_code:
            kind, title = (f"account of {agency_code}'s own", "单位实有资金账户")
        which = f"{acct_no} is no {kind}" if acct_no else f"no {kind} is registered"
        raise Refusal(
            Code.ACCOUNT_INVALID,
            f"{which} for fund {fund_type_code} on {day} {title}未登记或已销户",
            pointer=pointer,
        )
    return found


def _payer(
    state: LedgerState,
    agency_code: str,
    pays: BankAccount | None,
    clears: BankAccount | None,
    day: date,
) -> Payer:
    agency = agency_on(state, agency_code, day)
    department = agency_on(state, agency_code[:DEPARTMENT_DIGITS], day)
    return Payer(
        *_names_of(pays),
        *_names_of(clears),
        sup_dep_name=department.agency_name if department else "",
        mof_dep_code=agency.mof_dep_code if agency else "",
    )


_NOBODY = Payer(*("" for _ in Payer.__struct_fields__))


def _names_of(account: BankAccount | None) -> tuple[str, str, str]:
    if account is None:
        return ("", "", "")
    return account.acct_no, account.acct_name, account.acct_bank_name


def _best(
    accounts: Iterable[BankAccount | None], acc_type_code: str, fund_type_code: str, bank: str
) -> BankAccount | None:
    """Of the accounts that would do the one that says most of fund and bank, then the first by its
    number."""

    def would_do() -> Iterator[BankAccount]:
        for account in accounts:
            if (
                account is not None
                and account.acc_type_code == acc_type_code
                and fund_type_code.startswith(account.fund_type_code)
                and (acc_type_code == TREASURY_SINGLE or account.pay_bank_code in ("", bank))
            ):
                yield account

    def rank(account: BankAccount) -> tuple[int, bool, str]:
        return -len(account.fund_type_code), not account.pay_bank_code, account.acct_no

    return min(would_do(), key=rank, default=None)
