"""绩效目标按指标库: goals are measured by what is in the division's library, where it has one.

A unit that could name an indicator of its own making for its own project would measure itself.
"""

from collections.abc import Iterable
from datetime import date

from budget.projects.events import GoalIndicator, ProjectGoal
from division.performance import PERFORMANCE_LIBRARY, SECOND, THIRD, PerformanceLibrary
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal


def require_measured(state: LedgerState, goals: Iterable[ProjectGoal], day: date) -> None:
    """That each indicator of the goals names one of the library that is in force on the day, and is
    called and measured as that one is.

    Raises:
        Refusal: ``element_invalid`` for one that is not there, ``element_mismatch`` for one that is
            said to be otherwise.
    """
    library = state.settings.get(PERFORMANCE_LIBRARY)
    if not library.is_kept:
        return
    for at, goal in enumerate(goals):
        for index, indicator in enumerate(goal.indicators):
            _require_of(library, indicator, day, f"/goals/{at}/indicators/{index}")


def _require_of(
    library: PerformanceLibrary, indicator: GoalIndicator, day: date, place: str
) -> None:
    code = indicator.lv3_perf_ind_code or indicator.lv2_perf_ind_code
    told = library.on(code, day) if library.is_lowest_on(code, day) else None
    level = THIRD if indicator.lv3_perf_ind_code or not code else SECOND
    if told is None or told.perf_ind_level != level:
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"{indicator.name} names no indicator of the division's library in force on {day}: "
            + (repr(code) if code else "none at all"),
            pointer=f"{place}/lv{level}_perf_ind_code",
        )
    said: dict[str, tuple[str, str]] = {
        f"lv{each.perf_ind_level}_perf_ind_code": (
            getattr(indicator, f"lv{each.perf_ind_level}_perf_ind_code"),
            each.perf_ind_code,
        )
        for each in library.above(told, day)
    }
    if level == THIRD:
        said["name"] = (indicator.name, told.perf_ind_name)
        said["meterunit"] = (indicator.meterunit, told.meterunit)
        said["computesign"] = (indicator.computesign, told.computesign)
    for name, (asked, registered) in said.items():
        if asked and registered and asked != registered:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"{told.perf_ind_code} {told.perf_ind_name} has {registered!r}, not {asked!r}",
                pointer=f"{place}/{name}",
            )
