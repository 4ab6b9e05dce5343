"""What a run waits for, and whose work on it was broken off. Pure.

``execute`` is a signer's word for the whole run: to draw what is left, where his is the first
signature, and to sign what waits for his role. Work that he was given and that is not done, by
nobody's decision, was broken off, and is carried on in his name. What came to wait for his role
only after he had asked is not his yet.
"""

from collections.abc import Mapping
from typing import NamedTuple

from payments.disbursement.events import DisbursementStarted
from payments.disbursement.progress import Voucher
from payments.disbursement.run import APPROVED, EXECUTING, LOADED, OPENED, Run
from payments.disbursement.run import STOPPED as RUN_STOPPED
from payments.payment import SENT, SIGNED

AWAITING_LINES, AWAITING_APPROVAL = "awaiting_lines", "awaiting_approval"
AWAITING_SIGNER, STOPPED, RESUMING = "awaiting_signer", "stopped", "resuming"
BANK_REFUSED, AWAITING_BANK = "bank_refused", "awaiting_bank"
RUN_WAITS = (
    AWAITING_LINES,
    AWAITING_APPROVAL,
    AWAITING_SIGNER,
    STOPPED,
    RESUMING,
    AWAITING_BANK,
    BANK_REFUSED,
)


class WaitsFor(NamedTuple):
    """``code`` is one of ``RUN_WAITS``."""

    code: str
    detail: str


class RunStanding(NamedTuple):
    """A run with what its events leave open.

    Attributes:
        started_at: by role the position at which it was last taken on, of persons who still hold
            that role.
        first_role: of the ledger's signature policy: whoever signs first draws.
    """

    run: Run
    vouchers: Mapping[str, Voucher]
    started_at: Mapping[str, int]
    first_role: str

    @property
    def next_roles(self) -> list[str]:
        """The roles whose signature some voucher waits for."""
        return list(dict.fromkeys(v.next_role for v in self.vouchers.values() if v.next_role))

    def broken_off(self) -> DisbursementStarted | None:
        """Whose work is to be carried on, where nobody is at work on it; None for nobody's."""
        run = self.run
        if run.stopped is not None or run.closed is not None:
            return None
        for started in run.started:
            if started.role not in self.started_at:
                continue
            if run.status == EXECUTING and started.role == self.first_role:
                return started
            if any(self._was_given(started.role, v) for v in self.vouchers.values()):
                return started
        return None

    def _was_given(self, role: str, voucher: Voucher) -> bool:
        if voucher.next_role != role:
            return False
        return role == voucher.roles[0] or voucher.acted_at < self.started_at[role]

    def waits_for(self, *, under_way: bool) -> WaitsFor | None:
        """What the run waits for; None where somebody is at work on it, or all of it is final."""
        run = self.run
        if run.status in (OPENED, LOADED):
            return WaitsFor(AWAITING_LINES if run.status == OPENED else AWAITING_APPROVAL, "")
        if under_way:
            return None
        if run.status not in (APPROVED, EXECUTING, RUN_STOPPED) and not self.next_roles:
            return self._at_the_bank()
        if run.stopped is not None and run.closed is None:
            return WaitsFor(STOPPED, run.stopped.reason)
        if (started := self.broken_off()) is not None:
            return WaitsFor(RESUMING, started.role)
        return WaitsFor(AWAITING_SIGNER, next(iter(self.next_roles), self.first_role))

    def _at_the_bank(self) -> WaitsFor | None:
        there = [v for v in self.vouchers.values() if v.status in (SIGNED, SENT)]
        if refused := [v for v in there if v.is_refused]:
            return WaitsFor(BANK_REFUSED, f"{len(refused)} vouchers")
        return WaitsFor(AWAITING_BANK, f"{len(there)} vouchers") if there else None
