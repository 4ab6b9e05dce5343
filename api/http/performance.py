"""绩效指标库: by what the goals of a division's projects are measured."""

from datetime import date

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.http.division_lists import DivisionRead
from api.http.division_routes import OF_DIVISION, DivisionRoute, Shown, admit_to_division
from api.http.models.enums import Tag
from api.http.moments import AsOf, setting_as_of
from api.http.parameters import DivisionCode
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import ANSWERS, DirectAnswer, DirectRoute, Operation
from api.http.views import Committed, commit_view
from division.performance import (
    PERFORMANCE_LIBRARY,
    PerformanceLibrary,
    SetPerformanceIndicators,
)
from division.performance_events import PerformanceIndicator
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code

_INDICATORS = "performance-indicators"

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


class PerformanceIndicatorView(msgspec.Struct, kw_only=True, gc=False):
    """An indicator; "" is a day that is all along, or open."""

    perf_ind_code: str
    perf_ind_name: str
    perf_ind_level: str
    parent_perf_ind_code: str
    meterunit: str
    computesign: str
    start_date: str
    end_date: str


class PerformanceIndicatorsView(msgspec.Struct, kw_only=True):
    """Indicators 绩效指标, in the order of their codes."""

    ledger: str
    indicators: list[PerformanceIndicatorView]
    commit: Committed = UNSET


def _view(told: PerformanceIndicator) -> PerformanceIndicatorView:
    said = {name: getattr(told, name) for name in told.__struct_fields__}
    return PerformanceIndicatorView(**said)


def _on(library: PerformanceLibrary, day: date) -> list[PerformanceIndicatorView]:
    there = (library.on(code, day) for code in library.by_code)
    return [_view(told) for told in there if told is not None]


def _told(key: int, command: Command, outcome: Outcome) -> PerformanceIndicatorsView:
    """The indicators that were told."""
    assert isinstance(command, SetPerformanceIndicators)
    return PerformanceIndicatorsView(
        ledger=ledger_text(key),
        indicators=[_view(told) for told in command.indicators],
        commit=commit_view(outcome.commit),
    )


@router.get(
    f"{OF_DIVISION}/{_INDICATORS}",
    operation_id="performance_indicators.show",
    summary="The library of performance indicators on a day, now or as of a moment 绩效指标库",
    response_model=PerformanceIndicatorsView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_performance_indicators(
    call: DivisionRead, mof_div_code: DivisionCode, moment: AsOf
) -> Response:
    """Those that are in force on the day of ``as_of_effective``, else today."""
    key = await admit_to_division(call)
    head = await call.head(key)

    day = moment.effective or call.treasury.now().date()
    library = await call.read(
        lambda connection: setting_as_of(connection, key, PERFORMANCE_LIBRARY, moment)
    )
    view = PerformanceIndicatorsView(ledger=ledger_text(key), indicators=_on(library, day))
    return call.respond(view, position=head.position)


def _set() -> DirectRoute:
    route = DivisionRoute(
        SetPerformanceIndicators,
        _INDICATORS,
        Shown(PerformanceIndicatorsView, lambda _key, _thing: None),
        "Tell of performance indicators what they are, from a day on 绩效指标库维护",
        Code.ELEMENT_INVALID,
        method="PUT",
    )
    ANSWERS[SetPerformanceIndicators.OPERATION] = DirectAnswer(_told, 200)
    return route


DIRECT: tuple[DirectRoute, ...] = (_set(),)
