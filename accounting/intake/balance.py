"""库存日报报文 3402 as it comes in."""

from typing import Any, ClassVar

from accounting.balance_events import ReportedBalance
from accounting.balances import TakeBalance
from accounting.intake.reports import TreasuryReports
from ledger.money import yuan
from payments.messages.balance_3402 import BalanceDay
from payments.messages.message_types import BALANCE_REPORTED, Concern, MessageType
from payments.receipts.concerns import judges


def lines_of(report: BalanceDay) -> tuple[ReportedBalance, ...]:
    """What a report says, as the books keep it."""
    return tuple(
        ReportedBalance(
            acct_code=line.acct_code,
            acct_name=line.acct_name,
            yesterday_balance=yuan(line.yesterday_balance),
            today_receipt=yuan(line.today_receipt),
            today_pay=yuan(line.today_pay),
            today_balance=yuan(line.today_balance),
        )
        for line in report.lines
    )


@judges(Concern.BALANCE)
class BalanceReports(TreasuryReports):
    """Each becomes what 国库存款 of its day is held against."""

    MESSAGE: ClassVar[MessageType[Any]] = BALANCE_REPORTED

    def taken(self, report: BalanceDay, **signed: Any) -> TakeBalance:
        return TakeBalance(report_date=report.acct_date, lines=lines_of(report), **signed)
