"""Lists of documents 单据: what waits, what was approved or given back, what concerns somebody."""

from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger.account_set import SYSTEM_DIVISION
from ledger.deciding.documents import (
    APPROVED,
    DOCUMENT,
    RETURNED,
    SUBMITTED,
    about,
    command_of,
    key_of,
)
from ledger.deciding.principals import folded
from ledger.errors import Code, RequestError
from ledger.events import (
    DocumentReturned,
    DocumentSubmitted,
    decode,
    names_that,
)
from ledger.reading.objects import read_head, read_payloads
from projections.core.facts import read_pages
from projections.core.listing import PAGE_SIZE, Filter, Listing, ListingPage
from projections.documents import DOCUMENTS, PERSONS_APART, DocumentRow, Documents
from projections.queries import Filters

STATES = (SUBMITTED, APPROVED, RETURNED)
MINE = "mine"


def concerning(person: str, roles: Collection[str]) -> str:
    """The value of the filter ``mine``: what this person made or agreed to, and what waits for a
    role of his."""
    return msgspec.json.encode({"person": person.casefold(), "roles": sorted(roles)}).decode()


def _state(text: str, pointer: str) -> str:
    if text not in STATES:
        raise RequestError(Code.MALFORMED, f"state is one of {', '.join(STATES)}", pointer=pointer)
    return text


def _as_it_is(text: str, _pointer: str) -> str:
    return text


_DOCUMENTS = Listing(
    "documents",
    DOCUMENTS.name,
    DocumentRow,
    ("submitted_position",),
    {
        "state": Filter("state = %s", _state),
        "kind": Filter("kind = %s"),
        "about": Filter("about = %s"),
        # he made it or has agreed to it, or it waits for a role of his
        MINE: Filter(
            "EXISTS (SELECT 1 FROM json_to_record(%s::json) AS m (person text, roles text[])"
            " WHERE strpos(t.persons, E'\\n' || m.person || E'\\n') > 0"
            " OR t.next_role = ANY (m.roles))",
            _as_it_is,
        ),
    },
)


_WAITING = Listing(
    "documents",
    DOCUMENTS.name,
    DocumentRow,
    ("submitted_position",),
    {"about": Filter("state = 'submitted' AND about = %s", _as_it_is)},
)
_TAIL = """
SELECT type, payload FROM events
WHERE ledger_id = %s AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position"""
_TAIL_TYPES = list(names_that(lambda traits: traits.subject == DOCUMENT.name))
_TAIL_EVENTS_MAX = 20_000  # whoever is further behind says so in his readiness


def waiting_about(
    connection: psycopg.Connection, ledger_id: int, what: str, upto: int
) -> list[DocumentSubmitted]:
    """What waits of the acts about an object (``documents.about``), in the order in which it was
    submitted: of the read model, and of the events up to a position that this has not seen yet."""
    rows, _, position = _WAITING.page(connection, ledger_id, {"about": what}, None, PAGE_SIZE)
    places = [row.submitted_position for row in rows]
    waiting: dict[str, DocumentSubmitted] = {}
    for _, (name, payload) in sorted(read_payloads(connection, ledger_id, places).items()):
        event = decode(name, payload)
        assert isinstance(event, DocumentSubmitted), "the documents' model names submissions"
        waiting[key_of(event.kind, event.number)] = event
    tail = (ledger_id, position, min(upto, position + _TAIL_EVENTS_MAX), _TAIL_TYPES)
    for name, payload in connection.execute(_TAIL, tail) if position < upto else ():
        seen: Any = decode(name, payload)
        if not isinstance(seen, DocumentSubmitted):
            if isinstance(seen, DocumentReturned) or seen.brings:  # given back, or done
                waiting.pop(key_of(seen.kind, seen.number), None)
        elif about(command_of(seen.kind, seen.body)) == what:
            waiting[key_of(seen.kind, seen.number)] = seen
    return list(waiting.values())


def list_documents(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """Documents in the order in which they were submitted, each with what it asks for.

    Filters: ``state``, ``kind``, ``about`` (such as ``payment/P-1``), ``mine``
    (:func:`concerning`). Raises RequestError.
    """
    rows, following, position = _DOCUMENTS.page(
        connection, ledger_id, filters or {}, cursor, page_size
    )
    asked = _asked(connection, ledger_id, [row.submitted_position for row in rows])
    items = [_item(row, asked[row.submitted_position]) for row in rows]
    return ListingPage(items, following, position)


class StandingDocument(NamedTuple):
    """A document of a standing ledger, which has no read models."""

    row: DocumentRow
    asks: dict[str, Any]

    @property
    def item(self) -> dict[str, Any]:
        return _item(self.row, self.asks)

    def is_asked_by(self, division: str) -> bool:
        """Whether this division has asked for it; the ledger of all divisions sees all."""
        return division in (self.asks.get("mof_div_code", ""), SYSTEM_DIVISION)

    def concerns(self, person: str, roles: Collection[str]) -> bool:
        """As :func:`concerning`."""
        is_his = PERSONS_APART + folded(person) + PERSONS_APART in self.row.persons
        return is_his or self.row.next_role in roles


def standing_documents(connection: psycopg.Connection, ledger_id: int) -> list[StandingDocument]:
    """All documents of a standing ledger as the events make them, in the order in which they were
    submitted; none of a ledger that is not open."""
    head = read_head(connection, ledger_id)
    projection = Documents()
    fold = projection.fold(0)
    for page in read_pages(connection, ledger_id, [projection], 0, head.position if head else 0):
        fold.take(page.facts[0])
    rows = sorted(fold.rest(0).new[DOCUMENTS], key=lambda row: row.submitted_position)
    asked = _asked(connection, ledger_id, [row.submitted_position for row in rows])
    return [StandingDocument(row, asked[row.submitted_position]) for row in rows]


def _asked(
    connection: psycopg.Connection, ledger_id: int, positions: list[int]
) -> dict[int, dict[str, Any]]:
    """What was asked for; from the events, where it stands as it was stored."""
    asked = {}
    for position, (type_name, payload) in read_payloads(connection, ledger_id, positions).items():
        event = decode(type_name, payload)
        assert isinstance(event, DocumentSubmitted), "the documents' model names submissions"
        asked[position] = event.body
    return asked


def _item(row: DocumentRow, asks: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "number": row.number,
        "state": row.state,
        "awaits": row.awaits.split(",") if row.awaits else [],
        "by": row.by,
        "reason": row.reason,
        "submission": row.submission,
        "submitted_on": row.submitted_on.isoformat(),
        "submitted_position": row.submitted_position,
        "last_position": row.last_position,
        "about": row.about,
        "asks": asks,
    }
