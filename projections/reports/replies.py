"""批复时限表: who was told an approved budget, by when he had to be, who is late (预算法 §52)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from psycopg.sql import SQL

from budget.preparation.replying import ReplyBudget
from budget.preparation_events import BudgetReplied
from ledger.events import decode, type_names
from projections.reports.budget import FROM_MOVEMENTS, TABLES, movements_scope
from projections.reports.report import AskedReport, Cells, Report, day_of

TO_DEPARTMENT_DAYS, TO_UNIT_DAYS = 20, 15
DEPARTMENT_DIGITS = 3  # what the codes of a department's units begin with
_COLUMNS = (
    "level", "dept_code", "agency_code", "agency_name", "from_on", "due_on", "doc_no",
    "replied_on", "state", "days_late",
)  # fmt: skip
_APPROVED = SQL(
    "SELECT r.agency_code, max(r.agency_name), min(m.effective_on)"
    + FROM_MOVEMENTS
    + " AND m.reply_fen <> 0 GROUP BY r.agency_code ORDER BY r.agency_code"
).format(**TABLES)
_REPLIES = """
SELECT e.type, e.payload FROM command_keys k
JOIN events e ON e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id
WHERE k.ledger_id = %s AND k.operation = %s AND e.type = ANY(%s) AND e.position <= %s
ORDER BY e.position"""


class ApprovedUnit(NamedTuple):
    """A unit with an approved budget, and since when it is approved."""

    agency_code: str
    agency_name: str
    approved_on: date

    @property
    def dept_code(self) -> str:
        return self.agency_code[:DEPARTMENT_DIGITS]


def replies(asked: AskedReport, name: str) -> Report:
    """A row for each department, and behind it one for each of its units: since when the days
    count, when they are over, and how many it is late: by the reply, or by now where there is none.

    The days of a unit count from the reply to its department.
    """
    scope = movements_scope(asked)
    found = asked.connection.execute(_APPROVED, scope).fetchall()
    on = day_of(asked, scope["upto"])
    told = _told(asked, scope["upto"], on)
    rows = due_rows((ApprovedUnit(*each) for each in found), told, on)
    return Report(name, "批复时限表", scope["upto"], _COLUMNS, frozenset(), rows)


def _told(asked: AskedReport, upto: int, on: date) -> Mapping[str, BudgetReplied]:
    """The first reply to each by that day."""
    types = list(type_names(BudgetReplied))
    rows = asked.connection.execute(_REPLIES, (asked.ledger_id, ReplyBudget.OPERATION, types, upto))
    found: dict[str, BudgetReplied] = {}
    for type_name, payload in rows:
        event: Any = decode(type_name, payload)
        before = found.get(event.agency_code)
        is_first = before is None or event.replied_on < before.replied_on
        if event.replied_on <= on.isoformat() and is_first:
            found[event.agency_code] = event
    return found


def due_rows(
    units: Iterable[ApprovedUnit], told: Mapping[str, BudgetReplied], on: date
) -> Iterator[Cells]:
    """The rows of the report; ``units`` in the order of their codes."""
    for dept_code, members in groupby(units, lambda unit: unit.dept_code):
        of_dept = list(members)
        approved_on = min(unit.approved_on for unit in of_dept)
        own = next((unit for unit in of_dept if unit.agency_code == dept_code), None)
        reply = told.get(dept_code)
        called = own.agency_name if own else reply.agency_name if reply else ""
        yield _row("dept", dept_code, dept_code, called, approved_on, TO_DEPARTMENT_DAYS, reply, on)
        since = date.fromisoformat(reply.replied_on) if reply else None
        for unit in of_dept:
            if unit is not own:
                code, own_reply = unit.agency_code, told.get(unit.agency_code)
                yield _row(
                    "unit", dept_code, code, unit.agency_name, since, TO_UNIT_DAYS, own_reply, on
                )


def _row(
    level: str,
    dept_code: str,
    agency_code: str,
    agency_name: str,
    since: date | None,
    days: int,
    reply: BudgetReplied | None,
    on: date,
) -> Cells:
    due = since + timedelta(days=days) if since else None
    replied = date.fromisoformat(reply.replied_on) if reply else None
    late = max(0, ((replied or on) - due).days) if due else 0
    if replied is None:
        state = "overdue" if late else "due" if due else "waiting"
    else:
        state = "late" if late else "in_time"
    return (
        level, dept_code, agency_code, agency_name, since.isoformat() if since else "",
        due.isoformat() if due else "", reply.doc_no if reply else "",
        replied.isoformat() if replied else "", state, str(late) if due else "",
    )  # fmt: skip
