"""收入日报报文 3401 as it comes in."""

from typing import Any, ClassVar

from accounting.income_events import IncomeLine
from accounting.income_receiving import TakeIncome
from accounting.intake.reports import TreasuryReports
from ledger.money import yuan
from payments.messages.income_3401 import IncomeDay
from payments.messages.message_types import INCOME_REPORTED, Concern, MessageType
from payments.receipts.concerns import judges


def lines_of(report: IncomeDay) -> tuple[IncomeLine, ...]:
    """What a report says, as the books keep it."""
    return tuple(
        IncomeLine(
            inc_sort_code=line.inc_sort_code,
            fund_type_code=line.fund_type_code,
            budget_level_code=line.budget_level_code,
            amt=yuan(line.day_amt),
        )
        for line in report.lines
        if line.day_amt  # others stand there for their month
    )


@judges(Concern.INCOME)
class IncomeReports(TreasuryReports):
    """Each is booked as the day's income."""

    MESSAGE: ClassVar[MessageType[Any]] = INCOME_REPORTED

    def taken(self, report: IncomeDay, **signed: Any) -> TakeIncome:
        return TakeIncome(report_date=report.report_date, lines=lines_of(report), **signed)
