"""查询: what banks were found to have after a loss of history."""

from typing import ClassVar

from ledger.events import LEDGER, Event, Traits, Yuan, register


class VoucherFoundAtBank(Event, frozen=True, kw_only=True):
    """查询: after a loss of history the bank was asked for numbers in doubt, and knows this one.

    It books nothing: money that has moved is booked on the bank's receipt. ``pay_app_no`` is the
    one that the bank's voucher bears, "" for a claim; ``in_books`` whether the books have it;
    ``place`` counts the banks that know it.
    """

    TYPE: ClassVar[str] = "voucher.found_at_bank"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="voucher.found_at_bank", title="银行已知凭证"
    )
    voucher_no: str
    pay_app_no: str = ""
    paid_amt: Yuan
    bank: str
    in_books: bool
    epoch_name: str
    place: int = 1
    by: str


register(VoucherFoundAtBank)
