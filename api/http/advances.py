"""预拨、暂付: order an advance, turn it into an expense, recover it; what stands out by age."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import AsOf, wait_for_head
from api.http.order_reads import show_order, show_orders
from api.http.pages import AskedPage
from api.http.parameters import AdvNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import is_own
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan
from payments.order_events import AdvanceExpensed, AdvanceReturned, AdvanceStepReversed
from payments.orders.advance import ADVANCE, Advance, AdvanceStep
from payments.orders.advance_policy import ADVANCE_POLICY, SetAdvancePolicy
from payments.orders.advance_steps import ExpenseAdvance, RecoverAdvance
from payments.orders.advances import OrderAdvance
from payments.orders.reversing import ReverseAdvanceStep
from projections.orders import AGES, OLDER, StandingAt, standing_out_at

_LEDGER = "/v1/ledgers/{ledger}"
_ALL = _LEDGER + "/advances"
_ONE = _ALL + "/{adv_no}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class AdvanceStepView(msgspec.Struct, kw_only=True, gc=False):
    """What lowered an advance: ``kind`` is ``expensed``, ``recovered`` or ``returned``; of what the
    central bank returned, ``step_no`` is the number of its notice."""

    kind: str
    step_no: str
    amt: str
    bgt_id: str
    reason: str


class AdvanceView(msgspec.Struct, kw_only=True):
    """An advance; ``left_amt`` stands out. ``status`` is ``ordered``, ``paid`` or ``rejected``, why
    is in ``rejected``; ``paid_on`` is the day on which it was booked."""

    ledger: str
    adv_no: str
    status: str
    acct_cls_id: str
    acct_cls_name: str
    object: str
    agency_code: str
    fund_type_code: str
    amt: str
    left_amt: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    payee_bank_no: str
    reason: str
    due_on: str | None
    approval_doc_no: str | None
    cash_acct: str
    voucher_no: str
    order_date: str
    paid_on: str
    rejected: str
    steps: list[AdvanceStepView]
    by: str
    commit: Committed = UNSET


class AgedAdvance(msgspec.Struct, kw_only=True, gc=False):
    """``days`` since it was paid, null while it is under way; ``age`` names the span of days."""

    adv_no: str
    acct_cls_id: str
    acct_cls_name: str
    object: str
    agency_code: str
    fund_type_code: str
    amt: str
    left_amt: str
    paid_on: str
    due_on: str | None
    days: int | None
    age: str
    is_overdue: bool


class AgeSum(msgspec.Struct, kw_only=True, gc=False):
    """What stands out on an account, of one age."""

    acct_cls_id: str
    acct_cls_name: str
    age: str
    left_amt: str


class AdvanceAgeing(msgspec.Struct, kw_only=True):
    """账龄: what stands out on a day; ``ordered_amt`` is under way, null is no limit."""

    ledger: str
    on: str
    total: str
    ordered_amt: str
    limit_amt: str | None
    sums: list[AgeSum]
    advances: list[AgedAdvance]


class AdvancePolicyView(msgspec.Struct, kw_only=True):
    """暂付款限额; null is no limit."""

    ledger: str
    limit_amt: str | None
    commit: Committed = UNSET


def _step(step: AdvanceStep) -> AdvanceStepView:
    kind = step.TYPE.partition(".")[2]
    number = step.notice_no if isinstance(step, AdvanceReturned) else step.step_no
    bgt_id = step.bgt_id if isinstance(step, AdvanceExpensed | AdvanceStepReversed) else ""
    return AdvanceStepView(
        kind=kind, step_no=number, amt=step.amt, bgt_id=bgt_id, reason=step.reason
    )


def _view(key: int, advance: Advance, commit: Any = UNSET) -> AdvanceView:
    ordered = advance.ordered
    return AdvanceView(
        ledger=ledger_text(key),
        adv_no=ordered.adv_no,
        status=advance.status,
        acct_cls_id=ordered.acct_cls_id,
        acct_cls_name=ordered.acct_cls_name,
        object=ordered.object,
        agency_code=ordered.agency_code,
        fund_type_code=ordered.fund_type_code,
        amt=ordered.amt,
        left_amt=yuan(advance.left_fen),
        payee_acct_name=ordered.payee_acct_name,
        payee_acct_no=ordered.payee_acct_no,
        payee_acct_bank_name=ordered.payee_acct_bank_name,
        payee_bank_no=ordered.payee_bank_no,
        reason=ordered.reason,
        due_on=ordered.due_on or None,
        approval_doc_no=ordered.approval_doc_no or None,
        cash_acct=ordered.cash_acct,
        voucher_no=ordered.voucher_no,
        order_date=ordered.order_date,
        paid_on=advance.paid_on,
        rejected=advance.receipt.rejected if advance.receipt else "",
        steps=[_step(step) for step in advance.steps],
        by=ordered.by,
        commit=commit,
    )


def _done(key: int, _command: Command, outcome: Outcome) -> AdvanceView:
    advance = next(each for each in outcome.subjects if isinstance(each, Advance))
    return _view(key, advance, commit_view(outcome.commit))


@router.get(
    _ALL,
    operation_id="advance.list",
    summary="Advances in the order in which they were ordered 预拨暂付",
    response_model=Page[AdvanceView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_all(call: LedgerRead, asked: AskedPage) -> Response:
    return await show_orders(call, asked, ADVANCE, _view)


@router.get(
    _ONE,
    operation_id="advance.show",
    summary="An advance with what has lowered it",
    response_model=AdvanceView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_advance(call: LedgerRead, adv_no: AdvNo) -> Response:
    return await show_order(call, ADVANCE, adv_no, _view)


@router.get(
    _LEDGER + "/advance-ageing",
    operation_id="advance.ageing",
    summary="What stands out of advances, by account and age 暂付款账龄",
    response_model=AdvanceAgeing,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_ageing(call: LedgerRead, moment: AsOf) -> Response:
    """Now, or as of a moment; the age is that of its day. A unit sees what is of its own."""
    key = await admit(call)
    await wait_for_head(call, key)
    limit_amt = (await call.head(key)).settings.get(ADVANCE_POLICY).limit_amt
    found = await call.read(lambda connection: standing_out_at(connection, key, moment))
    own = [each for each in found.advances if is_own(call, each.advance.ordered.agency_code)]
    found = found._replace(advances=own)
    return call.respond(_ageing(key, found, limit_amt), position=found.position)


def _ageing(key: int, found: StandingAt, limit_amt: str) -> AdvanceAgeing:
    sums: dict[tuple[str, str, str], int] = {}
    for advance, _, age in found.advances:
        if age:
            place = advance.ordered.acct_cls_id, advance.ordered.acct_cls_name, age
            sums[place] = sums.get(place, 0) + advance.left_fen
    ages = [*(name for name, _ in AGES), OLDER]
    in_order = sorted(sums.items(), key=lambda each: (each[0][0], ages.index(each[0][2])))
    ordered = [each.advance.ordered.amt for each in found.advances if not each.age]
    on = found.on.isoformat()
    return AdvanceAgeing(
        ledger=ledger_text(key),
        on=on,
        total=yuan(sum(sums.values())),
        ordered_amt=yuan(sum(map(stored_fen, ordered))),
        limit_amt=limit_amt or None,
        sums=[
            AgeSum(acct_cls_id=id_, acct_cls_name=name, age=age, left_amt=yuan(fen))
            for (id_, name, age), fen in in_order
        ],
        advances=[
            AgedAdvance(
                adv_no=advance.ordered.adv_no,
                acct_cls_id=advance.ordered.acct_cls_id,
                acct_cls_name=advance.ordered.acct_cls_name,
                object=advance.ordered.object,
                agency_code=advance.ordered.agency_code,
                fund_type_code=advance.ordered.fund_type_code,
                amt=advance.ordered.amt,
                left_amt=yuan(advance.left_fen),
                paid_on=advance.paid_on,
                due_on=advance.ordered.due_on or None,
                days=days,
                age=age,
                is_overdue=bool(age) and "" < advance.ordered.due_on < on,
            )
            for advance, days, age in found.advances
        ],
    )


@router.get(
    _LEDGER + "/advance-policy",
    operation_id="advance_policy.show",
    summary="How much may stand out as advances 暂付款限额",
    response_model=AdvancePolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    limit_amt = head.settings.get(ADVANCE_POLICY).limit_amt
    shown = AdvancePolicyView(ledger=ledger_text(head.ledger_id), limit_amt=limit_amt or None)
    return call.respond(shown, position=head.position)


def _policy(key: int, command: Command, outcome: Outcome) -> AdvancePolicyView:
    assert isinstance(command, SetAdvancePolicy)
    return AdvancePolicyView(
        ledger=ledger_text(key),
        limit_amt=command.limit_amt or None,
        commit=commit_view(outcome.commit),
    )


_STEP_CODES = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.EXCEEDS_ADVANCE,
    Code.INVALID_STATE,
    Code.NOT_FOUND,
)

DIRECT = (
    CommandRoute(
        OrderAdvance,
        _ALL,
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=AdvanceView,
        summary="Order an advance 预拨、暂付: the central bank pays it",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.NOT_A_WORKDAY,
            Code.ELEMENT_INVALID,
            Code.INSUFFICIENT_CEILING,
            Code.INSUFFICIENT_CASH,
        ),
    ),
    CommandRoute(
        ExpenseAdvance,
        _ONE + "/to-expense",
        in_path=("adv_no",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=AdvanceView,
        summary="Turn an advance into an expense of an indicator 转列支出",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            *_STEP_CODES,
            Code.INDICATOR_NOT_FOUND,
            Code.INDICATOR_NOT_EXECUTABLE,
            Code.ELEMENT_MISMATCH,
            Code.CONTRACT_REQUIRED,
            Code.INTERCEPTED,
            Code.INSUFFICIENT_PLAN,
            Code.INSUFFICIENT_INDICATOR,
        ),
    ),
    CommandRoute(
        RecoverAdvance,
        _ONE + "/recover",
        in_path=("adv_no",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=AdvanceView,
        summary="Book that an advance has come back 收回",
        tag=Tag.BOOKS,
        status=201,
        codes=_STEP_CODES,
    ),
    CommandRoute(
        ReverseAdvanceStep,
        _ONE + "/reverse",
        in_path=("adv_no",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=AdvanceView,
        summary="Take back a step that was entered by mistake 红冲",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.INDICATOR_NOT_FOUND,
            Code.INVALID_STATE,
            Code.NOT_FOUND,
            Code.INSUFFICIENT_INDICATOR,
            Code.INSUFFICIENT_CASH,
        ),
    ),
    CommandRoute(
        SetAdvancePolicy,
        _LEDGER + "/advance-policy",
        method="PUT",
        right=Right.ADMINISTER,
        view=_policy,
        answer=AdvancePolicyView,
        summary="Set how much may stand out as advances; empty is no limit",
        tag=Tag.BOOKS,
    ),
)
