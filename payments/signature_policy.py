"""签章策略: who must sign a voucher, in order, which bank pays it, and how they sign."""

from typing import ClassVar

import msgspec

from division.knowledge import require_appointed
from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError
from ledger.events import Event
from payments.policy_events import SignaturePolicySet

PER_VOUCHER, PER_MANIFEST = "voucher", "manifest"  # what one signature covers 签章范围
SIGNING_SCOPES = (PER_VOUCHER, PER_MANIFEST)
SIGNING_ROLES = ("unit", "finance_first", "finance_second", "treasury")


class SignaturePolicy(msgspec.Struct, frozen=True):
    """The roles that sign a voucher, in order, the bank that pays it, and what one signature
    covers: a voucher, or a manifest of many."""

    roles: tuple[str, ...] = ("treasury",)
    pay_bank_code: str = "102"
    signing: str = PER_VOUCHER


def _fold(policy: SignaturePolicy, event: Event) -> SignaturePolicy:
    if isinstance(event, SignaturePolicySet):
        return SignaturePolicy(event.roles, event.pay_bank_code, event.signing)
    return policy


SIGNATURE_POLICY = declare(Setting("signature_policy", SignaturePolicy(), _fold))


class SetSignaturePolicy(Command, frozen=True, kw_only=True):
    """签章策略: the roles that sign a voucher, in order, the bank that pays it, and how they sign.

    ``signing`` is of the bank's channel: whether the bank takes one signature over a manifest of
    many vouchers, or wants one on each.
    """

    OPERATION: ClassVar[str] = "signature_policy.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "签章策略"
    roles: tuple[str, ...]
    pay_bank_code: str = "102"
    signing: str = PER_VOUCHER

    def check(self) -> None:
        """Raises RequestError for unknown, repeated or no roles, or an unknown scope."""
        if not self.roles or len(set(self.roles)) != len(self.roles):
            raise RequestError(
                Code.MALFORMED, "roles lists each signing role once, in order", pointer="/roles"
            )
        for index, role in enumerate(self.roles):
            if role not in SIGNING_ROLES:
                raise RequestError(
                    Code.MALFORMED,
                    f"signing roles are {', '.join(SIGNING_ROLES)}",
                    pointer=f"/roles/{index}",
                )
        if self.signing not in SIGNING_SCOPES:
            raise RequestError(
                Code.MALFORMED, f"signing is {' or '.join(SIGNING_SCOPES)}", pointer="/signing"
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_appointed(state, self.pay_bank_code)
        # point of no return
        policy = SignaturePolicySet(
            roles=self.roles, pay_bank_code=self.pay_bank_code, signing=self.signing, by=by
        )
        return Decision(events=[(None, "", policy)], effective_on=state.today)
