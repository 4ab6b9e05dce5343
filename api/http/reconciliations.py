"""对账: what banks have said they carried out, what the books have otherwise, who confirms it."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from accounting.intake.comparing import compare_again
from accounting.reconciliation.confirming import ConfirmReconciliation
from accounting.reconciliation.events import RequiredReconciliation
from accounting.reconciliation.policy import (
    RECONCILIATION_POLICY,
    ReconciliationPolicy,
    SetReconciliationPolicy,
)
from accounting.reconciliation.receiving import CompareReconciliation
from accounting.reconciliation.statement import RECONCILIATION, Reconciliation
from api.access import PAYING_ROLES, Right
from api.http.admission import admit
from api.http.bodies import Body
from api.http.call import Call
from api.http.dependencies import LedgerRead
from api.http.models.enums import (
    DifferenceCode,
    ReconciliationState,
    ReconciliationStatus,
    Tag,
)
from api.http.models.lists import Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, place_after
from api.http.parameters import Day, ReconNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.published import PublishedAs
from api.http.report_files import ReportFormat, ReportView, format_of, respond_with_report
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import object_now, shown_object
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import AccessError, Code
from payments.messages.message_types import SignedBy
from projections.core.moments import day_of
from projections.reconciliation_lists import (
    REASONS,
    ReconciliationFilter,
    lines_report,
    reconciliations_page,
    sums_by_kind,
)
from projections.reports.report import Report

_ALL = "/v1/ledgers/{ledger}/reconciliations"
_ONE = _ALL + "/{recon_no}"
_POLICY = "/v1/ledgers/{ledger}/reconciliation-policy"
DIFFERENCES_SHOWN_MAX = 1_000
_WHOSE = "what banks say of all units"

AskedFormat = Annotated[str, PublishedAs(ReportFormat)]

router = APIRouter(route_class=Operation, tags=[Tag.BANK])


class DifferenceView(msgspec.Struct, kw_only=True, gc=False):
    """What does not match; ``amt`` null: the bank has it not, ``booked_amt`` null: the books have
    it not. ``place`` is the line, as package and number in it."""

    kind: DifferenceCode
    number: str
    amt: str | None
    booked_amt: str | None
    booked_on: str | None
    place: str | None
    x_check_reason: str


class DifferencesOfKindView(msgspec.Struct, kw_only=True):
    """How many differences of a kind there are, and over how much."""

    kind: DifferenceCode
    num: int
    amt: str


class ReconciliationView(msgspec.Struct, kw_only=True):
    """A reconciliation 对账单: who sent it, of which vouchers and days, and what came of it.

    ``packages`` are those that are there, of ``pack_num``. ``all_num`` and ``all_amt`` are what
    the bank says, ``booked_num`` and ``booked_amt`` what the books had of those days as of
    ``upto_position``, null before the comparison; ``x_check_result`` is 0 相符 or 1 不符.
    """

    ledger: str
    recon_no: str
    state: ReconciliationState
    vt_code: str
    sender: str
    e_voucher_type: str
    begin_date: str
    end_date: str
    pack_num: int
    packages: list[int]
    all_num: int
    all_amt: str
    upto_position: int | None
    booked_num: int | None
    booked_amt: str | None
    matched_num: int | None
    diff_num: int | None
    x_check_result: str | None
    by_kind: list[DifferencesOfKindView]
    reason: str
    confirmed_by: str | None
    commit: Committed = UNSET


class ReconciliationWithDifferences(ReconciliationView, kw_only=True):
    """With its differences, a thousand at most; all of them, and the lines that agree, are in
    ``…/lines``."""

    differences: list[DifferenceView]


class RequiredReconciliationView(msgspec.Struct, kw_only=True):
    """What must be reconciled day by day; ``pay_bank_code`` "" is the central bank."""

    vt_code: str
    pay_bank_code: str
    e_voucher_type: str
    start_date: str


class ReconciliationPolicyView(msgspec.Struct, kw_only=True):
    """Without which reconciliations a month is not closed; none by default."""

    ledger: str
    required: list[RequiredReconciliationView]
    commit: Committed = UNSET


def _common(key: int, found: Reconciliation) -> dict[str, Any]:
    opened, compared, confirmed = found.opened, found.compared, found.confirmed
    return {
        "ledger": ledger_text(key),
        "recon_no": opened.recon_no,
        "state": found.state,
        "vt_code": opened.vt_code,
        "sender": opened.sender,
        "e_voucher_type": opened.e_voucher_type,
        "begin_date": opened.begin_date,
        "end_date": opened.end_date,
        "pack_num": opened.pack_num,
        "packages": sorted(found.packages),
        "all_num": opened.all_num,
        "all_amt": opened.all_amt,
        "upto_position": compared.upto_position if compared else None,
        "booked_num": compared.booked_num if compared else None,
        "booked_amt": compared.booked_amt if compared else None,
        "matched_num": compared.matched_num if compared else None,
        "diff_num": compared.diff_num if compared else None,
        "x_check_result": str(int(compared.diff_num > 0)) if compared else None,
        "by_kind": [
            DifferencesOfKindView(kind=kind, num=num, amt=amt)
            for kind, (num, amt) in sums_by_kind(found).items()
        ],
        "reason": confirmed.reason if confirmed else "",
        "confirmed_by": confirmed.by if confirmed else None,
    }


def _with_differences(
    key: int, found: Reconciliation, commit: Committed = UNSET
) -> ReconciliationWithDifferences:
    differences = [
        DifferenceView(
            kind=each.kind,
            number=each.number,
            amt=each.amt or None,
            booked_amt=each.booked_amt or None,
            booked_on=each.booked_on or None,
            place=each.place or None,
            x_check_reason=REASONS[each.kind],
        )
        for each in found.differences[:DIFFERENCES_SHOWN_MAX]
    ]
    return ReconciliationWithDifferences(
        **_common(key, found), differences=differences, commit=commit
    )


@router.get(
    _ALL,
    operation_id="reconciliation.list",
    summary="Reconciliations by their numbers, with what came of each 对账清单",
    response_model=Page[ReconciliationView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_reconciliations(
    call: LedgerRead,
    asked: AskedPage,
    vt_code: str = "",
    pay_bank_code: str = "",
    e_voucher_type: str = "",
    state: ReconciliationStatus | None = None,
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
) -> Response:
    """Of a message, of an agent bank, of a kind of voucher, in a state, or of days that reach into
    ``from`` to ``to``: a day, a month."""
    key = await admit(call)
    await require_all_units(call, key, _WHOSE)
    await wait_for_head(call, key)
    sender = SignedBy.AGENT_BANK.subject(pay_bank_code) if pay_bank_code else ""
    wanted = ReconciliationFilter(
        vt_code,
        sender,
        e_voucher_type,
        state or "",
        "" if first is None else day_of(first, "from").isoformat(),
        "" if last is None else day_of(last, "to").isoformat(),
    )
    after = place_after(call, asked.cursor)
    page = await call.read(
        lambda connection: reconciliations_page(connection, key, wanted, after, asked.size)
    )
    items = [ReconciliationView(**_common(key, each)) for each in page.items]
    return call.respond(page_after(call, items, page.after), position=page.position)


@router.get(
    _ONE,
    operation_id="reconciliation.show",
    summary="A reconciliation with what does not match at either side 对账单、未达账",
    response_model=ReconciliationWithDifferences,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_reconciliation(call: LedgerRead, recon_no: ReconNo) -> Response:
    key = await admit(call, number=recon_no)
    await require_all_units(call, key, _WHOSE)
    position, found = await shown_object(call, key, RECONCILIATION, recon_no)
    return call.respond(_with_differences(key, found), position=position)


@router.get(
    _ONE + "/lines",
    operation_id="reconciliation.lines",
    summary="Every line with its result and reason 逐笔对账结果",
    response_model=ReportView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_lines(
    call: LedgerRead,
    recon_no: ReconNo,
    format: AskedFormat = ReportFormat.JSON,  # noqa: A002 - as of all reports
    only_differing: bool = False,
) -> Response:
    """``x_check_result`` 0 相符, 1 不符, with ``x_check_reason``; behind the bank's lines what it
    has not listed. As JSON, CSV or a workbook."""
    key = await admit(call, number=recon_no)
    form = format_of(format)
    await require_all_units(call, key, _WHOSE)
    await wait_for_head(call, key)

    def report(connection: Connection) -> Report:
        position, found = object_now(connection, key, RECONCILIATION, recon_no)
        return lines_report(connection, key, position, found, only_differing=only_differing)

    return await respond_with_report(call, key, form, report)


@router.get(
    _POLICY,
    operation_id="reconciliation_policy.show",
    summary="Which reconciliations a month waits for 对账策略",
    response_model=ReconciliationPolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    policy: ReconciliationPolicy = head.settings.get(RECONCILIATION_POLICY)
    return call.respond(_policy_view(head.ledger_id, policy.required), position=head.position)


def _policy_view(
    key: int, required: tuple[RequiredReconciliation, ...], commit: Committed = UNSET
) -> ReconciliationPolicyView:
    return ReconciliationPolicyView(
        ledger=ledger_text(key),
        required=[
            RequiredReconciliationView(
                vt_code=each.vt_code,
                pay_bank_code=each.pay_bank_code,
                e_voucher_type=each.e_voucher_type,
                start_date=each.start_date,
            )
            for each in required
        ],
        commit=commit,
    )


# ---- commands


async def _compared(call: Call, key: int, command: Command) -> Command:
    """With what the comparison finds by now."""
    assert isinstance(command, CompareReconciliation)

    def read(connection: Connection) -> Any:
        _, found = object_now(connection, key, RECONCILIATION, command.recon_no)
        return compare_again(connection, key, found)

    return msgspec.structs.replace(command, comparison=await call.read(read))


async def _of_who_does_not_pay(call: Call, _key: int, command: Command) -> Command:
    """对账人不得办理支付: whoever may have money paid does not say that it was paid rightly."""
    if paying := call.caller.roles & PAYING_ROLES:
        raise AccessError(
            Code.FORBIDDEN,
            f"who reconciles does not pay: the caller holds {', '.join(sorted(paying))} 不相容岗位",
        )
    return command


def _acted(key: int, _command: Command, outcome: Outcome) -> ReconciliationWithDifferences:
    return _with_differences(key, outcome.subjects[0], commit_view(outcome.commit))


def _policy_set(key: int, command: Command, outcome: Outcome) -> ReconciliationPolicyView:
    assert isinstance(command, SetReconciliationPolicy)
    return _policy_view(key, command.required, commit_view(outcome.commit))


DIRECT = (
    CommandRoute(
        CompareReconciliation,
        _ONE + "/compare",
        in_path=("recon_no",),
        right=Right.KEEP_BOOKS,
        view=_acted,
        answer=ReconciliationWithDifferences,
        summary="Compare it again with what the books have by now 再次比对",
        tag=Tag.BANK,
        codes=(Code.NOT_FOUND, Code.INVALID_STATE),
        body=Body(CompareReconciliation, "recon_no", "comparison"),
        complete=_compared,
    ),
    CommandRoute(
        ConfirmReconciliation,
        _ONE + "/confirm",
        in_path=("recon_no",),
        right=Right.KEEP_BOOKS,
        view=_acted,
        answer=ReconciliationWithDifferences,
        summary="Stand for what was found, with a reason for what differs 对账确认",
        tag=Tag.BANK,
        codes=(Code.NOT_FOUND, Code.INVALID_STATE),
        complete=_of_who_does_not_pay,
    ),
    CommandRoute(
        SetReconciliationPolicy,
        _POLICY,
        method="PUT",
        right=Right.ADMINISTER,
        view=_policy_set,
        answer=ReconciliationPolicyView,
        summary="Set which reconciliations a month waits for 对账策略",
        tag=Tag.BANK,
    ),
)
