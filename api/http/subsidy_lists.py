"""惠民惠农补贴: a list of a subsidy is entered, as JSON or as a file, and handed on to be paid."""

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
from api.http.parameters import SubsidyListNo
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
from ledger.errors import Code
from ledger.money import parse_yuan
from payments.disbursement.opening import OpenRun
from payments.list_files import read_list_file
from payments.subsidies.lines import LINES_MAX, rules_of
from payments.subsidies.loading import LoadSubsidyList
from payments.subsidies.subsidy_list import SUBSIDY_LIST, SubsidyList

FILE_BYTES_MAX = 16 * 1024 * 1024
_ALL = "/v1/ledgers/{ledger}/subsidy-lists"
_ONE = _ALL + "/{subsidy_list_no}"
_PAID_AS = (
    *("iden_no", "payee_acct_name", "payee_acct_no", "payee_acct_bank_name", "payee_bank_no"),
    "pay_amt",
)

router = APIRouter(route_class=Operation, tags=[Tag.DISBURSEMENTS])


class SubsidyListView(msgspec.Struct, kw_only=True):
    """A list of a subsidy, in sum; ``run_no`` of its disbursement, null before that is opened."""

    ledger: str
    subsidy_list_no: str
    subsidy_code: str
    pay_period: str
    bgt_id: str
    agency_code: str
    subsidy_std_amt: str
    std_code: str
    line_count: int
    pay_amt: str
    run_no: str | None
    file_sm3: str
    by: str
    commit: Committed = UNSET


def _view(key: int, of_subsidy: SubsidyList, commit: Any = UNSET) -> SubsidyListView:
    loaded = of_subsidy.loaded
    return SubsidyListView(
        ledger=ledger_text(key),
        subsidy_list_no=loaded.subsidy_list_no,
        subsidy_code=loaded.subsidy_code,
        pay_period=loaded.pay_period,
        bgt_id=loaded.bgt_id,
        agency_code=loaded.agency_code,
        subsidy_std_amt=loaded.subsidy_std_amt,
        std_code=loaded.std_code,
        line_count=len(loaded.lines),
        pay_amt=loaded.pay_amt,
        run_no=of_subsidy.run_no or None,
        file_sm3=loaded.file_sm3,
        by=loaded.by,
        commit=commit,
    )


def _loaded(key: int, _command: Command, outcome: Outcome) -> SubsidyListView:
    return _view(key, outcome.subjects[0], commit_view(outcome.commit))


@router.get(
    _ONE,
    operation_id="subsidy_list.show",
    summary="A list of a subsidy 补贴发放清单",
    response_model=SubsidyListView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_list(call: LedgerRead, subsidy_list_no: SubsidyListNo) -> Response:
    key = await admit(call, number=subsidy_list_no)
    position, found = await shown_object(call, key, SUBSIDY_LIST, subsidy_list_no)
    await require_agencies(call, key, [(subsidy_list_no, found.loaded.agency_code)])
    return call.respond(_view(key, found), position=position)


_CODES = (
    Code.PERIOD_CLOSED,
    Code.FUTURE_DATE,
    Code.INDICATOR_NOT_FOUND,
    Code.INDICATOR_NOT_EXECUTABLE,
    Code.ELEMENT_INVALID,
    Code.ELEMENT_MISMATCH,
    Code.DETAILS_MISMATCH,
    Code.RUN_REPEATED,
)


@router.post(
    _ONE + "/file",
    operation_id="subsidy_list.upload",
    summary=f"Enter a list of a subsidy as a file: CSV, NDJSON or XLSX, at most {LINES_MAX} lines",
    status_code=201,
    response_model=SubsidyListView,
    responses={**SUBMITTED, **refusals(*OF_LEDGER_ACT, *_CODES, Code.INVALID_AMOUNT)},
    openapi_extra=published_files("what a person gets a row"),
)
async def upload_list(
    call: Annotated[Call, Depends(ActingOnLedger(Right.PAY_SUBSIDIES))],
    subsidy_list_no: SubsidyListNo,
    subsidy_code: str = "",
    pay_period: str = "",
    bgt_id: str = "",
    subsidy_std_amt: str = "",
    std_code: str = "",
    pay_amt: str = "",
    effective_on: date | None = None,
) -> Response:
    """The columns are the elements of a line; what holds of all lines stands in the address."""
    key = await admit(call, number=subsidy_list_no)
    said = {
        "subsidy_code": subsidy_code,
        "pay_period": pay_period,
        "bgt_id": bgt_id,
        **({"std_code": std_code} if std_code else {}),
    }
    for name, text in said.items():
        ElementRegister.check_shape(name, text, f"/{name}")
    rules = rules_of(parse_yuan(subsidy_std_amt, pointer="/subsidy_std_amt"))
    operation, read = LoadSubsidyList.OPERATION, partial(read_list_file, rules)
    sent, file_sm3 = await read_upload(call, key, operation, subsidy_list_no, read, FILE_BYTES_MAX)
    command = LoadSubsidyList(
        subsidy_list_no=subsidy_list_no,
        subsidy_std_amt=subsidy_std_amt,
        pay_amt=pay_amt,
        lines=sent.lines,
        file_sm3=file_sm3,
        effective_on=effective_on,
        **said,
    )
    await call.in_thread(command.check)
    outcome = await call.submit(key, command)
    if outcome.problem is not None:
        outcome.problem = sent.refused(outcome.problem)
    return respond_to_act(call, key, command, outcome)


class DisburseListRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``use_des`` goes to the bank."""

    use_des: str = ""
    effective_on: date | None = None


@router.post(
    _ONE + "/disburse",
    operation_id="subsidy_list.disburse",
    summary="Hand a list of a subsidy on: a disbursement run with its lines",
    status_code=201,
    response_model=LoadView,
    responses=refusals(*OF_LEDGER_ACT, *_CODES, Code.INVALID_STATE, Code.NOT_FOUND),
)
async def disburse_list(
    call: Annotated[Call, Depends(ActingOnLedger(Right.PAY_SUBSIDIES))],
    subsidy_list_no: SubsidyListNo,
    data: Annotated[bytes, PublishedAs(DisburseListRequest), RequestBody(default_factory=bytes)],
) -> Response:
    """From there it is approved and executed as every run is."""
    asked = decoded(msgspec.json.Decoder(DisburseListRequest).decode, data or b"{}")
    key = await admit(call, number=subsidy_list_no)
    found = partial(object_now, key=key, kind=SUBSIDY_LIST, number=subsidy_list_no)
    _, of_subsidy = await call.read(found)
    loaded = of_subsidy.loaded
    title = f"{loaded.pay_period} {loaded.subsidy_code} 补贴"
    use_des = asked.use_des or title
    ElementRegister.check_shape("use_des", use_des, "/use_des")
    command = OpenRun(
        run_no=check_run_no(f"{subsidy_list_no}-1"),
        bgt_id=loaded.bgt_id,
        title=title,
        use_des=use_des,
        subsidy_list_no=subsidy_list_no,
        effective_on=asked.effective_on,
    )
    return await open_for_list(call, key, command, _lines_of(of_subsidy))


def _lines_of(of_subsidy: SubsidyList) -> bytes:
    """What is paid, as the lines of a disbursement; who is paid for another says for whom."""
    lines = []
    for line in of_subsidy.loaded.lines:
        said = {name: text for name in _PAID_AS if (text := getattr(line, name))}
        if line.payee_acct_name != line.per_name:
            said["remark"] = f"代{line.per_name}领"
        lines.append(msgspec.json.encode(said) + b"\n")
    return b"".join(lines)


DIRECT = (
    CommandRoute(
        LoadSubsidyList,
        _ALL,
        right=Right.PAY_SUBSIDIES,
        view=_loaded,
        answer=SubsidyListView,
        summary="Enter a list of a subsidy 补贴发放清单: each person once a period",
        tag=Tag.DISBURSEMENTS,
        status=201,
        codes=_CODES,
    ),
)
