"""更正: corrections in pages."""

from typing import LiteralString

import psycopg

from ledger.money import yuan
from projections.core.listing import PAGE_SIZE, Filter, Listing, ListingPage
from projections.corrections import CORRECTED, CORRECTIONS, CorrectionRow
from projections.queries import Filters, prefixes

_EITHER_SIDE: LiteralString = "%s IN (from_bgt_id, to_bgt_id)"
_CORRECTIONS = Listing(
    "payments",
    CORRECTIONS.name,
    CorrectionRow,
    ("position",),
    {
        "kind": Filter("kind = %s"),
        "pay_app_no": Filter("pay_app_no = %s"),
        "bgt_id": Filter(_EITHER_SIDE),
        "agency_prefixes": Filter("agency_code ^@ ANY(%s)", prefixes),
    },
)


def list_corrections(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """Corrections in order. Filters: ``pay_app_no``, ``bgt_id`` (of either side).

    Raises:
        RequestError: ``malformed``.
    """
    given = {"kind": CORRECTED, **(filters or {})}
    rows, following, position = _CORRECTIONS.page(connection, ledger_id, given, cursor, page_size)
    items = [
        {
            "position": row.position,
            "cor_no": row.cor_no,
            "pay_app_no": row.pay_app_no,
            "pay_detail_id": row.pay_detail_id,
            "agency_code": row.agency_code,
            "from_bgt_id": row.from_bgt_id,
            "to_bgt_id": row.to_bgt_id,
            "amt": yuan(row.cor_fen),
            "reason": row.reason,
            "effective_on": row.effective_on.isoformat(),
        }
        for row in rows
    ]
    return ListingPage(items, following, position)
