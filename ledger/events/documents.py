"""单据: what awaits the agreement of other persons, and the policy that says of whom.

A submitted document moves nothing. The events of its act stand directly behind the agreement that
was the last one wanted, in the same commit.
"""

from typing import Any, ClassVar

from ledger.events.base import LEDGER, Event, Traits
from ledger.events.registry import register

Policy = dict[str, tuple[str, ...]]  # by kind of document, the roles that must agree, in order


class ApprovalPolicySet(Event, frozen=True, kw_only=True):
    """审批策略: who must agree to these kinds from here on; the other kinds stay as they were."""

    TYPE: ClassVar[str] = "ledger.approval_policy_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="approval_policy.set", title="审批策略"
    )
    approval_policy: Policy
    by: str


class DocumentSubmitted(Event, frozen=True, kw_only=True):
    """提交: ``body`` is the whole of what is asked, as it was fingerprinted.

    Attributes:
        roles: those that must agree, in order, as the policy has it at this moment.
        submission: the first, or a later one of a number that was given back before.
        idempotency_key: the caller's own, so that he finds the answer under it.
    """

    TYPE: ClassVar[str] = "document.submitted"
    TRAITS: ClassVar[Traits] = Traits(subject="document", asked_by="document.submit", title="提交")
    kind: str
    number: str
    body: dict[str, Any]
    roles: tuple[str, ...]
    submission: int = 1
    idempotency_key: str = ""
    by: str


class DocumentApproved(Event, frozen=True, kw_only=True):
    """同意, by one person in one role; ``brings`` counts the events of the act that stand directly
    behind the last agreement, and is 0 for those before it."""

    TYPE: ClassVar[str] = "document.approved"
    TRAITS: ClassVar[Traits] = Traits(subject="document", asked_by="document.approve", title="同意")
    kind: str
    number: str
    role: str
    submission: int = 1
    brings: int = 0
    by: str


class DocumentReturned(Event, frozen=True, kw_only=True):
    """退回, by who was to agree, or taken back by who made it."""

    TYPE: ClassVar[str] = "document.returned"
    TRAITS: ClassVar[Traits] = Traits(subject="document", asked_by="document.return", title="退回")
    kind: str
    number: str
    reason: str
    by: str


register(ApprovalPolicySet, DocumentSubmitted, DocumentApproved, DocumentReturned)
