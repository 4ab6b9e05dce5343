"""财政专户收入, 单位资金收入: what came to an account on a day, by kind of income."""

from typing import ClassVar

from accounting.income_events import IncomeLine
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register

_BOOKS: AmountMoves = {"treasury_financial": {}, "treasury_budgetary": {}}


class DepositedLine(IncomeLine, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a fund, and of which kind of income; 单位资金 says that itself."""

    inc_sort_code: str = ""


class SpecialIncomeReported(Event, frozen=True, kw_only=True):
    """财政专户收入入账: all that the bank's statement of an account has of a day; ``agency_code``
    is the unit whose own account it is 单位资金收入, "" of a special one."""

    TYPE: ClassVar[str] = "special_income.reported"
    TRAITS: ClassVar[Traits] = Traits(
        subject="special_income",
        asked_by="special_income.load",
        moves=("special_income_day",),
        posts={
            "special_income.reported": RuleNeeds(
                ("inc_sort_code", "fund_type_code"),
                {"income": _BOOKS, "returned": _BOOKS},
                back=frozenset({"returned"}),
            )
        },
        step="journals",
        title="财政专户收入",
    )
    report_no: str
    report_date: str
    acct_no: str
    amt: Yuan
    lines: tuple[DepositedLine, ...]
    agency_code: str = ""
    by: str


class SpecialIncomeCorrected(Event, frozen=True, kw_only=True):
    """财政专户收入更正: a report says ``lines`` from here on; what differs is booked."""

    TYPE: ClassVar[str] = "special_income.corrected"
    TRAITS: ClassVar[Traits] = Traits(
        subject="special_income",
        asked_by="correction.special_income",
        step="journals",
        title="财政专户收入更正",
    )
    report_no: str
    correct_no: str
    lines: tuple[DepositedLine, ...]
    reason: str
    by: str


register(SpecialIncomeReported, SpecialIncomeCorrected)
