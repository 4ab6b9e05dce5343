"""库存日报: what the central bank says a treasury account had, against the books."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, Yuan, register


class ReportedBalance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the central bank's accounts at the end of the day."""

    acct_code: str
    yesterday_balance: Yuan
    today_receipt: Yuan
    today_pay: Yuan
    today_balance: Yuan
    acct_name: str = ""


class BalanceReported(Event, frozen=True, kw_only=True):
    """库存日报: the signed 3402 of a day, whose lines make ``balance_amt``; 国库存款 had
    ``booked_amt`` on that day when it came. It books nothing."""

    TYPE: ClassVar[str] = "balance.reported"
    TRAITS: ClassVar[Traits] = Traits(
        subject="balance_report", asked_by="balance.receive", title="库存日报"
    )
    report_no: str
    report_date: str
    tre_code: str
    lines: tuple[ReportedBalance, ...]
    balance_amt: Yuan
    booked_amt: Yuan
    notice_sm3: str
    cert_serial: str
    signature: str
    by: str


class BalanceSettled(Event, frozen=True, kw_only=True):
    """库存差异处理: persons have said where the difference comes from."""

    TYPE: ClassVar[str] = "balance.settled"
    TRAITS: ClassVar[Traits] = Traits(
        subject="balance_report", asked_by="correction.balance", title="库存差异处理"
    )
    report_no: str
    booked_amt: Yuan
    reason: str
    by: str


class BalanceDayReported(Event, frozen=True, kw_only=True):
    """A treasury account has its balance of a day: the next is of the working day after it.
    ``difference_amt``: what the books have more, with its sign; "" where they agree."""

    TYPE: ClassVar[str] = "balance.day_reported"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, title="库存日报序次")
    tre_code: str
    report_date: str
    report_no: str
    difference_amt: str = ""


class BalanceDaySettled(Event, frozen=True, kw_only=True):
    """A difference keeps no month open any more."""

    TYPE: ClassVar[str] = "balance.day_settled"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, title="库存差异了结")
    report_no: str


register(BalanceReported, BalanceSettled, BalanceDayReported, BalanceDaySettled)
