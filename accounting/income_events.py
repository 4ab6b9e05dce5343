"""收入日报: what came to the treasury on a day, by kind of income and fund."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, AmountMoves, Event, RuleNeeds, Traits, Yuan, register

_ELEMENTS = ("inc_sort_code", "fund_type_code")


def _moves(cash: int) -> AmountMoves:
    return {"treasury_financial": {"cash": cash}, "treasury_budgetary": {}}


class IncomeLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a kind of income in a fund; what was returned 退库 is negative."""

    inc_sort_code: str
    fund_type_code: str
    amt: Yuan
    budget_level_code: str = ""

    @property
    def codes(self) -> dict[str, str]:
        """The elements that its entries are kept by."""
        said = {
            "inc_sort_code": self.inc_sort_code,
            "fund_type_code": self.fund_type_code,
            "budget_level_code": self.budget_level_code,
        }
        return {name: code for name, code in said.items() if code}


class IncomeReported(Event, frozen=True, kw_only=True):
    """收入日报入账; a day on which nothing came has no lines, and no journal."""

    TYPE: ClassVar[str] = "income.reported"
    TRAITS: ClassVar[Traits] = Traits(
        subject="income_report",
        asked_by="income.load",
        moves=("income", "income_told"),
        posts={
            "income.reported": RuleNeeds(
                _ELEMENTS,
                {"income": _moves(1), "returned": _moves(-1)},
                back=frozenset({"returned"}),
            )
        },
        step="journals",
        title="收入日报",
    )
    report_no: str
    report_date: str
    tre_code: str
    lines: tuple[IncomeLine, ...]
    by: str


class IncomeReceived(Event, frozen=True, kw_only=True):
    """收入日报报文入账: the same, believed on the central bank's signature over its 3401, of which
    ``notice_sm3`` is the digest.

    ``replaces`` is the report from a file that had told of the day before, "" where none had; then
    ``differences`` are booked, what the signed one says more, with its sign.
    """

    TYPE: ClassVar[str] = "income.received"
    TRAITS: ClassVar[Traits] = Traits(
        subject="signed_income_report",
        asked_by="income.receive",
        moves=("income", "income_told"),
        step="journals",
        title="收入日报报文",
    )
    report_no: str
    report_date: str
    tre_code: str
    lines: tuple[IncomeLine, ...]
    notice_sm3: str
    cert_serial: str
    signature: str
    by: str
    replaces: str = ""
    differences: tuple[IncomeLine, ...] = ()


class IncomeCorrected(Event, frozen=True, kw_only=True):
    """收入更正: a report says ``lines`` from here on; what differs is booked."""

    TYPE: ClassVar[str] = "income.corrected"
    TRAITS: ClassVar[Traits] = Traits(
        subject="income_report",
        asked_by="correction.income",
        moves=("income",),
        step="journals",
        title="收入更正",
    )
    report_no: str
    correct_no: str
    lines: tuple[IncomeLine, ...]
    reason: str
    by: str


class IncomeDayReported(Event, frozen=True, kw_only=True):
    """A treasury account has its report of a day: the next is of the working day after it;
    ``is_signed`` says whether the central bank has signed it. A signed one of a day that a file had
    told of stands in the place of the file's."""

    TYPE: ClassVar[str] = "income.day_reported"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, title="收入日报序次")
    tre_code: str
    report_date: str
    report_no: str
    is_signed: bool = False


register(IncomeReported, IncomeReceived, IncomeCorrected, IncomeDayReported)
