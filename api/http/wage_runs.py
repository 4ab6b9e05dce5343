"""工资统发: a list of wages is entered, as JSON or as a file, and handed on to be paid."""

from datetime import date
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.bodies import decoded
from api.http.call import Call
from api.http.dependencies import ActingOnLedger, LedgerRead
from api.http.disbursement_lines import open_for_list
from api.http.disbursement_views import LoadView, check_run_no
from api.http.models.enums import Tag
from api.http.parameters import WageRunNo
from api.http.problems import OF_LEDGER_ACT, OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import SUBMITTED, CommandRoute, Operation, respond_to_act
from api.http.standing_object import object_now, shown_object
from api.http.units import require_agencies
from api.http.uploads import published_files, read_upload
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.elements.register import ElementRegister
from ledger.errors import Code, Refusal
from payments.disbursement.opening import OpenRun
from payments.wages.file import read_wage_file
from payments.wages.loading import LoadWageRun
from payments.wages.run import LINES_MAX, NORMAL, WAGE_RUN, WageRun

FILE_BYTES_MAX = 64 * 1024 * 1024
_ALL = "/v1/ledgers/{ledger}/wage-runs"
_ONE = _ALL + "/{wage_run_no}"
_PAID_AS = ("iden_no", "payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "payee_bank_no")

router = APIRouter(route_class=Operation, tags=[Tag.DISBURSEMENTS])


class WagePartView(msgspec.Struct, kw_only=True):
    """What one indicator pays; ``run_no`` of its disbursement, null before that is opened."""

    bgt_id: str
    agency_code: str
    line_count: int
    wage_sala: str
    income_tax_amt: str
    insurance_amt: str
    housing_fund_amt: str
    net_sala: str
    run_no: str | None


class WageRunView(msgspec.Struct, kw_only=True):
    """A list of wages, in sum."""

    ledger: str
    wage_run_no: str
    sala_month: str
    sala_property: str
    line_count: int
    wage_sala: str
    total_ded: str
    net_sala: str
    parts: list[WagePartView]
    file_sm3: str
    by: str
    commit: Committed = UNSET


def _view(key: int, run: WageRun, commit: Any = UNSET) -> WageRunView:
    loaded = run.loaded
    return WageRunView(
        ledger=ledger_text(key),
        wage_run_no=loaded.wage_run_no,
        sala_month=loaded.sala_month,
        sala_property=loaded.sala_property,
        line_count=len(loaded.lines),
        wage_sala=loaded.wage_sala,
        total_ded=loaded.total_ded,
        net_sala=loaded.net_sala,
        parts=[
            WagePartView(
                bgt_id=part.bgt_id,
                agency_code=part.agency_code,
                line_count=part.line_count,
                wage_sala=part.wage_sala,
                income_tax_amt=part.income_tax_amt,
                insurance_amt=part.insurance_amt,
                housing_fund_amt=part.housing_fund_amt,
                net_sala=part.net_sala,
                run_no=run.disbursed.get(part.bgt_id),
            )
            for part in loaded.parts
        ],
        file_sm3=loaded.file_sm3,
        by=loaded.by,
        commit=commit,
    )


def _loaded(key: int, _command: Command, outcome: Outcome) -> WageRunView:
    return _view(key, outcome.subjects[0], commit_view(outcome.commit))


@router.get(
    _ONE,
    operation_id="wage_run.show",
    summary="A list of wages 工资统发, by the indicators that pay it",
    response_model=WageRunView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_run(call: LedgerRead, wage_run_no: WageRunNo) -> Response:
    key = await admit(call, number=wage_run_no)
    position, run = await shown_object(call, key, WAGE_RUN, wage_run_no)
    await require_agencies(call, key, [(wage_run_no, p.agency_code) for p in run.loaded.parts])
    return call.respond(_view(key, run), position=position)


_CODES = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.INDICATOR_NOT_FOUND,
    Code.INDICATOR_NOT_EXECUTABLE,
    Code.ELEMENT_MISMATCH,
    Code.DETAILS_MISMATCH,
    Code.RUN_REPEATED,
)


@router.post(
    _ONE + "/file",
    operation_id="wage_run.upload",
    summary=f"Enter a list of wages as a file: CSV, NDJSON or XLSX, at most {LINES_MAX} lines",
    status_code=201,
    response_model=WageRunView,
    responses={**SUBMITTED, **refusals(*OF_LEDGER_ACT, *_CODES, Code.INVALID_AMOUNT)},
    openapi_extra=published_files("a person's wages a row"),
)
async def upload_run(
    call: Annotated[Call, Depends(ActingOnLedger(Right.PAY_WAGES))],
    wage_run_no: WageRunNo,
    sala_month: str = "",
    wage_sala: str = "",
    total_ded: str = "0.00",
    net_sala: str = "",
    sala_property: str = NORMAL,
    effective_on: date | None = None,
) -> Response:
    """The columns are the elements of a line; the sums of all lines stand in the address."""
    key = await admit(call, number=wage_run_no)
    operation = LoadWageRun.OPERATION
    sent, file_sm3 = await read_upload(
        call, key, operation, wage_run_no, read_wage_file, FILE_BYTES_MAX
    )
    command = LoadWageRun(
        wage_run_no=wage_run_no,
        sala_month=sala_month,
        sala_property=sala_property,
        wage_sala=wage_sala,
        total_ded=total_ded,
        net_sala=net_sala,
        lines=sent.lines,
        file_sm3=file_sm3,
        effective_on=effective_on,
    )
    await call.in_thread(command.check)
    outcome = await call.submit(key, command)
    if outcome.problem is not None:
        outcome.problem = sent.refused(outcome.problem)
    return respond_to_act(call, key, command, outcome)


class DisburseRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``bgt_id``: the part of the list that is paid; ``use_des`` goes to the bank."""

    bgt_id: str
    use_des: str = ""
    effective_on: date | None = None


@router.post(
    _ONE + "/disburse",
    operation_id="wage_run.disburse",
    summary="Hand on what one indicator pays of it: a disbursement run with its lines",
    status_code=201,
    response_model=LoadView,
    responses=refusals(
        *OF_LEDGER_ACT,
        *_CODES,
        Code.ELEMENT_INVALID,
        Code.INVALID_STATE,
        Code.NOT_FOUND,
    ),
)
async def disburse(
    call: Annotated[Call, Depends(ActingOnLedger(Right.PAY_WAGES))],
    wage_run_no: WageRunNo,
    data: Annotated[bytes, PublishedAs(DisburseRequest), RequestBody()],
) -> Response:
    """What was withheld is booked with it; then it is approved and executed as every run is."""
    asked = decoded(msgspec.json.Decoder(DisburseRequest).decode, data)
    ElementRegister.check_shape("bgt_id", asked.bgt_id, "/bgt_id")
    key = await admit(call, number=wage_run_no)
    _, run = await call.read(partial(object_now, key=key, kind=WAGE_RUN, number=wage_run_no))
    bgt_ids = [part.bgt_id for part in run.loaded.parts]
    if asked.bgt_id not in bgt_ids:
        detail = f"the list {wage_run_no} is not paid from {asked.bgt_id}"
        raise Refusal(Code.DETAILS_MISMATCH, detail, pointer="/bgt_id")
    title = f"{run.loaded.sala_month} 工资"
    use_des = asked.use_des or title
    ElementRegister.check_shape("use_des", use_des, "/use_des")
    command = OpenRun(
        run_no=check_run_no(f"{wage_run_no}-{bgt_ids.index(asked.bgt_id) + 1}"),
        bgt_id=asked.bgt_id,
        title=title,
        use_des=use_des,
        wage_run_no=wage_run_no,
        effective_on=asked.effective_on,
    )
    return await open_for_list(call, key, command, _lines_of(run, asked.bgt_id))


def _lines_of(run: WageRun, bgt_id: str) -> bytes:
    """What is paid, as the lines of a disbursement."""
    return b"".join(
        msgspec.json.encode(
            {
                "pay_amt": line.net_sala,
                **{name: text for name in _PAID_AS if (text := getattr(line, name))},
            }
        )
        + b"\n"
        for line in run.loaded.lines
        if line.bgt_id == bgt_id
    )


DIRECT = (
    CommandRoute(
        LoadWageRun,
        _ALL,
        right=Right.PAY_WAGES,
        view=_loaded,
        answer=WageRunView,
        summary="Enter a list of wages 工资统发: 应发 − 扣款 = 实发 of each person",
        tag=Tag.DISBURSEMENTS,
        status=201,
        codes=_CODES,
    ),
)
