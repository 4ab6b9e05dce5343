"""退款通知: what a refund books against the bank's signed document, field by field.

The bank's signature is the one thing that an operator cannot forge. So number, day, amount, lines
and payees of each refund are read from the document again and compared with the event; the payment
too, unless persons have said of which one it is.
"""

from ledger.errors import GuokuError
from ledger.money import yuan
from payments.events import PaymentRefunded
from payments.messages import refund_notices


def disagreement(refunded: PaymentRefunded, document: bytes) -> str:
    """The first thing in which an event and its notice differ; "" where they agree."""
    try:
        notice = refund_notices.parse(document)
    except GuokuError as error:
        return f"the notice cannot be read: {error.detail} 退款通知不可读"
    lines = [(line.id, yuan(line.pay_amt), line.payee_acct_no) for line in notice.details]
    booked = [
        (line.pay_detail_id, line.refund_amt, line.payee_acct_no) for line in refunded.returned
    ]
    if len(lines) == len(booked) == 1:  # whose id may be the bank's own, or said by persons
        lines = [("", *lines[0][1:])]
        booked = [("", *booked[0][1:])]
    said = {
        "VtCode": (notice.vt_code, refunded.vt_code),
        "VoucherNo": (notice.voucher_no, refunded.notice_no),
        "PayDate": (notice.pay_date.isoformat(), refunded.refund_date),
        "PayAmt": (yuan(notice.pay_amt), refunded.refund_amt),
        "AgentBusinessNo": (notice.serial, refunded.agent_business_no),
        "DetailList": (lines, booked),
    }
    for name, (theirs, ours) in said.items():
        if theirs != ours:
            return f"{name} is {theirs} in the bank's notice and {ours} in the books 与退款通知不符"
    named = {refunded.pay_cert_no, refunded.pay_app_no}
    if not refunded.suspense_no and named.isdisjoint(notice.originals):
        return f"the bank's notice is of {', '.join(notice.originals)} 与退款通知不符"
    return ""
