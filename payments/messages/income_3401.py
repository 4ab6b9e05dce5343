"""3401 收入日报表: what came to a treasury account on a day, as the central bank reports it.

One message tells of one account's day: a line for each kind of income, fund and level. Standard
forms say the fund and the level once, in the main form; a line here may say its own, so that one
message holds the day. Amounts are the day's; what was returned 退库 is negative. The sums of ten
days, month and year that stand beside are not read. Fields: the interface standard
国库集中支付电子化管理接口报文规范.
"""

import datetime as dt

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import yuan
from payments.messages.layout import compact_date, detail_pointer, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import date_of, malformed, signed_amount_of, text_of, year_of
from payments.messages.vt_codes import INCOME_REPORT


class IncomeItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line: what came of a kind of income, in fen; negative where it went back."""

    inc_sort_code: str
    fund_type_code: str
    budget_level_code: str
    day_amt: int
    tax_org_code: str = ""


class IncomeDay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a report says; names are those of the elements, in snake_case.

    Attributes:
        voucher_no: the report's number, the central bank's.
        sum_money: fen; the sum of the lines.
        lines: none where nothing came, at most 499.
    """

    adm_div_code: str
    st_year: int
    voucher_no: str
    tre_code: str
    report_date: dt.date
    sum_money: int
    lines: tuple[IncomeItem, ...]


_FORM = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo TreCode TreName FinOrgCode FundTypeCode
    BudgetType BudgetLevelCode BelongFlag BillKind ReportDate SumMoney PeriodType Hold1 Hold2
    """,
    """
    Id TaxOrgCode TaxOrgName FundTypeCode BudgetLevelCode BudgetSubjectCode BudgetSubjectName
    DayAmt TenDayAmt MonthAmt QuarterAmt YearAmt Hold1 Hold2 Hold3 Hold4
    """,
)


def build(report: IncomeDay) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    day = compact_date(report.report_date)
    main = {
        "Id": report.voucher_no,
        "AdmDivCode": report.adm_div_code,
        "StYear": str(report.st_year),
        "VtCode": INCOME_REPORT,
        "VouDate": day,
        "VoucherNo": report.voucher_no,
        "TreCode": report.tre_code,
        "ReportDate": day,
        "SumMoney": yuan(report.sum_money),
    }
    return _FORM.write(main, [_row(index, line) for index, line in enumerate(report.lines, 1)])


def _row(number: int, line: IncomeItem) -> dict[str, str]:
    return {
        "Id": str(number),
        "TaxOrgCode": line.tax_org_code,
        "FundTypeCode": line.fund_type_code,
        "BudgetLevelCode": line.budget_level_code,
        "BudgetSubjectCode": line.inc_sort_code,
        "DayAmt": yuan(line.day_amt),
    }


def parse(data: bytes) -> IncomeDay:
    """What a report says. Elements that are not needed here may be there, in any order.

    Raises:
        RequestError: ``malformed``: no 3401; an element missing, empty, twice or misshapen.
        Refusal: ``receipt_mismatch``: lines that do not add up to its sum.
    """
    main, rows = read_voucher(data, answered=True, least=0)
    if text_of(main, "VtCode", "") != INCOME_REPORT:
        raise malformed(f"VtCode is not {INCOME_REPORT}", "/VtCode")
    report = IncomeDay(
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        tre_code=text_of(main, "TreCode", ""),
        report_date=date_of(main, "ReportDate", ""),
        sum_money=signed_amount_of(main, "SumMoney", ""),
        lines=tuple(_line(row, main, detail_pointer(index)) for index, row in enumerate(rows)),
    )
    if (lines_fen := sum(line.day_amt for line in report.lines)) != report.sum_money:
        raise Refusal(
            Code.RECEIPT_MISMATCH,
            f"its lines sum to {yuan(lines_fen)}, it says {yuan(report.sum_money)}",
            pointer="/SumMoney",
        )
    return report


def _line(row: dict[str, str], main: dict[str, str], pointer: str) -> IncomeItem:
    return IncomeItem(
        inc_sort_code=text_of(row, "BudgetSubjectCode", pointer),
        fund_type_code=row.get("FundTypeCode") or text_of(main, "FundTypeCode", ""),
        budget_level_code=row.get("BudgetLevelCode") or main.get("BudgetLevelCode", ""),
        day_amt=signed_amount_of(row, "DayAmt", pointer),
        tax_org_code=row.get("TaxOrgCode", ""),
    )
