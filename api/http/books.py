"""The books: journals and trial balance, from the read models; and refusals on record."""

from collections.abc import Callable
from typing import Any

import msgspec
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.door import Call, Operation, Route
from api.http.moments import (
    AS_OF_QUERY,
    as_of,
    no_as_of,
    wait_for_projections,
)
from api.http.pages import PAGE_QUERY, PAGE_SIZE, PAGE_SIZE_MAX
from projections import queries
from projections.core.moments import day_of
from projections.late_entries import LateEntries

_LEDGER = "/v1/ledgers/{ledger}"


class PageView(msgspec.Struct):
    """A page of a list; ``next_cursor`` is null on the last one."""

    items: list[dict[str, Any]]
    next_cursor: str | None


class AccountView(msgspec.Struct):
    book: str
    acct_cls_code: str
    acct_cls_name: str
    opening: str
    debit: str
    credit: str
    closing: str
    dr_cr: int


class TotalView(msgspec.Struct):
    book: str
    debit: str
    credit: str


class TrialBalanceView(msgspec.Struct):
    """``dr_cr`` is the side of ``closing``: 1 debit, -1 credit. ``late`` is null for now."""

    accounts: list[AccountView]
    totals: list[TotalView]
    late: LateEntries | None


Reader = Callable[..., queries.Page]


def list_route(name: str, path: str, summary: str, filters: tuple[str, ...], read: Reader) -> Route:
    """A list of a read model: ``read(connection, call, key, filters, cursor, page_size)``."""

    async def handle(call: Call) -> Response:
        query = call.request.query_params
        no_as_of(call)
        size = call.integer("page_size", PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
        asked = {filter_name: query.get(filter_name) for filter_name in filters}
        key = await call.admit()
        await wait_for_projections(call, key)
        page = await call.read(
            lambda connection: read(connection, call, key, asked, query.get("cursor"), size)
        )
        answer = {"items": page.items, "next_cursor": page.next_cursor}
        return call.respond(answer, position=page.position)

    operation = Operation(
        name=name,
        method="GET",
        path=path,
        right=Right.READ,
        summary=summary,
        answer=PageView,
        query=(*filters, *PAGE_QUERY),
    )
    return Route(operation, handle)


def _journals(connection: Connection, call: Call, key: int, *asked: Any) -> queries.Page:
    return queries.list_journals(connection, key, call.treasury.charts, *asked)


async def trial_balance(call: Call) -> Response:
    query = call.request.query_params
    moment = as_of(call)
    days = {f"{name}_day": day_of(query[name], name) for name in ("from", "to") if name in query}
    key = await call.admit()
    await wait_for_projections(call, key)
    balance = await call.read(
        lambda connection: queries.trial_balance(
            connection,
            key,
            call.treasury.charts,
            book=query.get("book"),
            as_of_effective=moment.effective,
            as_of_position=moment.position,
            as_of_recorded=moment.recorded,
            **days,
        )
    )
    answer = {
        "accounts": balance.accounts,
        "totals": balance.totals,
        "late": balance.late,
    }
    return call.respond(answer, position=balance.position)


ROUTES = (
    list_route(
        "journal.list",
        f"{_LEDGER}/journals",
        "Balanced journals with their lines, rule and rule version 记账凭证",
        ("source", "book", "from", "to"),
        _journals,
    ),
    Route(
        Operation(
            name="trial_balance.show",
            method="GET",
            path=f"{_LEDGER}/trial-balance",
            right=Right.READ,
            summary="Trial balance 余额表",
            answer=TrialBalanceView,
            query=("book", "from", "to", *AS_OF_QUERY),
        ),
        trial_balance,
    ),
    list_route(
        "refusal.list",
        f"{_LEDGER}/refusals",
        "Refusals of authenticated callers, which stand in the record",
        ("operation", "code", "by"),
        lambda connection, _call, key, *asked: queries.list_refusals(connection, key, *asked),
    ),
    list_route(
        "indicator.list",
        f"{_LEDGER}/indicators",
        "Indicators with their figures",
        ("agency_code",),
        lambda connection, _call, key, *asked: queries.list_indicators(connection, key, *asked),
    ),
    list_route(
        "payment.list",
        f"{_LEDGER}/payments",
        "Payments by date of application",
        ("status", "agency_code", "bgt_id", "from", "to"),
        lambda connection, _call, key, *asked: queries.list_payments(connection, key, *asked),
    ),
)
