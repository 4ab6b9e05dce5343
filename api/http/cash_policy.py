"""库款控制 and 库款保障: whether cash is controlled, what is kept back, and how long it lasts."""

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.moments import wait_for_projections
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from ledger.account_set import fiscal_year_of, ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.money import yuan
from payments.clearing.cash_policy import CASH_POLICY, CashPolicy, SetCashPolicy
from payments.delivery.held_by import business_today
from projections.cash_coverage import KindOfFund, Level, coverage

_LEDGER = "/v1/ledgers/{ledger}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class ReserveView(msgspec.Struct, kw_only=True):
    """What is kept back of a kind of fund (11, 12, 13)."""

    fund_type_code: str
    amt: str


class GuaranteeView(msgspec.Struct, kw_only=True):
    """三保: what is paid under codes that begin so is for ``guarantee``; "" fits all."""

    guarantee: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str


class CashPolicyView(msgspec.Struct, kw_only=True):
    """``cash_control`` null: claims above what lies there are refused from the first act on that
    names a treasury account. ``reserves`` by kind of fund are for the ``guarantees`` 三保 alone."""

    ledger: str
    cash_control: bool | None
    reserves: list[ReserveView]
    guarantees: list[GuaranteeView]
    commit: Committed = UNSET


class OutlayView(msgspec.Struct, kw_only=True):
    """What went out of 国库存款 in a month."""

    month: str
    amt: str


class CoverageOfFundView(msgspec.Struct, kw_only=True):
    """Of a kind of fund (11, 12, 13), what lies there and what will be claimed of it.

    ``claimed`` is under way to the central bank, ``uncleared`` paid by banks and not claimed,
    ``promised`` approved and not paid since a reserve is kept, ``applied`` waits for approval;
    ``…_guaranteed`` is for one of the three guarantees 三保, which may take
    ``left_for_guarantees``, the others ``left_for_others``. ``reserve`` null: none is kept, and
    approvals do not wait for cash."""

    fund_type_code: str
    acct: str
    balance: str
    claimed: str
    uncleared: str
    promised_guaranteed: str
    promised_other: str
    applied_guaranteed: str
    applied_other: str
    reserve: str | None
    left_for_guarantees: str
    left_for_others: str


class CoverageView(msgspec.Struct, kw_only=True):
    """库款保障水平: ``cover_months`` is the balance over the average outlay of a month, ``level``
    low below 0.30, idle above 0.80; null where nothing went out."""

    ledger: str
    date: str
    balance: str
    average_outlay: str
    cover_months: str | None
    cover_days: int | None
    level: Level | None
    outlays: list[OutlayView]
    funds: list[CoverageOfFundView]


@router.get(
    _LEDGER + "/cash-policy",
    operation_id="cash_policy.show",
    summary="Whether cash is controlled, and what is kept back for what 库款控制",
    response_model=CashPolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    shown = _shown(head.ledger_id, head.settings.get(CASH_POLICY))
    return call.respond(shown, position=head.position)


def _shown(key: int, policy: CashPolicy | SetCashPolicy) -> CashPolicyView:
    return CashPolicyView(
        ledger=ledger_text(key),
        cash_control=policy.cash_control,
        reserves=[
            ReserveView(fund_type_code=each.fund_type_code, amt=each.amt)
            for each in policy.reserves
        ],
        guarantees=[
            GuaranteeView(
                guarantee=each.guarantee,
                exp_func_code=each.exp_func_code,
                gov_bgt_eco_code=each.gov_bgt_eco_code,
                dep_bgt_eco_code=each.dep_bgt_eco_code,
            )
            for each in policy.guarantees
        ],
    )


@router.get(
    _LEDGER + "/cash/coverage",
    operation_id="cash.coverage",
    summary="How long cash lasts, what will be claimed of it, and who waits 库款保障",
    response_model=CoverageView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_coverage(call: LedgerRead) -> Response:
    key = await admit(call)
    await require_all_units(call, key, "the treasury's cash")
    await wait_for_projections(call, key)
    today = business_today(call.treasury.now())
    found = await call.read(
        lambda connection: coverage(connection, key, call.treasury.charts, today)
    )
    year, months = fiscal_year_of(key), found.cover_hundredths
    shown = CoverageView(
        ledger=ledger_text(key),
        date=today.isoformat(),
        balance=yuan(found.balance_fen),
        average_outlay=yuan(found.average_fen),
        cover_months=None if months is None else _two_places(months),
        cover_days=found.cover_days,
        level=found.level,
        outlays=[
            OutlayView(month=f"{year}-{month:02}", amt=yuan(fen))
            for month, fen in found.outlays.items()
        ],
        funds=[_of_fund(each) for each in found.kinds],
    )
    return call.respond(shown, position=found.position)


def _two_places(hundredths: int) -> str:
    sign, whole = "-" if hundredths < 0 else "", abs(hundredths)
    return f"{sign}{whole // 100}.{whole % 100:02}"


def _of_fund(found: KindOfFund) -> CoverageOfFundView:
    spare = found.spare
    return CoverageOfFundView(
        fund_type_code=spare.kind,
        acct=spare.acct,
        balance=yuan(found.cash.balance),
        claimed=yuan(found.cash.claimed),
        uncleared=yuan(spare.uncleared),
        promised_guaranteed=yuan(spare.promised.guaranteed),
        promised_other=yuan(spare.promised.other),
        applied_guaranteed=yuan(found.applied.guaranteed),
        applied_other=yuan(found.applied.other),
        reserve=None if found.reserve_fen is None else yuan(found.reserve_fen),
        left_for_guarantees=yuan(spare.left_for("guaranteed")),
        left_for_others=yuan(spare.left_for("")),
    )


def _policy(key: int, command: Command, outcome: Outcome) -> CashPolicyView:
    assert isinstance(command, SetCashPolicy)
    shown = _shown(key, command)
    shown.commit = commit_view(outcome.commit)
    return shown


DIRECT = (
    CommandRoute(
        SetCashPolicy,
        _LEDGER + "/cash-policy",
        method="PUT",
        right=Right.ADMINISTER,
        view=_policy,
        answer=CashPolicyView,
        summary="Set whether cash is controlled, and what is kept back for what 库款控制",
        tag=Tag.BOOKS,
    ),
)
