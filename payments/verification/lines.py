"""批量支付: the lines of each run against the digest that was approved.

Vouchers are drawn from the table; each is compared with the approved digest when it is drawn, and
here all of a run's lines are, whether drawn or not.
"""

from collections.abc import Iterable

import msgspec

from ledger.events import decode, type_names
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join, memory_of
from payments.disbursement.events import DisbursementApproved, DisbursementLoaded
from payments.disbursement.lines import read_pages

_RUNS = "SELECT DISTINCT run_no FROM disbursement_lines WHERE ledger_id = %s"


class _Run(msgspec.Struct):
    """The digest that a run was loaded with last, and the one that was approved, with their
    positions; "" where there is none."""

    loaded_at: int = 0
    loaded: str = ""
    approved_at: int = 0
    approved: str = ""


@join
class LinesCheck(EventCheck):
    """What was approved is what was loaded, and what lies in the table."""

    NAME = name_check(
        "lines", "批量明细 lines of runs against what was approved", "runs", "disbursement_lines"
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._runs = memory_of(context.memory, dict[str, _Run], {})

    def follows(self) -> Iterable[str]:
        return *type_names(DisbursementLoaded), *type_names(DisbursementApproved)

    def take(self, row: FollowedEvent) -> None:
        event = decode(row.type, row.payload)
        if isinstance(event, DisbursementLoaded):
            run = self._runs.setdefault(event.run_no, _Run())
            run.loaded_at, run.loaded = row.position, event.lines_sm3
        elif isinstance(event, DisbursementApproved):
            run = self._runs.setdefault(event.run_no, _Run())
            run.approved_at, run.approved = row.position, event.lines_sm3
            if run.approved != run.loaded:
                detail = f"run {event.run_no}: other lines are approved than were loaded"
                self.findings.add(self.NAME, row.position, detail)

    def conclude(self) -> None:
        asking, ledger_id = self.context.asking, self.context.place.ledger_id
        for run_no, run in self._runs.items():
            self.findings.count(self.NAME, 1)
            # until it is approved a run's lines may be those of a file that came in just now
            if run.approved and read_pages(asking, ledger_id, run_no).lines_sm3 != run.approved:
                detail = f"the lines of run {run_no} are not those that were approved 明细被改"
                self.findings.add(self.NAME, run.approved_at, detail)
        for (run_no,) in asking.execute(_RUNS, (ledger_id,)).fetchall():
            if run_no not in self._runs and not self._opened(run_no):
                self.findings.add(self.NAME, 0, f"lines of a run {run_no!r} that nobody opened")

    def _opened(self, run_no: str) -> bool:
        row = self.context.asking.execute(
            "SELECT EXISTS (SELECT FROM command_keys WHERE ledger_id = %s"
            " AND operation = 'disbursement.open' AND number = %s)",
            (self.context.place.ledger_id, run_no),
        ).fetchone()
        return row == (True,)

    def remembered(self) -> bytes:
        return msgspec.msgpack.encode(self._runs)
