"""Where an indicator comes from: its project, the drafts and the row of the budget it is of.

An indicator beside the budget has but what its issue says of project and codes.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import psycopg

from budget.advance_events import IndicatorAbsorbed
from budget.events import IndicatorIssued
from budget.indicator import BEGINNINGS
from budget.preparation.draft import BUDGET_DRAFT
from budget.projects.project import PROJECT
from budget.row_events import RowAsked, RowRestated
from budget.rows import BUDGET_ROW
from ledger.account_set import ledger_text, own_standing_ledger
from ledger.deciding.objects import ledger_stream_id
from ledger.events import Event, JournalPosted, StandingNoted, decode, type_names
from ledger.reading.objects import EVENTS_MAX, read_events, stream_of
from projections.tracing.facts import FactFields, Placed, facts_of, of_types, placed, stream
from projections.tracing.links import step_types

_BUDGET = (
    "agency_code",
    "agency_name",
    "exp_func_code",
    "exp_func_name",
    "gov_bgt_eco_code",
    "gov_bgt_eco_name",
    "dep_bgt_eco_code",
    "dep_bgt_eco_name",
    "fund_type_code",
    "fund_type_name",
    "bgt_type_code",
    "bgt_type_name",
    "amount",
)
_OF_OTHER_ROWS = ("rows", "income")  # a draft has up to some ten thousand
_NOTED = (  # the last is nearly always the one
    "SELECT type, payload FROM events WHERE ledger_id = %s AND stream_id = %s AND position <= %s"
    " AND type = ANY(%s) ORDER BY stream_version DESC"
)


class Origin(NamedTuple):
    """The steps before an indicator, as ``links.chain_of`` takes them."""

    facts: dict[str, list[FactFields]]
    numbers: dict[str, str | None]
    ledgers: dict[str, str]


def issue_of(connection: psycopg.Connection, key: int, bgt_id: str, upto: int) -> list[Placed]:
    """An indicator's issue and its journal."""
    kinds: tuple[type[Event], ...] = (*BEGINNINGS, JournalPosted)
    return list(of_types(connection, key, bgt_id, kinds, upto, limit=2))


def origin_of(connection: psycopg.Connection, key: int, head: list[Placed], upto: int) -> Origin:
    """What was on record up to a position of what an indicator is of.

    Args:
        head: the indicator's issue first (``issue_of``).
    """
    issued = head[0][1]
    assert isinstance(issued, IndicatorIssued), "an indicator's stream begins with its issue"
    facts = {"project": _only(head, "pro_code", "pro_name"), "budget": _only(head, *_BUDGET)}
    numbers: dict[str, str | None] = {"project": issued.pro_code}
    bgt_pman_id = issued.bgt_pman_id or _absorbing(connection, key, issued.bgt_id, upto)
    if not bgt_pman_id:
        return Origin(facts, numbers, {})
    row = [each for each in stream(connection, key, BUDGET_ROW, bgt_pman_id) if each[0] <= upto]
    facts["budget"] = facts_of(row, *step_types("budget"))
    numbers["budget"] = bgt_pman_id
    drafts = dict.fromkeys(
        event.draft_no for _, event in row if isinstance(event, RowAsked | RowRestated)
    )
    facts["draft"] = [
        fact
        for draft_no in drafts
        for fact in _drafted(stream(connection, key, BUDGET_DRAFT, draft_no), upto)
    ]
    numbers["draft"] = next((number for number in reversed(drafts) if number), None)
    ledgers: dict[str, str] = {}
    standing = own_standing_ledger(key)
    known = _noted(connection, key, standing, upto)
    if project := _project(connection, standing, issued.pro_code, known):
        facts["project"] = facts_of(project, *step_types("project"))
        ledgers["project"] = ledger_text(standing)
    return Origin(facts, numbers, ledgers)


def _absorbing(connection: psycopg.Connection, key: int, bgt_id: str, upto: int) -> str:
    """The row of the budget that has absorbed an indicator of before the approval; "" if none."""
    for _, event in of_types(connection, key, bgt_id, [IndicatorAbsorbed], upto, limit=1):
        assert isinstance(event, IndicatorAbsorbed)
        return event.bgt_pman_id
    return ""


def _drafted(own: Iterable[Placed], upto: int) -> list[FactFields]:
    """A draft's way, without its other rows."""
    facts = facts_of((each for each in own if each[0] <= upto), *step_types("draft"))
    return [
        {name: value for name, value in fact.items() if name not in _OF_OTHER_ROWS}
        for fact in facts
    ]


def _project(
    connection: psycopg.Connection, standing: int, pro_code: str, known: int
) -> list[Placed]:
    """What the division's ledger had of a project up to a position."""
    stream_id = stream_of(connection, standing, PROJECT, pro_code)
    if stream_id is None:
        return []
    return placed(read_events(connection, standing, 0, EVENTS_MAX, stream_id=stream_id, upto=known))


def _noted(connection: psycopg.Connection, key: int, standing: int, upto: int) -> int:
    """The position of a standing ledger in whose knowledge a year decided then."""
    name = ledger_text(standing)
    own = (key, UUID(bytes=ledger_stream_id(key)), upto, list(type_names(StandingNoted)))
    with connection.cursor(name="noted") as cursor:
        for type_name, payload in cursor.execute(_NOTED, own):
            noted = decode(type_name, payload)
            assert isinstance(noted, StandingNoted)
            for each in noted.heads:
                if each.ledger == name:
                    return each.position
    return 0


def _only(head: Iterable[Placed], *names: str) -> list[FactFields]:
    """The issue, with these members alone."""
    return [
        {name: fact[name] for name in ("position", *names) if name in fact}
        for fact in facts_of(head, *BEGINNINGS)
    ]
