"""Every report by its name, as it is asked for: those of a year's ledger, and of a division."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from projections.reports.advance_limits import advance_limits
from projections.reports.budget import BY_CODE, adjustments, by_code
from projections.reports.debts import debt_limits, debt_schedule, debts
from projections.reports.distributions import distributions
from projections.reports.execution import EXECUTION_BY, execution_by
from projections.reports.income_expenditure import income_expenditure
from projections.reports.indicators import BALANCES_BY, balances_by, each_indicator
from projections.reports.placements import placements
from projections.reports.projects import project_list, three_year_roll
from projections.reports.replies import replies
from projections.reports.report import AskedReport, Report

Open = Callable[[AskedReport, str], Report]

OF_YEAR: Mapping[str, Open] = MappingProxyType(
    {
        **dict.fromkeys(BY_CODE, by_code),
        "adjustments": adjustments,
        "replies": replies,
        "income_expenditure": income_expenditure,
        "indicators": each_indicator,
        "distributions": distributions,
        "advance_limits": advance_limits,
        "debts": debts,
        "debt_limits": debt_limits,
        "debt_schedule": debt_schedule,
        "placements": placements,
        **dict.fromkeys(BALANCES_BY, balances_by),
        **dict.fromkeys(EXECUTION_BY, execution_by),
    }
)
OF_DIVISION: Mapping[str, Open] = MappingProxyType(
    {"project_list": project_list, "three_year_roll": three_year_roll}
)
