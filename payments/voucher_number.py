"""支付凭证号: a voucher's number, made of what the caller repeats. Pure.

It is made of the ledger and the payment's own number, not of a place in the history: a payment that
is told again after a loss of history reaches the bank under the number it had, and another payment
never does.
"""

import html
import re

from ledger.account_set import ledger_id
from ledger.gm import sm3

LEDGER_DIGITS, HASH_DIGITS = 13, 22
FORMER_DIGITS = 10  # of the position that numbers ended with before
_BILL_NO = re.compile(rb"<BillNo>([^<]{1,400})</BillNo>")
_NUMBER = re.compile(r"[0-9]{23}|[0-9]{35}", re.ASCII)
_HASH_BYTES = 16
_PLACES = 10**HASH_DIGITS


def voucher_number(key: int, pay_app_no: str) -> str:
    """35 digits: division, year, and 22 digits of SM3 over the payment's number.

    Of a hundred million vouchers of one ledger two would have one number with a chance of one in
    two million.
    """
    digest = sm3(f"{key}\n{pay_app_no}".encode())
    place = int.from_bytes(digest[:_HASH_BYTES], "big") % _PLACES
    return str(key * _PLACES + place).zfill(LEDGER_DIGITS + HASH_DIGITS)


def ledger_of_voucher(pay_cert_no: str) -> int | None:
    """The ledger a voucher number belongs to, or None if it is not one of ours."""
    if _NUMBER.fullmatch(pay_cert_no) is None:
        return None
    return ledger_id(pay_cert_no[:9], int(pay_cert_no[9:LEDGER_DIGITS]))


def bill_no(document: bytes) -> str:
    """支付申请编号, as a voucher or its receipt bears it; "" where there is none.

    Only to find a payment: who finds it compares the voucher's number.
    """
    found = _BILL_NO.search(document)
    return html.unescape(found[1].decode("gb18030", errors="replace")) if found else ""
