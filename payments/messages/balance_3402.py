"""3402 库存日报表: what a treasury account had at the end of a day, as the central bank reports it.

A line is one of the central bank's own accounts under the treasury's (``AcctCode``). The day's
balance of a line is yesterday's with what came and without what went. Fields: the interface
standard 国库集中支付电子化管理接口报文规范.
"""

import datetime as dt

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import yuan
from payments.messages.layout import compact_date, detail_pointer, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import date_of, malformed, signed_amount_of, text_of, year_of
from payments.messages.vt_codes import BALANCE_REPORT


class BalanceItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line; amounts in fen."""

    acct_code: str
    acct_name: str = ""
    yesterday_balance: int
    today_receipt: int
    today_pay: int
    today_balance: int


class BalanceDay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a report says; ``voucher_no`` is the report's number, the central bank's."""

    adm_div_code: str
    st_year: int
    voucher_no: str
    tre_code: str
    acct_date: dt.date
    lines: tuple[BalanceItem, ...]

    @property
    def balance_fen(self) -> int:
        """Of all lines together."""
        return sum(line.today_balance for line in self.lines)


_AMOUNTS = {
    "YesterdayBalance": "yesterday_balance",
    "TodayReceipt": "today_receipt",
    "TodayPay": "today_pay",
    "TodayBalance": "today_balance",
}
_FORM = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo TreCode TreName FinOrgCode AcctDate Hold1 Hold2
    """,
    "Id AcctCode AcctName " + " ".join(_AMOUNTS) + " Hold1 Hold2 Hold3 Hold4",
)


def build(report: BalanceDay) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    day = compact_date(report.acct_date)
    main = {
        "Id": report.voucher_no,
        "AdmDivCode": report.adm_div_code,
        "StYear": str(report.st_year),
        "VtCode": BALANCE_REPORT,
        "VouDate": day,
        "VoucherNo": report.voucher_no,
        "TreCode": report.tre_code,
        "AcctDate": day,
    }
    return _FORM.write(main, [_row(index, line) for index, line in enumerate(report.lines, 1)])


def _row(number: int, line: BalanceItem) -> dict[str, str]:
    said = {"Id": str(number), "AcctCode": line.acct_code, "AcctName": line.acct_name}
    return said | {tag: yuan(getattr(line, name)) for tag, name in _AMOUNTS.items()}


def parse(data: bytes) -> BalanceDay:
    """What a report says. Elements that are not needed here may be there, in any order.

    Raises:
        RequestError: ``malformed``: no 3402; an element missing, empty, twice or misshapen.
        Refusal: ``receipt_mismatch``: a line whose balance does not follow from its other amounts.
    """
    main, rows = read_voucher(data, answered=True)
    if text_of(main, "VtCode", "") != BALANCE_REPORT:
        raise malformed(f"VtCode is not {BALANCE_REPORT}", "/VtCode")
    return BalanceDay(
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        tre_code=main.get("TreCode") or text_of(main, "BankCode", ""),
        acct_date=date_of(main, "AcctDate", ""),
        lines=tuple(_line(row, detail_pointer(index)) for index, row in enumerate(rows)),
    )


def _line(row: dict[str, str], pointer: str) -> BalanceItem:
    line = BalanceItem(
        acct_code=text_of(row, "AcctCode", pointer),
        acct_name=row.get("AcctName", ""),
        **{name: signed_amount_of(row, tag, pointer) for tag, name in _AMOUNTS.items()},
    )
    due_fen = line.yesterday_balance + line.today_receipt - line.today_pay
    if due_fen != line.today_balance:
        raise Refusal(
            Code.RECEIPT_MISMATCH,
            f"its amounts come to {yuan(due_fen)}, it says {yuan(line.today_balance)}",
            pointer=f"{pointer}/TodayBalance",
        )
    return line
