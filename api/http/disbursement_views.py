"""What callers see of disbursement runs: the run, and its lines with their outcomes."""

from typing import Annotated

import msgspec
from fastapi import Path
from msgspec import UNSET
from psycopg import Connection
from pydantic import AfterValidator

from api.http.models.enums import OutcomeOfLine, RunState, RunWaitCode
from api.http.published import EXAMPLES
from api.http.views import Committed
from ledger.account_set import ledger_text
from ledger.elements.register import ElementRegister
from ledger.errors import Code, RequestError
from ledger.money import yuan
from ledger.reading.objects import stream_of
from payments.disbursement.execution import read_run
from payments.disbursement.lock import is_held
from payments.disbursement.progress import (
    FINAL,
    LineResult,
    Totals,
    read_drawn,
    totals,
)
from payments.disbursement.resuming import read_standing
from payments.disbursement.run import DISBURSEMENT, EXECUTED, NUMBER_DIGITS, Run
from payments.disbursement.waiting import RunStanding
from payments.messages.gbk import check_encodable

RUN_NO_CHARACTERS_MAX = ElementRegister.ELEMENTS["pay_app_no"].max_length - NUMBER_DIGITS - 1
FINISHED = "finished"  # executed, and every line has its outcome


class WaitsForView(msgspec.Struct, kw_only=True):
    """``detail`` is the role for ``awaiting_signer`` and ``resuming``, the reason for ``stopped``,
    how many vouchers for what waits for the bank; else it is empty."""

    code: RunWaitCode
    detail: str


class RunView(msgspec.Struct, kw_only=True):
    """A run; counts and amounts at the end are of its lines, as the bank answered.

    ``under_way`` says that somebody is at work on it now, ``waits_for`` what it waits for, null
    while somebody is at work or all of it is final. ``problem`` is why it was stopped.
    """

    ledger: str
    run_no: str
    bgt_id: str
    title: str
    use_des: str
    effective_on: str | None
    status: RunState
    under_way: bool
    waits_for: WaitsForView | None
    problem: str
    made_by: str
    checked_by: str | None
    line_count: int
    voucher_count: int
    pay_amt: str
    lines_sm3: str
    file_sm3: str
    repeats_run_no: str
    reserved_amt: str
    drawn_count: int
    vouchers: dict[str, int]
    paid_count: int
    failed_count: int
    pending_count: int
    xpay_amt: str
    failed_amt: str
    refund_amt: str
    commit: Committed = UNSET


class SuspectView(msgspec.Struct):
    """Lines of the file that pay the same amount to the same account."""

    first_line: int
    last_line: int


class LoadView(RunView, kw_only=True):
    """``repeated_run_nos``: runs that pay the same amounts to the same accounts already."""

    suspect_count: int
    suspects: list[SuspectView]
    repeated_run_nos: list[str]


class LineResultView(msgspec.Struct, kw_only=True):
    """A line; ``outcome`` is pending, the state of its payment, paid or failed."""

    line_no: int
    file_line: int
    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    pay_amt: str
    pay_app_no: str
    outcome: OutcomeOfLine
    xpay_amt: str
    xadd_word: str


def check_run_no(text: str) -> str:
    """The number, if a payment's number can be made of it; raises ``malformed``."""
    ElementRegister.check_shape("pay_app_no", text, "/run_no")
    check_encodable(text, pointer="/run_no")
    if len(text) > RUN_NO_CHARACTERS_MAX:
        detail = f"run_no has at most {RUN_NO_CHARACTERS_MAX} characters"
        raise RequestError(Code.MALFORMED, detail, pointer="/run_no")
    return text


RunNo = Annotated[
    str,
    Path(description="批量支付编号", examples=[EXAMPLES["run_no"]]),
    AfterValidator(check_run_no),
]


def require_run(connection: Connection, key: int, run_no: str) -> Run:
    """The run; raises ``not_found``."""
    run = read_run(connection, key, run_no)
    if run is None:
        raise RequestError(Code.NOT_FOUND, f"no disbursement run {run_no!r}")
    return run


def run_view(
    connection: Connection,
    key: int,
    run: Run,
    *,
    under_way: bool | None = None,
    commit: Committed = UNSET,
) -> RunView:
    """The run with its figures; ``under_way`` as it was found before the run was read."""
    if under_way is None:
        under_way = is_held(connection, key, run.run_no)
    loaded, approved = run.loaded, run.approved
    standing = read_standing(connection, key, run)
    waits_for = standing.waits_for(under_way=under_way)
    found = _totals(connection, key, standing)
    line_count = loaded.line_count if loaded else 0
    pending = line_count - found.paid_count - found.failed_count
    finished = run.status == EXECUTED and not set(found.vouchers_by_status) - set(FINAL)
    return RunView(
        ledger=ledger_text(key),
        run_no=run.run_no,
        bgt_id=run.bgt_id,
        title=run.opened.title,
        use_des=run.opened.use_des,
        effective_on=run.opened.effective_on or None,
        status=FINISHED if finished else run.status,
        under_way=under_way,
        waits_for=WaitsForView(code=waits_for.code, detail=waits_for.detail) if waits_for else None,
        problem=run.stopped.reason if run.stopped else "",
        made_by=loaded.by if loaded else run.opened.by,
        checked_by=approved.by if approved else None,
        line_count=line_count,
        voucher_count=approved.voucher_count if approved else 0,
        pay_amt=loaded.pay_amt if loaded else "0.00",
        lines_sm3=loaded.lines_sm3 if loaded else "",
        file_sm3=loaded.file_sm3 if loaded else "",
        repeats_run_no=approved.repeats_run_no if approved else "",
        reserved_amt=yuan(run.reserved_fen),
        drawn_count=run.drawn,
        vouchers=found.vouchers_by_status,
        paid_count=found.paid_count,
        failed_count=found.failed_count,
        pending_count=pending,
        xpay_amt=yuan(found.paid_fen),
        failed_amt=yuan(found.failed_fen),
        refund_amt=yuan(found.refunded_fen),
        commit=commit,
    )


def _totals(connection: Connection, key: int, standing: RunStanding) -> Totals:
    run = standing.run
    if not run.drawn:
        return Totals(vouchers_by_status={})
    stream_id = stream_of(connection, key, DISBURSEMENT, run.run_no)
    return totals(run, standing.vouchers, read_drawn(connection, key, stream_id))


def line_result_view(result: LineResult) -> LineResultView:
    line = result.line
    return LineResultView(
        line_no=line.line_no,
        file_line=line.file_line,
        pay_detail_id=line.pay_detail_id,
        payee_acct_name=line.payee_acct_name,
        payee_acct_no=line.payee_acct_no,
        payee_acct_bank_name=line.payee_acct_bank_name,
        pay_amt=yuan(line.pay_fen),
        pay_app_no=result.pay_app_no,
        outcome=result.outcome,
        xpay_amt=yuan(result.xpay_fen),
        xadd_word=result.xadd_word,
    )
