"""项目库报表: the list of projects 项目库清单, and the years before them 项目支出三年滚动表."""

from collections.abc import Iterator
from functools import partial

from budget.projects.project import PROJECT, Project
from ledger.reading.objects import read_head, streams_of
from projections.core.moments import reach
from projections.reports.report import AskedReport, Cells, Report, day_of

ROLLED = 3  # years
_KNOWN = ("pro_code", "pro_name", "agency_code", "pro_cat_code", "state")
LISTED = (*_KNOWN, "is_suspended", "pro_start_year", "pro_term", "pro_total_amt")


def rolled_years(first_year: int) -> tuple[str, ...]:
    """The columns of the years, from the first one on."""
    return tuple(f"amt_{year}" for year in range(first_year, first_year + ROLLED))


def project_list(asked: AskedReport, name: str) -> Report:
    """Every project of the units by its code, as it is on the day."""
    upto = _upto(asked)
    rows = (_listed(project, asked, upto) for project in _projects(asked, upto))
    return Report(name, "项目库清单", upto, LISTED, frozenset({"pro_total_amt"}), rows)


def three_year_roll(asked: AskedReport, name: str, first_year: int = 0) -> Report:
    """What each project is to cost in three years, from ``first_year`` on (0 is the year of the
    day), before and after them."""
    upto = _upto(asked)
    first = first_year or day_of(asked, upto).year
    columns = (*_KNOWN, "pro_total_amt", "before_amt", *rolled_years(first), "after_amt")
    amounts = frozenset(column for column in columns if "amt" in column)
    rows = map(partial(_rolled, asked, upto, first), _projects(asked, upto))
    return Report(name, "项目支出三年滚动表", upto, columns, amounts, rows)


def _upto(asked: AskedReport) -> int:
    head = read_head(asked.connection, asked.ledger_id)
    now = head.position if head else 0
    return reach(asked.connection, asked.ledger_id, asked.moment, now).upto


def _projects(asked: AskedReport, upto: int) -> Iterator[Project]:
    day = day_of(asked, upto)
    for events in streams_of(asked.connection, asked.ledger_id, PROJECT, upto):
        project = PROJECT.folded(each.event for each in events)
        if project is not None and asked.scope.holds(project.on(day).agency_code):
            yield project


def _known(project: Project, asked: AskedReport, upto: int) -> tuple[str, ...]:
    then = project.on(day_of(asked, upto))
    return project.pro_code, then.pro_name, then.agency_code, then.pro_cat_code, project.state


def _listed(project: Project, asked: AskedReport, upto: int) -> Cells:
    then = project.on(day_of(asked, upto))
    return (
        *_known(project, asked, upto),
        "1" if project.is_suspended else "2",
        str(then.pro_start_year),
        str(then.pro_term),
        then.pro_total_fen,
    )


def _rolled(asked: AskedReport, upto: int, first: int, project: Project) -> Cells:
    then = project.on(day_of(asked, upto))
    rolled = range(first, first + ROLLED)
    before = sum(year.amt_fen for year in then.years if year.fiscal_year < first)
    after = sum(year.amt_fen for year in then.years if year.fiscal_year >= first + ROLLED)
    years = (then.year_amt_fen(year) for year in rolled)
    return *_known(project, asked, upto), then.pro_total_fen, before, *years, after
