"""What the ways in read from the read models: lists, and through ``trial_balance`` the books.

Every function takes a connection and answers from one statement, or from events that never change,
so each answer is of one moment. Amounts leave as yuan text, dates as ISO text.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, LiteralString

import msgspec
import psycopg

from budget.events import IndicatorIssued
from ledger.books import Account, Books, Charts
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, ConfigurationError, RequestError
from ledger.events import CommandRefused, JournalPosted, decode
from ledger.money import yuan
from ledger.reading.objects import read_payloads
from payments.clearing.cash import rule_of_claim
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM
from payments.payment import PAID, STATUSES
from projections.account_slices import SLICED_BY, indicators_with
from projections.core.listing import (
    PAGE_SIZE,
    Filter,
    Listing,
    ListingPage,
    a_day,
    a_position,
    a_text,
)
from projections.indicators import INDICATORS, IndicatorRow
from projections.journal_persons import persons_of
from projections.journals import JOURNALS, NUMBERED, JournalRow, numbers_of, read_numbers
from projections.payments import PAYMENTS, PaymentRow
from projections.refusals import REFUSALS, RefusalRow
from projections.trial_balance import trial_balance

__all__ = [
    "ListingPage",
    "clearing_of",
    "list_clearing_movements",
    "list_indicators",
    "list_journals",
    "list_payments",
    "list_refusals",
    "trial_balance",
]

Filters = Mapping[str, str | None]


def prefixes(text: str, _pointer: str) -> list[str]:
    """Beginnings of codes, of which a row's has one: a filter that no caller names himself."""
    return text.split(",")


def _status(text: str, pointer: str) -> str:
    if text not in STATUSES:
        raise RequestError(
            Code.MALFORMED, f"status is one of {', '.join(STATUSES)}", pointer=pointer
        )
    return text


def _of_status(status: str) -> LiteralString:
    """Payments that are not paid are few, and have an index of their own."""
    return "status = %s" if status == PAID else "status = %s AND status <> 'paid'"


# an indicator's row never changes: it is in the row's movements from its issue on
_OF_ROW: LiteralString = """EXISTS (
    SELECT FROM proj_positions p JOIN proj_budget_movements m
        ON m.ledger_id = p.ledger_id AND m.generation = p.generation
    WHERE p.ledger_id = t.ledger_id AND p.projection = 'budget_rows' AND p.live
        AND m.bgt_pman_id = %s AND m.bgt_id = t.bgt_id)"""
_INDICATORS = Listing(
    "indicators",
    INDICATORS.name,
    IndicatorRow,
    ("bgt_id",),
    {
        "agency_code": Filter("agency_code = %s"),
        "agency_prefixes": Filter("agency_code ^@ ANY(%s)", prefixes),
        "bgt_pman_id": Filter(_OF_ROW),
        "distributed_from": Filter("distributed_from = %s"),
    },
)
_PAYMENTS = Listing(
    "payments",
    PAYMENTS.name,
    PaymentRow,
    ("effective_on", "applied_position"),
    {
        "status": Filter(_of_status, _status),
        "agency_code": Filter("agency_code = %s"),
        "agency_prefixes": Filter("agency_code ^@ ANY(%s)", prefixes),
        "bgt_id": Filter("bgt_id = %s"),
        "from": Filter("effective_on >= %s", a_day),
        "to": Filter("effective_on <= %s", a_day),
    },
)
_REFUSALS = Listing(
    "refusals",
    REFUSALS.name,
    RefusalRow,
    ("position",),
    {
        "operation": Filter("operation = %s"),
        "code": Filter("code = %s"),
        "by": Filter("by = %s"),
    },
)


class _Movement(msgspec.Struct):
    """A row of ``proj_clearing_movements``."""

    position: int
    vt_code: str
    clear_no: str
    claim_no: str
    pay_app_no: str
    pay_cert_no: str
    refund_no: str
    amount_fen: int


_MOVEMENTS = Listing(
    "payments",
    "proj_clearing_movements",
    _Movement,
    ("position",),
    {"clear_no": Filter("clear_no = %s")},
)


def list_indicators(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """Indicators by ``bgt_id``. Filters: ``agency_code``, ``bgt_pman_id``, ``distributed_from``.
    Raises RequestError."""
    rows, following, position = _INDICATORS.page(
        connection, ledger_id, filters or {}, cursor, page_size
    )
    return ListingPage([_item(row) for row in rows], following, position)


def list_payments(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """Payments by date of application, then in the order of application.

    Filters: ``status``, ``agency_code``, ``bgt_id``, ``from``, ``to`` (dates of application, both
    included). ``detail_count`` is 0 for a single payment; ``clear_no`` is the clearing that holds
    its receipt. Raises RequestError.
    """
    rows, following, position = _PAYMENTS.page(
        connection, ledger_id, filters or {}, cursor, page_size
    )
    items = []
    for row in rows:
        item = _item(row, leave_out=("claimable_on", "claim_no"))
        item["detail_count"] = item.pop("details")
        items.append(item)
    return ListingPage(items, following, position)


def list_refusals(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """Refusals in order. Filters: ``operation``, ``code``, ``by``. Raises RequestError."""
    rows, following, position = _REFUSALS.page(
        connection, ledger_id, filters or {}, cursor, page_size
    )
    return ListingPage([_item(row) for row in rows], following, position)


def list_clearing_movements(
    connection: psycopg.Connection,
    ledger_id: int,
    clear_no: str,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """The vouchers (2301) and refunds (2302) that a clearing claims, in order of their events.

    A rejected claim holds none: what it had waits for the next clearing. Raises RequestError.
    """
    rows, following, position = _MOVEMENTS.page(
        connection, ledger_id, {"clear_no": clear_no}, cursor, page_size
    )
    return ListingPage([_item(row) for row in rows], following, position)


def clearing_of(connection: psycopg.Connection, ledger_id: int, pay_app_no: str) -> tuple[str, str]:
    """(clearing, claim) that holds the payment's receipt, "" where none does yet."""
    row = connection.execute(
        "SELECT p.clear_no, p.claim_no FROM proj_positions g JOIN proj_payments p"
        " ON p.ledger_id = g.ledger_id AND p.generation = g.generation"
        " WHERE g.ledger_id = %s AND g.projection = 'payments' AND g.live AND p.pay_app_no = %s",
        (ledger_id, pay_app_no),
    ).fetchone()
    return (row[0], row[1]) if row else ("", "")


def list_journals(
    connection: psycopg.Connection,
    ledger_id: int,
    charts: Charts,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """Journals by effective date, then in order, with their lines named by the chart of then.

    Filters: ``source`` (position of the business event), ``book``, ``from``, ``to``,
    ``fund_type_code``, and of the journal's indicator unit, function, economy and project. With
    ``book`` only the lines of that book are shown; they balance by themselves. Raises RequestError,
    and ConfigurationError when a journal's chart is not loaded.
    """
    filters = filters or {}
    listing = Listing(
        "journals",
        JOURNALS.name,
        JournalRow,
        ("effective_on", "position"),
        {
            "source": Filter("source = %s", a_position),
            "book": Filter("translate(books, %s, '') <> books", _letters(charts)),
            "from": Filter("effective_on >= %s", a_day),
            "to": Filter("effective_on <= %s", a_day),
            "fund_type_code": Filter("t.fund_type_code = %s", a_text),
            **{
                name: Filter("t.bgt_id = ANY(%s)", indicators_with(connection, ledger_id, name))
                for name in SLICED_BY
                if name != "fund_type_code"
            },
        },
    )
    rows, following, position = listing.page(connection, ledger_id, filters, cursor, page_size)
    journals = _read_journals(connection, ledger_id, [row.position for row in rows])
    bgt_ids = {j.bgt_id for j in journals.values()}
    bgt_ids |= {line.bgt_id for j in journals.values() for line in j.lines}
    issued = _read_issued(connection, ledger_id, bgt_ids - {""})
    persons = persons_of(connection, ledger_id, journals)
    book = filters.get("book") or ""
    red = {of.red_vou_no for of in persons.values() if of.red_vou_no is not None}
    numbers = {row.position: numbers_of(row) for row in rows}
    numbers |= read_numbers(connection, ledger_id, red - numbers.keys())
    items = [
        _journal_item(row, journals[row.position], charts, issued, book)
        | {"vou_nos": numbers[row.position], "red_vou_nos": None}
        | msgspec.structs.asdict(persons[row.position])
        for row in rows
    ]
    for item in items:
        if (reversed_at := item["red_vou_no"]) is not None:
            item["red_vou_nos"] = numbers.get(reversed_at)
    return ListingPage(items, following, position)


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
        lines.append(
            {
                "book": account.book,
                "acct_cls_id": account.id,
                "acct_cls_code": account.code,
                "acct_cls_name": account.name,
                "dr_cr": line.dr_cr,
                "amt": line.amt,
                "dimensions": journal.line_codes[index]
                if journal.line_codes
                else _dimensions(journal, issued.get(line.bgt_id or journal.bgt_id)),
            }
        )
    item = _item(row, leave_out=("books", "rule", "event", *NUMBERED))
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
    return rule_of_claim(vt_code, journal.fund_type_code)


def _dimensions(journal: JournalPosted, issued: IndicatorIssued | None) -> dict[str, str]:
    if issued is None:  # a clearing's journal is of many indicators, of one fund type
        return {"fund_type_code": journal.fund_type_code}
    return {"bgt_id": issued.bgt_id, **{name: getattr(issued, name) for name in DIMENSIONS}}


def _item(row: msgspec.Struct, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A row as callers see it: fen become yuan under the element's name, dates ISO text."""
    item: dict[str, Any] = {}
    for name in row.__struct_fields__:
        if name in leave_out:
            continue
        value = getattr(row, name)
        if name.endswith("_fen"):
            item[_AMOUNTS.get(name, name.replace("_fen", "_amt"))] = yuan(value)
        elif isinstance(value, date):
            item[name] = value.isoformat()
        else:
            item[name] = value
    return item


_AMOUNTS = {"amount_fen": "amount"}
