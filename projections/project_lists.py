"""项目库清单: projects in pages, by the rows that show them; and these rows against the events."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import psycopg

from budget.projects.project import PROJECT, PROJECTS, Project
from division.verification import check_kinds
from ledger.reading.objects import read_objects
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings

CHECK = name_check("project", "项目库 projects against their events", "rows", PROJECTS.name)

# of each project the version of the day
_LISTED = """
SELECT pro_code FROM projects p
WHERE ledger_id = %(ledger_id)s AND pro_code > %(after)s AND start_date <= %(day)s
    AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
    AND (%(pro_cat_code)s::text IS NULL OR pro_cat_code = %(pro_cat_code)s)
    AND (%(state)s::text IS NULL OR state = %(state)s)
    AND (cardinality(%(prefixes)s::text[]) = 0
        OR EXISTS (SELECT FROM unnest(%(prefixes)s::text[]) b WHERE starts_with(agency_code, b)))
    AND NOT EXISTS (SELECT FROM projects l WHERE l.ledger_id = p.ledger_id
        AND l.pro_code = p.pro_code AND l.start_date > p.start_date AND l.start_date <= %(day)s)
ORDER BY pro_code LIMIT %(most)s"""


class ProjectFilter(NamedTuple):
    """Which projects are asked for, by what they are on a day; None and () is whichever."""

    day: date
    agency_code: str | None = None
    pro_cat_code: str | None = None
    state: str | None = None
    prefixes: Sequence[str] = ()

    def holds(self, project: Project) -> bool:
        then = project.on(self.day)
        return (
            self.agency_code in (None, then.agency_code)
            and self.pro_cat_code in (None, then.pro_cat_code)
            and self.state in (None, project.state)
            and (not self.prefixes or then.agency_code.startswith(tuple(self.prefixes)))
        )


def read_page(
    connection: psycopg.Connection, ledger_id: int, asked: ProjectFilter, after: str, most: int
) -> list[Project]:
    """At most so many projects as they stand, in the order of their codes, behind a code."""
    values = {"ledger_id": ledger_id, "after": after, "most": most, **asked._asdict()}
    codes = [
        code for (code,) in connection.execute(_LISTED, values | {"prefixes": list(asked.prefixes)})
    ]
    found: dict[str, Project] = read_objects(connection, ledger_id, PROJECT, codes)
    return [found[code] for code in codes if code in found]


def check_projects(connection: psycopg.Connection, ledger_id: int, findings: Findings) -> None:
    """Compares the rows of a division's projects with what their events are folded to."""
    check_kinds(connection, ledger_id, findings, CHECK, (PROJECT,))
