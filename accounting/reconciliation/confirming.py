"""对账确认: a person who does not pay stands for what was found. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from accounting.reconciliation.events import ReconciliationConfirmed, ReconciliationNoted
from accounting.reconciliation.policy import RECONCILED, covers_from, key_of
from accounting.reconciliation.receiving import require_reconciliation
from accounting.reconciliation.statement import (
    AGREES,
    DIFFERS,
    RECONCILIATION,
    Reconciliation,
)
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal


class ConfirmReconciliation(Command, frozen=True, kw_only=True):
    """对账确认: with a reason where something differs: where it comes from, what becomes of it."""

    OPERATION: ClassVar[str] = "reconciliation.confirm"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "对账"
    NUMBER: ClassVar[str] = "recon_no"
    KIND: ClassVar[AnyKind] = RECONCILIATION
    KEEPS_REFUSAL: ClassVar[bool] = False
    recon_no: str
    reason: str = ""

    def needs(self) -> Iterable[Need]:
        return ((RECONCILIATION, self.recon_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        found = require_reconciliation(state, self.recon_no)
        compared = found.compared
        if compared is None or found.state not in (AGREES, DIFFERS):
            raise Refusal(Code.INVALID_STATE, f"the reconciliation is {found.state}")
        _require_latest(state, found)
        if compared.diff_num and not self.reason:
            raise Refusal(
                Code.INVALID_STATE,
                f"{compared.diff_num} differences stand: a reason says where they come from",
                pointer="/reason",
            )
        # point of no return
        opened = found.opened
        confirmed = ReconciliationConfirmed(
            recon_no=self.recon_no, diff_num=compared.diff_num, reason=self.reason, by=by
        )
        noted = ReconciliationNoted(
            recon_no=self.recon_no,
            vt_code=opened.vt_code,
            sender=opened.sender,
            e_voucher_type=opened.e_voucher_type,
            begin_date=opened.begin_date,
            end_date=opened.end_date,
            diff_num=compared.diff_num,
            covers_from=covers_from(state, date.fromisoformat(opened.begin_date)).isoformat(),
        )
        return Decision(
            events=[(RECONCILIATION, self.recon_no, confirmed), (None, "", noted)],
            effective_on=state.today,
        )


def _require_latest(state: LedgerState, found: Reconciliation) -> None:
    """Raises Refusal ``invalid_state`` where the bank has sent another of the same days since."""
    opened = found.opened
    key = key_of(opened.vt_code, opened.sender, opened.e_voucher_type)
    waiting = state.settings.get(RECONCILED).open.get(key, ())
    if all(each.recon_no != opened.recon_no for each in waiting):
        raise Refusal(Code.INVALID_STATE, "the bank has sent another one of the same days 已被替代")
