"""暂付款限额: how much may stand out as advances together; the ledger's policy."""

from typing import ClassVar

import msgspec

from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.events import Event
from ledger.money import parse_yuan
from payments.order_events import AdvancePolicySet


class AdvancePolicy(msgspec.Struct, frozen=True):
    """``limit_amt`` in yuan; "" is no limit."""

    limit_amt: str = ""


def _fold(policy: AdvancePolicy, event: Event) -> AdvancePolicy:
    return AdvancePolicy(event.limit_amt) if isinstance(event, AdvancePolicySet) else policy


ADVANCE_POLICY = declare(Setting("advance_policy", AdvancePolicy(), _fold))


class SetAdvancePolicy(Command, frozen=True, kw_only=True):
    """What stands out may not exceed the limit from here on, but by approval of the government."""

    OPERATION: ClassVar[str] = "advance_policy.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "预拨暂付"
    limit_amt: str = ""

    def check(self) -> None:
        """Raises RequestError ``invalid_amount``."""
        if self.limit_amt:
            parse_yuan(self.limit_amt, pointer="/limit_amt", zero=True)

    def decide(self, state: LedgerState, by: str) -> Decision:
        policy = AdvancePolicySet(limit_amt=self.limit_amt, by=by)
        return Decision(events=[(None, "", policy)], effective_on=state.today)
