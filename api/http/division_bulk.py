"""Many of one command on a division's standing ledger in one request, each with its result."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Body as RequestBody
from fastapi import Depends
from starlette.responses import Response

from api.access import Right
from api.http.bodies import ITEMS_MAX, Body, BulkItem
from api.http.bulk import answer_items, in_bulk, items_of, lines_of, mode_of, submit_items, waiting
from api.http.call import Call
from api.http.dependencies import Acting, of_division
from api.http.division_routes import (
    OF_ALL,
    OF_DIVISION,
    Shown,
    admit_to_division,
    submit_all_to_standing,
)
from api.http.document_views import document_of, submitted_view
from api.http.models.enums import BatchMode, Tag
from api.http.problems import OF_LEDGER_ACT, problem, refusals
from api.http.published import PublishedAs
from api.http.routes import DirectRoute, LookFirst
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, GuokuError, RequestError


def division_batch_route(
    command: type[Command],
    path: str,
    shows: Shown,
    field: str,
    *,
    item: type[Any],
    answer: type[Any],
    summary: str,
    before: LookFirst | None = None,
    right: Right = Right.ADMINISTER,
    tag: Tag = Tag.DIVISIONS,
) -> DirectRoute:
    """Up to ``ITEMS_MAX`` of a command in one request.

    Args:
        shows: the object that each makes.
        field: of an item of the answer in which that stands.
        item: an item of the answer; ``answer``: the whole.
        before, right: as of a single one (:class:`~api.http.division_routes.DivisionRoute`).
    """
    body = Body(command, suffix="Item")
    result = partial(result_of_item, item, field, shows.view_of)

    async def handle(
        call: Annotated[Call, Depends(Acting(right))],
        data: Annotated[bytes, PublishedAs(body.struct, most=ITEMS_MAX), RequestBody()],
    ) -> Response:
        atomic = mode_of(call) is BatchMode.ATOMIC
        items = await items_of(call, body, data)
        key = await admit_to_division(call)
        if atomic and key == OF_ALL:
            raise RequestError(
                Code.MALFORMED, "of all divisions each is for itself", pointer="/mode"
            )
        if before is not None:
            items = await _looked_at(call, items, before)
        submit = partial(submit_all_to_standing, call, key, atomic=atomic)
        outcomes = await submit_items(call, items, submit, atomic=atomic)
        return await answer_items(call, key, outcomes, result)

    return DirectRoute(
        f"{OF_DIVISION}/{path}:batch",
        handle,
        operation_id=f"{command.OPERATION}.batch",
        name=f"{command.OPERATION}.batch",
        summary=summary,
        tags=[tag],
        response_model=answer,
        dependencies=[Depends(of_division), Depends(in_bulk)],
        responses=refusals(*OF_LEDGER_ACT),
        openapi_extra=lines_of(body),
    )


async def _looked_at(call: Call, items: Sequence[BulkItem], before: LookFirst) -> list[BulkItem]:
    """The items, with what speaks against those that were sound."""
    looked_at = []
    for each in items:
        if each.command is not None:
            try:
                await before(call, each.command)
            except GuokuError as error:
                looked_at.append(BulkItem(None, error))
                continue
        looked_at.append(each)
    return looked_at


def result_of_item(
    item: type[Any],
    field: str,
    view_of: Callable[[int, Any], Any],
    key: int,
    index: int,
    outcome: Outcome,
) -> Any:
    """What became of one of many: its view stands in ``field``."""
    if outcome.problem is not None:
        return item(index=index, status="refused", problem=problem(outcome.problem))
    if (document := document_of(outcome)) is not None:
        shown = submitted_view(key, document)
        return item(index=index, status=waiting(outcome), document=shown)
    view = view_of(key, outcome.subjects[0])
    return item(index=index, status=outcome.status, **{field: view})
