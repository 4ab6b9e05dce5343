"""记账凭证: journals as callers see them, of all books or of a slice of them."""

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg.sql import SQL, Composed

from budget.events import IndicatorIssued
from division.rights import begins_with
from ledger.books import Account, Books, Charts
from ledger.books.postings import CREDIT
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, ConfigurationError, RequestError
from ledger.events import CommandRefused, JournalPosted, decode
from ledger.reading.objects import read_payloads
from payments.clearing.cash import rule_of_claim
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from payments.verification.clearing import ACCOUNT as ZERO_BALANCE
from projections.account_slices import BESIDE_INDICATORS, CLAIM_BOOKED, SLICED_BY, Slice
from projections.account_sums import live_model
from projections.budget_rows import BudgetRows
from projections.core.listing import (
    PAGE_SIZE,
    Filter,
    Listing,
    ListingPage,
    a_day,
    a_position,
    a_text,
)
from projections.indicators import Indicators
from projections.journal_persons import persons_of
from projections.journals import JOURNALS, NUMBERED, JournalRow, numbers_of, read_numbers
from projections.queries import Filters, item_of

_SLICE = "slice"
# of its indicators; of its rows of the budget; of its fund alone, such as a claim on the central
# bank; and what has a line that says so itself
_IN_SLICE: LiteralString = """(t.bgt_id = ANY(%s) AND t.event <> ALL(%s)
    OR t.bgt_id = '' AND t.source = ANY(%s)
    OR t.bgt_id = '' AND jsonb_build_object('fund_type_code', t.fund_type_code) @> %s::jsonb
        AND '' ^@ ANY(%s)
    OR (t.bgt_id = '' AND t.event <> %s OR t.event = ANY(%s)) AND EXISTS (
        SELECT FROM events e CROSS JOIN LATERAL
            jsonb_array_elements(convert_from(e.payload, 'UTF8')::jsonb -> 'line_codes') AS codes
        WHERE e.ledger_id = t.ledger_id AND e.position = t.position
          AND codes @> %s::jsonb AND coalesce(codes ->> 'agency_code', '') ^@ ANY(%s)))"""
_INDICATORS = SQL("""
SELECT bgt_id FROM proj_indicators i WHERE ledger_id = %(ledger)s AND generation = %(of)s AND {}""")
_OF_ROWS = SQL("""
SELECT m.position FROM proj_budget_rows r JOIN proj_budget_movements m
    ON m.ledger_id = r.ledger_id AND m.generation = r.generation
    AND m.bgt_pman_id = r.bgt_pman_id AND m.bgt_id = ''
WHERE r.ledger_id = %(ledger)s AND r.generation = %(of)s AND {}""")


class _Sliced(NamedTuple):
    """The values of ``_IN_SLICE``, in their order."""

    bgt_ids: list[str]
    not_by_indicator: list[str]
    of_rows: list[int]
    fund: str
    of_none: list[str]
    claim: str
    beside: list[str]
    codes: str
    prefixes: list[str]


def list_journals(
    connection: psycopg.Connection,
    ledger_id: int,
    charts: Charts,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
    *,
    agency_prefixes: tuple[str, ...] = (),
) -> ListingPage:
    """Journals by effective date, then in order, with their lines named by the chart of then.

    Filters: ``source`` (position of the business event), ``book``, ``from``, ``to``, and the
    elements of ``SLICED_BY``: a journal that has a line with all of them, by its indicator, its row
    of the budget or its own saying. With ``book`` only the lines of that book are shown; they
    balance by themselves. With ``agency_prefixes`` only lines of the units whose codes begin so:
    they need not balance. Raises RequestError, and ConfigurationError when a journal's chart is not
    loaded.
    """
    asked = dict(filters or {})
    codes = {name: a_text(code, f"/{name}") for name in SLICED_BY if (code := asked.pop(name, ""))}
    if sliced := Slice(codes, agency_prefixes):
        asked[_SLICE] = msgspec.json.encode(sliced).decode()
    found: list[_Sliced] = []  # what the slice holds, once its filter was read
    listed = _listing(charts, _slice_read(connection, ledger_id, found))
    rows, following, position = listed.page(connection, ledger_id, asked, cursor, page_size)
    journals = _read_journals(connection, ledger_id, [row.position for row in rows])
    bgt_ids = {j.bgt_id for j in journals.values()}
    bgt_ids |= {line.bgt_id for j in journals.values() for line in j.lines}
    issued = _read_issued(connection, ledger_id, bgt_ids - {""})
    persons = persons_of(connection, ledger_id, journals)
    book = asked.get("book") or ""
    red = {of.red_vou_no for of in persons.values() if of.red_vou_no is not None}
    numbers = {row.position: numbers_of(row) for row in rows}
    numbers |= read_numbers(connection, ledger_id, red - numbers.keys())
    of_rows = {source for of in found for source in of.of_rows}
    items = [
        _journal_item(
            row,
            journals[row.position],
            charts,
            issued,
            book,
            () if row.source in of_rows else agency_prefixes,
        )
        | {"vou_nos": numbers[row.position], "red_vou_nos": None}
        | msgspec.structs.asdict(persons[row.position])
        for row in rows
    ]
    for item in items:
        if (reversed_at := item["red_vou_no"]) is not None:
            item["red_vou_nos"] = numbers.get(reversed_at)
    return ListingPage(items, following, position)


def _listing(charts: Charts, slice_read: Any) -> Listing[JournalRow]:
    return Listing(
        "journals",
        JOURNALS.name,
        JournalRow,
        ("effective_on", "position"),
        {
            "source": Filter("source = %s", a_position),
            "book": Filter("translate(books, %s, '') <> books", _letters(charts)),
            "from": Filter("effective_on >= %s", a_day),
            "to": Filter("effective_on <= %s", a_day),
            _SLICE: Filter(_IN_SLICE, slice_read),
        },
    )


def _slice_read(connection: psycopg.Connection, ledger_id: int, found: list[_Sliced]) -> Any:
    """Reads a slice's text as what it holds."""

    def numbers(statement: SQL, sliced: Slice, alias: str, model: str) -> list[Any]:
        scope = {"ledger": ledger_id, "of": live_model(connection, ledger_id, model).generation}
        asked: Composed = statement.format(sliced.condition(alias))
        return [number for (number,) in connection.execute(asked, scope | sliced.parameters)]

    def parse(text: str, _pointer: str) -> _Sliced:
        sliced = msgspec.json.decode(text, type=Slice)
        codes = msgspec.json.encode(sliced.codes).decode()
        prefixes = list(sliced.agency_prefixes or ("",))
        values = _Sliced(
            numbers(_INDICATORS, sliced, "i", Indicators.name),
            BESIDE_INDICATORS,
            numbers(_OF_ROWS, sliced, "r", BudgetRows.name),
            codes,
            prefixes,
            CLAIM_BOOKED,
            BESIDE_INDICATORS,
            codes,
            prefixes,
        )
        found.append(values)
        return values

    return parse


def _letters(charts: Charts) -> Any:
    """Reads the name of a book as the letters its accounts begin with, in any chart."""

    def parse(text: str, pointer: str) -> str:
        accounts = [a for books in charts.by_version.values() for a in books.accounts.values()]
        letters = {account.id[0] for account in accounts if account.book == a_text(text, pointer)}
        if not letters:
            names = dict.fromkeys(account.book for account in accounts)
            raise RequestError(
                Code.MALFORMED, f"book is one of {', '.join(names)}", pointer=pointer
            )
        return "".join(sorted(letters))

    return parse


def _read_journals(
    connection: psycopg.Connection, ledger_id: int, positions: list[int]
) -> dict[int, JournalPosted]:
    journals = {}
    for position, (type_name, payload) in read_payloads(connection, ledger_id, positions).items():
        event = decode(type_name, payload)
        assert isinstance(event, JournalPosted), "the journals' model names journals"
        journals[position] = event
    return journals


def _read_issued(
    connection: psycopg.Connection, ledger_id: int, bgt_ids: Iterable[str]
) -> dict[str, IndicatorIssued]:
    """What the indicators were issued as; read from the events, which never lag behind."""
    rows = connection.execute(
        "SELECT k.number, e.type, e.payload FROM command_keys k JOIN events e"
        " ON e.ledger_id = k.ledger_id AND e.position = k.first_position"
        " WHERE k.ledger_id = %s AND k.operation = 'indicator.issue' AND k.number = ANY(%s)"
        " AND e.type <> %s",
        (ledger_id, list(bgt_ids), CommandRefused.TYPE),
    )
    issued = {}
    for bgt_id, type_name, payload in rows:
        event = decode(type_name, payload)
        assert isinstance(event, IndicatorIssued), "an indicator begins with its issue"
        issued[bgt_id] = event
    return issued


def _journal_item(
    row: JournalRow,
    journal: JournalPosted,
    charts: Charts,
    issued: Mapping[str, IndicatorIssued],
    book: str,
    agency_prefixes: tuple[str, ...],
) -> dict[str, Any]:
    version = journal.chart_version
    if (books := charts.by_version.get(version)) is None:
        raise ConfigurationError(
            f"journal {row.position} was made with chart {version}, which is not loaded"
        )
    lines = []
    for index, line in enumerate(journal.lines):
        account: Account = books.accounts[line.account]
        if book and account.book != book:
            continue
        dimensions = (
            journal.line_codes[index]
            if journal.line_codes
            else _dimensions(journal, issued.get(line.bgt_id or journal.bgt_id))
        )
        if agency_prefixes and not begins_with(dimensions.get("agency_code", ""), agency_prefixes):
            continue
        lines.append(
            {
                "book": account.book,
                "acct_cls_id": account.id,
                "acct_cls_code": account.code,
                "acct_cls_name": account.name,
                "dr_cr": line.dr_cr,
                "amt": line.amt,
                "dimensions": dimensions,
            }
        )
    item = item_of(row, leave_out=("books", "rule", "event", *NUMBERED))
    rule = _rule(journal, books)
    return {
        **item,
        "event": row.event,
        "rule": rule,
        "rule_version": row.rule,
        "lines": lines,
    }


def _rule(journal: JournalPosted, books: Books) -> str:
    """The rule's name: the event's type, except where an event has one rule a message (清算)."""
    if journal.event in books.rules:
        return journal.event
    if journal.line_codes:  # the event gave its lines itself
        return ""
    vt_code = REFUND_CLAIM if journal.red_flag else CLAIM
    prior = not journal.red_flag and _came_back(journal, books)
    vt_code = REFUND_CLAIM if prior else vt_code
    return rule_of_claim(vt_code, journal.fund_type_code, prior=prior)


def _came_back(journal: JournalPosted, books: Books) -> bool:
    """Whether a claim that reverses nothing is one over what came back, 以前年度退回: the
    zero-balance account gives instead of taking."""
    return any(
        line.dr_cr == CREDIT and books.accounts[line.account].name == ZERO_BALANCE
        for line in journal.lines
    )


def _dimensions(journal: JournalPosted, issued: IndicatorIssued | None) -> dict[str, str]:
    if issued is None:  # a clearing's journal is of many indicators, of one fund type
        return {"fund_type_code": journal.fund_type_code}
    return {"bgt_id": issued.bgt_id, **{name: getattr(issued, name) for name in DIMENSIONS}}
