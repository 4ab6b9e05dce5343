"""代理银行申请划款: a bank's claim taken in, and returned. Pure decisions.

A claim is taken in only if it agrees with what waits for that bank up to its date; what does not is
refused with the differences, and that is on record. Taken in, it moves nothing yet: the treasury
agrees by a clearing that names it (``claims.RequestClearing``), which matches it once more.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import ClassVar

import msgspec

from ledger.account_set import ledger_text
from ledger.calendar import clearing_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from payments.clearing.bank_events import (
    BankClaimAgreed,
    BankClaimLine,
    BankClaimReturned,
    BankClaimReturnTold,
    BankClaimTaken,
)
from payments.clearing.clearing_policy import BY_BANKS, CLEARING_POLICY
from payments.clearing.matching import (
    CLAIM_LINES_MAX,
    OwedRow,
    require_match,
    require_one_way,
    rows_of,
)
from payments.clearing.uncleared import UNCLEARED, claimed
from payments.messages import gbk

WAITING, AGREED, RETURNED = "waiting", "agreed", "returned"
RETURNED_CLAIM = "returned_claim"  # in the number of what tells a bank so


class BankClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A bank's claim: ``clear_no`` once it is agreed to; ``told`` once its bank knows that it is
    returned."""

    taken: BankClaimTaken
    clear_no: str = ""
    returned: BankClaimReturned | None = None
    told: BankClaimReturnTold | None = None

    @property
    def return_to_tell(self) -> BankClaimReturned | None:
        """That it is returned, until its bank knows; a former release told nobody."""
        returned = self.returned
        return returned if returned and returned.voucher_no and self.told is None else None

    @property
    def status(self) -> str:
        return AGREED if self.clear_no else RETURNED if self.returned else WAITING


def _fold(claim: BankClaim | None, event: Event) -> BankClaim | None:
    match event:
        case BankClaimTaken():
            return BankClaim(taken=event)
        case BankClaimAgreed() if claim is not None:
            return msgspec.structs.replace(claim, clear_no=event.clear_no)
        case BankClaimReturned() if claim is not None:
            return msgspec.structs.replace(claim, returned=event)
        case BankClaimReturnTold() if claim is not None:
            return msgspec.structs.replace(claim, told=event)
    return claim


def _acts(claim: BankClaim) -> tuple[Event, ...]:
    return tuple(act for act in (claim.returned, claim.told) if act is not None)


BANK_CLAIM: Kind[BankClaim] = Kind(
    name="bank_claim", opened_by="clearing.claim", fold=_fold, acts=_acts
)


def claim_key(pay_bank_code: str, voucher_no: str) -> str:
    """The number of a bank's claim here: banks number theirs each by itself."""
    return f"{pay_bank_code}-{voucher_no}"


class TakeBankClaim(Command, frozen=True, kw_only=True):
    """申请划款凭证 of an agent bank: fields as those of :class:`BankClaimTaken`, signature
    verified."""

    OPERATION: ClassVar[str] = "clearing.claim"
    KIND: ClassVar[AnyKind] = BANK_CLAIM
    KEEPS_REFUSAL: ClassVar[bool] = False
    claim_no: str
    voucher_no: str
    vt_code: str
    sender: str
    pay_bank_code: str
    clear_date: date
    fund_type_code: str
    pay_amt: str
    lines: tuple[BankClaimLine, ...]
    notice_sm3: str
    cert_serial: str
    signature: str
    document: bytes

    @property
    def number(self) -> str:
        return self.claim_no

    @classmethod
    def number_in(cls, event: BankClaimTaken) -> str:
        return event.claim_no

    @property
    def body(self) -> object:
        """The claim is its bytes; it may be signed anew."""
        return self.notice_sm3

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        clear_date = date.fromisoformat(told.event.clear_date)
        return (cls(**fields_in(cls, told.event, clear_date=clear_date, document=b"")),)

    def needs(self) -> Iterable[Need]:
        return (BANK_CLAIM, self.claim_no), (UNCLEARED, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        clearing_day(state, self.clear_date)
        if state.settings.get(CLEARING_POLICY).claimed_by != BY_BANKS:
            raise Refusal(
                Code.INVALID_STATE, "the treasury claims by itself here 清算策略: banks do not"
            )
        require_one_way(self)
        waiting = {text: row.amount for text, row in state.rows_of(UNCLEARED).items()}
        owed = claimed(waiting, self.pay_bank_code, self.clear_date)
        whole = bool(self.lines[0].voucher_no) or len(self.lines) < CLAIM_LINES_MAX
        require_match([self], owed, whole=whole)
        # point of no return: it agrees with the books, and moves nothing in them
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        fields.update(clear_date=self.clear_date.isoformat(), by=by)
        del fields["document"]
        return Decision(
            events=[(BANK_CLAIM, self.claim_no, BankClaimTaken(**fields))],
            effective_on=state.today,
            documents=[(bytes.fromhex(self.notice_sm3), self.document)],
        )


class ReturnBankClaim(Command, frozen=True, kw_only=True):
    """退回: the treasury does not agree to a claim that waits for it, and its bank is told."""

    OPERATION: ClassVar[str] = "clearing.return_claim"
    KIND: ClassVar[AnyKind] = BANK_CLAIM
    claim_no: str
    reason: str

    def check(self) -> None:
        gbk.check_encodable(self.reason, pointer="/reason")  # the bank is told

    def needs(self) -> Iterable[Need]:
        return ((BANK_CLAIM, self.claim_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        claim = require_waiting(state, self.claim_no)
        # point of no return
        returned = BankClaimReturned(
            claim_no=self.claim_no,
            reason=self.reason,
            voucher_no=return_number(state.ledger_id, claim.taken.vt_code, self.claim_no),
            pay_bank_code=claim.taken.pay_bank_code,
            by=by,
        )
        return Decision(events=[(BANK_CLAIM, self.claim_no, returned)], effective_on=state.today)


class MarkReturnTold(Command, frozen=True, kw_only=True):
    """The bank has taken in that its claim is returned."""

    OPERATION: ClassVar[str] = "clearing.tell_return"
    KIND: ClassVar[AnyKind] = BANK_CLAIM
    claim_no: str

    def needs(self) -> Iterable[Need]:
        return ((BANK_CLAIM, self.claim_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        claim: BankClaim | None = state.get(BANK_CLAIM, self.claim_no)
        if claim is None or claim.return_to_tell is None:
            raise Refusal(Code.INVALID_STATE, f"nothing is to be told of {self.claim_no!r}")
        # point of no return
        told = BankClaimReturnTold(
            claim_no=self.claim_no, voucher_no=claim.return_to_tell.voucher_no
        )
        return Decision(events=[(BANK_CLAIM, self.claim_no, told)], effective_on=state.today)


def return_number(ledger_id: int, vt_code: str, claim_no: str) -> str:
    """The number here of what tells a bank that its claim is returned; to the bank it says the
    claim's own."""
    return f"{vt_code}:{ledger_text(ledger_id)}:{RETURNED_CLAIM}:{claim_no}"


def split_return_number(number: str) -> str:
    """The claim of such a number; "" of any other."""
    _, _, rest = number.partition(f":{RETURNED_CLAIM}:")
    return rest


def require_waiting(state: LedgerState, claim_no: str) -> BankClaim:
    """A claim that is neither agreed to nor returned.

    Raises:
        Refusal: ``invalid_state``, ``not_found``.
    """
    claim: BankClaim | None = state.get(BANK_CLAIM, claim_no)
    if claim is None:
        raise Refusal(Code.NOT_FOUND, f"no claim {claim_no!r} of a bank")
    if claim.status != WAITING:
        raise Refusal(Code.INVALID_STATE, f"the claim {claim_no} is {claim.status}")
    return claim


def agreed_rows(
    state: LedgerState,
    claim_nos: Iterable[str],
    pay_bank_code: str,
    clear_date: date,
    owed: Sequence[OwedRow],
) -> list[tuple[str, list[OwedRow]]]:
    """What each of a bank's claims of a day is over, by its number: once more held against what
    waits, those that sum over one message and fund together.

    Raises:
        Refusal: ``invalid_state``, ``receipt_mismatch``, ``not_found``.
    """
    asked = [require_waiting(state, number).taken for number in claim_nos]
    together: dict[tuple[str, str, bool], list[BankClaimTaken]] = {}
    for taken in asked:
        if (taken.pay_bank_code, taken.clear_date) != (pay_bank_code, clear_date.isoformat()):
            raise Refusal(
                Code.INVALID_STATE, f"{taken.claim_no} is another bank's, or of another day"
            )
        of = taken.vt_code, taken.fund_type_code, bool(taken.lines[0].voucher_no)
        together.setdefault(of, []).append(taken)
    for claims in together.values():
        require_match(claims, owed, whole=True)
    return [(taken.claim_no, rows_of(taken, owed)) for taken in asked]
