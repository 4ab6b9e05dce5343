"""What the simulated central bank reports of a treasury account, when it is told to."""

from datetime import date

import msgspec

from ledger.account_set import division_of, fiscal_year_of, parse_ledger
from ledger.money import parse_yuan
from payments.messages import income_3401
from payments.messages.income_3401 import IncomeDay, IncomeItem
from payments.messages.layout import compact_date
from payments.messages.vt_codes import INCOME_REPORT
from payments.simulators.answers import Notice
from payments.simulators.counterparty import Counterparty

INCOME_PATH = "/sim/income"
_ADM_DIGITS = 6


class IncomeLineTold(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A line as `POST …/income-reports` takes it; ``amt`` in yuan, negative where it went back."""

    inc_sort_code: str
    fund_type_code: str
    amt: str
    budget_level_code: str = ""


class OfAccount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whose account's day it is: ``ledger`` names the division and the year; where it is left out
    they are the first six digits of the account and the day's year."""

    report_date: date
    tre_code: str
    report_no: str = ""
    ledger: str = ""

    @property
    def adm_div_code(self) -> str:
        whole = division_of(parse_ledger(self.ledger)) if self.ledger else self.tre_code
        return whole[:_ADM_DIGITS]

    @property
    def st_year(self) -> int:
        return fiscal_year_of(parse_ledger(self.ledger)) if self.ledger else self.report_date.year

    def number(self, vt_code: str) -> str:
        """The report's number: as told, or one that is always the same."""
        return self.report_no or f"{vt_code}-{self.tre_code}-{compact_date(self.report_date)}"


class IncomeTold(OfAccount, kw_only=True, forbid_unknown_fields=True):
    """What came on a day; no lines where nothing did."""

    lines: tuple[IncomeLineTold, ...] = ()


class ReportSent(msgspec.Struct, kw_only=True):
    """The report that goes out."""

    report_no: str
    vt_code: str


def send_income(central_bank: Counterparty, told: IncomeTold) -> ReportSent:
    """Sends a 3401.

    Raises:
        RequestError: ``malformed``, ``invalid_amount``.
    """
    lines = tuple(
        IncomeItem(
            inc_sort_code=line.inc_sort_code,
            fund_type_code=line.fund_type_code,
            budget_level_code=line.budget_level_code,
            day_amt=parse_yuan(line.amt, pointer=f"/lines/{index}/amt", signed=True),
        )
        for index, line in enumerate(told.lines)
    )
    report = IncomeDay(
        adm_div_code=told.adm_div_code,
        st_year=told.st_year,
        voucher_no=told.number(INCOME_REPORT),
        tre_code=told.tre_code,
        report_date=told.report_date,
        sum_money=sum(line.day_amt for line in lines),
        lines=lines,
    )
    return _sent(central_bank, told, INCOME_REPORT, income_3401.build(report))


def _sent(central_bank: Counterparty, told: OfAccount, vt_code: str, document: bytes) -> ReportSent:
    number = told.number(vt_code)
    notice = Notice(vt_code=vt_code, voucher_no=number, document=document)
    central_bank.send(notice, told.adm_div_code, told.st_year)
    return ReportSent(report_no=number, vt_code=vt_code)
