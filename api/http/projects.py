"""Projects 项目库: reported, checked and stored, amended and ended; show, list."""

from collections.abc import Sequence
from datetime import datetime
from heapq import nsmallest
from typing import Any

from fastapi import APIRouter
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.call import Call
from api.http.division_lists import DivisionRead
from api.http.division_routes import (
    OF_DIVISION,
    DivisionRoute,
    Shown,
    admit_to_division,
    division_of,
)
from api.http.models.enums import ProjectStatus, Tag
from api.http.models.lists import Page
from api.http.moments import AsOf, upto_in
from api.http.pages import AskedPage, page_after, place_after
from api.http.parameters import DivisionCode, ProCode
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.project_views import ProjectHistoryView, ProjectView, history_view, project_view
from api.http.routes import ANSWERS, DirectAnswer, Operation
from api.http.units import deny, prefixes_of
from budget.levels import CHECKERS
from budget.projects.amending import AmendProject
from budget.projects.checking import CheckProject, ReturnProject, StoreProject
from budget.projects.ending import EndProject, ResumeProject, SuspendProject, TerminateProject
from budget.projects.project import BEFORE_LIBRARY, PROJECT, Project
from budget.projects.reporting import ReportProject, ReviseProject
from division.folded import folded_objects
from division.rights import begins_with
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.state import BEIJING
from ledger.errors import Code, Refusal, RequestError
from ledger.events import decode
from ledger.reading.objects import EVENTS_MAX, read_events, read_objects, stream_of
from projections.core.moments import Moment, one_moment
from projections.project_lists import ProjectFilter, read_page

_ALL = OF_DIVISION + "/projects"

router = APIRouter(route_class=Operation, tags=[Tag.PROJECTS])
PROJECTS = Shown(ProjectView, project_view)


# ---- whose projects


async def require_own(call: Call, command: Command) -> None:
    """Whoever acts within a unit acts for his own units: for the one whose project it is, and for
    the one whose it becomes.

    Raises:
        AccessError: ``forbidden``.
    """
    agency_code = getattr(command, "agency_code", "")
    prefixes = prefixes_of(call.caller, call.right)
    key = standing_ledger(division_of(call))
    if prefixes and agency_code and not begins_with(agency_code, prefixes):
        await deny(call, key, agency_code, f"{agency_code} is not a unit of yours")
    if not isinstance(command, ReportProject):
        await require_own_projects(call, key, [command.pro_code])  # type: ignore[attr-defined]


async def require_own_projects(call: Call, key: int, pro_codes: Sequence[str]) -> None:
    """Likewise of many; what does not exist passes."""
    prefixes = prefixes_of(call.caller, call.right)
    if not prefixes:
        return
    for pro_code, project in (await _found(call, key, pro_codes)).items():
        if not begins_with(agency_code := project.last.agency_code, prefixes):
            await deny(
                call, key, pro_code, f"{pro_code} is of the unit {agency_code}, not of yours"
            )


async def _found(call: Call, key: int, pro_codes: Sequence[str]) -> dict[str, Project]:
    return await call.read(lambda connection: read_objects(connection, key, PROJECT, pro_codes))


async def _as_checker(call: Call, command: Command) -> None:
    """Each level is checked in a role of its own; raises ``forbidden``."""
    assert isinstance(command, CheckProject)
    await admit_to_division(call, number=command.pro_code, role=CHECKERS[command.level])
    await require_own(call, command)


async def _amending(call: Call, key: int, command: Command) -> Command:
    """What nobody has stored yet is mended by its unit; what is in the library is amended, and
    others agree. A number says the same as before wherever the project has come to.

    Raises:
        RequestError: ``malformed`` for a day from which a project that is not stored is other.
    """
    assert isinstance(command, AmendProject)
    project = (await _found(call, key, [command.pro_code])).get(command.pro_code)
    if project is None:
        return command
    if command.change_no not in project.revised and project.state not in BEFORE_LIBRARY:
        return command
    if command.start_date is not None:
        raise RequestError(
            Code.MALFORMED,
            "what is not in the library yet is other from its beginning",
            pointer="/start_date",
        )
    fields = {name: getattr(command, name) for name in ReviseProject.__struct_fields__}
    return ReviseProject(**fields)


ANSWERS[ReviseProject.OPERATION] = DirectAnswer(PROJECTS.view, 200)


# ---- reads


@router.get(
    _ALL,
    operation_id="project.list",
    summary="Projects 项目库清单 by their codes, now or as of a moment",
    response_model=Page[ProjectView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_projects(
    call: DivisionRead,
    mof_div_code: DivisionCode,
    asked: AskedPage,
    moment: AsOf,
    agency_code: str | None = None,
    state: ProjectStatus | None = None,
    pro_cat_code: str | None = None,
) -> Response:
    """Of a day, where ``as_of_effective`` names one: whose it is, and of which category, then."""
    key = await admit_to_division(call)
    await call.head(key)
    day, prefixes = _day_of(moment), prefixes_of(call.caller, call.right)
    wanted = ProjectFilter(day, agency_code, pro_cat_code, state, prefixes)
    after = place_after(call, asked.cursor)

    def read(connection: Connection) -> list[Project]:
        with one_moment(connection):
            if moment.position is None and moment.recorded is None:
                return read_page(connection, key, wanted, after, asked.size + 1)
            found = folded_objects(connection, key, [PROJECT], upto_in(connection, key, moment))
            held = [f.obj for f in found if f.obj.pro_code > after and wanted.holds(f.obj)]
        return nsmallest(asked.size + 1, held, key=lambda project: project.pro_code)

    found = await call.read(read)
    shown = [project_view(key, project, day=day) for project in found[: asked.size]]
    last = shown[-1].pro_code if len(found) > asked.size else None
    return call.respond(page_after(call, shown, last))


@router.get(
    _ALL + "/{pro_code}",
    operation_id="project.show",
    summary="A project 项目, its versions and who did what, now or as of a moment",
    response_model=ProjectHistoryView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_project(
    call: DivisionRead, mof_div_code: DivisionCode, pro_code: ProCode, moment: AsOf
) -> Response:
    key = await admit_to_division(call)
    head = await call.head(key)
    await require_own_projects(call, key, [pro_code])

    def read(connection: Connection) -> ProjectHistoryView | None:
        with one_moment(connection):
            stream_id = stream_of(connection, key, PROJECT, pro_code)
            if stream_id is None:
                return None
            upto = upto_in(connection, key, moment)
            rows = read_events(connection, key, 0, EVENTS_MAX, stream_id=stream_id, upto=upto)
        project = PROJECT.folded(decode(row.type, row.payload) for row in rows)
        return history_view(key, project, _day_of(moment), rows) if project else None

    found = await call.read(read)
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"no project {pro_code!r} is on record of the division")
    return call.respond(found, position=head.position)


def _day_of(moment: Moment) -> Any:
    return moment.effective or datetime.now(BEIJING).date()


# ---- commands


def _route(
    command: type[Command],
    path: str,
    right: Right,
    summary: str,
    *codes: Code,
    before: Any = require_own,
    **more: Any,
) -> DivisionRoute:
    """An act on one project, of a unit that the caller acts for."""
    return DivisionRoute(
        command,
        f"projects{path}",
        PROJECTS,
        summary,
        *codes,
        in_path=("pro_code",) if path else (),
        right=right,
        tag=Tag.PROJECTS,
        before=before,
        **more,
    )


_TOLD = (
    Code.INVALID_AMOUNT,
    Code.ELEMENT_INVALID,
    Code.ELEMENT_MISMATCH,
    Code.BUDGET_MISMATCH,
)
_STEP = (Code.NOT_FOUND, Code.INVALID_STATE)

DIRECT = (
    _route(
        ReportProject,
        "",
        Right.REPORT_PROJECT,
        "Report a project 项目申报",
        *_TOLD,
        status=201,
    ),
    _route(
        CheckProject,
        "/{pro_code}/check",
        Right.CHECK_PROJECT,
        "Check a project 项目审核: its department, then the treasury",
        *_STEP,
        Code.INVALID_AMOUNT,
        Code.BUDGET_MISMATCH,
        Code.SAME_PERSON,
        before=_as_checker,
    ),
    _route(
        ReturnProject,
        "/{pro_code}/return",
        Right.CHECK_PROJECT,
        "Give a project back to its unit 项目退回",
        *_STEP,
    ),
    _route(
        StoreProject,
        "/{pro_code}/store",
        Right.STORE_PROJECT,
        "Store a project that was checked 项目入库",
        *_STEP,
        Code.SAME_PERSON,
    ),
    _route(
        AmendProject,
        "/{pro_code}/amend",
        Right.REPORT_PROJECT,
        "Tell what of a project is other 项目修改、调整; of the library others agree",
        *_STEP,
        *_TOLD,
        Code.INSUFFICIENT_BUDGET,
        complete=_amending,
    ),
    _route(
        SuspendProject,
        "/{pro_code}/suspend",
        Right.REPORT_PROJECT,
        "Budget nothing more for a project until it is resumed 项目暂停",
        *_STEP,
    ),
    _route(
        ResumeProject,
        "/{pro_code}/resume",
        Right.REPORT_PROJECT,
        "Resume a project 项目恢复",
        *_STEP,
    ),
    _route(
        TerminateProject,
        "/{pro_code}/terminate",
        Right.REPORT_PROJECT,
        "Give a project up before its end 项目终止",
        *_STEP,
    ),
    _route(
        EndProject,
        "/{pro_code}/end",
        Right.REPORT_PROJECT,
        "Say that a project has come to its end 项目结束",
        *_STEP,
    ),
)
