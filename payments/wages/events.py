"""应付职工薪酬 in a unit's books: what is owed to its staff, and what of it is withheld."""

from typing import ClassVar

from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register
from payments.events import PAID_FOR

_OF_THE_UNIT: AmountMoves = {"unit_financial": {}}


class WagesAccrued(Event, frozen=True, kw_only=True):
    """计提: wages of a month are owed, and an expense, before they are paid.

    ``manage_amt`` of ``amt`` is 单位管理费用, the rest 业务活动费用. Negative amounts take back
    what was accrued too much.
    """

    TYPE: ClassVar[str] = "wages.accrued"
    TRAITS: ClassVar[Traits] = Traits(
        subject="wage_accrual",
        asked_by="wage.accrue",
        posts={
            "wages.accrued": RuleNeeds(
                PAID_FOR,
                {
                    "accrued": _OF_THE_UNIT,
                    "managed": _OF_THE_UNIT,
                    "accrued_less": _OF_THE_UNIT,
                    "managed_less": _OF_THE_UNIT,
                },
                back=frozenset({"accrued_less", "managed_less"}),
            )
        },
        step="journals",
        title="工资计提",
    )
    accrual_no: str
    bgt_id: str
    agency_code: str
    agency_type_code: str
    sala_month: str
    amt: Yuan
    manage_amt: Yuan = "0.00"
    reason: str = ""
    by: str


class WagesWithheld(Event, frozen=True, kw_only=True):
    """代扣: of wages that are owed, this goes to the tax office, the social insurance and the
    housing fund instead of the staff. Negative amounts take back what was withheld too much."""

    TYPE: ClassVar[str] = "wages.withheld"
    TRAITS: ClassVar[Traits] = Traits(
        subject="wage_withholding",
        asked_by="wage.withhold",
        posts={
            "wages.withheld": RuleNeeds(
                PAID_FOR,
                {
                    "income_tax": _OF_THE_UNIT,
                    "insurance": _OF_THE_UNIT,
                    "housing_fund": _OF_THE_UNIT,
                    "income_tax_less": _OF_THE_UNIT,
                    "insurance_less": _OF_THE_UNIT,
                    "housing_fund_less": _OF_THE_UNIT,
                },
            )
        },
        step="journals",
        title="工资代扣",
    )
    withhold_no: str
    bgt_id: str
    agency_code: str
    agency_type_code: str
    sala_month: str
    income_tax_amt: Yuan = "0.00"
    insurance_amt: Yuan = "0.00"
    housing_fund_amt: Yuan = "0.00"
    reason: str = ""
    by: str


register(WagesAccrued, WagesWithheld)
