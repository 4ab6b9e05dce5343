"""回单明细: the lines of a bank's receipt, held to those of the voucher. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import parse_yuan
from payments.events import FailedDetail
from payments.payment import SINGLE_DETAIL_ID, Payment


class ReceiptLine(msgspec.Struct, frozen=True):
    """A detail as the bank answers it; amounts in fen."""

    pay_detail_id: str
    payee_acct_no: str
    pay_fen: int
    xpay_fen: int
    xadd_word: str


def failed_of(
    payment: Payment, pay_cert_no: str, lines: Sequence[ReceiptLine], xpay_fen: int
) -> tuple[FailedDetail, ...]:
    """The failed lines of a receipt over ``xpay_fen``.

    Raises:
        Refusal: ``receipt_mismatch`` unless it fits the voucher.
    """
    assert payment.approved is not None
    if pay_cert_no != payment.pay_cert_no:
        raise _mismatch(f"its voucher is not that of payment {payment.pay_app_no}")
    theirs = {line.pay_detail_id: (line.payee_acct_no, line.pay_fen) for line in lines}
    if len(theirs) != len(lines) or theirs != lines_due(payment):
        raise _mismatch("its lines are not those of the voucher")
    paid_fen = 0
    for line in lines:
        if line.xpay_fen not in (0, line.pay_fen):
            raise _mismatch("a line is neither paid in full nor failed")
        paid_fen += line.xpay_fen
    if paid_fen != xpay_fen:
        raise _mismatch("its total is not the sum of its lines")
    if paid_fen == payment.pay_fen:
        return ()
    failed = (line for line in lines if line.xpay_fen == 0)
    return tuple(FailedDetail(line.pay_detail_id, line.xadd_word) for line in failed)


def lines_due(payment: Payment) -> dict[str, tuple[str, int]]:
    """(account, fen) of each detail."""
    applied = payment.applied
    if not applied.details:
        return {SINGLE_DETAIL_ID: (applied.payee_acct_no, payment.pay_fen)}
    return {d.pay_detail_id: (d.payee_acct_no, parse_yuan(d.pay_amt)) for d in applied.details}


def answered(
    lines: dict[str, tuple[str, int]], failed: Sequence[FailedDetail]
) -> Iterator[ReceiptLine]:
    """The lines of a receipt, those that failed first."""
    for detail in failed:
        account, fen = lines.pop(detail.pay_detail_id)
        yield ReceiptLine(detail.pay_detail_id, account, fen, 0, detail.xadd_word)
    for id_, (account, fen) in lines.items():
        yield ReceiptLine(id_, account, fen, fen, "")


def _mismatch(detail: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, f"the receipt is refused: {detail}")
