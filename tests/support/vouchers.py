"""Vouchers by hand, as tests enter them."""

from typing import Any

from accounting.voucher_events import VoucherLine
from accounting.vouchers import EnterVoucher

SCHOOL = "101001"


def dr(amt: str, account: str, **said: Any) -> VoucherLine:
    return _line(1, amt, account, said)


def cr(amt: str, account: str, **said: Any) -> VoucherLine:
    return _line(-1, amt, account, said)


def _line(dr_cr: Any, amt: str, account: str, said: dict[str, Any]) -> VoucherLine:
    """The account by its official code, digits alone, or by the chart's own id."""
    named = {"acct_cls_code" if account.isdigit() else "acct_cls_id": account}
    return VoucherLine(dr_cr=dr_cr, amt=amt, **named, **said)


def voucher(number: str, *lines: VoucherLine, **said: Any) -> EnterVoucher:
    """Of March, and of the school where nothing else is said."""
    of = {} if "book" in said else {"agency_code": SCHOOL}
    asked: dict[str, Any] = {"acct_period": "2026-03", "voucher_abs": "手工凭证", **of, **said}
    return EnterVoucher(voucher_no=number, lines=lines, **asked)
