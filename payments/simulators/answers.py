"""What a simulated bank does with a voucher, and says of it."""

import msgspec

from payments.simulators.returned import PaidLine


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a counterparty says under a number of its own."""

    vt_code: str
    voucher_no: str
    document: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a counterparty does with one voucher.

    Attributes:
        amount_fen: paid; negative where it goes back.
        receipt: the form it answers with, not yet signed; empty where notices are the answer.
        notices: what it says behind the receipt.
        pay_app_no, lines: what of it can come back later.
        delays_s: when the receipt is sent, counted from now; empty for never.
        after_next: it is sent after the next receipt that is sent by itself.
        returned: the form it answers with where it is stopped before that.
    """

    amount_fen: int
    receipt: bytes
    return_reason: str = ""
    delays_s: tuple[float, ...] = (0.0,)
    after_next: bool = False
    notices: tuple[Notice, ...] = ()
    pay_app_no: str = ""
    lines: tuple[PaidLine, ...] = ()
    returned: bytes = b""
