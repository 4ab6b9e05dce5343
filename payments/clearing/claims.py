"""清算: what the bank has paid ahead is claimed from the central bank. Pure decisions.

Per fund type one 2301 for what was paid and one 2302 for what came back, summed by first-level
unit, function code and 政府经济分类. The treasury's books move when the central bank has moved the
money; then the zero-balance account is zero again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import ClassVar

import msgspec

from division.knowledge import require_known, require_workday
from ledger.account_set import ledger_text, parse_ledger
from ledger.books import merge
from ledger.calendar import clearing_day, evidence_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, GuokuError, Refusal
from ledger.events import Event, JournalPosted
from ledger.money import AMOUNT_MAX_FEN, parse_yuan, stored_fen, yuan
from payments.clearing.bank_claims import BANK_CLAIM, agreed_rows
from payments.clearing.bank_events import BankClaimAgreed
from payments.clearing.cash import (
    CASH,
    accounts_of,
    claim_answered,
    claim_made,
    kind_of,
    moved_cash,
    require_cash,
    rule_of_claim,
)
from payments.clearing.clearing_policy import BY_BANKS, CLEARING_POLICY
from payments.clearing.events import (
    Claim,
    ClaimLine,
    ClaimReceipted,
    ClearingCleared,
    ClearingRejected,
    ClearingRequested,
)
from payments.clearing.matching import CLAIM_LINES_MAX, OwedRow
from payments.clearing.uncleared import UNCLEARED, claimable_again, claimed, taking

REQUESTED, CLEARED, REJECTED = "requested", "cleared", "rejected"


class Clearing(msgspec.Struct, frozen=True, kw_only=True):
    """A day's clearing with one bank, and the central bank's answers by claim number."""

    requested: ClearingRequested
    status: str = REQUESTED
    receipts: dict[str, ClaimReceipted] = {}

    @property
    def open_claims(self) -> list[Claim]:
        return [c for c in self.requested.claims if c.voucher_no not in self.receipts]


def _fold(clearing: Clearing | None, event: Event) -> Clearing | None:
    match event:
        case ClearingRequested():
            return Clearing(requested=event)
        case ClaimReceipted() if clearing is not None:
            receipts = {**clearing.receipts, event.voucher_no: event}
            return msgspec.structs.replace(clearing, receipts=receipts)
        case ClearingCleared() if clearing is not None:
            return msgspec.structs.replace(clearing, status=CLEARED)
        case ClearingRejected() if clearing is not None:
            return msgspec.structs.replace(clearing, status=REJECTED)
    return clearing


CLEARING: Kind[Clearing] = Kind(
    name="clearing",
    opened_by="clearing.request",
    fold=_fold,
)


def claim_number(key: int, clear_no: str, index: int) -> str:
    """Unique at the central bank."""
    return f"{ledger_text(key)}:{clear_no}:{index}"


def split_claim_number(voucher_no: str) -> tuple[int, str] | None:
    """(ledger, clear_no) of a claim's number, or None if it is none of ours."""
    ledger, _, rest = voucher_no.partition(":")
    clear_no, _, index = rest.rpartition(":")
    try:
        return (parse_ledger(ledger), clear_no) if clear_no and index.isdigit() else None
    except GuokuError:
        return None


class RequestClearing(Command, frozen=True, kw_only=True):
    """申请划款: claims all that the bank has moved up to ``clear_date`` and not claimed yet; where
    banks claim, what it has claimed of that day under ``claim_nos`` and is agreed to here."""

    OPERATION: ClassVar[str] = "clearing.request"
    CHANNEL: ClassVar[str] = "资金清算"
    NUMBER: ClassVar[str] = "clear_no"
    KIND: ClassVar[AnyKind] = CLEARING
    ALSO: ClassVar[tuple[AnyKind, ...]] = (BANK_CLAIM,)
    clear_no: str
    clear_date: date
    pay_bank_code: str
    claim_nos: tuple[str, ...] = ()

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        clear_date = date.fromisoformat(told.event.clear_date)
        return (cls(**fields_in(cls, told.event, clear_date=clear_date)),)

    def needs(self) -> Iterable[Need]:
        own: tuple[Need, ...] = ((CLEARING, self.clear_no), (UNCLEARED, WHOLE), (CASH, WHOLE))
        return *own, *((BANK_CLAIM, number) for number in self.claim_nos)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = clearing_day(state, self.clear_date)
        require_workday(state, self.clear_date, "/clear_date")
        waiting = {text: row.amount for text, row in state.rows_of(UNCLEARED).items()}
        owed = claimed(waiting, self.pay_bank_code, self.clear_date)
        if not owed:
            require_known(state, self.pay_bank_code)
            nothing = f"nothing up to {self.clear_date} waits for clearing"
            raise Refusal(Code.CLEARING_EMPTY, f"{nothing} with {self.pay_bank_code}")
        claims = self._claims(state, owed)
        takes = taking(claims)
        accts = accounts_of(state, (claim.fund_type_code for claim in claims))
        require_cash(state, claims, accts)
        taken = [(claim, _of(claim, accts)) for claim in claims]
        moved = moved_cash(
            state, day, lambda _: (change for each in taken for change in claim_made(*each))
        )
        # point of no return
        requested = ClearingRequested(
            clear_no=self.clear_no,
            clear_date=self.clear_date.isoformat(),
            pay_bank_code=self.pay_bank_code,
            claims=claims,
            upto_position=state.position,
            cash_accts=accts,
            claim_nos=self.claim_nos,
            by=by,
        )
        agreed = (BankClaimAgreed(claim_no=n, clear_no=self.clear_no) for n in self.claim_nos)
        return Decision(
            events=[
                (CLEARING, self.clear_no, requested),
                *((BANK_CLAIM, event.claim_no, event) for event in agreed),
            ],
            effective_on=day,
            moved=[
                *(
                    state.moved(UNCLEARED, text, day, {"amount": -fen})
                    for key, text, fen in owed
                    if takes(key)
                ),
                *moved,
            ],
        )

    def _claims(self, state: LedgerState, owed: Sequence[OwedRow]) -> tuple[Claim, ...]:
        """All that is due; or what the bank has claimed, once more held against it.

        Raises:
            Refusal: ``invalid_state``, ``receipt_mismatch``, ``not_found``.
        """
        by_banks = state.settings.get(CLEARING_POLICY).claimed_by == BY_BANKS
        if by_banks != bool(self.claim_nos):
            who = "the banks" if by_banks else "the treasury"
            raise Refusal(Code.INVALID_STATE, f"it is {who} that claim here 清算策略: claim_nos")
        if not by_banks:
            return _claims(state.ledger_id, self.clear_no, owed)
        made: list[Claim] = []
        asked = agreed_rows(state, self.claim_nos, self.pay_bank_code, self.clear_date, owed)
        for number, rows in asked:
            made += _claims(state.ledger_id, self.clear_no, rows, len(made) + 1, number)
        return tuple(made)


def _of(claim: Claim, accts: Mapping[str, str]) -> str:
    """The account on which a claim is made; "" where cash was not controlled."""
    return accts.get(kind_of(claim.fund_type_code), "")


def _claims(
    key: int, clear_no: str, owed: Iterable[OwedRow], first: int = 1, claim_no: str = ""
) -> tuple[Claim, ...]:
    """A claim per message type, fund type and year of the payment, or several where one would have
    too many lines, or more than can be written in it."""
    grouped: dict[tuple[str, str, int], dict[_Place, int]] = {}
    for item, _, amount_fen in owed:
        lines = grouped.setdefault((item.vt_code, item.fund_type_code, item.paid_year), {})
        place = item.sup_dep_code, item.exp_func_code, item.gov_bgt_eco_code, item.pay_app_no
        lines[place] = lines.get(place, 0) + amount_fen
    parts = [
        (vt_code, fund, paid_year, part)
        for (vt_code, fund, paid_year), lines in sorted(grouped.items())
        for part in _parts(sorted(lines.items()))
    ]
    return tuple(
        Claim(
            vt_code=vt_code,
            voucher_no=claim_number(key, clear_no, index),
            fund_type_code=fund,
            pay_amt=yuan(sum(fen for _, fen in part)),
            lines=tuple(
                ClaimLine(unit, function, eco, yuan(fen), pay_app_no)
                for (unit, function, eco, pay_app_no), fen in part
            ),
            paid_year=paid_year,
            claim_no=claim_no,
        )
        for index, (vt_code, fund, paid_year, part) in enumerate(parts, first)
    )


_Place = tuple[str, str, str, str]  # unit, function, economy; the payment that is claimed singly
_Lines = list[tuple[_Place, int]]


def _parts(lines: _Lines) -> list[_Lines]:
    """Lines by claim: neither too many, nor more together than an amount can say (NUMBER(18,2))."""
    parts: list[_Lines] = []
    room_fen = 0
    for place, amount_fen in lines:
        while amount_fen:
            if not parts or len(parts[-1]) == CLAIM_LINES_MAX or not room_fen:
                parts.append([])
                room_fen = AMOUNT_MAX_FEN
            taken_fen = min(amount_fen, room_fen)
            parts[-1].append((place, taken_fen))
            room_fen -= taken_fen
            amount_fen -= taken_fen
    return parts


class ApplyClaimReceipt(Command, frozen=True, kw_only=True):
    """申请划款凭证回单: the central bank's answer to one claim, signed by it."""

    OPERATION: ClassVar[str] = "clearing.receipt"
    KEEPS_REFUSAL: ClassVar[bool] = False
    KIND: ClassVar[AnyKind] = CLEARING
    clear_no: str
    voucher_no: str
    xpay_fen: int
    xclear_date: date
    rejected: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    document: bytes

    @property
    def number(self) -> str:
        return f"{self.voucher_no}/{self.receipt_sm3[:16]}"

    @property
    def body(self) -> object:
        """The receipt is its bytes; it may be signed anew."""
        return self.receipt_sm3

    @classmethod
    def number_in(cls, event: ClaimReceipted) -> str:
        return f"{event.voucher_no}/{event.receipt_sm3[:16]}"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        event: ClaimReceipted = told.event
        fields = fields_in(
            cls,
            event,
            xpay_fen=stored_fen(event.xpay_amt),
            xclear_date=date.fromisoformat(event.xclear_date),
            document=b"",
        )
        return (cls(**fields),)

    def needs(self) -> Iterable[Need]:
        return (CLEARING, self.clear_no), (UNCLEARED, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        clearing = state.get(CLEARING, self.clear_no)
        claim = self._claim(clearing)
        assert clearing is not None
        claimed_fen = parse_yuan(claim.pay_amt)
        if self.xpay_fen != (0 if self.rejected else claimed_fen):
            raise Refusal(
                Code.RECEIPT_MISMATCH,
                f"the receipt is over {yuan(self.xpay_fen)}, the claim over {claim.pay_amt}",
            )
        claimed_on = date.fromisoformat(clearing.requested.clear_date)
        day = evidence_day(state, self.xclear_date, since=claimed_on)
        # point of no return: the central bank has decided
        receipted = ClaimReceipted(
            clear_no=self.clear_no,
            voucher_no=self.voucher_no,
            xpay_amt=yuan(self.xpay_fen),
            xclear_date=self.xclear_date.isoformat(),
            booked_on="" if day == self.xclear_date else day.isoformat(),
            rejected=self.rejected,
            claimable_since=day.isoformat() if self.rejected else "",
            receipt_sm3=self.receipt_sm3,
            cert_serial=self.cert_serial,
            signature=self.signature,
            by=by,
        )
        happened: list[Event] = [receipted]
        if not self.rejected:
            happened.append(_entry(state, self.clear_no, claim, day))
        if len(clearing.open_claims) == 1:
            happened.append(_conclusion(clearing, receipted))
        return Decision(
            events=[(CLEARING, self.clear_no, event) for event in happened],
            effective_on=day,
            moved=[
                *(
                    _claimable_again(state, clearing.requested, claim, receipted, day)
                    if self.rejected
                    else ()
                ),
                *self._cash(state, clearing.requested, claim, day),
            ],
            documents=[(bytes.fromhex(self.receipt_sm3), self.document)],
        )

    def _cash(
        self, state: LedgerState, requested: ClearingRequested, claim: Claim, day: date
    ) -> list[MovedRow]:
        """The central bank has moved the money, or what was claimed is free again."""
        acct, settled = _of(claim, requested.cash_accts), not self.rejected
        return moved_cash(
            state,
            day,
            lambda owed_of: claim_answered(claim, acct, settled=settled, owed_of=owed_of),
        )

    def _claim(self, clearing: Clearing | None) -> Claim:
        if clearing is None:
            raise Refusal(Code.RECEIPT_MISMATCH, f"no clearing {self.clear_no!r}")
        for claim in clearing.requested.claims:
            if claim.voucher_no == self.voucher_no:
                if self.voucher_no in clearing.receipts:
                    raise Refusal(Code.INVALID_STATE, "the claim has its receipt already")
                return claim
        raise Refusal(Code.RECEIPT_MISMATCH, f"no claim {self.voucher_no!r} in this clearing")


def _entry(state: LedgerState, clear_no: str, claim: Claim, day: date) -> JournalPosted:
    """Treasury books and zero-balance account; the expense follows each line's economic class."""
    books = state.books(day)
    prior = bool(claim.paid_year)
    rule_name = rule_of_claim(claim.vt_code, claim.fund_type_code, prior=prior)
    expenses: dict[str, int] = {}
    for line in claim.lines:
        eco = line.gov_bgt_eco_code
        expenses[eco] = expenses.get(eco, 0) + parse_yuan(line.pay_amt)
    return merge(
        [
            books.post(
                ClaimReceipted.TYPE,
                rule_name=rule_name,
                source=state.next_position,
                number=clear_no,
                amounts_fen={"claim": amount_fen},
                codes={"gov_bgt_eco_code": eco, "fund_type_code": claim.fund_type_code},
            )
            for eco, amount_fen in sorted(expenses.items())
        ]
    )


def _conclusion(clearing: Clearing, last: ClaimReceipted) -> Event:
    clear_no = clearing.requested.clear_no
    reasons = [r.rejected for r in (*clearing.receipts.values(), last) if r.rejected]
    if reasons:
        return ClearingRejected(clear_no=clear_no, reason="; ".join(reasons))
    return ClearingCleared(clear_no=clear_no)


def _claimable_again(
    state: LedgerState,
    requested: ClearingRequested,
    claim: Claim,
    receipted: ClaimReceipted,
    day: date,
) -> list[MovedRow]:
    """What a rejected claim leaves to be claimed again: several lines may come to one row."""
    changes: dict[str, int] = {}
    for key, amount_fen in claimable_again(requested, claim, receipted):
        changes[key] = changes.get(key, 0) + amount_fen
    return [state.moved(UNCLEARED, key, day, {"amount": fen}) for key, fen in changes.items()]
