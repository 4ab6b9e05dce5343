"""批量支付: what a disbursement run is, folded from its events.

``opened -> loaded -> approved -> executing <-> stopped -> executed``, or ``closed`` on the way. A
run is one list of payees paid from one indicator. Who was paid what is said by ordinary payments,
numbered ``<run_no>-000001`` and on, of at most 499 lines each.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from budget.balances import BALANCES
from ledger.deciding.command import Command, Told, fields_in
from ledger.deciding.objects import Kind
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import parse_yuan
from payments.application import DETAILS_MAX
from payments.disbursement.events import (
    DisbursementApproved,
    DisbursementClosed,
    DisbursementDrawn,
    DisbursementLoaded,
    DisbursementOpened,
    DisbursementStarted,
    DisbursementStopped,
)

OPENED, LOADED, APPROVED, EXECUTING = "opened", "loaded", "approved", "executing"
STOPPED, EXECUTED, CLOSED = "stopped", "executed", "closed"

LINES_MAX = 1_000_000
NUMBER_DIGITS = 6


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a run; ``drawn`` vouchers of ``drawn_fen`` in all were applied for.

    ``started`` are those who have taken it on since it was last stopped, once for each role.
    """

    opened: DisbursementOpened
    loaded: DisbursementLoaded | None = None
    approved: DisbursementApproved | None = None
    started: tuple[DisbursementStarted, ...] = ()
    stopped: DisbursementStopped | None = None
    closed: DisbursementClosed | None = None
    last_drawn: DisbursementDrawn | None = None
    drawn_fen: int = 0

    @property
    def run_no(self) -> str:
        return self.opened.run_no

    @property
    def bgt_id(self) -> str:
        return self.opened.bgt_id

    @property
    def drawn(self) -> int:
        return self.last_drawn.voucher_serial if self.last_drawn else 0

    @property
    def status(self) -> str:
        if self.closed is not None:
            return CLOSED
        if self.approved is None:
            return OPENED if self.loaded is None else LOADED
        if self.drawn == self.approved.voucher_count:
            return EXECUTED
        if self.stopped is not None:
            return STOPPED
        return EXECUTING if self.started else APPROVED

    @property
    def reserved_fen(self) -> int:
        """What is frozen for it now."""
        if self.approved is None or self.closed is not None:
            return 0
        return parse_yuan(self.approved.pay_amt) - self.drawn_fen

    @property
    def effective_on(self) -> date | None:
        return date.fromisoformat(self.opened.effective_on) if self.opened.effective_on else None

    def pay_app_nos(self) -> list[str]:
        """Numbers of the payments that were applied for, in order."""
        return [payment_number(self.run_no, voucher) for voucher in range(1, self.drawn + 1)]


def payment_number(run_no: str, voucher: int) -> str:
    """The payment of a run's ``voucher``-th voucher, counted from 1."""
    return f"{run_no}-{voucher:0{NUMBER_DIGITS}d}"


def voucher_count(line_count: int) -> int:
    """How many vouchers that many lines make."""
    return -(-line_count // DETAILS_MAX)


def _fold(run: Run | None, event: Event) -> Run | None:
    if isinstance(event, DisbursementOpened):
        return Run(opened=event)
    if run is None:
        return None
    changes: dict[str, Any] = {}
    match event:
        case DisbursementLoaded():
            changes = {"loaded": event}
        case DisbursementApproved():
            changes = {"approved": event}
        case DisbursementStarted():
            others = tuple(each for each in run.started if each.role != event.role)
            changes = {"started": (*others, event), "stopped": None}
        case DisbursementStopped():
            changes = {"stopped": event, "started": ()}
        case DisbursementClosed():
            changes = {"closed": event}
        case DisbursementDrawn():
            drawn_fen = run.drawn_fen + parse_yuan(event.pay_amt)
            changes = {"last_drawn": event, "drawn_fen": drawn_fen}
    return msgspec.structs.replace(run, **changes) if changes else run


def _acts(run: Run) -> Iterator[Event]:
    """What commands without a number have made of it."""
    acts = (run.loaded, run.approved, *run.started, run.last_drawn, run.stopped, run.closed)
    for act in acts:
        if act is not None:
            yield act


# It was ended, or its last voucher is drawn.
_OVER = """EXISTS (
SELECT FROM events e WHERE e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id
    AND e.type = 'disbursement.closed')
OR coalesce((
SELECT (convert_from(e.payload, 'UTF8')::jsonb ->> 'voucher_count')::int FROM events e
WHERE e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id AND e.type = 'disbursement.approved'
) = (
SELECT count(*) FROM events e
WHERE e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id
    AND e.type IN ('disbursement.drawn', 'disbursement.drawn@2')), false)"""

DISBURSEMENT: Kind[Run] = Kind(
    name="disbursement",
    opened_by="disbursement.open",
    fold=_fold,
    rows=lambda run: ((BALANCES, run.bgt_id),),
    acts=_acts,
    over_sql=_OVER,
)


def require(state: LedgerState, run_no: str) -> Run:
    """The run, or the refusal ``not_found``."""
    if (run := state.get(DISBURSEMENT, run_no)) is None:
        raise Refusal(Code.NOT_FOUND, f"no disbursement run {run_no!r}")
    return run


def asked_of_run(cls: type[Command], told: Told) -> dict[str, Any]:
    """The fields of a command about a run. What its event does not tell the run says: which
    indicator it is of, and that the lines which stood in the table were those approved."""
    event = told.event
    if isinstance(event, DisbursementOpened):  # which says whether its caller has dated it
        dated = date.fromisoformat(event.effective_on) if event.effective_on else None
        return fields_in(cls, event, effective_on=dated)
    assert told.state is not None, "an act on a run is told with the run"
    run = require(told.state, event.run_no)
    fields = fields_in(cls, event, bgt_id=run.bgt_id)
    if isinstance(event, DisbursementStarted) and run.approved is not None:
        fields["lines_sm3"] = run.approved.lines_sm3
    elif isinstance(event, DisbursementDrawn):
        fields["voucher"] = event.voucher_serial
    return fields


def require_status(run: Run, *statuses: str) -> None:
    """Refuses with ``invalid_state`` unless the run stands in one of ``statuses``."""
    if run.status not in statuses:
        raise Refusal(
            Code.INVALID_STATE,
            f"run {run.run_no} is {run.status}, not {' or '.join(statuses)}",
            run_status=run.status,
        )
