"""批复时限表: who was told an approved budget, by when he had to be, who is late (预算法 §52)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


RepliesMade = Mapping[str, Sequence[BudgetReplied]]  # replies by unit or department, in their order


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


def _told(asked: AskedReport, upto: int, on: date) -> RepliesMade:
    """The replies to each by that day, as they were made."""
    types = list(type_names(BudgetReplied))
    rows = asked.connection.execute(_REPLIES, (asked.ledger_id, ReplyBudget.OPERATION, types, upto))
    found: dict[str, list[BudgetReplied]] = {}
    for type_name, payload in rows:
        event: Any = decode(type_name, payload)
        if event.replied_on <= on.isoformat():
            found.setdefault(event.agency_code, []).append(event)
    return {code: sorted(each, key=lambda reply: reply.replied_on) for code, each in found.items()}


def _first(told: RepliesMade, agency_code: str, approved_on: date) -> BudgetReplied | None:
    """The first reply by which it can have had its budget: one dated before the approval told of
    none, and would begin the days of units too early."""
    replies_made = told.get(agency_code, ())
    return next((r for r in replies_made if r.replied_on >= approved_on.isoformat()), None)


def due_rows(units: Iterable[ApprovedUnit], told: RepliesMade, on: date) -> Iterator[Cells]:
    """The rows of the report; ``units`` in the order of their codes."""
    for dept_code, members in groupby(units, lambda unit: unit.dept_code):
        of_dept = list(members)
        approved_on = min(unit.approved_on for unit in of_dept)
        own = next((unit for unit in of_dept if unit.agency_code == dept_code), None)
        reply = _first(told, dept_code, approved_on)
        called = own.agency_name if own else reply.agency_name if reply else ""
        yield _row("dept", dept_code, dept_code, called, approved_on, TO_DEPARTMENT_DAYS, reply, on)
        since = date.fromisoformat(reply.replied_on) if reply else None
        for unit in of_dept:
            if unit is not own:
                code = unit.agency_code
                own_reply = _first(told, code, unit.approved_on)
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
