"""What wages that are owed are booked by: the unit's type on the day, and the account that a
payment of the same elements settles."""

import re
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from budget.indicator import Indicator
from budget.indicator import require as require_indicator
from division.agencies import type_on
from ledger.books import Books
from ledger.books.postings import CREDIT, DEBIT
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal, RequestError
from payments.events import VoucherReceipted
from payments.wages.events import WagesAccrued, WagesWithheld

INSTITUTIONS = ("3", "4")  # 事业单位, which alone have 单位管理费用
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
_OF_THE_UNIT = "unit_financial"


def check_month(sala_month: str) -> None:
    """Raises RequestError ``malformed``."""
    if _MONTH.fullmatch(sala_month) is None:
        raise RequestError(
            Code.MALFORMED, "sala_month is a month, such as 2026-03", pointer="/sala_month"
        )


def require_month(state: LedgerState, sala_month: str) -> None:
    """What is owed is of a month that has begun; of a former year it may be in arrears (补发).

    Raises:
        Refusal: ``period_closed`` of a year after the ledger's, ``future_date``.
    """
    if sala_month[:4] > str(state.fiscal_year):
        raise Refusal(
            Code.PERIOD_CLOSED,
            f"{sala_month} is after the fiscal year {state.fiscal_year}",
            pointer="/sala_month",
        )
    if sala_month > state.calendar_day.isoformat()[:7]:
        raise Refusal(
            Code.FUTURE_DATE,
            f"{sala_month} has not begun: it is {state.calendar_day} in Beijing",
            pointer="/sala_month",
        )


class Booked(NamedTuple):
    """A rule, one fen of each amount that it is given here, and the side of its account that a
    payment of the same elements settles."""

    rule: str
    amounts_fen: Mapping[str, int]
    side: int


ACCRUED = Booked(
    WagesAccrued.TYPE, {"accrued": 1, "managed": 0, "accrued_less": 0, "managed_less": 0}, CREDIT
)
WITHHELD = Booked(
    WagesWithheld.TYPE,
    {
        "income_tax": 1,
        "insurance": 0,
        "housing_fund": 0,
        "income_tax_less": 0,
        "insurance_less": 0,
        "housing_fund_less": 0,
    },
    DEBIT,
)
PAID = Booked(VoucherReceipted.TYPE, {"paid": 1, "failed": 0}, DEBIT)


def wages_of(
    state: LedgerState, bgt_id: str, day: date, booked: Booked, *, pointer: str = "/bgt_id"
) -> tuple[Indicator, dict[str, str]]:
    """The indicator that wages are paid from, and the codes that they are booked by on the day.

    Args:
        booked: by what; its account has to be the one that paying from the indicator settles.

    Raises:
        Refusal: ``indicator_not_found``, ``indicator_not_executable``; ``element_mismatch`` where
            what is paid from it settles no wages: its economy is another one, or the ledger's
            chart books wages when they are paid.
    """
    indicator = require_indicator(state, bgt_id, day, pointer=pointer)
    codes = {
        **indicator.paying_codes,
        "agency_type_code": type_on(state, indicator.issued.agency_code, day),
        "current_item_code": "",
    }
    books = state.books(day)
    settled = _moved(books, PAID, codes)
    if settled != _moved(books, booked, codes):
        name = ", ".join(books.accounts[account].name for account in settled) or "nothing"
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"what is paid from {bgt_id} ({codes['dep_bgt_eco_code']}) is {name} in the unit's "
            "books when it is paid, and settles no 应付职工薪酬",
            pointer=pointer,
            bgt_id=bgt_id,
        )
    return indicator, codes


def _moved(books: Books, booked: Booked, codes: Mapping[str, str]) -> list[str]:
    """The accounts of the unit's financial book that it moves on its side."""
    rule, amounts_fen, side = booked
    entry = books.post(rule, source=0, number="", amounts_fen=amounts_fen, codes=codes)
    return [
        line.account
        for line in entry.lines
        if line.dr_cr == side and books.accounts[line.account].book == _OF_THE_UNIT
    ]
