"""Why a payment or a claim waits: for whom, since when, and what was last said.

Folded from the payment's events, from its row of the outbox, and from what is known of its bank
now. What is final waits for nobody, and neither does what the next round of the sender takes.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

import msgspec
import psycopg

from ledger.deciding.documents import Document
from ledger.deciding.settings import LedgerSettings
from ledger.deciding.state import BEIJING
from ledger.errors import UnavailableError
from ledger.money import yuan
from ledger.reading.loading import read_rows
from payments.clearing.cash import CASH, NO_ACCOUNT, account_by_kind, kind_of
from payments.clearing.cash_policy import CASH_POLICY, CashPolicy
from payments.clearing.promised import PROMISED, Spare, spare_of
from payments.clearing.uncleared import UNCLEARED
from payments.delivery.outbox import ParcelKind, refusal_text
from payments.payment import APPLIED, APPROVED, SENT, Payment

AWAITING_APPROVAL, AWAITING_SIGNATURE = "awaiting_approval", "awaiting_signature"
AWAITING_AGREEMENT, MONITORED = "awaiting_agreement", "monitored"
INSUFFICIENT_CASH = "insufficient_cash"
AWAITING_DAY, AWAITING_RECEIPT = "awaiting_day", "awaiting_receipt"
BANK_SILENT, BANK_REFUSED = "bank_silent", "bank_refused"
SENDING_FAILS, GIVEN_UP = "sending_fails", "given_up"
HOLDS = (
    AWAITING_APPROVAL,
    AWAITING_SIGNATURE,
    AWAITING_AGREEMENT,
    MONITORED,
    INSUFFICIENT_CASH,
    AWAITING_DAY,
    AWAITING_RECEIPT,
    BANK_SILENT,
    BANK_REFUSED,
    SENDING_FAILS,
    GIVEN_UP,
)

_ROWS = """
SELECT o.number, o.state, o.last_error, b.bank, b.since, b.last_error
FROM outbox o LEFT JOIN bank_outages b ON b.url = o.url AND o.state IN ('due', 'held')
WHERE o.ledger_id = %s AND o.kind = %s AND o.number = ANY(%s)"""


class HeldBy(msgspec.Struct, frozen=True):
    """``code`` is one of ``HOLDS``, or why nothing is written to the ledger (``history_cut``,
    ``clock_skewed``); ``since`` is None where that is not known."""

    code: str
    detail: str
    since: datetime | None


class SpareFor(NamedTuple):
    """What of a kind of fund is left for a payment that is not approved, in fen."""

    kind: str
    left_fen: int


def read_spare(
    connection: psycopg.Connection, ledger_id: int, settings: LedgerSettings, payment: Payment
) -> SpareFor | None:
    """What is left for it; None where no reserve is kept of its fund, or it is approved."""
    if payment.status != APPLIED:
        return None
    fund, policy = payment.applied.fund_type_code, settings.get(CASH_POLICY)
    spare = read_spares(connection, ledger_id, policy).get(kind_of(fund))
    if spare is None:
        return None
    return SpareFor(spare.kind, spare.left_for(policy.guarantee_of(payment.applied)))


def read_spares(
    connection: psycopg.Connection, ledger_id: int, policy: CashPolicy
) -> dict[str, Spare]:
    """By kind of fund of which a reserve is kept, what is spare now."""
    kinds = [reserve.fund_type_code for reserve in policy.reserves]
    if not kinds or policy.cash_control is False:
        return {}
    cash = read_rows(connection, ledger_id, CASH)
    waiting = read_rows(connection, ledger_id, UNCLEARED)
    promised = read_rows(connection, ledger_id, PROMISED)
    accts = account_by_kind(cash, kinds)
    if policy.cash_control:  # also before any account is named
        accts = dict.fromkeys(kinds, NO_ACCOUNT) | accts
    return {
        kind: spare_of(kind, acct, policy.reserve_fen(kind) or 0, cash, waiting, promised)
        for kind, acct in accts.items()
    }


class Delivery(NamedTuple):
    """A row of the outbox; ``bank`` and ``silent_since`` are set while its bank does not answer."""

    state: str
    last_error: str
    bank: str = ""
    silent_since: datetime | None = None

    def held_by(self, since: datetime | None) -> HeldBy | None:
        """What keeps it from being sent; ``since`` when it was to be sent."""
        if self.silent_since is not None:
            detail = f"bank {self.bank} does not answer: {self.last_error}"
            return HeldBy(BANK_SILENT, detail, self.silent_since)
        if self.state == "dead":
            return HeldBy(GIVEN_UP, self.last_error, since)
        if self.state == "due" and self.last_error:
            return HeldBy(SENDING_FAILS, self.last_error, since)
        return None


def read_deliveries(
    connection: psycopg.Connection, ledger_id: int, kind: ParcelKind, numbers: Iterable[str]
) -> dict[str, Delivery]:
    """How the sending of these stands, by number; what is not on its way is left out."""
    rows = connection.execute(_ROWS, (ledger_id, kind, list(numbers)))
    return {
        number: Delivery(state, banks_error or error, bank or "", since)
        for number, state, error, bank, since, banks_error in rows
    }


def payment_held_by(
    payment: Payment,
    *,
    since: datetime,
    delivery: Delivery | None,
    fault: UnavailableError | None,
    today: date,
    agreement: HeldBy | None = None,
    spare: SpareFor | None = None,
) -> HeldBy | None:
    """Whom or what a payment waits for; None where for nobody.

    Args:
        since: when the last of its events was recorded.
        fault: why nothing is written to its ledger.
        today: the business day.
        agreement: what was asked for of it and waits for another person: it decides what becomes
            of the payment, also of one that is paid.
        spare: of what lies at the treasury, where a reserve of it is kept, and for which guarantee
            it would be paid.
    """
    if payment.is_final and agreement is None:
        return None
    if fault is not None:
        return HeldBy(fault.code.text, fault.detail, None)
    if agreement is not None:
        return agreement
    if payment.is_held:
        return HeldBy(MONITORED, f"rules {', '.join(payment.applied.frozen_by)} 监控冻结", since)
    if (approved := payment.approved) is None:
        if spare is not None and spare.left_fen < payment.pay_fen:
            left = f"{yuan(max(0, spare.left_fen))} of fund {spare.kind} is left for it 库款不足"
            return HeldBy(INSUFFICIENT_CASH, left, since)
        return HeldBy(AWAITING_APPROVAL, "a checker who has not made it 待审核", since)
    if payment.status == APPROVED:
        role = approved.roles[len(payment.signatures)]
        return HeldBy(AWAITING_SIGNATURE, role, since)
    if payment.status == SENT:
        return HeldBy(AWAITING_RECEIPT, f"bank {approved.pay_bank_code} 待回单", since)
    if (refused := payment.refused) is not None and (delivery is None or delivery.state == "dead"):
        return HeldBy(BANK_REFUSED, refusal_text(refused.code, refused.reason), since)
    if (day := date.fromisoformat(approved.vou_date)) > today:
        return HeldBy(AWAITING_DAY, day.isoformat(), since)
    return None if delivery is None else delivery.held_by(since)


def awaiting_agreement(document: Document, since: datetime) -> HeldBy:
    """A void, a recall or a refund that was asked for; the roles still to agree, in order."""
    asked = f"{document.kind} {document.number}: {', '.join(document.awaits)} 待同意"
    return HeldBy(AWAITING_AGREEMENT, asked, since)


def claim_held_by(delivery: Delivery | None) -> HeldBy | None:
    """The same of a claim on the central bank that has no answer yet."""
    if delivery is None:
        return None
    if delivery.state == "sent":
        return HeldBy(AWAITING_RECEIPT, "the central bank 待回单", None)
    if delivery.state == "dead":
        return HeldBy(BANK_REFUSED, delivery.last_error, None)
    return delivery.held_by(None)


def business_today(now: datetime) -> date:
    """The day in Beijing."""
    return now.astimezone(BEIJING).date()
