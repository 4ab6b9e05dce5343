"""待清算: the register of what a bank has paid ahead, or received back, and not settled yet.

It is the balance of 待清算款项 by what a claim on the central bank sums over. What puts an amount
there and what takes it away is said here once; deciding a receipt or a clearing, folding a history
anew and the read model of single movements ask the same functions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

import msgspec

from budget.indicator import BEGINNINGS
from ledger.books import Charts
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.errors import Code, IntegrityError, Refusal
from ledger.events import Event, JournalPosted, PostedView
from ledger.money import stored_fen, yuan
from payments.clearing.events import Claim, ClaimReceipted, ClearingRequested
from payments.clearing.uncleared_key import UnclearedKey, single_key, uncleared_key
from payments.correction_events import (
    CorrectionTaken,
    PaymentCorrected,
    RefundShared,
    WaitingPart,
)
from payments.events import PaymentApproved, PaymentRefunded, VoucherReceipted
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from payments.return_events import PriorReturnCarried, PriorReturnTakenBack


class Uncleared(msgspec.Struct, frozen=True, gc=False):
    """What waits to be claimed, in fen."""

    amount: int = 0


def is_claimed(bank: str, moved_on: date, by_bank: str, clear_date: date) -> bool:
    """Whether a clearing takes what this bank has moved on this day."""
    return bank == by_bank and moved_on <= clear_date


def claimable_again(
    requested: ClearingRequested, claim: Claim, receipted: ClaimReceipted
) -> Iterator[tuple[str, int]]:
    """(key, fen) of what a rejected claim leaves to be claimed again: from the day of the rejection
    on, or, as it once was, from the date of the claim on."""
    since = date.fromisoformat(receipted.claimable_since or requested.clear_date)
    for line in claim.lines:
        key = UnclearedKey(
            requested.pay_bank_code,
            since,
            claim.vt_code,
            claim.fund_type_code,
            line.sup_dep_code,
            line.exp_func_code,
            line.gov_bgt_eco_code,
            claim.paid_year,
            line.pay_app_no,
        )
        yield key.text, stored_fen(line.pay_amt)


# ---- the fold


class _Moved(NamedTuple):
    """``parts``: the day under which it waits, None for that of its entry; and fen."""

    pay_app_no: str
    vt_code: str
    parts: tuple[tuple[date | None, int], ...]
    claimed_singly: bool = False


class _Issued(msgspec.Struct, frozen=True, gc=False):
    """Of the types that an indicator begins with."""

    bgt_id: str
    agency_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    fund_type_code: str


class _Approved(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentApproved``."""

    pay_app_no: str
    pay_bank_code: str


class ReceiptedView(msgspec.Struct, frozen=True, gc=False):
    """Of ``VoucherReceipted``; what a special account has paid is not cleared, here as below."""

    pay_app_no: str
    xpay_amt: str
    pay_acct_no: str = ""
    claimed_singly: bool = False


class _Refunded(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentRefunded``."""

    pay_app_no: str
    refund_amt: str
    borne_amt: str = ""
    pay_acct_no: str = ""


class _Shared(msgspec.Struct, frozen=True, gc=False):
    """Of ``RefundShared``."""

    pay_app_no: str
    refund_amt: str
    borne_amt: str = ""  # it has none
    pay_acct_no: str = ""


class _Gave(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentCorrected``."""

    pay_app_no: str
    waiting: tuple[WaitingPart, ...] = ()
    claimed_singly: bool = False


class _Took(msgspec.Struct, frozen=True, gc=False):
    """Of ``CorrectionTaken``."""

    pay_app_no: str
    waiting_amt: str
    claimed_singly: bool = False


class _PriorReturn(msgspec.Struct, frozen=True, gc=False):
    """Of ``PriorReturnCarried``, ``PriorReturnTakenBack``."""

    pay_bank_code: str
    amt: str
    paid_year: int
    agency_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    fund_type_code: str
    pay_acct_no: str = ""


def _by_bank(event: ReceiptedView | _Refunded | _Shared) -> _Moved | None:
    """What a bank has moved of its own money; None where it was a special account's."""
    if event.pay_acct_no:
        return None
    match event:
        case ReceiptedView():
            paid = ((None, stored_fen(event.xpay_amt)),)
            return _Moved(event.pay_app_no, CLAIM, paid, event.claimed_singly)
        case _Refunded() | _Shared():
            back = event.borne_amt or event.refund_amt
    return _Moved(event.pay_app_no, REFUND_CLAIM, ((None, stored_fen(back)),))


class UnclearedFold(RegisterFold):
    """Its memory grows with indicators and banks, not with payments: a payment is remembered only
    where its bank is not the one most are paid through."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        **dict.fromkeys(BEGINNINGS, _Issued),
        PaymentApproved: _Approved,
        VoucherReceipted: ReceiptedView,
        PaymentRefunded: _Refunded,
        RefundShared: _Shared,
        PaymentCorrected: _Gave,
        CorrectionTaken: _Took,
        PriorReturnCarried: _PriorReturn,
        PriorReturnTakenBack: _PriorReturn,
        JournalPosted: PostedView,  # a movement's journal follows it and names the indicator
        ClearingRequested: ClearingRequested,
        ClaimReceipted: ClaimReceipted,
    }

    issued: dict[str, _Issued] = msgspec.field(default_factory=dict)
    usual_bank: str = ""
    other_banks: dict[str, str] = msgspec.field(default_factory=dict)
    moved: _Moved | None = None  # waits for its journal
    requested: dict[str, ClearingRequested] = msgspec.field(default_factory=dict)

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        match event:  # what a payment has most of comes first
            case PostedView():
                if self.moved is None:
                    return ()
                moved, self.moved = self.moved, None
                return self._owe(moved, event.bgt_id, day)
            case _Approved():
                self.usual_bank = self.usual_bank or event.pay_bank_code
                if event.pay_bank_code != self.usual_bank:
                    self.other_banks[event.pay_app_no] = event.pay_bank_code
            case ReceiptedView() | _Refunded() | _Shared():
                self.moved = _by_bank(event)
            case _Issued():
                self.issued[event.bgt_id] = event
            case _Gave():
                days = [(date.fromisoformat(p.since), -stored_fen(p.amt)) for p in event.waiting]
                self.moved = _Moved(event.pay_app_no, CLAIM, tuple(days), event.claimed_singly)
            case _Took():
                waits = ((None, stored_fen(event.waiting_amt)),)
                self.moved = _Moved(event.pay_app_no, CLAIM, waits, event.claimed_singly)
            case _PriorReturn() if not event.pay_acct_no:
                bank, year = event.pay_bank_code, event.paid_year
                key = uncleared_key(bank, day, REFUND_CLAIM, event, paid_year=year)
                return ((key, 0, stored_fen(event.amt)),)
            case ClearingRequested():
                return self._claim(event, rows)
            case ClaimReceipted():
                return self._answer(event)
        return ()

    def _owe(self, moved: _Moved, bgt_id: str, day: date) -> Iterator[Movement]:
        pay_app_no, vt_code, parts, claimed_singly = moved
        for since, amount_fen in parts:
            if not amount_fen:
                continue
            if (issued := self.issued.get(bgt_id)) is None:
                raise IntegrityError(f"money moved for the indicator {bgt_id!r}, which is unknown")
            bank = self.other_banks.get(pay_app_no, self.usual_bank)
            if claimed_singly:
                yield single_key(bank, since or day, issued, pay_app_no), 0, amount_fen
            else:
                yield uncleared_key(bank, since or day, vt_code, issued), 0, amount_fen

    def _claim(self, requested: ClearingRequested, rows: Rows) -> Iterator[Movement]:
        self.requested[requested.clear_no] = requested
        waiting = {text: row[0] for text, row in rows.items()}
        until = date.fromisoformat(requested.clear_date)
        takes = taking(requested.claims)
        for key, text, amount_fen in claimed(waiting, requested.pay_bank_code, until):
            if takes(key):
                yield text, 0, -amount_fen

    def _answer(self, receipted: ClaimReceipted) -> Iterator[Movement]:
        if (requested := self.requested.get(receipted.clear_no)) is None:
            raise IntegrityError(f"no clearing {receipted.clear_no!r} was asked for")
        for claim in requested.claims:
            if receipted.rejected and claim.voucher_no == receipted.voucher_no:
                for key, amount_fen in claimable_again(requested, claim, receipted):
                    yield key, 0, amount_fen


def claimed(
    waiting: Mapping[str, int], pay_bank_code: str, clear_date: date
) -> list[tuple[UnclearedKey, str, int]]:
    """(key, its text, fen) of all that a clearing with a bank takes up to its date."""
    return [
        (key, text, amount_fen)
        for text, amount_fen in waiting.items()
        if amount_fen
        and (key := UnclearedKey.parsed(text))
        and is_claimed(key.pay_bank_code, key.effective_on, pay_bank_code, clear_date)
    ]


def taking(claims: Iterable[Claim]) -> Callable[[UnclearedKey], bool]:
    """Whether claims take what waits under a key: what they name singly, and of a message, fund and
    year all that is not claimed singly. The treasury's own claims take all that is due."""
    singly, summed = set[str](), set[tuple[str, str, int]]()
    for claim in claims:
        for line in claim.lines:
            if line.pay_app_no:
                singly.add(line.pay_app_no)
            else:
                summed.add((claim.vt_code, claim.fund_type_code, claim.paid_year))

    def takes(key: UnclearedKey) -> bool:
        if key.pay_app_no:
            return key.pay_app_no in singly
        return (key.vt_code, key.fund_type_code, key.paid_year) in summed

    return takes


def _refuse(short: Shortage) -> Refusal:
    """Only where an earlier release has kept what was rejected under the date of its claim."""
    key = UnclearedKey.parsed(short.key)
    return Refusal(
        Code.INVALID_STATE,
        f"{yuan(short.wanted_fen)} of {key.fund_type_code} {key.exp_func_code} cannot be claimed "
        f"with this date: on {short.on} there is {yuan(max(0, short.available_fen))} of it",
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


UNCLEARED: Register[Uncleared] = declare(
    Register(
        name="uncleared",
        row=Uncleared,
        floored=("amount",),
        refuse=_refuse,
        fold=UnclearedFold,
        whole=True,
        keeps_zero=False,
    )
)
