"""对账策略: which reconciliations a month waits for, and which days have been confirmed. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import ClassVar

import msgspec

from accounting.income_booking import workdays
from accounting.reconciliation.events import (
    ReconciliationNoted,
    ReconciliationPolicySet,
    RequiredReconciliation,
)
from ledger.calendar import PERIODS
from ledger.closing import AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import ElementRegister
from ledger.errors import Code, RequestError
from ledger.events import Event, OpenItem
from payments.messages.message_types import CENTRAL_BANK_CODE, SignedBy
from payments.messages.reconciliations import ABOUT
from payments.messages.vt_codes import BANK_CHECK

UNRECONCILED = "unreconciled"
REQUIRED_MAX = 200


class OpenReconciliation(msgspec.Struct, frozen=True, array_like=True):
    """One that was compared and waits for its confirmation."""

    recon_no: str
    begin_date: str
    end_date: str
    diff_num: int


class ReconciledDays(msgspec.Struct, frozen=True, omit_defaults=True):
    """By what is reconciled (``3502/bank/102/5214``): what waits for its confirmation, of the same
    days the latest alone; and the spans of days, in order, that were confirmed."""

    open: dict[str, tuple[OpenReconciliation, ...]] = {}
    confirmed: dict[str, tuple[tuple[str, str], ...]] = {}


def key_of(vt_code: str, sender: str, e_voucher_type: str) -> str:
    """What is reconciled."""
    return f"{vt_code}/{sender}/{e_voucher_type}"


def _noted(days: ReconciledDays, event: Event) -> ReconciledDays:
    if not isinstance(event, ReconciliationNoted):
        return days
    key = key_of(event.vt_code, event.sender, event.e_voucher_type)
    span = event.begin_date, event.end_date
    others = tuple(o for o in days.open.get(key, ()) if (o.begin_date, o.end_date) != span)
    if event.covers_from:
        spans = _merged((*days.confirmed.get(key, ()), (event.covers_from, event.end_date)))
        confirmed = dict(sorted({**days.confirmed, key: spans}.items()))
        return ReconciledDays(_with(days.open, key, others), confirmed)
    waiting = OpenReconciliation(event.recon_no, *span, event.diff_num)
    return ReconciledDays(_with(days.open, key, (*others, waiting)), days.confirmed)


def _with(
    open_: dict[str, tuple[OpenReconciliation, ...]],
    key: str,
    waiting: tuple[OpenReconciliation, ...],
) -> dict[str, tuple[OpenReconciliation, ...]]:
    left = {**open_, key: tuple(sorted(waiting, key=lambda o: (o.begin_date, o.end_date)))}
    return dict(sorted((name, each) for name, each in left.items() if each))


def _merged(spans: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Spans that touch, as one."""
    merged: list[tuple[str, str]] = []
    for begin, end in sorted(spans):
        if merged and date.fromisoformat(begin) <= _day_after(merged[-1][1]):
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return tuple(merged)


def _day_after(day: str) -> date:
    return date.fromisoformat(day) + timedelta(days=1)


RECONCILED = declare(Setting("reconciled", ReconciledDays(), _noted))


class ReconciliationPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    required: tuple[RequiredReconciliation, ...] = ()


def _policy(policy: ReconciliationPolicy, event: Event) -> ReconciliationPolicy:
    if isinstance(event, ReconciliationPolicySet):
        return ReconciliationPolicy(event.required)
    return policy


RECONCILIATION_POLICY = declare(Setting("reconciliation_policy", ReconciliationPolicy(), _policy))


class SetReconciliationPolicy(Command, frozen=True, kw_only=True):
    """对账策略: what holds from here on, as a whole."""

    OPERATION: ClassVar[str] = "reconciliation_policy.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "对账策略"
    required: tuple[RequiredReconciliation, ...] = ()

    def check(self) -> None:
        """Raises RequestError ``malformed``."""
        if len(self.required) > REQUIRED_MAX:
            raise RequestError(
                Code.MALFORMED, f"at most {REQUIRED_MAX} are required", pointer="/required"
            )
        told: set[str] = set()
        for index, each in enumerate(self.required):
            place = f"/required/{index}"
            if each.e_voucher_type not in ABOUT.get(each.vt_code, ()):
                raise RequestError(
                    Code.MALFORMED,
                    f"{each.vt_code} is not about {each.e_voucher_type!r}: "
                    + "; ".join(f"{code} {' '.join(kinds)}" for code, kinds in ABOUT.items()),
                    pointer=f"{place}/e_voucher_type",
                )
            if (each.vt_code == BANK_CHECK) != bool(each.pay_bank_code):
                raise RequestError(
                    Code.MALFORMED,
                    "3502 is of an agent bank, which is named, the others of the central bank",
                    pointer=f"{place}/pay_bank_code",
                )
            if each.pay_bank_code:
                pointer = f"{place}/pay_bank_code"
                ElementRegister.check_shape("pay_bank_code", each.pay_bank_code, pointer)
            _check_day(each.start_date, f"{place}/start_date")
            if (key := required_key(each)) in told:
                raise RequestError(Code.MALFORMED, f"{key} is there twice", pointer=place)
            told.add(key)

    def decide(self, state: LedgerState, by: str) -> Decision:
        required = tuple(
            RequiredReconciliation(
                vt_code=each.vt_code,
                e_voucher_type=each.e_voucher_type,
                start_date=each.start_date,
                pay_bank_code=each.pay_bank_code,
            )
            for each in self.required
        )  # as the event has them, whatever a caller's body made of them
        policy = ReconciliationPolicySet(required=required, by=by)
        return Decision(events=[(None, "", policy)], effective_on=state.today)


def _check_day(text: str, pointer: str) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise RequestError(Code.MALFORMED, "start_date is a day, 2026-01-05", pointer=pointer)


def required_key(required: RequiredReconciliation) -> str:
    """What it asks to be reconciled."""
    code = required.pay_bank_code
    sender = SignedBy.AGENT_BANK.subject(code) if code else _CENTRAL_BANK
    return key_of(required.vt_code, sender, required.e_voucher_type)


_CENTRAL_BANK = SignedBy.CENTRAL_BANK.subject(CENTRAL_BANK_CODE)


def covers_from(state: LedgerState, begin: date) -> date:
    """The day behind the last working day before: what no bank says anything of is covered with
    the next day of which it does."""
    first = date(state.fiscal_year, 1, 1)
    before = begin - timedelta(days=1)
    while begin > first and next(workdays(state, before, begin), None) is None:
        begin, before = before, before - timedelta(days=1)
    return begin


# ---- what keeps a month open


def _waiting(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    """Of each that is required: what was not confirmed, and the first working day of which there
    is nothing."""
    days = state.settings.get(RECONCILED)
    for required in state.settings.get(RECONCILIATION_POLICY).required:
        key = required_key(required)
        waiting = days.open.get(key, ())
        for each in waiting:
            if (
                each.begin_date <= period.last_day.isoformat()
                and each.end_date >= required.start_date
            ):
                yield OpenItem(kind=UNRECONCILED, number=each.recon_no, amt="0.00")
        first = _first_open(state, required)
        for day in workdays(state, first, period.last_day + timedelta(days=1)):
            if not _is_covered(day.isoformat(), days.confirmed.get(key, ()), waiting):
                yield OpenItem(kind=UNRECONCILED, number=f"{key}/{day}", amt="0.00")
                break


def _first_open(state: LedgerState, required: RequiredReconciliation) -> date:
    closed = state.settings.get(PERIODS).closed_through
    first = max(date.fromisoformat(required.start_date), date(state.fiscal_year, 1, 1))
    return first if closed is None else max(first, closed + timedelta(days=1))


def _is_covered(
    day: str, confirmed: tuple[tuple[str, str], ...], waiting: tuple[OpenReconciliation, ...]
) -> bool:
    spans = (*confirmed, *((each.begin_date, each.end_date) for each in waiting))
    return any(begin <= day <= end for begin, end in spans)


declare_blockers(
    "reconciliations",
    Blockers(
        (),
        _waiting,
        {UNRECONCILED: ("bank.receipts", "reconciliation.compare", "reconciliation.confirm")},
    ),
)
