"""年终结转: what is left of indicators at the year's end, and how the next year goes on with it."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from budget.events import Figures, IndicatorIssued
from ledger.elements.register import DIMENSIONS
from ledger.events import LEDGER, AmountMoves, Event, RuleNeeds, Traits, Yuan, register

_RELEASED: AmountMoves = {"indicator": {"available": 1, "frozen": -1}}
# the unit may draw on it next year: 财政应返还额度
_CARRIED: AmountMoves = {"indicator": {"available": -1}, "unit_financial": {}, "unit_budgetary": {}}
_TAKEN_BACK: AmountMoves = {"indicator": {"available": -1}}
_PENDING_LEFT: AmountMoves = {"indicator": {"pending": -1}}
_BEGUN: AmountMoves = {"indicator": {"available": 1}}
_BEGUN_PENDING: AmountMoves = {"indicator": {"pending": 1}}
_PAID_OFF: AmountMoves = {"indicator": {"paid": -1}}
_FREE: AmountMoves = {"indicator": {}}  # 结转 is no balance that a decision rests on
_LAPSED: AmountMoves = {"indicator": {"rest": -1}}
IS_CARRIED = "is_carried"  # whether the year before has handed it on, 1 or 2
# what the books tell a unit's remainder by
CARRIED_FOR = (*DIMENSIONS, "agency_type_code", IS_CARRIED)


_HANDED_ON, _OF_THE_YEAR = {IS_CARRIED: "1"}, {IS_CARRIED: "2"}


def carried_mark(is_carried: bool) -> Mapping[str, str]:
    """The element by which books tell what draws on 财政应返还额度 from what is the year's own:
    the revenue of an indicator that was handed on is that of the year which has carried it over."""
    return _HANDED_ON if is_carried else _OF_THE_YEAR


class LongerTerm(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of which money more years than usual may pass before it is 结余: codes begin as it says;
    ``carry_years`` 0 is without end."""

    carry_years: int
    exp_func_code: str = ""
    fund_type_code: str = ""


class CarryOverPolicySet(Event, frozen=True, kw_only=True):
    """结转年限: for how many years money may stay unspent before it is 结余 (预算法 §42)."""

    TYPE: ClassVar[str] = "ledger.carry_over_policy_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="carry_over_policy.set", title="结转年限"
    )
    carry_years: int
    longer_terms: tuple[LongerTerm, ...] = ()
    by: str


class CarryOverItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What becomes of an indicator's remainder, in yuan; "" is nothing.

    The codes are those that the carried part has next year, where they are others then (科目切换,
    撤并); "" is as it is.
    """

    bgt_id: str
    carryovers_amt: Yuan = ""
    take_back_amt: Yuan = ""
    agency_code: str = ""
    pro_code: str = ""
    exp_func_code: str = ""
    gov_bgt_eco_code: str = ""
    dep_bgt_eco_code: str = ""
    fund_type_code: str = ""


class YearCarriedOver(Event, frozen=True, kw_only=True):
    """年终结转收回: what is left of these indicators; each is told behind it."""

    TYPE: ClassVar[str] = "year_end.carried_over"
    TRAITS: ClassVar[Traits] = Traits(
        subject="carry_over", asked_by="year_end.carry_over", title="年终结转"
    )
    carry_no: str
    carryovers_amt: Yuan
    take_back_amt: Yuan
    items: tuple[CarryOverItem, ...]
    reason: str = ""
    by: str


class OfRemainder(Event, frozen=True, kw_only=True):
    """What becomes of ``amt`` of an indicator's remainder; ``pending_amt`` is what is 待下达 behind
    it, "" of an indicator that is executable."""

    bgt_id: str
    carry_no: str
    amt: Yuan
    pending_amt: str = ""
    figures: Figures
    by: str


class IndicatorReleased(OfRemainder, frozen=True, kw_only=True):
    """年终解冻: what is frozen is set free, to be carried over or taken back."""

    TYPE: ClassVar[str] = "indicator.released"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator",),
        posts={"indicator.released": RuleNeeds(DIMENSIONS, {"amount": _RELEASED})},
        step="indicator",
        title="年终解冻",
    )


class IndicatorCarriedOver(OfRemainder, frozen=True, kw_only=True):
    """结转: ``amt`` is spent no more this year, and goes on next year.

    Attributes:
        first_year: in which the money was appropriated.
        next_codes: what it is of next year, where any code is another one then.
        agency_type_code: the kind of unit by whose books the remainder is kept.
    """

    TYPE: ClassVar[str] = "indicator.carried_over"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator", "indicator_pending"),
        posts={
            "indicator.carried_over": RuleNeeds(CARRIED_FOR, {"amount": _CARRIED}),
            "indicator.carried_over_pending": RuleNeeds(DIMENSIONS, {"amount": _PENDING_LEFT}),
        },
        step="indicator",
        title="年终结转",
    )
    first_year: int
    next_codes: dict[str, str] = msgspec.field(default_factory=dict)
    agency_type_code: str = ""


class IndicatorTakenBack(OfRemainder, frozen=True, kw_only=True):
    """年终收回: ``amt`` goes back to the treasury, for good."""

    TYPE: ClassVar[str] = "indicator.taken_back"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator", "indicator_pending"),
        posts={
            "indicator.taken_back": RuleNeeds(DIMENSIONS, {"amount": _TAKEN_BACK}),
            "indicator.taken_back_pending": RuleNeeds(DIMENSIONS, {"amount": _PENDING_LEFT}),
        },
        step="indicator",
        title="年终收回",
    )


class CarriedIndicator(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An indicator as a year hands it on to the next, by its codes of that year."""

    bgt_id: str
    ori_bgt_id: str
    amount: Yuan
    first_year: int
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    bgt_exe_flag: int
    pro_name: str = ""
    pro_cat_code: str = ""
    pro_cat_name: str = ""
    is_contrlbyplan: bool | None = None
    cor_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    doc_date: str = ""
    sup_bgt_doc_no: str = ""
    source_type_code: str = ""
    budget_level_code: str = ""
    is_gov_pur: bool | None = None
    is_dir_code: str = ""
    track_pro_code: str = ""
    mof_dep_code: str = ""
    bond_code: str = ""


class CarriedTaken(Event, frozen=True, kw_only=True):
    """承接上年结转: what the year before has handed on, told behind it one by one.

    ``from_position`` is that of the closing of ``from_ledger``, ``from_chain`` its chain there;
    ``items_sm3`` is the SM3 of what was brought.
    """

    TYPE: ClassVar[str] = "year_end.carried_taken"
    TRAITS: ClassVar[Traits] = Traits(
        subject="carry_in", asked_by="year_end.take_carried", title="承接上年结转"
    )
    part_no: str
    from_ledger: str
    from_position: int
    from_chain: str
    items_sm3: str
    amt: Yuan
    codes_version: str
    by: str


class IndicatorCarriedIn(IndicatorIssued, frozen=True, kw_only=True):
    """上年结转: an indicator begins with what was left of ``ori_bgt_id`` in ``from_ledger``.

    ``first_year`` is the one in which the money was appropriated.
    """

    TYPE: ClassVar[str] = "indicator.carried_in"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        moves=("indicator", "indicator_pending"),
        posts={
            "indicator.carried_in": RuleNeeds(DIMENSIONS, {"amount": _BEGUN}),
            "indicator.carried_in_pending": RuleNeeds(DIMENSIONS, {"amount": _BEGUN_PENDING}),
        },
        opens=("indicator.issue", "bgt_id"),
        step="indicator",
        title="上年结转",
    )
    from_ledger: str
    first_year: int


class IndicatorWrittenOff(Event, frozen=True, kw_only=True):
    """核销: ``amt`` that was paid of it, and what went on to the next year, leave the book."""

    TYPE: ClassVar[str] = "indicator.written_off"
    TRAITS: ClassVar[Traits] = Traits(
        subject="indicator",
        asked_by="indicator.write_off",
        of_year="closes",
        moves=("indicator",),
        posts={
            "indicator.written_off": RuleNeeds(DIMENSIONS, {"amount": _PAID_OFF, "carried": _FREE})
        },
        step="indicator",
        title="指标核销",
    )
    bgt_id: str
    amt: Yuan
    carryovers_amt: Yuan
    figures: Figures
    by: str


class RowWrittenOff(Event, frozen=True, kw_only=True):
    """预算核销: what of a row of the budget no indicator has taken lapses with the year."""

    TYPE: ClassVar[str] = "budget_row.written_off"
    TRAITS: ClassVar[Traits] = Traits(
        subject="budget_row",
        asked_by="budget_row.write_off",
        of_year="closes",
        moves=("budget_row",),
        posts={"budget_row.written_off": RuleNeeds(DIMENSIONS, {"amount": _LAPSED})},
        step="budget",
        title="预算核销",
    )
    bgt_pman_id: str
    amt: Yuan
    by: str


class YearHandedOver(Event, frozen=True, kw_only=True):
    """年度移交: the next year has all that it was to have, and the book of indicators is empty.

    ``to_position`` is where ``to_ledger`` stood when it had. ``books`` are those that begin there
    with what was left here, in ``openings`` parts; () of former releases, which closed none.
    """

    TYPE: ClassVar[str] = "year_end.handed_over"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="year_end.hand_over", title="年度移交"
    )
    to_ledger: str
    to_position: int
    indicators: int
    carryovers_amt: Yuan
    books: tuple[str, ...] = ()
    openings: int = 0
    by: str


register(
    CarryOverPolicySet,
    YearCarriedOver,
    IndicatorReleased,
    IndicatorCarriedOver,
    IndicatorTakenBack,
    CarriedTaken,
    IndicatorCarriedIn,
    IndicatorWrittenOff,
    RowWrittenOff,
    YearHandedOver,
)
