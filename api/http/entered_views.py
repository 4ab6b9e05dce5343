"""What an accountant has entered, as it is shown: a row of openings, an entry of a voucher."""

from collections.abc import Iterable
from typing import Any

import msgspec

from accounting.entered_rows import NamedAccount


class EnteredRowView(msgspec.Struct, kw_only=True, gc=False):
    """A balance or an entry; ``acct_cls_code`` is "" where no official code is established,
    ``dimensions`` are the elements that it is kept by."""

    acct_cls_id: str
    acct_cls_code: str
    acct_cls_name: str
    dr_cr: int
    amt: str
    dimensions: dict[str, str]


def entered_views(rows: Iterable[Any], accounts: Iterable[NamedAccount]) -> list[EnteredRowView]:
    """Rows (``EnteredRow``), each with the account that it was entered on."""
    return [
        EnteredRowView(
            acct_cls_id=account.acct_cls_id,
            acct_cls_code=account.acct_cls_code,
            acct_cls_name=account.acct_cls_name,
            dr_cr=row.dr_cr,
            amt=row.amt,
            dimensions=row.codes,
        )
        for row, account in zip(rows, accounts, strict=True)
    ]
