"""退款通知: the bank's signed word that money came back, booked or held. Pure decisions.

A notice that matches a payment is booked, asked for or not. One that matches nothing, or of which a
field that the books need cannot be read, waits in suspense with its reason: it is never refused for
that. Refused, and on record, is what would book the same money twice or more than was paid.
"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from payments.clearing.uncleared import UNCLEARED
from payments.manifest import MANIFEST, RECEIPT_ROLE, check_covered
from payments.payment import PAYMENT, Refund
from payments.refunds.booking import Noticed, NoticeEvidence, match, noticed_of
from payments.refunds.events import SuspenseHeld
from payments.refunds.returning import came_back
from payments.refunds.suspense import SUSPENSE, as_held, noticed_in

# the reasons by which earlier releases held what came back of a year that was over
_FORMERLY = re.compile(
    r"its year is closed: it is of this year's books 上年退款"
    r"|it came back on \d{4}-\d\d-\d\d, after the fiscal year \d{4}"
    r"|it came back to a special account on \d{4}-\d\d-\d\d, after the payment's year"
)


class TakeNotice(Command, frozen=True, kw_only=True):
    """A bank's notice, its signature verified.

    Attributes:
        notice_key: makes it one of its bank's; another content under it is another notice.
        noticed: what it says; None where that cannot be read, for which ``unreadable`` is why.
        originals: the numbers by which it names what it is about.
        pay_app_no: the payment found by them in this ledger, "" where none was.
        manifest_no, leaf: of a receipt that is signed as one of many.
        formerly_held: why an earlier release held it, which books today; nobody asks that.
        document: its bytes, as they are stored.
    """

    OPERATION: ClassVar[str] = "bank.notice"
    KEEPS_REFUSAL: ClassVar[bool] = False
    KIND: ClassVar[AnyKind] = PAYMENT
    ALSO: ClassVar[tuple[AnyKind, ...]] = (SUSPENSE,)
    notice_key: str
    evidence: NoticeEvidence
    noticed: Noticed | None = None
    unreadable: str = ""
    originals: tuple[str, ...] = ()
    pay_app_no: str = ""
    manifest_no: str = ""
    leaf: int = 0
    formerly_held: str = ""
    document: bytes

    @property
    def number(self) -> str:
        return self.notice_key

    @property
    def body(self) -> object:
        """The notice is its bytes; it may be signed anew."""
        return self.evidence.notice_sm3

    @classmethod
    def number_in(cls, event: Refund | SuspenseHeld) -> str:
        if isinstance(event, SuspenseHeld):
            return event.suspense_no
        return notice_key(event.pay_bank_code, event.notice_no)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: Refund | SuspenseHeld = told.event
        evidence = {name: getattr(event, name) for name in NoticeEvidence.__struct_fields__}
        asked: dict[str, Any] = {"evidence": NoticeEvidence(**evidence), "document": b""}
        if isinstance(event, SuspenseHeld):
            noticed = noticed_in(event)
            why = "" if noticed else event.reason
            former = event.reason if _FORMERLY.fullmatch(event.reason) else ""
            asked |= {"notice_key": event.suspense_no, "noticed": noticed, "unreadable": why}
            asked["formerly_held"] = former
        else:
            asked |= {"notice_key": cls.number_in(event), "noticed": noticed_of(event)}
        return (cls(**fields_in(cls, event, **asked)),)

    def needs(self) -> Iterable[Need]:
        payment: tuple[Need, ...] = ((PAYMENT, self.pay_app_no),) if self.pay_app_no else ()
        manifest: tuple[Need, ...] = ((MANIFEST, self.manifest_no),) if self.manifest_no else ()
        return *payment, *manifest, (UNCLEARED, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if self.manifest_no:
            serial = self.evidence.cert_serial
            check_covered(state, self.manifest_no, self.leaf, role=RECEIPT_ROLE, cert_serial=serial)
        payment = state.get(PAYMENT, self.pay_app_no) if self.pay_app_no else None
        if self.noticed is None:
            return self._held(state, self.unreadable, by)
        if payment is None:
            return self._held(state, self._unmatched(), by)
        if self.formerly_held:
            return self._held(state, self.formerly_held, by)
        matched = match(state, payment, self.noticed)
        if isinstance(matched, str):
            return self._held(state, matched, by)
        decision = came_back(state, payment, self.noticed, matched, self.evidence, by)
        decision.shared_documents = [self._kept()]
        return decision

    def _unmatched(self) -> str:
        named = ", ".join(self.originals) or "nothing"
        if not self.evidence.pay_bank_code:  # the central bank's: of an order, and never a payment
            return f"it names {named}, of a year that is closed for good 年终关账"
        return f"it names {named}, by which no payment of this ledger goes"

    def _held(self, state: LedgerState, reason: str, by: str) -> Decision:
        held = SuspenseHeld(
            suspense_no=self.notice_key,
            reason=reason,
            originals=self.originals,
            pay_app_no=self.pay_app_no,
            manifest_no=self.manifest_no,
            leaf=self.leaf,
            by=by,
            **as_held(self.noticed),
            **msgspec.structs.asdict(self.evidence),
        )
        return Decision(
            events=[(SUSPENSE, self.notice_key, held)],
            effective_on=state.today,
            shared_documents=[self._kept()],
        )

    def _kept(self) -> tuple[bytes, bytes]:
        return bytes.fromhex(self.evidence.notice_sm3), self.document


def notice_key(pay_bank_code: str, notice_no: str) -> str:
    """What a bank's notice is known by, and the number that it has in suspense."""
    return f"{pay_bank_code}-{notice_no}".replace("/", "_")  # it stands in addresses
