"""库存日报: the central bank's balance of a treasury account, held against 国库存款. Pure.

A report books nothing. Where it and the books differ, the difference keeps its month open until
persons have said where it comes from; so does a working day of which there is no report, of an
account whose reports the central bank signs.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import ClassVar

import msgspec

from accounting.balance_events import (
    BalanceDayReported,
    BalanceDaySettled,
    BalanceReported,
    BalanceSettled,
    ReportedBalance,
)
from accounting.income_booking import require_next, workdays
from accounting.income_report import REPORTED_DAYS
from accounting.taking import TakeReport
from ledger.calendar import effective_day
from ledger.closing import AccountingPeriod, Blockers, declare_blockers
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, OpenItem
from ledger.money import stored_fen, yuan
from payments.clearing.cash import CASH, split_key


class OpenDifference(msgspec.Struct, frozen=True):
    tre_code: str
    report_date: str
    difference_amt: str


class BalanceDays(msgspec.Struct, frozen=True, omit_defaults=True):
    """By treasury account, the last day of which there is a balance; by report, what differs."""

    last: dict[str, str] = {}
    open: dict[str, OpenDifference] = {}


def _day_told(days: BalanceDays, event: Event) -> BalanceDays:
    if isinstance(event, BalanceDayReported):
        last = dict(sorted({**days.last, event.tre_code: event.report_date}.items()))
        if not event.difference_amt:
            return BalanceDays(last, days.open)
        found = OpenDifference(event.tre_code, event.report_date, event.difference_amt)
        return BalanceDays(last, dict(sorted({**days.open, event.report_no: found}.items())))
    if isinstance(event, BalanceDaySettled):
        left = {number: each for number, each in days.open.items() if number != event.report_no}
        return BalanceDays(days.last, left)
    return days


BALANCE_DAYS = declare(Setting("balances", BalanceDays(), _day_told))


class BalanceReport(msgspec.Struct, frozen=True):
    reported: BalanceReported
    settled: BalanceSettled | None = None

    @property
    def difference_fen(self) -> int:
        """What the books had more when it came."""
        return stored_fen(self.reported.booked_amt) - stored_fen(self.reported.balance_amt)

    @property
    def state(self) -> str:
        if not self.difference_fen:
            return "agrees"
        return "settled" if self.settled else "differs"


def _fold(report: BalanceReport | None, event: Event) -> BalanceReport | None:
    if isinstance(event, BalanceReported):
        return BalanceReport(event)
    if report is not None and isinstance(event, BalanceSettled):
        return msgspec.structs.replace(report, settled=event)
    return report


BALANCE_REPORT: Kind[BalanceReport] = Kind(
    name="balance_report",
    opened_by="balance.receive",
    fold=_fold,
    cost=lambda report: 1 + len(report.reported.lines),
)


class TakeBalance(TakeReport, frozen=True, kw_only=True):
    """库存日报: what the account had at the end of the day, by the central bank's books."""

    OPERATION: ClassVar[str] = "balance.receive"
    KIND: ClassVar[AnyKind] = BALANCE_REPORT
    lines: tuple[ReportedBalance, ...]

    def needs(self) -> Iterable[Need]:
        return (BALANCE_REPORT, self.report_no), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.report_date)
        require_next(state, state.settings.get(BALANCE_DAYS).last, self.tre_code, day)
        said_fen = sum(stored_fen(line.today_balance) for line in self.lines)
        booked_fen = balance_on(state, self.tre_code, day)
        # point of no return: it is evidence, whatever it says
        reported = BalanceReported(
            report_no=self.report_no,
            report_date=self.report_date.isoformat(),
            tre_code=self.tre_code,
            lines=self.lines,
            balance_amt=yuan(said_fen),
            booked_amt=yuan(booked_fen),
            notice_sm3=self.notice_sm3,
            cert_serial=self.cert_serial,
            signature=self.signature,
            by=by,
        )
        next_day = BalanceDayReported(
            tre_code=self.tre_code,
            report_date=self.report_date.isoformat(),
            report_no=self.report_no,
            difference_amt=yuan(booked_fen - said_fen) if booked_fen != said_fen else "",
        )
        return Decision(
            events=[(BALANCE_REPORT, self.report_no, reported), (None, "", next_day)],
            effective_on=day,
            shared_documents=self.kept,
        )


class SettleBalance(Command, frozen=True, kw_only=True):
    """库存差异处理: where a difference comes from, so that it keeps no month open any more."""

    OPERATION: ClassVar[str] = "correction.balance"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "收入日报"
    NUMBER: ClassVar[str] = "report_no"
    KIND: ClassVar[AnyKind] = BALANCE_REPORT
    KEEPS_REFUSAL: ClassVar[bool] = False
    report_no: str
    reason: str

    def needs(self) -> Iterable[Need]:
        return (BALANCE_REPORT, self.report_no), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        report = state.get(BALANCE_REPORT, self.report_no)
        if report is None:
            raise Refusal(Code.NOT_FOUND, f"no balance report {self.report_no!r}")
        if report.state != "differs":
            raise Refusal(Code.INVALID_STATE, f"the report {report.state}")
        on = date.fromisoformat(report.reported.report_date)
        booked_fen = balance_on(state, report.reported.tre_code, on)
        # point of no return
        settled = BalanceSettled(
            report_no=self.report_no, booked_amt=yuan(booked_fen), reason=self.reason, by=by
        )
        ended = BalanceDaySettled(report_no=self.report_no)
        return Decision(
            events=[(BALANCE_REPORT, self.report_no, settled), (None, "", ended)],
            effective_on=state.today,
        )


def balance_on(state: LedgerState, tre_code: str, day: date) -> int:
    """What 国库存款 of an account has at the end of a day, in fen."""
    keys = [key for key in state.rows_of(CASH) if split_key(key)[0] == tre_code]
    rows = [state.row_on(CASH, key, day).levels(day)[0][1] for key in sorted(keys)]
    return sum(row.balance for row in rows)


# ---- what keeps a month open


def _waiting(state: LedgerState, period: AccountingPeriod) -> Iterator[OpenItem]:
    income, balances = state.settings.get(REPORTED_DAYS), state.settings.get(BALANCE_DAYS)
    end = period.last_day + timedelta(days=1)
    for kind, last in (("income_missing", income.last), ("balance_missing", balances.last)):
        for tre_code, told in last.items():
            first = date.fromisoformat(told) + timedelta(days=1)
            if (day := next(workdays(state, first, end), None)) is not None:
                yield OpenItem(kind=kind, number=f"{tre_code}/{day.isoformat()}", amt="0.00")
    for report_no, found in balances.open.items():
        if date.fromisoformat(found.report_date) <= period.last_day:
            yield OpenItem(kind="balance_differs", number=report_no, amt=found.difference_amt)


declare_blockers(
    "treasury reports",
    Blockers(
        (),
        _waiting,
        {
            "income_missing": ("bank.receipts",),
            "balance_missing": ("bank.receipts",),
            "balance_differs": ("correction.balance", "correction.income", "voucher.enter"),
        },
    ),
)
