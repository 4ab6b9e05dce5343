"""What the ways in read from the read models: lists, and through ``trial_balance`` the books.

Every function takes a connection and answers from one statement, or from events that never change,
so each answer is of one moment. Amounts leave as yuan text, dates as ISO text.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, LiteralString

import msgspec
import psycopg

from ledger.errors import Code, RequestError
from ledger.money import parse_yuan, yuan
from payments.payment import PAID, STATUSES
from projections.core.listing import (
    PAGE_SIZE,
    Filter,
    Listing,
    ListingPage,
    a_day,
)
from projections.core.moments import one_moment
from projections.indicators import INDICATORS, IndicatorRow
from projections.payment_tables import PAYMENTS, PaymentRow
from projections.refusals import REFUSALS, RefusalRow
from projections.trial_balance import trial_balance

__all__ = [
    "ListingPage",
    "clearing_of",
    "list_clearing_movements",
    "list_indicators",
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


def _amount(text: str, pointer: str) -> int:
    return parse_yuan(text, pointer=pointer, zero=True)


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
        "exp_func_code": Filter("exp_func_code ^@ %s"),  # a class, and what is below it
        "payee_acct_no": Filter("payee_acct_no <> '' AND payee_acct_no = %s"),
        "payee_acct_name": Filter("payee_acct_name = %s"),
        "min_amt": Filter("pay_fen >= %s", _amount),
        "max_amt": Filter("pay_fen <= %s", _amount),
        "pay_cert_no": Filter("pay_cert_no <> '' AND pay_cert_no = %s"),
        "clear_no": Filter("clear_no <> '' AND clear_no = %s"),
        "made_by": Filter("made_by = %s"),
        "checked_by": Filter("checked_by = %s"),
        "received_from": Filter("received_on >= %s", a_day),
        "received_to": Filter("received_on <= %s", a_day),
    },
    sorts={
        "effective_on": ("effective_on", "applied_position"),
        "pay_app_no": ("pay_app_no",),
        "pay_amt": ("pay_fen", "applied_position"),
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
    return ListingPage([item_of(row) for row in rows], following, position)


def list_payments(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
    *,
    sort: str = "",
    with_total: bool = False,
) -> ListingPage:
    """Payments by date of application, then in the order of application, or as ``sort`` says.

    Filters: ``status``, ``agency_code``, ``bgt_id``, ``exp_func_code`` (a class, too), of the payee
    ``payee_acct_no``, ``payee_acct_name`` (of a payment without details), ``min_amt``, ``max_amt``
    (yuan), ``pay_cert_no``, ``clear_no``, ``made_by`` and ``checked_by`` (persons), and days, both
    included: ``from``, ``to`` of the application, ``received_from``, ``received_to`` of the bank's
    receipt. ``detail_count`` is 0 for a single payment; ``clear_no`` is the clearing that holds its
    receipt. The total is of what was applied for (``pay_amt``). Raises RequestError.
    """
    given = filters or {}
    with one_moment(connection):
        rows, following, position = _PAYMENTS.page(
            connection, ledger_id, given, cursor, page_size, sort
        )
        total = (
            _PAYMENTS.total(connection, ledger_id, given, cursor, "pay_fen") if with_total else None
        )
    items = []
    for row in rows:
        item = item_of(row, leave_out=("claimable_on", "claim_no", "returned_fen"))
        item["detail_count"] = item.pop("details")
        items.append(item)
    return ListingPage(items, following, position, total)


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
    return ListingPage([item_of(row) for row in rows], following, position)


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
    return ListingPage([item_of(row) for row in rows], following, position)


def clearing_of(connection: psycopg.Connection, ledger_id: int, pay_app_no: str) -> tuple[str, str]:
    """(clearing, claim) that holds the payment's receipt, "" where none does yet."""
    row = connection.execute(
        "SELECT p.clear_no, p.claim_no FROM proj_positions g JOIN proj_payments p"
        " ON p.ledger_id = g.ledger_id AND p.generation = g.generation"
        " WHERE g.ledger_id = %s AND g.projection = 'payments' AND g.live AND p.pay_app_no = %s",
        (ledger_id, pay_app_no),
    ).fetchone()
    return (row[0], row[1]) if row else ("", "")


def item_of(row: msgspec.Struct, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
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
