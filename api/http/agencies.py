"""单位: units registered, changed and ended by days; one, many, and lists as of any moment."""

from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.http.bodies import ITEMS_MAX
from api.http.call import Call
from api.http.division_bulk import division_batch_route
from api.http.division_lists import DivisionRead, respond_with_object, respond_with_objects
from api.http.division_routes import OF_DIVISION, DivisionRoute, Shown, division_of
from api.http.document_views import SubmittedView
from api.http.models.enums import ItemState, Tag
from api.http.models.lists import Page
from api.http.moments import AsOf
from api.http.pages import AskedPage
from api.http.parameters import AgencyCode, DivisionCode
from api.http.problems import OF_LEDGER_READ, ProblemDocument, refusals
from api.http.routes import Operation
from api.http.views import Committed, CommitView
from division.agency import (
    AGENCY,
    CHANGING,
    Agency,
    ChangeAgency,
    RegisterAgency,
    RegisteredAgency,
)
from division.learning import read_banks
from ledger.account_set import ledger_id, ledger_text
from ledger.deciding.command import Command
from ledger.deciding.state import BEIJING
from ledger.errors import Code, Refusal
from ledger.reading.standing_heads import read_standing_heads
from projections.core.moments import Moment

_ALL = OF_DIVISION + "/agencies"

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


class AgencyVersionView(msgspec.Struct, kw_only=True):
    """What a unit is from ``start_date`` on; null where it has been that all along."""

    start_date: str | None
    agency_name: str
    agency_type_code: str
    parent_agency_code: str
    pay_bank_code: str
    unifsoc_cred_code: str
    mof_dep_code: str


class AgencyView(msgspec.Struct, kw_only=True):
    """A unit 单位.

    A read shows what it is on the day that is asked for (``as_of_effective``), else today; the
    answer to an act what it is in the end. ``end_date`` is the first day on which there is no such
    unit, ``successor_agency_code`` whose business it is from then on.
    """

    ledger: str
    agency_code: str
    agency_name: str
    agency_type_code: str
    parent_agency_code: str
    pay_bank_code: str
    unifsoc_cred_code: str
    mof_dep_code: str
    start_date: str | None
    end_date: str | None
    successor_agency_code: str
    versions: list[AgencyVersionView]
    commit: Committed = UNSET


class AgencyResult(msgspec.Struct, kw_only=True):
    index: int
    status: ItemState
    agency: AgencyView | UnsetType = UNSET
    document: SubmittedView | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class AgencyResults(msgspec.Struct, kw_only=True):
    """One result an item, in order; ``commit`` is that of the last event of them all."""

    results: list[AgencyResult]
    commit: CommitView | None


def _agency(key: int, agency: RegisteredAgency, *, day: date | None = None) -> AgencyView:
    begun = [version for version in agency.versions if day is None or version.start_date <= day]
    shown = begun[-1] if begun else agency.versions[0]
    return AgencyView(
        ledger=ledger_text(key),
        agency_code=agency.agency_code,
        start_date=_text(agency.start_date),
        end_date=_text(agency.end_date),
        successor_agency_code=agency.successor_agency_code,
        versions=[_version(version) for version in agency.versions],
        **{name: getattr(shown, name) for name in CHANGING},
    )


def _version(version: Agency) -> AgencyVersionView:
    fields = {name: getattr(version, name) for name in CHANGING}
    return AgencyVersionView(start_date=_text(version.start_date), **fields)


def _text(day: date | None) -> str | None:
    return None if day in (None, date.min) else day.isoformat()


def _as_of(moment: Moment) -> Any:
    """The view of a unit on the day that a read asks for."""
    return partial(_agency, day=moment.effective or datetime.now(BEIJING).date())


@router.get(
    _ALL,
    operation_id="agency.list",
    summary="Units 单位 of the division, now or as of a moment",
    response_model=Page[AgencyView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_agencies(
    call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
) -> Response:
    return await respond_with_objects(
        call, asked, moment, AGENCY, _as_of(moment), lambda view: view.agency_code
    )


@router.get(
    _ALL + "/{agency_code}",
    operation_id="agency.show",
    summary="A unit 单位, now or as of a moment; as_of_effective says of which day",
    response_model=AgencyView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_agency(
    call: DivisionRead, mof_div_code: DivisionCode, agency_code: AgencyCode, moment: AsOf
) -> Response:
    return await respond_with_object(call, moment, AGENCY, agency_code, _as_of(moment))


async def _require_bank(call: Call, command: Command) -> None:
    """A unit names a bank that is appointed for its division, where any is.

    Raises:
        Refusal: ``bank_not_appointed``.
    """
    assert isinstance(command, RegisterAgency | ChangeAgency)
    if not command.pay_bank_code:
        return
    day = datetime.now(BEIJING).date()
    some_year = ledger_id(division_of(call), day.year)

    def banks(connection: Any) -> Any:
        heads = read_standing_heads(connection, some_year)
        return read_banks(connection, {key: head.position for key, head in heads.items()})

    appointed = call.scope.get("appointed")  # once a request
    if appointed is None:
        appointed = call.scope["appointed"] = await call.read(banks)
    bank = appointed.get(command.pay_bank_code)
    if appointed and (bank is None or bank.on(day) is None):
        raise Refusal(
            Code.BANK_NOT_APPOINTED,
            f"no bank {command.pay_bank_code!r} is appointed 代理银行 on {day}",
            pointer="/pay_bank_code",
        )


AGENCIES = Shown(AgencyView, _agency)

DIRECT = (
    DivisionRoute(
        RegisterAgency,
        "agencies",
        AGENCIES,
        "Register a unit 单位登记",
        Code.ELEMENT_INVALID,
        Code.BANK_NOT_APPOINTED,
        status=201,
        before=_require_bank,
        again=False,
    ),
    division_batch_route(
        RegisterAgency,
        "agencies",
        AGENCIES,
        "agency",
        item=AgencyResult,
        answer=AgencyResults,
        summary=f"Register up to {ITEMS_MAX} units 单位登记, those above before those below",
        before=_require_bank,
    ),
    DivisionRoute(
        ChangeAgency,
        "agencies/{agency_code}/changes",
        AGENCIES,
        "Tell what of a unit is other from a day on, or that it ends 单位变更",
        Code.NOT_FOUND,
        Code.ELEMENT_INVALID,
        Code.BANK_NOT_APPOINTED,
        in_path=("agency_code",),
        before=_require_bank,
        again=False,
    ),
)
