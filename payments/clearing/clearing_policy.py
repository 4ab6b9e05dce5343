"""清算策略: who claims from the central bank what agent banks have paid ahead. Pure decisions.

Without a policy the treasury claims by itself all that is due. Where the banks claim, each sends
its own 2301 and 2302, and the treasury agrees to what its books have as well.
"""

from typing import ClassVar

import msgspec

from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen
from payments.clearing.bank_events import ClearingPolicySet

BY_TREASURY, BY_BANKS = "treasury", "banks"
CLAIMED_BY = (BY_TREASURY, BY_BANKS)


class ClearingPolicy(msgspec.Struct, frozen=True):
    """``singly_from_fen``: from which amount on a payment is claimed singly; 0 for none."""

    claimed_by: str = BY_TREASURY
    singly_from_fen: int = 0


def _fold(policy: ClearingPolicy, event: Event) -> ClearingPolicy:
    if isinstance(event, ClearingPolicySet):
        singly = event.singly_from_amt
        return ClearingPolicy(event.claimed_by, stored_fen(singly) if singly else 0)
    return policy


CLEARING_POLICY = declare(Setting("clearing_policy", ClearingPolicy(), _fold))


def is_claimed_singly(state: LedgerState, paid_fen: int) -> bool:
    """Whether a payment of this amount is claimed by itself."""
    return 0 < state.settings.get(CLEARING_POLICY).singly_from_fen <= paid_fen


class SetClearingPolicy(Command, frozen=True, kw_only=True):
    """清算策略: what holds from here on. What is paid already is claimed as it was paid, singly or
    in sums."""

    OPERATION: ClassVar[str] = "clearing_policy.set"
    APPROVABLE: ClassVar[bool] = True
    UNLESS_SAID: ClassVar[tuple[str, ...]] = ("security_officer",)
    CHANNEL: ClassVar[str] = "清算策略"
    claimed_by: str
    singly_from_amt: str = ""

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        if self.claimed_by not in CLAIMED_BY:
            raise RequestError(
                Code.MALFORMED,
                f"claimed_by is one of {', '.join(CLAIMED_BY)}",
                pointer="/claimed_by",
            )
        if not self.singly_from_amt:
            return
        parse_yuan(self.singly_from_amt, pointer="/singly_from_amt")
        if self.claimed_by == BY_TREASURY:
            raise RequestError(
                Code.MALFORMED,
                "only banks claim payments singly",
                pointer="/singly_from_amt",
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        policy = ClearingPolicySet(
            claimed_by=self.claimed_by, singly_from_amt=self.singly_from_amt, by=by
        )
        return Decision(events=[(None, "", policy)], effective_on=state.today)
