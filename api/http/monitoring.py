"""动态监控: rules of a division's year, what they have hit, and letting a held payment go on."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.division_lists import DivisionRead
from api.http.division_routes import OF_DIVISION, DivisionRoute, Shown, admit_to_division
from api.http.models.enums import HitStatus, PaymentState, RuleControl, Tag
from api.http.models.lists import Page
from api.http.moments import AsOf, setting_as_of, wait_for_head
from api.http.pages import AskedPage, page_after, place_after
from api.http.parameters import WHOLE, DivisionCode
from api.http.payments import payment_act
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import ANSWERS, DirectAnswer, DirectRoute, Operation
from api.http.units import prefixes_of
from api.http.views import Committed, commit_view
from division.monitor_events import MonitorRule
from division.monitor_rules import MONITOR_RULES, SetMonitorRules
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from payments.releasing import ReleasePayment
from projections.monitor_lists import HitFilter, ListedHit, RuleCount, hits_by_rule, hits_page

_HITS = "/v1/ledgers/{ledger}/monitor-hits"
_RULES = "monitor-rules"

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


class ConditionView(msgspec.Struct, kw_only=True, gc=False):
    """A field compared with values; ``within_days`` of what is counted over days."""

    field: str
    op: str
    values: tuple[str, ...]
    within_days: int | None


class MonitorRuleView(msgspec.Struct, kw_only=True, gc=False):
    """A rule; its days are "" where it holds the whole year."""

    rule_code: str
    rule_name: str
    control: str
    when: list[ConditionView]
    start_date: str
    end_date: str


class MonitorRulesView(msgspec.Struct, kw_only=True):
    """The rules of a fiscal year 监控规则, in the order in which they were set."""

    ledger: str
    fiscal_year: int
    rules: list[MonitorRuleView]
    commit: Committed = UNSET


class MonitorHitView(msgspec.Struct, kw_only=True, gc=False):
    """A hit: ``held`` until it is released or its payment ends, ``passed`` where the rule warns."""

    hit_no: str
    state: str
    pay_app_no: str
    payment_status: PaymentState
    rule_code: str
    rule_name: str
    control: str
    agency_code: str
    bgt_id: str
    pay_amt: str
    reason: str
    by: str
    release_reason: str
    released_by: str


class RuleCountsView(msgspec.Struct, kw_only=True):
    """Hits by rule; ``held`` of them wait for a release."""

    ledger: str
    rules: list[RuleCount]


def _set(key: int, command: Command, outcome: Outcome) -> MonitorRulesView:
    assert isinstance(command, SetMonitorRules)
    return MonitorRulesView(
        ledger=ledger_text(key),
        fiscal_year=command.fiscal_year,
        rules=[_rule_view(rule) for rule in command.rules],
        commit=commit_view(outcome.commit),
    )


def _rule_view(rule: MonitorRule) -> MonitorRuleView:
    return MonitorRuleView(
        rule_code=rule.rule_code,
        rule_name=rule.rule_name,
        control=rule.control,
        when=[
            ConditionView(
                field=each.field, op=each.op, values=each.values, within_days=each.within_days
            )
            for each in rule.when
        ],
        start_date=rule.start_date,
        end_date=rule.end_date,
    )


def _hit_view(listed: ListedHit) -> MonitorHitView:
    hit, released = listed.hit, listed.payment.released
    return MonitorHitView(
        hit_no=hit.hit_no,
        state=listed.state,
        pay_app_no=hit.pay_app_no,
        payment_status=listed.payment.status,
        rule_code=hit.rule_code,
        rule_name=hit.rule_name,
        control=hit.control,
        agency_code=hit.agency_code,
        bgt_id=hit.bgt_id,
        pay_amt=hit.pay_amt,
        reason=hit.reason,
        by=hit.by,
        release_reason=released.reason if released else "",
        released_by=released.by if released else "",
    )


@router.get(
    f"{OF_DIVISION}/{_RULES}",
    operation_id="monitor_rules.show",
    summary="The monitoring rules of a fiscal year, now or as of a moment 监控规则",
    response_model=MonitorRulesView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_rules(
    call: DivisionRead,
    mof_div_code: DivisionCode,
    moment: AsOf,
    fiscal_year: Annotated[int | None, WHOLE] = None,
) -> Response:
    """Without ``fiscal_year`` of this year."""
    key = await admit_to_division(call)
    head = await call.head(key)

    year = call.treasury.now().date().year if fiscal_year is None else fiscal_year
    told = await call.read(lambda connection: setting_as_of(connection, key, MONITOR_RULES, moment))
    rules = told.by_year.get(year, ())
    shown = MonitorRulesView(
        ledger=ledger_text(key), fiscal_year=year, rules=[_rule_view(r) for r in rules]
    )
    return call.respond(shown, position=head.position)


@router.get(
    _HITS,
    operation_id="monitor_hit.list",
    summary="What monitoring rules have hit: warnings, what is held, what was released 监控命中",
    response_model=Page[MonitorHitView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_hits(
    call: LedgerRead,
    asked: AskedPage,
    rule_code: str = "",
    control: Annotated[str | None, PublishedAs(RuleControl)] = None,
    state: Annotated[str | None, PublishedAs(HitStatus)] = None,
    agency_code: str = "",
) -> Response:
    """By rule, by what the rule does, by what became of it, by unit, or all."""
    key = await admit(call)
    await wait_for_head(call, key)
    prefixes = prefixes_of(call.caller, call.right)
    wanted = HitFilter(rule_code, control or "", state or "", agency_code, prefixes)
    after = place_after(call, asked.cursor)
    page = await call.read(lambda connection: hits_page(connection, key, wanted, after, asked.size))
    items = [_hit_view(listed) for listed in page.items]
    return call.respond(page_after(call, items, page.after), position=page.position)


@router.get(
    _HITS + "/by-rule",
    operation_id="monitor_hit.by_rule",
    summary="How often each monitoring rule was hit, and over how much 规则命中统计",
    response_model=RuleCountsView,
    responses=refusals(*OF_LEDGER_READ),
)
async def count_hits(call: LedgerRead) -> Response:
    key = await admit(call)
    await wait_for_head(call, key)
    prefixes = prefixes_of(call.caller, call.right)
    rules, position = await call.read(lambda connection: hits_by_rule(connection, key, prefixes))
    return call.respond(RuleCountsView(ledger=ledger_text(key), rules=rules), position=position)


def _set_rules() -> DirectRoute:
    shows = Shown(MonitorRulesView, lambda _key, _thing: None)
    route = DivisionRoute(
        SetMonitorRules,
        _RULES,
        shows,
        "Set the monitoring rules of a fiscal year, all of them 监控规则发布",
        method="PUT",
        tag=Tag.PAYMENTS,
    )
    ANSWERS[SetMonitorRules.OPERATION] = DirectAnswer(_set, 200)
    return route


DIRECT: tuple[DirectRoute, ...] = (
    payment_act(
        ReleasePayment,
        "release",
        Right.CHECK,
        "Let a payment go on 放行 that monitoring rules hold",
        Code.SAME_PERSON,
    ),
    _set_rules(),
)
