"""用款计划控制: whether the plan of a month that has not come counts already; the ledger's policy.

A ledger that an earlier release opened says nothing of it until one is set: there all plans count
together, and are not cut with their indicator.
"""

from typing import ClassVar

import msgspec

from budget.events import PlanPolicySet
from ledger.deciding.command import Command
from ledger.deciding.opening import MONTHLY, TOTAL, require_plan_control
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.events import Event, LedgerOpened


class PlanPolicy(msgspec.Struct, frozen=True):
    """``total``: all plans count together; ``monthly``: those of months that have come. "" is of a
    ledger that says nothing of it."""

    plan_control: str = ""

    @property
    def is_monthly(self) -> bool:
        return self.plan_control == MONTHLY

    @property
    def cuts_plans(self) -> bool:
        """Whether plans are cut with their indicator."""
        return self.plan_control != ""

    @property
    def shown(self) -> str:
        """What holds."""
        return self.plan_control or TOTAL


def _fold(policy: PlanPolicy, event: Event) -> PlanPolicy:
    if isinstance(event, LedgerOpened | PlanPolicySet):
        return PlanPolicy(event.plan_control)
    return policy


PLAN_POLICY = declare(Setting("plan_policy", PlanPolicy(), _fold))


class SetPlanPolicy(Command, frozen=True, kw_only=True):
    """用款计划控制: plans count together, or month by month, from here on."""

    OPERATION: ClassVar[str] = "plan_policy.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "账套开立"
    plan_control: str

    def check(self) -> None:
        """Raises RequestError ``malformed``."""
        require_plan_control(self.plan_control)

    def decide(self, state: LedgerState, by: str) -> Decision:
        policy = PlanPolicySet(plan_control=self.plan_control, by=by)
        return Decision(events=[(None, "", policy)], effective_on=state.today)
