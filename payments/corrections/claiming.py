"""What of a correction is told by claims: what waits to be claimed, and what was claimed. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from budget.indicator import Indicator
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import LedgerState
from ledger.money import stored_fen
from payments.bearing import Borne
from payments.clearing.clearing_policy import BY_BANKS, CLEARING_POLICY
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import Claimable, single_key
from payments.correction_events import PaymentCorrected
from payments.corrections.telling import Telling
from payments.messages.vt_codes import QUOTA_ADJUSTMENT, VOUCHER_ADJUSTMENT
from payments.payment import Payment

TREASURY_CODES = ("gov_bgt_eco_code", "fund_type_code")  # by which claims are booked
REPORTED_CODES = ("fund_type_code", "exp_func_code")  # by which the central bank keeps outlays


class Claims(NamedTuple):
    """What of a correction is told by claims.

    Attributes:
        waiting: (day, fen) of what waited, and is claimed as the other indicator's.
        claimed_fen: what was claimed, and by which the treasury's books move.
        untold_fen: what of it the central bank keeps as it shall be: it has declined the correction
            that is taken back.
        is_reported_otherwise: whether banks keep it under another function or fund.
    """

    waiting: tuple[tuple[date, int], ...] = ()
    claimed_fen: int = 0
    untold_fen: int = 0
    is_reported_otherwise: bool = False

    @property
    def waiting_fen(self) -> int:
        return sum(fen for _, fen in self.waiting)

    @property
    def to_tell_fen(self) -> int:
        """What the central bank has to be told of."""
        return self.claimed_fen - self.untold_fen if self.is_reported_otherwise else 0


class Undone(NamedTuple):
    """A correction that is taken back, and what was told of it and declined."""

    correction: PaymentCorrected
    declined: Sequence[Telling]

    def has_declined(self, vt_code: str) -> bool:
        return any(telling.ordered.vt_code == vt_code for telling in self.declined)

    @property
    def untold_fen(self) -> int:
        """What the central bank was told of, and has not adjusted."""
        declined = self.has_declined(QUOTA_ADJUSTMENT)
        return stored_fen(self.correction.claimed_amt) if declined else 0


def claims_of(
    state: LedgerState,
    payment: Payment,
    parts: Iterable[Borne],
    to: Indicator,
    undone: Undone | None,
) -> Claims:
    """What of it waits to be claimed, and what was claimed, if the two indicators are claimed or
    booked otherwise.

    Claims sum over a bank's day, unit, function, fund and economy, and what waits under these is
    taken as the correction's, first that of the day of the payment.
    """
    assert payment.approved is not None
    if payment.applied.pay_acct_no:  # a special account has paid, and nothing is claimed
        return Claims()
    bank, waiting, claimed_fen = payment.approved.pay_bank_code, dict[date, int](), 0
    codes, otherwise, untold_fen = to.codes, False, 0
    declined_fen = 0 if undone is None else undone.untold_fen
    for part in parts:
        before = payment.codes_borne_by(part.bgt_id)
        if all(before[name] == codes[name] for name in (*TREASURY_CODES, *REPORTED_CODES)):
            continue
        otherwise |= any(before[name] != codes[name] for name in REPORTED_CODES)
        part_untold_fen = min(part.amount_fen, declined_fen - untold_fen)
        untold_fen += part_untold_fen
        key = single_key(bank, part.since, Claimable(before), singly(payment))
        left_fen = state.row(UNCLEARED, key).amount - waiting.get(part.since, 0)
        waiting_fen = min(part.amount_fen - part_untold_fen, max(0, left_fen))
        if waiting_fen:
            waiting[part.since] = waiting.get(part.since, 0) + waiting_fen
        claimed_fen += part.amount_fen - waiting_fen
    return Claims(tuple(waiting.items()), claimed_fen, untold_fen, otherwise)


def to_be_told(state: LedgerState, claims: Claims, undone: Undone | None) -> tuple[str, ...]:
    """By which messages banks are told of a correction; none where they keep it as it is.

    The agent bank is told of what it has claimed, and of all where it claims by itself: it could
    not claim the rest otherwise. Of what is taken back those are told who had adjusted it.
    """
    if not claims.is_reported_otherwise:
        return ()
    by_banks = state.settings.get(CLEARING_POLICY).claimed_by == BY_BANKS
    bank = by_banks or claims.claimed_fen > 0
    if undone is not None:
        bank = VOUCHER_ADJUSTMENT in undone.correction.told
        bank = bank and not undone.has_declined(VOUCHER_ADJUSTMENT)
    told = {VOUCHER_ADJUSTMENT: bank, QUOTA_ADJUSTMENT: claims.to_tell_fen > 0}
    return tuple(vt_code for vt_code, is_told in told.items() if is_told)


def waiting_moved(
    state: LedgerState,
    payment: Payment,
    bgt_id: str,
    to: Indicator,
    claims: Claims,
    day: date,
) -> list[MovedRow]:
    """What the bank claims less under the one indicator, and more under the other."""
    if not claims.waiting:
        return []
    assert payment.approved is not None
    bank, before = payment.approved.pay_bank_code, Claimable(payment.codes_borne_by(bgt_id))
    alone = singly(payment)
    changes = {single_key(bank, since, before, alone): -fen for since, fen in claims.waiting}
    changes[single_key(bank, day, to.issued, alone)] = claims.waiting_fen
    return [state.moved(UNCLEARED, key, day, {"amount": fen}) for key, fen in changes.items()]


def singly(payment: Payment) -> str:
    """The payment where its bank claims it singly, else ""."""
    receipt = payment.receipt
    return payment.pay_app_no if receipt is not None and receipt.claimed_singly else ""
