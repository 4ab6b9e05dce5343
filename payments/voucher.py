"""支付凭证: sign, send, receipt. Pure decisions.

Nothing is sent before it is committed, and nothing twice as a new instruction: the voucher number
is the bank's idempotency key. A receipt is applied once; what failed goes back to the indicator.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import ClassVar

from msgspec.structs import replace

from budget.indicator import moved, with_held
from division.agencies import type_on
from ledger.calendar import day_text, evidence_day
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.money import stored_fen, yuan
from payments.cards.lines import failed_lines, freed
from payments.clearing.clearing_policy import is_claimed_singly
from payments.clearing.promised import PAID_AHEAD, promise_kept
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import single_key
from payments.contracts.drawing import held_again, settled
from payments.events import (
    VoucherReceipted,
    VoucherRefused,
    VoucherSent,
    VoucherSigned,
)
from payments.manifest import MANIFEST, RECEIPT_ROLE, check_covered
from payments.payment import (
    APPROVED,
    FAILED,
    PAID,
    PARTIALLY_PAID,
    PAYMENT,
    REFUNDED,
    SENT,
    SIGNED,
    Payment,
    require,
    require_status,
)
from payments.receipt_lines import ReceiptLine, answered, failed_of, lines_due
from payments.signature_policy import PER_MANIFEST, SIGNATURE_POLICY
from payments.special_accounts.cash import (
    NOTHING_MOVED,
    SpecialMove,
    key_of,
    moved_special,
    special_rule,
    with_special,
)


class SignVoucher(Command, frozen=True, kw_only=True):
    """One signature over the voucher's exact bytes; ``document`` is those bytes as they are stored.

    The signature is the voucher's own, or that of the manifest ``manifest_no`` whose leaf it is.
    """

    OPERATION: ClassVar[str] = "voucher.sign"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    role: str
    cert_serial: str
    voucher_sm3: str
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    custody: str = "server"
    document: bytes

    @property
    def body(self) -> object:
        """Without the signature, which is another one each time it is made."""
        return self.pay_app_no, self.role

    def is_told_by(self, event: VoucherSigned) -> bool:
        return (event.pay_app_no, event.role) == (self.pay_app_no, self.role)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**fields_in(cls, told.event, document=b"")),)

    def needs(self) -> Iterable[Need]:
        return _with_manifest(self.pay_app_no, self.manifest_no)

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        final = check_signer(payment, self.role, by)
        earlier = {signature.voucher_sm3 for signature in payment.signatures}
        if earlier and earlier != {self.voucher_sm3}:
            raise Refusal(Code.SIGNATURE_INVALID, "it is not the voucher that was signed before")
        if self.manifest_no:
            self._check_manifest(state, by)
        # point of no return
        signed = VoucherSigned(
            pay_app_no=self.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            role=self.role,
            cert_serial=self.cert_serial,
            voucher_sm3=self.voucher_sm3,
            signature=self.signature,
            manifest_no=self.manifest_no,
            leaf=self.leaf,
            custody=self.custody,
            final=final,
            by=by,
        )
        documents = [] if earlier else [(bytes.fromhex(self.voucher_sm3), self.document)]
        return Decision(
            events=[(PAYMENT, self.pay_app_no, signed)],
            effective_on=date.fromisoformat(payment.approved.vou_date)
            if payment.approved
            else state.today,
            documents=documents,
        )

    def _check_manifest(self, state: LedgerState, by: str) -> None:
        if state.settings.get(SIGNATURE_POLICY).signing != PER_MANIFEST:
            raise Refusal(
                Code.SIGNATURE_INVALID, "the bank takes no manifests: every voucher is signed"
            )
        check_covered(
            state, self.manifest_no, self.leaf, role=self.role, cert_serial=self.cert_serial, by=by
        )


def _with_manifest(pay_app_no: str, manifest_no: str) -> tuple[tuple[AnyKind, str], ...]:
    """What a signature is decided by: its payment, and its manifest where it has one."""
    payment = (PAYMENT, pay_app_no)
    return (payment, (MANIFEST, manifest_no)) if manifest_no else (payment,)


def check_signer(payment: Payment, role: str, by: str) -> bool:
    """Whether this signature is the policy's last one.

    Raises:
        Refusal: ``invalid_state``, ``same_person`` (a second signature by one person) or
            ``signature_order``.
    """
    require_status(payment, APPROVED)
    assert payment.approved is not None
    if any(same_person(signature.by, by) for signature in payment.signatures):
        raise Refusal(Code.SAME_PERSON, "one person signs a voucher once")
    roles, signed = payment.approved.roles, len(payment.signatures)
    if role != roles[signed]:
        raise Refusal(
            Code.SIGNATURE_ORDER, f"the next signature is that of {roles[signed]}, not {role}"
        )
    return signed + 1 == len(roles)


class MarkSent(Command, frozen=True, kw_only=True):
    """The bank has taken the voucher in. Once is enough: later ones change nothing."""

    OPERATION: ClassVar[str] = "voucher.send"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str

    def needs(self) -> Iterable[Need]:
        return ((PAYMENT, self.pay_app_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        require_status(payment, SIGNED, PAID, PARTIALLY_PAID, FAILED, REFUNDED)
        assert payment.approved is not None
        if payment.sent:
            raise Refusal(Code.INVALID_STATE, f"voucher {payment.pay_cert_no} was sent before")
        # point of no return
        sent = VoucherSent(
            pay_app_no=self.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            pay_bank_code=payment.approved.pay_bank_code,
        )
        return Decision(
            events=[(PAYMENT, self.pay_app_no, sent)],
            effective_on=date.fromisoformat(payment.approved.vou_date),
        )


class RefuseVoucher(Command, frozen=True, kw_only=True):
    """The bank has refused the voucher for good, by its number. A voucher that the bank has taken
    in is beyond refusing: its first word may have paid it."""

    OPERATION: ClassVar[str] = "voucher.refuse"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    code: str
    reason: str

    def needs(self) -> Iterable[Need]:
        return ((PAYMENT, self.pay_app_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        require_status(payment, SIGNED)
        assert payment.approved is not None
        if payment.refused is not None and self.is_told_by(payment.refused):
            raise Refusal(Code.INVALID_STATE, "the bank has said just that before")
        # point of no return
        refused = VoucherRefused(
            pay_app_no=self.pay_app_no,
            pay_cert_no=payment.pay_cert_no,
            pay_bank_code=payment.approved.pay_bank_code,
            code=self.code,
            reason=self.reason,
        )
        return Decision(
            events=[(PAYMENT, self.pay_app_no, refused)],
            effective_on=date.fromisoformat(payment.approved.vou_date),
        )


class ApplyReceipt(Command, frozen=True, kw_only=True):
    """银行支付回单: the outcome of every line of a voucher, signed by the bank.

    It was signed alone, or as a leaf of the bank's manifest ``manifest_no``.
    """

    OPERATION: ClassVar[str] = "voucher.receipt"
    KEEPS_REFUSAL: ClassVar[bool] = False
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    pay_cert_no: str
    xpay_fen: int
    xpay_date: date
    agent_business_no: str
    lines: tuple[ReceiptLine, ...]
    receipt_sm3: str
    cert_serial: str
    signature: str = ""
    manifest_no: str = ""
    leaf: int = 0
    document: bytes

    @property
    def number(self) -> str:
        return f"{self.pay_cert_no}/{self.receipt_sm3[:16]}"

    @property
    def body(self) -> object:
        """The receipt is its bytes; it may be signed anew."""
        return self.receipt_sm3

    @classmethod
    def number_in(cls, event: VoucherReceipted) -> str:
        return f"{event.pay_cert_no}/{event.receipt_sm3[:16]}"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """With the lines of the voucher, of which the event names those that failed."""
        assert told.state is not None, "its lines are those of the payment"
        event: VoucherReceipted = told.event
        payment = require(told.state, event.pay_app_no)
        fields = fields_in(
            cls,
            event,
            xpay_fen=stored_fen(event.xpay_amt),
            xpay_date=date.fromisoformat(event.xpay_date),
            lines=tuple(answered(lines_due(payment), event.failed)),
            document=b"",
        )
        return (cls(**fields),)

    @classmethod
    def bodies_in(cls, event: VoucherReceipted, day: date) -> Iterable[object]:
        return (event.receipt_sm3,)

    def needs(self) -> Iterable[Need]:
        return *_with_manifest(self.pay_app_no, self.manifest_no), *PAID_AHEAD

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = require(state, self.pay_app_no)
        require_status(payment, SIGNED, SENT)
        if self.manifest_no:
            covering = {"role": RECEIPT_ROLE, "cert_serial": self.cert_serial}
            check_covered(state, self.manifest_no, self.leaf, **covering)
        failed = failed_of(payment, self.pay_cert_no, self.lines, self.xpay_fen)
        applied_on = date.fromisoformat(payment.applied.create_date)
        day = evidence_day(state, self.xpay_date, since=applied_on)
        amounts = {"paid": self.xpay_fen, "failed": payment.pay_fen - self.xpay_fen}
        bgt_id = payment.applied.bgt_id
        held_fen = held_again(payment.applied, amounts["failed"])
        after = moved(state, day, bgt_id, VoucherReceipted.TYPE, amounts, held_fen)
        agency_type_code = type_on(state, payment.applied.agency_code, day)
        acct_no = payment.applied.pay_acct_no
        cash = _gone(state, payment, day, self.xpay_fen) if acct_no else NOTHING_MOVED
        unpaid = failed_lines(payment.details, failed) if payment.applied.card_lines else ()
        # point of no return: the money has moved, nothing below refuses
        receipted = VoucherReceipted(
            pay_app_no=self.pay_app_no,
            pay_cert_no=self.pay_cert_no,
            outcome=PARTIALLY_PAID if failed and self.xpay_fen else FAILED if failed else PAID,
            xpay_amt=yuan(self.xpay_fen),
            xpay_date=day_text(self.xpay_date),
            booked_on="" if day == self.xpay_date else day_text(day),
            agent_business_no=self.agent_business_no,
            failed=failed,
            figures=after.row.figures(),
            receipt_sm3=self.receipt_sm3,
            cert_serial=self.cert_serial,
            signature=self.signature,
            agency_type_code=agency_type_code,
            contract_no=payment.applied.contract_no,
            by=by,
        )
        if self.manifest_no:
            receipted = replace(receipted, manifest_no=self.manifest_no, leaf=self.leaf)
        singly = not acct_no and is_claimed_singly(state, self.xpay_fen)
        if unpaid or acct_no or singly:
            more = {"card_lines": unpaid, "pay_acct_no": acct_no, "claimed_singly": singly}
            receipted = replace(receipted, **more)
        codes, books = payment.codes_of(agency_type_code), state.books(day)
        entry = books.post(
            receipted.TYPE,
            source=state.next_position,
            number=self.pay_app_no,
            amounts_fen=amounts,
            codes=codes,
            bgt_id=bgt_id,
            rule_name=special_rule(receipted.TYPE, acct_no) if acct_no else "",
        )
        if held_fen:
            entry = with_held(books, entry, held_fen, codes)
        decision = Decision(
            events=[(PAYMENT, self.pay_app_no, receipted), (PAYMENT, self.pay_app_no, entry)],
            effective_on=day,
            moved=[after, *self._moved(state, payment, day, unpaid, singly=singly)],
            documents=[(bytes.fromhex(self.receipt_sm3), self.document)],
        )
        return with_special(decision, cash) if acct_no else decision

    def _moved(
        self,
        state: LedgerState,
        payment: Payment,
        day: date,
        unpaid: Sequence[str],
        *,
        singly: bool,
    ) -> list[MovedRow]:
        """What the bank is owed, what was promised of cash, what of a contract is paid, and what
        was spent and is not."""
        rows = _owed(state, payment, day, self.xpay_fen, self.pay_app_no if singly else "")
        rows += promise_kept(state, payment.approved, day)
        rows += settled(state, payment.applied, day, payment.pay_fen, self.xpay_fen)
        return rows + freed(state, day, unpaid) if unpaid else rows


def _gone(state: LedgerState, payment: Payment, day: date, xpay_fen: int) -> SpecialMove:
    """What has left a special account; what has failed is free again."""
    key, pay_fen = key_of(payment.applied), payment.pay_fen
    return moved_special(state, day, key, amount_fen=-xpay_fen, claimed_fen=-pay_fen)


def _owed(
    state: LedgerState, payment: Payment, day: date, amount_fen: int, singly: str
) -> list[MovedRow]:
    """What the bank is owed by money that it has moved; nothing where none has moved, or out of a
    special account, which is not cleared. ``singly`` is the payment where it is claimed so."""
    if not amount_fen or payment.applied.pay_acct_no:
        return []
    assert payment.approved is not None
    key = single_key(payment.approved.pay_bank_code, day, payment.applied, singly)
    return [state.moved(UNCLEARED, key, day, {"amount": amount_fen})]
