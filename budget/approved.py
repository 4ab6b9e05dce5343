"""批准: whether a ledger has an approved budget; from then on it decides what may be issued."""

import msgspec

from budget.preparation_events import BudgetApproved
from ledger.deciding.settings import Setting, declare
from ledger.events import Event


class BudgetState(msgspec.Struct, frozen=True):
    """Of how many approvals the ledger's budget is made."""

    approvals: int = 0

    @property
    def is_approved(self) -> bool:
        return self.approvals > 0


def _fold(budget: BudgetState, event: Event) -> BudgetState:
    return BudgetState(budget.approvals + 1) if isinstance(event, BudgetApproved) else budget


BUDGET = declare(Setting("budget", BudgetState(), _fold))
