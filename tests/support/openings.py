"""Opening balances, as tests enter them."""

from datetime import date
from typing import Any

from accounting.income import LoadIncome
from accounting.income_events import IncomeLine
from accounting.opening_events import OpeningRow
from accounting.openings import LoadOpening


def debit(amt: str, **said: Any) -> OpeningRow:
    return OpeningRow(dr_cr=1, amt=amt, **said)


def credit(amt: str, **said: Any) -> OpeningRow:
    return OpeningRow(dr_cr=-1, amt=amt, **said)


def opening(book: str, *rows: OpeningRow) -> LoadOpening:
    return LoadOpening(book=book, rows=rows)


TREASURY = "4400000000"


def cash_opened(**by_fund: str) -> LoadOpening:
    """国库存款 by fund, ``f111="100.00"``, against 累计盈余."""
    debits = [
        debit(amt, acct_cls_code="1001", tre_code=TREASURY, fund_type_code=fund[1:])
        for fund, amt in by_fund.items()
    ]
    surplus = [credit(row.amt, acct_cls_id="B71") for row in debits]
    return opening("treasury_financial", *debits, *surplus)


def income(report_no: str, day: date, *lines: tuple[str, str, str]) -> LoadIncome:
    """A report of a day; each line is a kind of income, a fund and an amount."""
    return LoadIncome(
        report_no=report_no,
        report_date=day,
        tre_code=TREASURY,
        lines=tuple(
            IncomeLine(inc_sort_code=kind, fund_type_code=fund, amt=amt)
            for kind, fund, amt in lines
        ),
    )
