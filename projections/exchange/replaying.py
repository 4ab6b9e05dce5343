"""What a ledger holds beside its events, computed from them alone.

An import trusts the events of an export, whose digests are in the chain, and not the balances that
stand beside them: controlled balances, what the bank is owed and the ledger's settings are worked
out here, and compared.
"""

from datetime import date

import msgspec

from budget.balances import Balances
from budget.events import IndicatorIssued, PlanSet
from ledger.books import Charts
from ledger.deciding.state import Settings, UnclearedKey
from ledger.errors import IntegrityError
from ledger.events import Event, JournalPosted, LedgerOpened, PeriodClosed, type_names
from ledger.money import parse_yuan
from payments.clearing.claims import claimable_again
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.events import PaymentApproved, PaymentRefunded, SignaturePolicySet, VoucherReceipted
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from payments.voucher import SUP_DEP_DIGITS

_CONTROLS = ("available", "frozen", "occupied", "paid")

FOLLOWED = frozenset(
    name
    for kind in (
        JournalPosted,
        PlanSet,
        IndicatorIssued,
        PaymentApproved,
        VoucherReceipted,
        PaymentRefunded,
        ClearingRequested,
        ClaimReceipted,
        LedgerOpened,
        SignaturePolicySet,
        PeriodClosed,
    )
    for name in type_names(kind)
)


class Replay:
    """Takes a ledger's events in order. Its memory grows with indicators and banks, not with
    payments: a payment is remembered only where its bank is not the one most are paid through."""

    def __init__(self, charts: Charts) -> None:
        self._charts = charts
        self._fen: dict[str, list[int]] = {}  # bgt_id: by _CONTROLS, then the plan
        self._issued: dict[str, IndicatorIssued] = {}
        self._usual_bank = ""
        self._other_banks: dict[str, str] = {}
        self._moved: VoucherReceipted | PaymentRefunded | None = None
        self._requested: dict[str, ClearingRequested] = {}
        self.uncleared: dict[UnclearedKey, int] = {}
        self.settings = Settings()

    def take(self, event: Event, day: date) -> None:
        """The next event; ``day`` is its business date. Types beyond FOLLOWED change nothing."""
        match event:
            case JournalPosted():
                self._post(event, day)
            case PlanSet():
                self._of(event.bgt_id)[-1] += parse_yuan(event.plan_amt, signed=True)
            case IndicatorIssued():
                self._issued[event.bgt_id] = event
            case PaymentApproved():
                self._usual_bank = self._usual_bank or event.pay_bank_code
                if event.pay_bank_code != self._usual_bank:
                    self._other_banks[event.pay_app_no] = event.pay_bank_code
            case VoucherReceipted() | PaymentRefunded():
                self._moved = event  # its journal, which comes next, names the indicator
            case ClearingRequested():
                self._claim(event)
            case ClaimReceipted():
                self._answer(event)
            case _:
                self.settings = settings_after(self.settings, event)

    def balances(self) -> dict[str, Balances]:
        """Controlled balances by indicator, in fen."""
        return {bgt_id: Balances(*fen) for bgt_id, fen in self._fen.items()}

    def _of(self, bgt_id: str) -> list[int]:
        return self._fen.setdefault(bgt_id, [0] * (len(_CONTROLS) + 1))

    def _post(self, journal: JournalPosted, day: date) -> None:
        books = self._charts.by_version.get(journal.rule)
        if books is None:
            raise IntegrityError(f"no chart {journal.rule!r} is loaded (GUOKU_CHARTS)")
        for line in journal.lines:
            account = books.accounts.get(line.account)
            if account is None:
                raise IntegrityError(f"chart {journal.rule} has no account {line.account!r}")
            if account.control:
                fen = self._of(line.bgt_id or journal.bgt_id)
                fen[_CONTROLS.index(account.control)] -= line.dr_cr * parse_yuan(line.amt)
        if self._moved is not None:
            self._owe(self._moved, journal.bgt_id, day)
            self._moved = None

    def _owe(self, moved: VoucherReceipted | PaymentRefunded, bgt_id: str, day: date) -> None:
        """Money has moved: it waits to be claimed, by what claims are summed over."""
        if isinstance(moved, VoucherReceipted):
            vt_code, amount_fen = CLAIM, parse_yuan(moved.xpay_amt, zero=True)
        else:
            vt_code, amount_fen = REFUND_CLAIM, parse_yuan(moved.refund_amt)
        if amount_fen == 0:
            return
        issued = self._issued[bgt_id]
        key = UnclearedKey(
            self._other_banks.get(moved.pay_app_no, self._usual_bank),
            day,
            vt_code,
            issued.fund_type_code,
            issued.agency_code[:SUP_DEP_DIGITS],
            issued.exp_func_code,
            issued.gov_bgt_eco_code,
        )
        self.uncleared[key] = self.uncleared.get(key, 0) + amount_fen

    def _claim(self, requested: ClearingRequested) -> None:
        self._requested[requested.clear_no] = requested
        until = date.fromisoformat(requested.clear_date)
        for key in [
            key
            for key in self.uncleared
            if key.pay_bank_code == requested.pay_bank_code and key.effective_on <= until
        ]:
            del self.uncleared[key]

    def _answer(self, receipted: ClaimReceipted) -> None:
        if receipted.rejected:
            requested = self._requested[receipted.clear_no]
            [claim] = [c for c in requested.claims if c.voucher_no == receipted.voucher_no]
            for key, amount_fen in claimable_again(requested, claim).items():
                self.uncleared[key] = self.uncleared.get(key, 0) + amount_fen


def settings_after(settings: Settings, event: Event) -> Settings:
    """The ledger's settings after one of its own events."""
    change = msgspec.structs.replace
    match event:
        case LedgerOpened():
            return change(settings, name=event.name, mof_div_name=event.mof_div_name)
        case SignaturePolicySet():
            return change(
                settings,
                roles=event.roles,
                pay_bank_code=event.pay_bank_code,
                signing=event.signing,
            )
        case PeriodClosed():
            return change(settings, closed_through=date.fromisoformat(event.through))
    return settings
