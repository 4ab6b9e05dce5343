"""国库单一账户 of a division at the central bank, as orders name it.

Its number follows from the division's code, so whoever enters a dispatch cannot choose who is paid.
"""

from payments.signing.voucher_document import TREASURY_BANK_CODE

PAYEE_BANK = "国家金库"
_SUFFIX = "01"


def payee_account(div_code: str) -> str:
    return f"{TREASURY_BANK_CODE}{div_code}{_SUFFIX}"


def payee_name(div_code: str) -> str:
    return f"{div_code}国库单一账户"


def division_paid(acct_no: str) -> str:
    """The division whose treasury has this account; "" of another account."""
    div_code = acct_no.removeprefix(TREASURY_BANK_CODE).removesuffix(_SUFFIX)
    is_one = len(div_code) == len("440000000") and div_code.isascii() and div_code.isdigit()
    return div_code if is_one and payee_account(div_code) == acct_no else ""
