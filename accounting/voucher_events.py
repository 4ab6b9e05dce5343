"""记账凭证: entries that an accountant makes by hand, and those that take them back."""

from typing import ClassVar

from accounting.entered_rows import EnteredRow, NamedAccount
from ledger.events import Event, Traits, register


class VoucherLine(EnteredRow, frozen=True, kw_only=True, omit_defaults=True):
    """An entry of a voucher; ``book`` says in which one its code is looked for, where need be."""

    book: str = ""


class AccountingVoucherEntered(Event, frozen=True, kw_only=True):
    """记账凭证 by hand, of the treasury's books or of one unit's; ``accounts`` are those of its
    lines, in their order. Its journal follows.

    ``vou_cnt`` is how many documents are attached (附单据数).
    """

    TYPE: ClassVar[str] = "accounting_voucher.entered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="accounting_voucher", asked_by="voucher.enter", step="journals", title="记账凭证"
    )
    voucher_no: str
    acct_period: str
    voucher_abs: str
    book: str = ""
    agency_code: str = ""
    vou_cnt: int = 0
    lines: tuple[VoucherLine, ...]
    accounts: tuple[NamedAccount, ...]
    by: str


class AccountingVoucherReversed(Event, frozen=True, kw_only=True):
    """红字冲销: the whole voucher is taken back, by a red one of its own number."""

    TYPE: ClassVar[str] = "accounting_voucher.reversed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="accounting_voucher", asked_by="voucher.reverse", step="journals", title="红字凭证"
    )
    voucher_no: str
    red_voucher_no: str
    reason: str
    by: str


register(AccountingVoucherEntered, AccountingVoucherReversed)
