"""财政专户收入: what came to a special account on a day, by kind of income."""

from typing import ClassVar

from accounting.income_events import IncomeLine
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register

_BOOKS: AmountMoves = {"treasury_financial": {}, "treasury_budgetary": {}}


class SpecialIncomeReported(Event, frozen=True, kw_only=True):
    """财政专户收入入账: all that the bank's statement of an account has of a day."""

    TYPE: ClassVar[str] = "special_income.reported"
    TRAITS: ClassVar[Traits] = Traits(
        subject="special_income",
        asked_by="special_income.load",
        moves=("special_income_day",),
        posts={
            "special_income.reported": RuleNeeds(
                ("inc_sort_code", "fund_type_code"), {"income": _BOOKS, "returned": _BOOKS}
            )
        },
        step="journals",
        title="财政专户收入",
    )
    report_no: str
    report_date: str
    acct_no: str
    amt: Yuan
    lines: tuple[IncomeLine, ...]
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
    lines: tuple[IncomeLine, ...]
    reason: str
    by: str


register(SpecialIncomeReported, SpecialIncomeCorrected)
