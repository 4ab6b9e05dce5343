"""用款计划: what plans leave to be paid on a day, and what is cut of them with their indicator.

Where the ledger's policy says ``monthly``, a plan counts from its month on: what is left on a day
is the plans up to the day's month, less what is used. Whatever the policy, all plans together never
exceed their indicator: an act that takes of it takes of the plan what the rest does not cover any
more, of the last months first.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import accumulate
from typing import NamedTuple

from budget.balances import BALANCES, Balances
from budget.events import PlanCut, PlannedMonth
from budget.indicator import Indicator
from budget.plan_policy import PLAN_POLICY
from ledger.deciding.dated import DatedRow
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.money import yuan

OfDay = Callable[[date, Balances], int]


class Plan(NamedTuple):
    """The plans of an indicator, by month in fen; () where there never was any."""

    bgt_id: str
    months_fen: tuple[int, ...] = ()
    is_monthly: bool = False

    def through(self, month: int) -> int:
        """What plans have up to a month: never more than up to any later one, should a month have
        been cut below nothing."""
        sums = list(accumulate(self.months_fen))
        return min(sums[month - 1 :], default=0)

    def left(self, on: date, row: Balances) -> int:
        """What plans leave on a day: all of them, or those whose months have come."""
        if not self.is_monthly:
            return row.plan_available
        return min(row.plan, self.through(on.month)) - row.occupied - row.paid


def plan_of(state: LedgerState, indicator: Indicator) -> Plan:
    """The plans of an indicator, as the ledger's policy counts them."""
    is_monthly = state.settings.get(PLAN_POLICY).is_monthly
    return Plan(indicator.bgt_id, indicator.planned, is_monthly)


def require_planned(state: LedgerState, indicator: Indicator, day: date, wanted_fen: int) -> None:
    """Whether the plan of an indicator that is controlled by one leaves so much, on the day and on
    every later one.

    Raises:
        Refusal: ``insufficient_plan``, with the day on which it leaves least.
    """
    if not indicator.issued.is_contrlbyplan:
        return
    plan = plan_of(state, indicator)
    on, least_fen = _least(state.row_on(BALANCES, indicator.bgt_id, day), day, plan.left)
    if wanted_fen > least_fen:
        raise Refusal(
            Code.INSUFFICIENT_PLAN,
            f"the plan of {plan.bgt_id} leaves {yuan(max(0, least_fen))} on {on}",
            bgt_id=plan.bgt_id,
            available_amt=yuan(max(0, least_fen)),
            requested_amt=yuan(wanted_fen),
            on=on.isoformat(),
        )


def check_plan(
    plan: Plan, before: DatedRow[Balances], day: date, month: int, change_fen: int
) -> None:
    """Whether a month's plan may be set or cut so, on the day and on every later one.

    Raises:
        Refusal: ``insufficient_plan`` for a cut below what is used, or of more than the month has;
            ``insufficient_indicator`` for a plan above the indicator.
    """
    if change_fen > 0:
        code, problem = Code.INSUFFICIENT_INDICATOR, "would exceed its indicator"
        on, least_fen = _least(before, day, lambda _, row: row.amount - row.frozen - row.plan)
    else:
        code, problem = Code.INSUFFICIENT_PLAN, "cannot fall below what is used of it"
        on, least_fen = _least_to_cut(plan, before, day, month)
    if abs(change_fen) > least_fen:
        raise Refusal(
            code,
            f"the plan of {plan.bgt_id} {problem} on {on}",
            bgt_id=plan.bgt_id,
            available_amt=yuan(max(0, least_fen)),
            requested_amt=yuan(abs(change_fen)),
            on=on.isoformat(),
        )


def _least_to_cut(
    plan: Plan, before: DatedRow[Balances], day: date, month: int
) -> tuple[date, int]:
    """Of the plan as a whole; where months count, of the month, and of the days behind it, too."""
    found = _least(before, day, lambda _, row: row.plan_available)
    if not plan.is_monthly:
        return found
    behind = [(on, plan.left(on, row)) for on, row in before.levels(day) if on.month >= month]
    of_month = (day, plan.months_fen[month - 1] if plan.months_fen else 0)
    return min(found, of_month, *behind, key=lambda level: level[1])


def _least(before: DatedRow[Balances], day: date, of: OfDay) -> tuple[date, int]:
    """The day, of this one and those after it, on which there is least of something."""
    found = ((on, of(on, row)) for on, row in before.levels(day))
    return min(found, key=lambda level: level[1])


# ---- cut with the indicator


def cut_with(
    state: LedgerState,
    indicator: Indicator,
    day: date,
    taken_fen: int,
    after: MovedRow,
    number: str,
    by: str,
) -> tuple[PlanCut, MovedRow] | None:
    """What an act cuts of the plan that takes so much of what is available, and the balances behind
    it; None where what stays of the indicator covers its plans.

    Args:
        after: the balances behind the act itself.
        number: of the act.

    Raises:
        Refusal: ``insufficient_plan`` where on an earlier day too little is planned to be cut.
    """
    if not indicator.planned or taken_fen <= 0 or not state.settings.get(PLAN_POLICY).cuts_plans:
        return None
    bgt_id, dated = indicator.bgt_id, after.dated
    levels = dated.levels(day)
    above_fen = max(row.plan - row.amount for _, row in levels)
    cut_fen = min(taken_fen, above_fen)
    if cut_fen <= 0:
        return None
    on, least_fen = _least(dated, day, _to_cut(indicator))
    if cut_fen > least_fen:
        raise Refusal(
            Code.INSUFFICIENT_PLAN,
            f"the plan of {bgt_id} would fall below what is used of it on {on}: cut it first",
            bgt_id=bgt_id,
            available_amt=yuan(max(0, least_fen)),
            requested_amt=yuan(cut_fen),
            on=on.isoformat(),
        )
    behind = BALANCES.moved(bgt_id, dated, day, {"plan": -cut_fen})
    cut = PlanCut(
        bgt_id=bgt_id,
        adj_no=number,
        cut_amt=yuan(cut_fen),
        months=tuple(last_months(indicator.planned, cut_fen)),
        figures=behind.row.figures(),
        by=by,
    )
    return cut, behind


def _to_cut(indicator: Indicator) -> OfDay:
    if indicator.issued.is_contrlbyplan:
        return lambda _, row: row.plan_available
    return lambda _, row: row.plan


def last_months(months_fen: Sequence[int], cut_fen: int) -> Iterable[PlannedMonth]:
    """The months of which so much is cut: the last that has a plan first."""
    for month in range(len(months_fen), 0, -1):
        part_fen = min(cut_fen, max(0, months_fen[month - 1]))
        if part_fen:
            cut_fen -= part_fen
            yield PlannedMonth(plan_month=month, plan_amt=yuan(part_fen))
