"""按人员信息测算: projects that are computed from a standard are taken for as many as there are.

A standard may say of which kind it counts (``staff_kind``); then the heads of a project are those
that the division has registered of its unit, on the day by which the standard itself is taken.
"""

from collections.abc import Iterable
from typing import Any

from budget.projects.computed import day_of_standard
from budget.projects.project import PROJECT, ProjectVersion
from division.staff import STAFF, staff_no
from division.standard import STANDARD
from ledger.deciding.command import Need
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal


def needs_counted(state: LedgerState, command: Any) -> Iterable[Need]:
    """The standard of the project that a report or a change is about, and, when that is at hand,
    the people of its unit whom it counts."""
    project = state.get(PROJECT, command.pro_code)
    last = None if project is None else project.last
    standard_code = command.standard_code or (last.standard_code if last is not None else "")
    if not standard_code:
        return
    yield STANDARD, standard_code
    if (standard := state.get(STANDARD, standard_code)) is not None:
        agency_code = command.agency_code or (last.agency_code if last is not None else "")
        for kind in sorted({version.staff_kind for version in standard.versions} - {""}):
            yield STAFF, staff_no(agency_code, kind)


def require_counted(state: LedgerState, command: Any, version: ProjectVersion) -> None:
    """That the project's heads are those registered, where the command says anything of what they
    are: a project that is called otherwise is not counted anew.

    Raises:
        Refusal: ``budget_mismatch``, with how many there are.
    """
    if not (command.standard_code or command.head_count or command.agency_code):
        return
    standard = state.get(STANDARD, version.standard_code) if version.standard_code else None
    day = day_of_standard(state, version.pro_start_year)
    of_day = None if standard is None else standard.on(day)
    if of_day is None or not of_day.staff_kind:
        return
    staff = state.get(STAFF, staff_no(version.agency_code, of_day.staff_kind))
    there = None if staff is None else staff.on(day)
    count = 0 if there is None else there.staff_count
    if version.head_count != count:
        raise Refusal(
            Code.BUDGET_MISMATCH,
            f"unit {version.agency_code} has {count} of kind {of_day.staff_kind} on {day}, whom"
            f" the standard {version.standard_code} counts, not {version.head_count}",
            pointer="/head_count",
        )
