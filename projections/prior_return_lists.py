"""以前年度退回: what came back of the year before, in pages."""

import psycopg

from projections.core.listing import PAGE_SIZE, Filter, Listing, ListingPage
from projections.prior_returns import PRIOR_RETURNS, PriorReturnRow
from projections.queries import Filters, item_of, prefixes

_RETURNS = Listing(
    "payments",
    PRIOR_RETURNS.name,
    PriorReturnRow,
    ("position",),
    {
        "pay_app_no": Filter("pay_app_no = %s"),
        "bgt_id": Filter("bgt_id = %s"),
        "clear_no": Filter("clear_no = %s"),
        "agency_prefixes": Filter("agency_code ^@ ANY(%s)", prefixes),
    },
)


def list_prior_returns(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """In order, what each indicator of the year before had borne of a return. Filters:
    ``pay_app_no``, ``bgt_id`` (of this year), ``clear_no``.

    Raises:
        RequestError: ``malformed``.
    """
    rows, following, position = _RETURNS.page(
        connection, ledger_id, filters or {}, cursor, page_size
    )
    items = [item_of(row, leave_out=("claimable_on", "claim_no")) for row in rows]
    return ListingPage(items, following, position)
