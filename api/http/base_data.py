"""基础信息 beside units: accounts 账户, payees 收款人, cards 公务卡, standards 支出标准, people
人员信息, calendars 工作日历."""

from datetime import date, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from msgspec import UNSET
from starlette.responses import Response

from api.http.agencies import require_bank
from api.http.by_day import Resource
from api.http.division_lists import DivisionRead
from api.http.division_routes import OF_DIVISION, DivisionRoute, Shown, admit_to_division
from api.http.models.enums import Tag
from api.http.moments import AsOf, setting_as_of
from api.http.parameters import Day, DivisionCode
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import ANSWERS, DirectAnswer, DirectRoute, Operation
from api.http.views import Committed, commit_view
from division.account import ACCOUNT, ACCOUNTS, ChangeAccount, RegisterAccount
from division.calendar import CALENDAR, Calendar, SetCalendar
from division.card import CARD, CARDS, ChangeCard, RegisterCard
from division.payee import PAYEE, PAYEES, ChangePayee, RegisterPayee
from division.staff import STAFF, STAFFS, ChangeStaff, RegisterStaff
from division.standard import STANDARD, STANDARDS, ChangeStandard, RegisterStandard
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, RequestError
from projections.core.moments import day_of

DAYS_SHOWN_MAX = 366

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])

RESOURCES = (
    Resource(
        ACCOUNT,
        ACCOUNTS,
        RegisterAccount,
        ChangeAccount,
        path="accounts",
        title="the accounts 账户",
        codes=(Code.ELEMENT_INVALID, Code.BANK_NOT_APPOINTED),
        before=require_bank,
    ),
    Resource(
        PAYEE,
        PAYEES,
        RegisterPayee,
        ChangePayee,
        path="payees",
        title="the payees 收款人",
        codes=(),
    ),
    Resource(CARD, CARDS, RegisterCard, ChangeCard, path="cards", title="the cards 公务卡"),
    Resource(
        STANDARD,
        STANDARDS,
        RegisterStandard,
        ChangeStandard,
        path="standards",
        title="the spending standards 支出标准",
    ),
    Resource(
        STAFF, STAFFS, RegisterStaff, ChangeStaff, path="staff", title="the units' people 人员信息"
    ),
)
for resource in RESOURCES:
    resource.add_reads(router)


# ---- the calendar


class CalendarDayView(msgspec.Struct, kw_only=True):
    """A day; ``is_told`` where it is other than its day of the week says."""

    date: str
    is_workday: bool
    is_told: bool


class CalendarView(msgspec.Struct, kw_only=True):
    """Working days 工作日历, in their order."""

    ledger: str
    days: list[CalendarDayView]
    commit: Committed = UNSET


def _day(calendar: Calendar, day: date) -> CalendarDayView:
    return CalendarDayView(
        date=day.isoformat(),
        is_workday=calendar.is_workday(day),
        is_told=day.isoformat() in calendar.other,
    )


def _told(key: int, command: Command, outcome: Outcome) -> CalendarView:
    """The days that were told."""
    assert isinstance(command, SetCalendar)
    days = sorted(command.days, key=lambda each: each.date)
    return CalendarView(
        ledger=ledger_text(key),
        days=[
            CalendarDayView(date=each.date.isoformat(), is_workday=each.is_workday, is_told=True)
            for each in days
        ],
        commit=commit_view(outcome.commit),
    )


@router.get(
    OF_DIVISION + "/calendar",
    operation_id="calendar.show",
    summary="Which days of a year, or from one day to another, are worked on 工作日历",
    response_model=CalendarView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_calendar(
    call: DivisionRead,
    mof_div_code: DivisionCode,
    moment: AsOf,
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
) -> Response:
    """Without ``from`` and ``to`` the year of ``as_of_effective``, else this one."""
    key = await admit_to_division(call)
    head = await call.head(key)
    year = (moment.effective or call.treasury.now().date()).year
    begin = date(year, 1, 1) if first is None else day_of(first, "from")
    end = date(year, 12, 31) if last is None else day_of(last, "to")
    count = (end - begin).days + 1
    if not 0 < count <= DAYS_SHOWN_MAX:
        raise RequestError(Code.MALFORMED, f"1 to {DAYS_SHOWN_MAX} days are shown", pointer="/to")
    calendar = await call.read(lambda connection: setting_as_of(connection, key, CALENDAR, moment))
    days = [_day(calendar, begin + timedelta(days=at)) for at in range(count)]
    shown = CalendarView(ledger=ledger_text(key), days=days)
    return call.respond(shown, position=head.position)


def _set_calendar() -> DirectRoute:
    shows = Shown(CalendarView, lambda _key, _thing: None)
    route = DivisionRoute(
        SetCalendar,
        "calendar",
        shows,
        "Tell of days whether they are worked on 工作日历",
        method="PUT",
    )
    ANSWERS[SetCalendar.OPERATION] = DirectAnswer(_told, 200)
    return route


DIRECT: tuple[DirectRoute, ...] = (
    *(act for resource in RESOURCES for act in resource.acts()),
    _set_calendar(),
)
