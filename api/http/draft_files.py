"""A unit's draft as a file 草案上传: entered as a whole, or refused with all its errors."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.budget_views import DraftView, draft_view
from api.http.call import Call
from api.http.dependencies import ActingOnLedger
from api.http.models.enums import Tag
from api.http.parameters import DraftNo
from api.http.problems import OF_LEDGER_ACT, refusals
from api.http.routes import Operation
from api.http.units import require_own
from api.http.uploads import published_files, read_upload
from api.http.views import commit_view
from budget.preparation.draft_file import DraftFile, read_draft_file, refused
from budget.preparation.entering import ROWS_MAX, EnterDraft
from budget.preparation.files import DRAFT_FILES
from budget.preparation_events import DraftEntered
from budget.rows import FIRST_ROUND, SECOND_ROUND
from ledger.deciding.command import Outcome
from ledger.elements.register import ElementRegister
from ledger.errors import Code, RequestError
from ledger.events import type_names
from ledger.reading.loading import read_rows

FILE_BYTES_MAX = 64 * 1024 * 1024
_ROUNDS = {str(each): each for each in (FIRST_ROUND, SECOND_ROUND)}
_OF_FILE = """
SELECT k.number FROM command_keys k
JOIN events e ON e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id
WHERE k.ledger_id = %s AND k.operation = %s AND e.type = ANY(%s)
  AND convert_from(e.payload, 'UTF8')::jsonb ->> 'file_sm3' = %s
ORDER BY e.position"""

router = APIRouter(route_class=Operation, tags=[Tag.BUDGET])


@router.post(
    "/v1/ledgers/{ledger}/budget-drafts/{draft_no}/file",
    operation_id="budget_draft.upload",
    summary=f"Enter a unit's draft as a file: CSV, NDJSON or XLSX, at most {ROWS_MAX} rows",
    status_code=201,
    response_model=DraftView,
    responses=refusals(
        *OF_LEDGER_ACT,
        Code.INVALID_AMOUNT,
        Code.DETAILS_MISMATCH,
        Code.ELEMENT_INVALID,
        Code.ELEMENT_MISMATCH,
        Code.BUDGET_MISMATCH,
    ),
    openapi_extra=published_files("a row of the budget a row"),
)
async def upload_draft(
    call: Annotated[Call, Depends(ActingOnLedger(Right.PREPARE))],
    draft_no: DraftNo,
    agency_code: str = "",
    round: str = "",  # noqa: A002 - the element's name
) -> Response:
    """The columns are the elements of a row; ``agency_code`` and ``round`` are of all of it."""
    key = await admit(call, number=draft_no)
    empty = EnterDraft(
        draft_no=draft_no, agency_code=_agency(agency_code), round=_round(round), rows=()
    )
    await require_own(call, key, (empty,))
    operation = EnterDraft.OPERATION
    sent, file_sm3 = await read_upload(
        call, key, operation, draft_no, read_draft_file, FILE_BYTES_MAX
    )
    command = EnterDraft(
        draft_no=draft_no,
        agency_code=empty.agency_code,
        round=empty.round,
        rows=sent.rows,
        income=sent.income,
        file_sm3=file_sm3,
    )
    await call.in_thread(command.check)
    outcome = await call.submit(key, command)
    if outcome.problem is not None:
        _by_lines(outcome, sent)
        return call.refuse(outcome)
    others = await call.read(partial(drafts_of_file, key=key, file_sm3=file_sm3))
    view = draft_view(key, outcome.subjects[0], commit_view(outcome.commit))
    view.same_file_draft_nos = [number for number in others if number != draft_no] or UNSET
    return call.respond(view, status=201, replayed=outcome.replayed)


def _agency(code: str) -> str:
    ElementRegister.check_shape("agency_code", code, "/agency_code")
    return code


def _round(text: str) -> int:
    if text not in _ROUNDS:
        raise RequestError(Code.MALFORMED, "round is 1 一上 or 2 二上", pointer="/round")
    return _ROUNDS[text]


def _by_lines(outcome: Outcome, sent: DraftFile) -> None:
    """What the books found wrong with the draft's rows, by lines and columns of the file."""
    problem = outcome.problem
    if problem is None:
        return
    if "errors" in problem.extra:
        report = sent.errors_of(problem.extra["errors"])
        report.count = problem.extra["error_count"]
        outcome.problem = refused(report, len(sent.rows) + len(sent.income))
    elif problem.extra.get("pointer", "").startswith("/rows/"):
        place = {"code": problem.code.text, "detail": problem.detail}
        report = sent.errors_of([{"pointer": problem.extra.pop("pointer"), **place}])
        problem.extra.update(report.as_extra(), line_count=len(sent.rows) + len(sent.income))


def drafts_of_file(connection: Connection, key: int, file_sm3: str) -> list[str]:
    """The drafts that a file has become, in their order, where it has become more than one."""
    if not file_sm3:
        return []
    entered = read_rows(connection, key, DRAFT_FILES, [file_sm3]).get(file_sm3)
    if entered is None or entered.drafts == 1:
        return []
    scope = (key, EnterDraft.OPERATION, list(type_names(DraftEntered)), file_sm3)
    return [number for (number,) in connection.execute(_OF_FILE, scope)]
