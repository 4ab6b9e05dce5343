"""采购计划: what of an indicator is held for a purchase; register, adjust, show, list."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, place_after
from api.http.parameters import PurPlanNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import object_now
from api.http.units import prefixes_of, require_agencies
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan
from ledger.reading.loading import read_rows
from payments.contracts.plan import PLANS, PURCHASE_PLAN, PurchasePlan, Uncontracted
from payments.contracts.planning import AdjustPurchasePlan, RegisterPurchasePlan
from projections.contract_lists import PurchaseFilter, plans_page

_ALL = "/v1/ledgers/{ledger}/purchase-plans"
_ONE = _ALL + "/{pur_plan_no}"
_CODES = (
    Code.PERIOD_CLOSED,
    Code.INDICATOR_NOT_EXECUTABLE,
    Code.INSUFFICIENT_INDICATOR,
)

router = APIRouter(route_class=Operation, tags=[Tag.INDICATORS])


class PlanChangeView(msgspec.Struct, kw_only=True, gc=False):
    """An adjustment: ``pur_amt`` is what was planned behind it."""

    adj_no: str
    adj_amt: str
    pur_amt: str
    reason: str
    by: str


class PurchasePlanView(msgspec.Struct, kw_only=True):
    """A plan as it stands: of ``pur_amt`` contracts have ``contracted_amt``, ``left_amt`` no
    contract has. What is not paid of either is frozen on the indicator."""

    ledger: str
    pur_plan_no: str
    bgt_id: str
    agency_code: str
    pur_class: str
    pur_amt: str
    contracted_amt: str
    left_amt: str
    adjustments: list[PlanChangeView]
    by: str
    commit: Committed = UNSET


def plan_view(key: int, plan: PurchasePlan, left_amt: str, commit: Any = UNSET) -> PurchasePlanView:
    registered = plan.registered
    return PurchasePlanView(
        ledger=ledger_text(key),
        pur_plan_no=plan.pur_plan_no,
        bgt_id=plan.bgt_id,
        agency_code=plan.agency_code,
        pur_class=registered.pur_class,
        pur_amt=plan.pur_amt,
        contracted_amt=yuan(stored_fen(plan.pur_amt) - stored_fen(left_amt)),
        left_amt=left_amt,
        adjustments=[
            PlanChangeView(
                adj_no=each.adj_no,
                adj_amt=each.adj_amt,
                pur_amt=each.pur_amt,
                reason=each.reason,
                by=each.by,
            )
            for each in plan.adjusted
        ],
        by=registered.by,
        commit=commit,
    )


def _changed(key: int, _command: Command, outcome: Outcome) -> Any:
    plan: PurchasePlan = outcome.subjects[0]
    return plan_view(key, plan, plan.left_amt, commit_view(outcome.commit))


@router.get(
    _ALL,
    operation_id="purchase_plan.list",
    summary="Purchase plans by their numbers 采购计划清单",
    response_model=Page[PurchasePlanView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_plans(
    call: LedgerRead, asked: AskedPage, agency_code: str = "", bgt_id: str = ""
) -> Response:
    """Of a unit, of an indicator, or all."""
    key = await admit(call)
    await wait_for_head(call, key)
    prefixes = prefixes_of(call.caller, call.right)
    wanted = PurchaseFilter(agency_code, bgt_id=bgt_id, prefixes=prefixes)
    after = place_after(call, asked.cursor)
    page = await call.read(
        lambda connection: plans_page(connection, key, wanted, after, asked.size)
    )
    items = [plan_view(key, plan, yuan(row.left)) for plan, row in page.items]
    return call.respond(page_after(call, items, page.after), position=page.position)


@router.get(
    _ONE,
    operation_id="purchase_plan.show",
    summary="A purchase plan, and what of it no contract has 采购计划",
    response_model=PurchasePlanView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_plan(call: LedgerRead, pur_plan_no: PurPlanNo) -> Response:
    key = await admit(call, number=pur_plan_no)
    await wait_for_head(call, key)

    def read(connection: Connection) -> tuple[int, PurchasePlan, Uncontracted]:
        position, plan = object_now(connection, key, PURCHASE_PLAN, pur_plan_no)
        return position, plan, read_rows(connection, key, PLANS, [pur_plan_no])[pur_plan_no]

    position, plan, row = await call.read(read)
    await require_agencies(call, key, [(pur_plan_no, plan.agency_code)])
    return call.respond(plan_view(key, plan, yuan(row.left)), position=position)


DIRECT = (
    CommandRoute(
        RegisterPurchasePlan,
        _ALL,
        right=Right.CONTRACT,
        view=_changed,
        answer=PurchasePlanView,
        summary="Register a purchase plan 采购计划: its amount is frozen on the indicator",
        tag=Tag.INDICATORS,
        status=201,
        codes=(*_CODES, Code.INDICATOR_NOT_FOUND, Code.ELEMENT_INVALID),
    ),
    CommandRoute(
        AdjustPurchasePlan,
        f"{_ONE}/adjustments",
        in_path=("pur_plan_no",),
        right=Right.CONTRACT,
        view=_changed,
        answer=PurchasePlanView,
        summary="Hold more for a purchase, or less 采购计划调整",
        tag=Tag.INDICATORS,
        codes=(*_CODES, Code.INSUFFICIENT_PURCHASE_PLAN, Code.NOT_FOUND),
    ),
)
