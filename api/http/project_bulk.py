"""Projects in bulk: a division reports, checks and stores tens of thousands of them in autumn."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Body as RequestBody
from fastapi import Depends
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from api.access import Right
from api.http.bodies import ITEMS_MAX, decoded
from api.http.bulk import NUMBER_BYTES, answer_items, check_numbers, placed, preferring
from api.http.call import Call
from api.http.dependencies import Acting, of_division
from api.http.division_bulk import division_batch_route, result_of_item
from api.http.division_routes import OF_DIVISION, admit_to_division, submit_all_to_standing
from api.http.document_views import SubmittedView
from api.http.models.enums import ItemState, LevelCode, Tag
from api.http.problems import OF_LEDGER_ACT, ProblemDocument, refusals
from api.http.project_views import ProjectView, project_view
from api.http.projects import PROJECTS, require_own, require_own_projects
from api.http.published import PublishedAs
from api.http.routes import DirectRoute
from api.http.views import CommitView
from budget.levels import CHECKERS, DEPARTMENT
from budget.projects.checking import CheckProject, StoreProject
from budget.projects.reporting import ReportProject
from ledger.deciding.command import Command
from ledger.elements.code_sets import ElementRegister


class ProjectResult(msgspec.Struct, kw_only=True):
    index: int
    status: ItemState
    project: ProjectView | UnsetType = UNSET
    document: SubmittedView | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class ProjectResults(msgspec.Struct, kw_only=True):
    """One result an item, in order; ``commit`` is that of the last event of them all."""

    results: list[ProjectResult]
    commit: CommitView | None


class ProjectCodes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Projects by their codes, at most 5000."""

    pro_codes: list[str]


class CheckedProjects(ProjectCodes, frozen=True, forbid_unknown_fields=True):
    """Likewise, and who checks them."""

    level: LevelCode = DEPARTMENT


def _checks(asked: Any) -> tuple[list[Command], str]:
    """The commands, and the role in which they are asked for."""
    ElementRegister.check_shape("level", asked.level, "/level")
    commands = [CheckProject(pro_code=code, level=asked.level) for code in asked.pro_codes]
    return list(commands), CHECKERS[asked.level]


def _stores(asked: Any) -> tuple[list[Command], str]:
    return [StoreProject(pro_code=code) for code in asked.pro_codes], ""


def _acts_route(
    name: str,
    right: Right,
    shape: type[ProjectCodes],
    commands_of: Callable[[Any], tuple[list[Command], str]],
    summary: str,
) -> DirectRoute:
    """One act on many projects."""
    decode = msgspec.json.Decoder(shape).decode
    result = partial(result_of_item, ProjectResult, "project", project_view)

    def commands(data: bytes) -> tuple[ProjectCodes, list[Command], str]:
        asked: ProjectCodes = decoded(decode, data)
        check_numbers(asked.pro_codes, "pro_code")
        return asked, *commands_of(asked)

    async def handle(
        call: Annotated[Call, Depends(Acting(right))],
        data: Annotated[bytes, PublishedAs(shape), RequestBody()],
    ) -> Response:
        asked, acts, role = await call.beside(len(data) // NUMBER_BYTES, commands, data)
        key = await admit_to_division(call, role=role)
        await require_own_projects(call, key, asked.pro_codes)
        submissions = await call.beside(len(acts), placed, call, acts, range(len(acts)))
        outcomes = await submit_all_to_standing(call, key, submissions)
        return await answer_items(call, key, outcomes, result)

    return DirectRoute(
        f"{OF_DIVISION}/projects:{name}",
        handle,
        operation_id=f"project.{name}.batch",
        name=f"project.{name}.batch",
        summary=summary,
        tags=[Tag.PROJECTS],
        response_model=ProjectResults,
        dependencies=[Depends(of_division), Depends(preferring)],
        responses=refusals(*OF_LEDGER_ACT),
    )


DIRECT = (
    division_batch_route(
        ReportProject,
        "projects",
        PROJECTS,
        "project",
        item=ProjectResult,
        answer=ProjectResults,
        summary=f"Report up to {ITEMS_MAX} projects",
        before=require_own,
        right=Right.REPORT_PROJECT,
        tag=Tag.PROJECTS,
    ),
    _acts_route(
        "check", Right.CHECK_PROJECT, CheckedProjects, _checks, "Check many projects at one level"
    ),
    _acts_route("store", Right.STORE_PROJECT, ProjectCodes, _stores, "Store many projects"),
)
