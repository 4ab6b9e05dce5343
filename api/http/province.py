"""全省查询: payments, indicators and execution over all divisions that a caller may see.

What he may see the database holds him to (``projections.province.sight``); what is asked for here
narrows it, and can never widen it.
"""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from annotated_types import Interval
from fastapi import APIRouter, Query
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Caller
from api.http.admission import require_caller
from api.http.call import Call
from api.http.dependencies import Read
from api.http.models.enums import PaymentState, Tag
from api.http.pages import AskedPage, no_cursor, page_after, place_after, told_total
from api.http.parameters import WHOLE, Day, WithTotal
from api.http.problems import OF_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import Operation
from api.http.units import prefixes_of
from ledger.account_set import DIVISION_DIGITS
from ledger.deciding.state import BEIJING
from ledger.errors import AccessError, Code, RequestError
from ledger.money import yuan
from projections.province.execution import GROUPS, ExecutionRow, execution
from projections.province.lists import INDICATORS, PAYMENTS, ListQuery, ProvinceList, RowPlace
from projections.province.sight import Sight

FiscalYear = Annotated[int, Interval(ge=2000, le=2099), WHOLE, Query(examples=[2026])]
AskedDivision = Annotated[
    str, Query(description="what the codes of the divisions begin with", examples=["4401"])
]
GroupBy = StrEnum("GroupBy", {name.upper(): name for name in GROUPS})  # type: ignore[misc]

_BEGINNING = re.compile(rf"[0-9]{{0,{DIVISION_DIGITS}}}", re.ASCII)

router = APIRouter(route_class=Operation, tags=[Tag.PROVINCE])


class ProvincePaymentItem(msgspec.Struct, kw_only=True):
    """A payment of any division that the caller may see."""

    ledger: str
    mof_div_code: str
    pay_app_no: str
    status: PaymentState
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    pay_amt: str
    xpay_amt: str
    refund_amt: str
    pay_cert_no: str
    pay_bank_code: str
    effective_on: str
    applied_position: int


class ProvinceIndicatorItem(msgspec.Struct, kw_only=True):
    """An indicator of any division that the caller may see, with its figures."""

    ledger: str
    mof_div_code: str
    bgt_id: str
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
    exp_func_code: str
    exp_func_name: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    bgt_type_code: str
    amount: str
    pending_amt: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    effective_on: str


class ProvincePaymentPage(msgspec.Struct, kw_only=True):
    """A page; ``total`` rows come to ``sum_amt`` (of ``pay_amt``) where that was asked for."""

    items: list[ProvincePaymentItem]
    next_cursor: str | None
    total: int = UNSET  # type: ignore[assignment]
    sum_amt: str = UNSET  # type: ignore[assignment]


class ProvinceIndicatorPage(msgspec.Struct, kw_only=True):
    """A page; ``total`` rows come to ``sum_amt`` (of ``amount``) where that was asked for."""

    items: list[ProvinceIndicatorItem]
    next_cursor: str | None
    total: int = UNSET  # type: ignore[assignment]
    sum_amt: str = UNSET  # type: ignore[assignment]


class ExecutionFigures(msgspec.Struct, kw_only=True):
    """指标数, of which 待下达, 冻结, 占用, 支付, 可用; ``rate`` is what is paid, in per cent."""

    amount: str
    pending_amt: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    canuse_amt: str
    rate: str


class ExecutionItem(ExecutionFigures, kw_only=True):
    """Of one division, unit, fund, function, economic class or project, as was asked for."""

    mof_div_code: str = UNSET  # type: ignore[assignment]
    agency_code: str = UNSET  # type: ignore[assignment]
    agency_name: str = UNSET  # type: ignore[assignment]
    fund_type_code: str = UNSET  # type: ignore[assignment]
    exp_func_code: str = UNSET  # type: ignore[assignment]
    exp_func_name: str = UNSET  # type: ignore[assignment]
    gov_bgt_eco_code: str = UNSET  # type: ignore[assignment]
    pro_code: str = UNSET  # type: ignore[assignment]
    pro_name: str = UNSET  # type: ignore[assignment]


class ExecutionView(msgspec.Struct, kw_only=True):
    """全省执行情况; ``positions`` are of the ledgers that it is made of, up to where each is
    read."""

    fiscal_year: int
    division: str
    by: str
    rows: list[ExecutionItem]
    totals: ExecutionFigures
    positions: dict[str, int]


@router.get(
    "/v1/province/payments",
    operation_id="province.payments",
    summary="Payments of all divisions that the caller may see 全省支付查询",
    response_model=ProvincePaymentPage,
    responses=refusals(*OF_READ),
)
async def list_payments(
    call: Read,
    asked: AskedPage,
    fiscal_year: FiscalYear | None = None,
    division: AskedDivision = "",
    status: Annotated[str | None, PublishedAs(PaymentState)] = None,
    agency_code: str | None = None,
    pro_code: str | None = None,
    exp_func_code: str | None = None,
    gov_bgt_eco_code: str | None = None,
    fund_type_code: str | None = None,
    payee_acct_no: str | None = None,
    payee_acct_name: str | None = None,
    pay_cert_no: str | None = None,
    min_amt: str | None = None,
    max_amt: str | None = None,
    begins: Annotated[Day | None, Query(alias="from")] = None,
    ends: Annotated[Day | None, Query(alias="to")] = None,
    with_total: WithTotal = False,
) -> Response:
    """By their days, then by ledger and in the order of application; the cursor is asked for with
    the same filters again."""
    filters = {
        "status": status,
        "agency_code": agency_code,
        "pro_code": pro_code,
        "exp_func_code": exp_func_code,
        "gov_bgt_eco_code": gov_bgt_eco_code,
        "fund_type_code": fund_type_code,
        "payee_acct_no": payee_acct_no,
        "payee_acct_name": payee_acct_name,
        "pay_cert_no": pay_cert_no,
        "min_amt": min_amt,
        "max_amt": max_amt,
        "from": begins,
        "to": ends,
    }
    wanted = ListQuery(sight_of(call, division), year_of(call, fiscal_year), filters)
    return await _respond_with_page(call, asked, PAYMENTS, wanted, with_total)


@router.get(
    "/v1/province/indicators",
    operation_id="province.indicators",
    summary="Indicators of all divisions that the caller may see 全省指标查询",
    response_model=ProvinceIndicatorPage,
    responses=refusals(*OF_READ),
)
async def list_indicators(
    call: Read,
    asked: AskedPage,
    fiscal_year: FiscalYear | None = None,
    division: AskedDivision = "",
    agency_code: str | None = None,
    pro_code: str | None = None,
    exp_func_code: str | None = None,
    gov_bgt_eco_code: str | None = None,
    fund_type_code: str | None = None,
    with_total: WithTotal = False,
) -> Response:
    """By ledger and number; the cursor is asked for with the same filters again."""
    filters = {
        "agency_code": agency_code,
        "pro_code": pro_code,
        "exp_func_code": exp_func_code,
        "gov_bgt_eco_code": gov_bgt_eco_code,
        "fund_type_code": fund_type_code,
    }
    wanted = ListQuery(sight_of(call, division), year_of(call, fiscal_year), filters)
    return await _respond_with_page(call, asked, INDICATORS, wanted, with_total)


@router.get(
    "/v1/province/execution",
    operation_id="province.execution",
    summary="What is issued and paid over all divisions that the caller may see 全省执行情况",
    response_model=ExecutionView,
    responses=refusals(*OF_READ),
)
async def show_execution(
    call: Read,
    fiscal_year: FiscalYear | None = None,
    division: AskedDivision = "",
    by: Annotated[str, PublishedAs(GroupBy)] = "division",
) -> Response:
    """By divisions, their units, or elements over all of them. What goes between tiers is no
    unit's indicator, so nothing is counted twice."""
    if by not in GROUPS:
        raise RequestError(Code.MALFORMED, f"by is one of {', '.join(GROUPS)}", pointer="/by")
    sight, year = sight_of(call, division), year_of(call, fiscal_year)
    found = await call.read(lambda connection: execution(connection, sight, year, by))
    return call.respond(
        ExecutionView(
            fiscal_year=year,
            division=division,
            by=by,
            rows=[
                ExecutionItem(**dict(zip(found.columns, row.key, strict=True)), **_figures(row))
                for row in found.rows
            ],
            totals=ExecutionFigures(**_figures(found.total)),
            positions=found.positions,
        )
    )


def sight_of(call: Call, division: str) -> Sight:
    """What the caller sees of the divisions whose codes begin so.

    Raises:
        AccessError: ``unauthenticated``; ``forbidden`` where he sees none of them.
        RequestError: ``malformed``.
    """
    caller = require_caller(call)
    if not _BEGINNING.fullmatch(division):
        raise RequestError(Code.MALFORMED, "a division is up to nine digits", pointer="/division")
    return Sight(_narrower(caller, division), prefixes_of(caller, call.right))


def year_of(call: Call, fiscal_year: int | None) -> int:
    """The year that is asked for, else this one in Beijing."""
    return fiscal_year or call.treasury.now().astimezone(BEIJING).year


def _narrower(caller: Caller, division: str) -> str:
    if division.startswith(caller.division):
        return division
    if caller.division.startswith(division):
        return caller.division
    raise AccessError(Code.FORBIDDEN, f"divisions {division}… are outside the token's division")


async def _respond_with_page(
    call: Call,
    asked: AskedPage,
    of: ProvinceList[Any],
    wanted: ListQuery,
    with_total: bool,
) -> Response:
    after = _place(place_after(call, asked.cursor), of)

    def read(connection: Connection) -> dict[str, Any]:
        page = of.page(connection, wanted, after, asked.size)
        place = None if page.after is None else msgspec.json.encode(page.after).decode()
        shown = page_after(call, page.items, place)
        answer: dict[str, Any] = {"items": shown.items, "next_cursor": shown.next_cursor}
        if with_total:
            total = of.total(connection, wanted)
            answer |= told_total(total)
        return answer

    return call.respond(await call.read(read))


class _StoredPlace(msgspec.Struct, array_like=True):
    day: date | None
    ledger_id: Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
    within: (
        Annotated[str, msgspec.Meta(max_length=200)] | Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
    )


def _place(text: str, of: ProvinceList[Any]) -> RowPlace | None:
    """The place that a cursor holds; raises ``malformed`` for one of another list."""
    if not text:
        return None
    try:
        found = msgspec.json.decode(text, type=_StoredPlace)
    except msgspec.MsgspecError:
        found = None
    if found is not None and (found.day is not None, type(found.within)) == of.place_shape:
        return RowPlace(found.day, found.ledger_id, found.within)
    raise no_cursor()


def _figures(row: ExecutionRow) -> dict[str, str]:
    amount, pending, frozen, occupied, paid, canuse = map(yuan, row.amounts_fen)
    return {
        "amount": amount,
        "pending_amt": pending,
        "frozen_amt": frozen,
        "pay_app_amt": occupied,
        "pay_amt": paid,
        "canuse_amt": canuse,
        "rate": row.paid_rate,
    }
