"""审批: what a ledger's policy wants others to agree to has its document, with distinct persons in
their order, and is what the document asks for.

The policy is folded from the events themselves. An act that took effect while its kind wanted
nobody else needs no document, nor does one at the machine itself, which says so; what stands behind
a last agreement has to be that act and no other.
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from ledger.deciding.approvals import (
    APPROVAL_POLICY,
    ApprovalPolicy,
    agreeing,
    approvable,
    same_person,
)
from ledger.deciding.documents import command_of, key_of
from ledger.deciding.fingerprints import asked_for
from ledger.deciding.principals import AT_MACHINE
from ledger.events import (
    ApprovalPolicySet,
    DocumentApproved,
    DocumentReturned,
    DocumentSubmitted,
    Event,
    LedgerOpened,
    decode,
    type_names,
    types_that,
)
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join, memory_of

_EPOCH = date(1970, 1, 1).toordinal()


class _WaitingDocument(msgspec.Struct):
    """A document that waits."""

    submitted: DocumentSubmitted
    agreed: list[str] = []


class _DueAct(msgspec.Struct):
    """What has to stand behind a last agreement."""

    position: int
    submitted: DocumentSubmitted


class _KnownApprovals(msgspec.Struct):
    policy: ApprovalPolicy = msgspec.field(default_factory=ApprovalPolicy)
    open: dict[str, _WaitingDocument] = {}
    due: _DueAct | None = None


@join
class ApprovalCheck(EventCheck):
    """See the module."""

    NAME = name_check("approval", "审批 what others had to agree to", "documents and acts")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._known = memory_of(context.memory, _KnownApprovals, _KnownApprovals())

    def follows(self) -> Iterable[str]:
        wanted = types_that(
            lambda traits: traits.subject == "document" or approvable(traits.asked_by) is not None
        )
        types: set[type[Event]] = {LedgerOpened, ApprovalPolicySet, *wanted}
        for cls in types:
            yield from type_names(cls)

    def remembered(self) -> bytes:
        return msgspec.msgpack.encode(self._known)

    def take(self, row: FollowedEvent) -> None:
        event = decode(row.type, row.payload)
        if self._known.due is not None and row.position > self._known.due.position:
            self._missing(self._known.due)
        match event:
            case DocumentSubmitted():
                self._submitted(row, event)
            case DocumentApproved():
                self._approved(row, event)
            case DocumentReturned():
                self._returned(row, event)
            case _ if approvable(event.TRAITS.asked_by) is not None:
                self._act(row, event)
        # a policy is judged by the one before it
        self._known.policy = APPROVAL_POLICY.fold(self._known.policy, event)

    def conclude(self) -> None:
        if self._known.due is not None:
            self._missing(self._known.due)

    def _wrong(self, position: int, detail: str) -> None:
        self.findings.add(self.NAME, position, detail)

    def _missing(self, due: _DueAct) -> None:
        named = f"{due.submitted.kind} {due.submitted.number!r}"
        self._wrong(due.position, f"{named} was agreed to, and does not stand here 审批未生效")
        self._known.due = None

    def _submitted(self, row: FollowedEvent, event: DocumentSubmitted) -> None:
        self.findings.count(self.NAME, 1)
        key = key_of(event.kind, event.number)
        command_of(event.kind, event.body)  # raises what is told
        if event.roles != agreeing(self._known.policy, event.kind):
            self._wrong(row.position, f"{key} awaits others than its policy names 审批角色不符")
        if key in self._known.open:
            self._wrong(row.position, f"{key} was submitted before, and waits still")
        self._known.open[key] = _WaitingDocument(event)

    def _waiting(self, row: FollowedEvent, kind: str, number: str) -> _WaitingDocument | None:
        found = self._known.open.get(key_of(kind, number))
        if found is None:
            self._wrong(row.position, f"no document {kind} {number!r} waits 无待审单据")
        return found

    def _approved(self, row: FollowedEvent, event: DocumentApproved) -> None:
        if (found := self._waiting(row, event.kind, event.number)) is None:
            return
        roles, agreed = found.submitted.roles, found.agreed
        if event.role != roles[len(agreed)]:
            self._wrong(row.position, f"the agreement of {event.role} is not due 审批顺序有误")
        if same_person(event.by, found.submitted.by):
            self._wrong(row.position, f"{event.by} agrees to his own document 制单审核同一人")
        if any(same_person(event.by, by) for by in agreed):
            self._wrong(row.position, f"{event.by} agrees a second time 同一人重复审批")
        agreed.append(event.by)
        is_last = len(agreed) == len(roles)
        if is_last != bool(event.brings):
            self._wrong(row.position, "whether it is the last agreement is not as it says")
        if is_last or event.brings:
            del self._known.open[key_of(event.kind, event.number)]
            self._known.due = _DueAct(row.position + 1, found.submitted)

    def _returned(self, row: FollowedEvent, event: DocumentReturned) -> None:
        if self._waiting(row, event.kind, event.number) is not None:
            del self._known.open[key_of(event.kind, event.number)]

    def _act(self, row: FollowedEvent, event: Event) -> None:
        """An act of a kind that may want others."""
        kind = event.TRAITS.asked_by
        due, self._known.due = self._known.due, None
        if due is None:
            if agreeing(self._known.policy, kind) and _by(event) not in AT_MACHINE:
                self._wrong(row.position, f"nobody else has agreed to this {kind} 未经审批")
            return
        self.findings.count(self.NAME, 1)
        submitted = due.submitted
        if kind != submitted.kind or _by(event) != submitted.by:
            named = f"{submitted.kind} by {submitted.by}"
            self._wrong(row.position, f"it is not what was agreed to, {named} 与单据不符")
            return
        command = command_of(kind, submitted.body)
        asked = asked_for(kind, command.body)
        bodies = list(command.bodies_in(event, date.fromordinal(_EPOCH + row.day)))
        told = any(asked_for(kind, body) == asked for body in bodies)
        if not (told if bodies else command.is_told_by(event)):
            self._wrong(row.position, f"it is not what {submitted.number!r} asks for 与单据不符")


def _by(event: Event) -> str:
    by: str = getattr(event, "by", "")
    return by
