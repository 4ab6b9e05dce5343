"""代码集: rows of a division's code sets, loaded from the Ministry's CSV."""

import io
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import record_denied
from api.http.call import Call
from api.http.dependencies import Acting, of_division
from api.http.division_lists import DivisionRead, respond_with_objects
from api.http.division_routes import (
    Shown,
    admit_to_division,
    division_of,
    submit_to_standing,
)
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import AsOf
from api.http.pages import AskedPage
from api.http.parameters import DivisionCode
from api.http.problems import OF_LEDGER_ACT, OF_LEDGER_READ, refusals
from api.http.routes import ANSWERS, SUBMITTED, DirectAnswer, Operation, respond_to_act
from api.http.views import Committed
from division import code_sets
from division.code_set_load import CODE_SET_LOAD, HOME, CodeSetLoad, LoadCodeSets
from ledger.account_set import ledger_text
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeRow, division_prefix
from ledger.elements.files import decode_file, parse_code_sets
from ledger.errors import AccessError, Code, ConfigurationError, RequestError

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])

_CSV = "text/csv"
_ALL = "/v1/divisions/{mof_div_code}/code-sets"


class CodeSetLoadView(msgspec.Struct, kw_only=True):
    """What a load did; ``version`` is that of all code sets after it."""

    ledger: str
    load_no: str
    loaded_at: str
    loaded_by: str
    version: str
    file_name: str
    file_sm3: str
    added: int
    superseded: int
    unchanged: int
    commit: Committed = UNSET


def _view(key: int, load: CodeSetLoad) -> CodeSetLoadView:
    said = load.loaded
    return CodeSetLoadView(
        ledger=ledger_text(key),
        load_no=said.load_no,
        loaded_at=said.loaded_at,
        loaded_by=said.loaded_by or said.by,
        version=said.version,
        file_name=said.file_name,
        file_sm3=said.file_sm3,
        added=said.added,
        superseded=said.superseded,
        unchanged=said.unchanged,
    )


@router.post(
    _ALL,
    operation_id="code_sets.load",
    summary="Load rows of code sets from CSV, all or none 代码集加载",
    status_code=201,
    response_model=CodeSetLoadView,
    responses={**SUBMITTED, **refusals(*OF_LEDGER_ACT)},
    dependencies=[Depends(of_division)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {_CSV: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def load_code_sets(call: Annotated[Call, Depends(Acting(Right.ADMINISTER))]) -> Response:
    """The columns are those of the Ministry's generic code-set table. The rows are of this division
    or of one below it. The same ``Idempotency-Key`` is the same load."""
    data = await call.read_body()
    key = await admit_to_division(call)
    rows = await call.in_thread(_rows, call, data)
    prefix = division_prefix(division_of(call))
    for row in rows:
        if not row.mof_div_code.startswith(prefix) and not call.caller.reaches(HOME):
            whose = row.mof_div_code or "all divisions"
            error = AccessError(Code.FORBIDDEN, f"{row.element} {row.code} is of {whose}")
            await record_denied(call, key, "", error)
            raise error
    command = code_sets.loading(
        rows,
        file_content=data,
        load_no=call.idempotency_key,
        mof_div_code=division_of(call),
    )
    return respond_to_act(call, HOME, command, await submit_to_standing(call, HOME, command))


ANSWERS[LoadCodeSets.OPERATION] = DirectAnswer(Shown(CodeSetLoadView, _view).view, 201)


def _rows(call: Call, data: bytes) -> list[CodeRow]:
    """The rows of a file; raises ``malformed`` with every bad line."""
    with call.treasury.pool.connection() as connection:
        known = stored_code_sets.read(connection).codes()
    try:
        return parse_code_sets(io.StringIO(decode_file(data), newline=""), known)
    except ConfigurationError as error:
        raise RequestError(Code.MALFORMED, error.detail, **error.extra) from None


@router.get(
    _ALL,
    operation_id="code_sets.list",
    summary="Loads of code sets, now or as of a moment",
    response_model=Page[CodeSetLoadView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_loads(
    call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
) -> Response:
    return await respond_with_objects(
        call, asked, moment, CODE_SET_LOAD, _view, lambda view: view.loaded_at, key=HOME
    )
