"""The books: journals and trial balance, from the read models; and refusals on record."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from psycopg import Connection
from starlette.responses import Response

from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Book, BookName, ProblemCode, Tag
from api.http.models.lists import JournalItem, Page, RefusalItem
from api.http.models.shown import shown_as
from api.http.moments import AsOf, wait_for_projections
from api.http.pages import AskedPage, respond_with_page
from api.http.parameters import Day, Position
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import Operation
from api.http.units import prefixes_of
from projections import queries
from projections.core.listing import a_text
from projections.core.moments import day_of
from projections.journal_lists import list_journals as journals_of
from projections.late_entries import LateEntries

_LEDGER = "/v1/ledgers/{ledger}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])

From = Annotated[Day | None, Query(alias="from")]
To = Annotated[Day | None, Query(alias="to")]


def _sliced(
    agency_code: str | None = None,
    exp_func_code: str | None = None,
    gov_bgt_eco_code: str | None = None,
    fund_type_code: str | None = None,
    pro_code: str | None = None,
) -> dict[str, str | None]:
    """辅助核算: the elements by which the books are sliced."""
    return {
        "agency_code": agency_code,
        "exp_func_code": exp_func_code,
        "gov_bgt_eco_code": gov_bgt_eco_code,
        "fund_type_code": fund_type_code,
        "pro_code": pro_code,
    }


SlicedBy = Annotated[dict[str, str | None], Depends(_sliced)]


class AccountView(msgspec.Struct):
    book: BookName
    acct_cls_id: str
    acct_cls_code: str
    acct_cls_name: str
    opening: str
    debit: str
    credit: str
    closing: str
    dr_cr: int


class TotalView(msgspec.Struct):
    book: BookName
    debit: str
    credit: str


class TrialBalanceView(msgspec.Struct):
    """``dr_cr`` is the side of ``closing``: 1 debit, -1 credit. ``late`` is null for now."""

    accounts: Annotated[list[dict[str, Any]], shown_as(list[AccountView])]
    totals: Annotated[list[dict[str, str]], shown_as(list[TotalView])]
    late: LateEntries | None


@router.get(
    _LEDGER + "/journals",
    operation_id="journal.list",
    summary="Balanced journals with their lines, rule and rule version 记账凭证",
    response_model=Page[JournalItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_journals(
    call: LedgerRead,
    asked: AskedPage,
    sliced: SlicedBy,
    source: Position | None = None,
    book: Book | None = None,
    since: From = None,
    upto: To = None,
) -> Response:
    """A unit sees the lines of its own units."""
    prefixes = prefixes_of(call.caller, call.right)
    filters = {
        **sliced,
        "source": None if source is None else str(source),
        "book": book,
        "from": since,
        "to": upto,
    }

    def read(connection: Connection, key: int, *asked: Any) -> queries.ListingPage:
        return journals_of(connection, key, call.treasury.charts, *asked, agency_prefixes=prefixes)

    return await respond_with_page(call, asked, filters, read)


@router.get(
    _LEDGER + "/trial-balance",
    operation_id="trial_balance.show",
    summary="Trial balance 余额表",
    response_model=TrialBalanceView,
    responses=refusals(*OF_LEDGER_READ),
)
async def trial_balance(
    call: LedgerRead,
    moment: AsOf,
    sliced: SlicedBy,
    book: Book | None = None,
    since: From = None,
    upto: To = None,
) -> Response:
    """A unit sees what of the books is of its own units."""
    prefixes = prefixes_of(call.caller, call.right)
    codes = {name: a_text(code, f"/{name}") for name, code in sliced.items() if code}
    from_day = None if since is None else day_of(since, "from")
    to_day = None if upto is None else day_of(upto, "to")
    key = await admit(call)
    await wait_for_projections(call, key)
    found = await call.read(
        lambda connection: queries.trial_balance(
            connection,
            key,
            call.treasury.charts,
            book=book,
            from_day=from_day,
            to_day=to_day,
            as_of_effective=moment.effective,
            as_of_position=moment.position,
            as_of_recorded=moment.recorded,
            sliced=codes,
            agency_prefixes=prefixes,
        )
    )
    answer = TrialBalanceView(found.accounts, found.totals, found.late)
    return call.respond(answer, position=found.position)


@router.get(
    _LEDGER + "/refusals",
    operation_id="refusal.list",
    summary="Refusals of authenticated callers, which stand in the record",
    response_model=Page[RefusalItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_refusals(
    call: LedgerRead,
    asked: AskedPage,
    operation: str | None = None,
    code: ProblemCode | None = None,
    by: str | None = None,
) -> Response:
    """A unit sees its own."""
    by = call.caller.principal if prefixes_of(call.caller, call.right) else by
    filters = {"operation": operation, "code": code, "by": by}
    return await respond_with_page(call, asked, filters, queries.list_refusals)
