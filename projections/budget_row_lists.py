"""预算行清单: rows of the budget in pages, and one row as of any moment."""

from collections.abc import Iterator
from datetime import date
from functools import reduce
from typing import Any, NamedTuple

import msgspec
import psycopg

from budget.row_events import RowAsked, RowRestated
from budget.rows import BUDGET_ROW, BudgetRow, RowAmounts
from ledger.errors import Code, RequestError
from ledger.events import Event, decode
from ledger.money import yuan
from ledger.reading.objects import EVENTS_MAX, read_events, stream_of
from projections.account_sums import Model, live_model
from projections.budget_rows import (
    BUDGET_MOVEMENTS,
    BUDGET_ROWS,
    BudgetMovementRow,
    BudgetRowRow,
    BudgetRows,
    movement_of,
)
from projections.core.facts import read_pages
from projections.core.listing import PAGE_SIZE, Filter, Listing, ListingPage
from projections.core.moments import Moment, Reach, one_moment, reach
from projections.queries import Filters, prefixes

ROW_STATES = ("asked", "approved")  # 申报, 批复

_AMOUNTS = ("reply_fen", "adj_fen", "dis_fen", "issued_fen")
_MOVEMENTS = """
SELECT {columns} FROM {rows}
WHERE ledger_id = %(ledger_id)s AND generation = %(generation)s AND bgt_pman_id = %(bgt_pman_id)s
  AND position <= %(upto)s ORDER BY position""".format(
    columns=", ".join(BUDGET_MOVEMENTS.columns), rows=BUDGET_MOVEMENTS.name
)


class PastRow(NamedTuple):
    """A row as of a moment; ``position`` is the last that counts."""

    position: int
    row: BudgetRow
    amounts: RowAmounts


def _state(text: str, pointer: str) -> str:
    if text not in ROW_STATES:
        raise RequestError(
            Code.MALFORMED, f"state is one of {', '.join(ROW_STATES)}", pointer=pointer
        )
    return text


_ROWS = Listing(
    BudgetRows.name,
    BUDGET_ROWS.name,
    BudgetRowRow,
    ("bgt_pman_id",),
    {
        "agency_code": Filter("agency_code = %s"),
        "agency_prefixes": Filter("agency_code ^@ ANY(%s)", prefixes),
        "pro_code": Filter("pro_code = %s"),
        "exp_func_code": Filter("exp_func_code = %s"),
        "fund_type_code": Filter("fund_type_code = %s"),
        "state": Filter("(approve_doc_no <> '') = (%s = 'approved')", _state),
    },
)


def list_budget_rows(
    connection: psycopg.Connection,
    ledger_id: int,
    filters: Filters | None = None,
    cursor: str | None = None,
    page_size: int = PAGE_SIZE,
) -> ListingPage:
    """Rows by ``bgt_pman_id``. Filters: ``agency_code``, ``pro_code``, ``exp_func_code``,
    ``fund_type_code``, ``state`` (``asked`` | ``approved``). Raises RequestError."""
    rows, following, position = _ROWS.page(connection, ledger_id, filters or {}, cursor, page_size)
    return ListingPage([_item(row) for row in rows], following, position)


def _item(row: BudgetRowRow) -> dict[str, Any]:
    """As ``api.http.budget_views.BudgetRowView`` has it."""
    item = {
        name: getattr(row, name)
        for name in row.__struct_fields__
        if not name.endswith("_fen") and name != "last_position"
    }
    cur_fen = row.reply_fen + row.adj_fen + row.dis_fen
    amounts = RowAmounts(
        rest=cur_fen - row.issued_fen, reply=row.reply_fen, adj=row.adj_fen, dis=row.dis_fen
    )
    return {
        **item,
        "apply_up": yuan(row.apply_up_fen),
        "fin_audit_money": yuan(row.fin_audit_fen),
        **msgspec.structs.asdict(amounts.figures()),
    }


# ---- as of a moment


def past_row(
    connection: psycopg.Connection, ledger_id: int, bgt_pman_id: str, moment: Moment
) -> PastRow | None:
    """The row as of a moment; None where nothing was on record of it then.

    What drafts say has no business day: of an effective date it is what the moment's positions
    have, once something of the row took effect.

    Raises:
        RequestError: ``malformed`` for an impossible moment.
    """
    with one_moment(connection):
        model = live_model(connection, ledger_id, BudgetRows.name)
        reached = reach(connection, ledger_id, moment, model.position)
        row = _row(connection, ledger_id, bgt_pman_id, reached)
        if row is None:
            return None
        moved = movements_of(connection, ledger_id, bgt_pman_id, model, reached)
        return PastRow(reached.upto, row, added_up(moved))


def _row(
    connection: psycopg.Connection, ledger_id: int, bgt_pman_id: str, reached: Reach
) -> BudgetRow | None:
    stream_id = stream_of(connection, ledger_id, BUDGET_ROW, bgt_pman_id)
    if stream_id is None:
        return None
    stored = read_events(
        connection, ledger_id, 0, EVENTS_MAX, stream_id=stream_id, upto=reached.upto
    )
    if not any(_counts(each.effective_on, reached) for each in stored):
        return None
    own: list[Event] = []
    for each in stored:
        event = decode(each.type, each.payload)
        if isinstance(event, RowAsked | RowRestated) or _counts(each.effective_on, reached):
            own.append(event)
    return reduce(BUDGET_ROW.fold, own, None)


def movements_of(
    connection: psycopg.Connection, ledger_id: int, bgt_pman_id: str, model: Model, reached: Reach
) -> Iterator[BudgetMovementRow]:
    """A row's movements that count, in order; those behind the read model from their events."""
    scope = {
        "ledger_id": ledger_id,
        "generation": model.generation,
        "bgt_pman_id": bgt_pman_id,
        "upto": reached.upto,
    }
    for columns in connection.execute(_MOVEMENTS.encode(), scope).fetchall():
        movement = BudgetMovementRow(*columns)
        if _counts(movement.effective_on, reached):
            yield movement
    if reached.upto > model.position:
        [page] = read_pages(connection, ledger_id, [BudgetRows()], model.position, reached.upto)
        for fact in page.facts[0]:
            later = movement_of(fact)
            if (
                later is not None
                and later.bgt_pman_id == bgt_pman_id
                and _counts(later.effective_on, reached)
            ):
                yield later


def added_up(movements: Iterator[BudgetMovementRow]) -> RowAmounts:
    """What movements add up to."""
    sums = dict.fromkeys(_AMOUNTS, 0)
    for movement in movements:
        for name in _AMOUNTS:
            sums[name] += getattr(movement, name)
    cur_fen = sums["reply_fen"] + sums["adj_fen"] + sums["dis_fen"]
    return RowAmounts(
        rest=cur_fen - sums["issued_fen"],
        reply=sums["reply_fen"],
        adj=sums["adj_fen"],
        dis=sums["dis_fen"],
    )


def _counts(day: date, reached: Reach) -> bool:
    return reached.through is None or day <= reached.through
