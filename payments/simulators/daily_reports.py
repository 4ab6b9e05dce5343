"""What the simulated central bank reports of a treasury account, when it is told to."""

from datetime import date

import msgspec

from ledger.account_set import division_of, fiscal_year_of, parse_ledger
from ledger.money import parse_yuan
from payments.messages import balance_3402, income_3401
from payments.messages.balance_3402 import BalanceDay, BalanceItem
from payments.messages.income_3401 import IncomeDay, IncomeItem
from payments.messages.layout import compact_date
from payments.messages.vt_codes import BALANCE_REPORT, INCOME_REPORT
from payments.simulators.answers import Notice
from payments.simulators.counterparty import Counterparty

INCOME_PATH = "/sim/income"
BALANCE_PATH = "/sim/balance"
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


class BalanceTold(OfAccount, kw_only=True, forbid_unknown_fields=True):
    """What the account had at the end of the day, in yuan, what came and what went."""

    today_balance: str
    today_receipt: str = "0.00"
    today_pay: str = "0.00"
    acct_code: str = "1"


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


def send_balance(central_bank: Counterparty, told: BalanceTold) -> ReportSent:
    """Sends a 3402 of one line; yesterday's balance follows.

    Raises:
        RequestError: ``malformed``, ``invalid_amount``.
    """
    balance_fen, receipt_fen, pay_fen = (
        parse_yuan(getattr(told, name), pointer=f"/{name}", signed=True, zero=True)
        for name in ("today_balance", "today_receipt", "today_pay")
    )
    line = BalanceItem(
        acct_code=told.acct_code,
        yesterday_balance=balance_fen - receipt_fen + pay_fen,
        today_receipt=receipt_fen,
        today_pay=pay_fen,
        today_balance=balance_fen,
    )
    report = BalanceDay(
        adm_div_code=told.adm_div_code,
        st_year=told.st_year,
        voucher_no=told.number(BALANCE_REPORT),
        tre_code=told.tre_code,
        acct_date=told.report_date,
        lines=(line,),
    )
    return _sent(central_bank, told, BALANCE_REPORT, balance_3402.build(report))


def _sent(central_bank: Counterparty, told: OfAccount, vt_code: str, document: bytes) -> ReportSent:
    number = told.number(vt_code)
    notice = Notice(vt_code=vt_code, voucher_no=number, document=document)
    central_bank.send(notice, told.adm_div_code, told.st_year)
    return ReportSent(report_no=number, vt_code=vt_code)
