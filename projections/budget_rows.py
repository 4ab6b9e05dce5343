"""预算行 as they stand, and what has moved each: approval, adjustment, and issue as indicators.

Amounts follow by the rule of the register (``budget.rows.changes_fen``), not from the figures that
events carry. Each movement is kept with its position and its business day; those of a moment add
up to what a row was then. A row is moved some tens of times in a year, so a sum is soon made.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

from budget.row_events import RowAsked, RowRestated
from budget.rows import BUDGET_ROW, FIRST_ROUND, RowFold, changes_fen, lapses
from ledger.events import Event, types_that
from ledger.money import stored_fen
from projections.core.fold import Fact, Fold, Projection, Rows, Writes, known
from projections.core.tables import Table


class BudgetRowRow(msgspec.Struct, gc=False):
    """A row of ``proj_budget_rows``: as the last draft says it, with its amounts in fen.

    Attributes:
        apply_up_fen: 申报数 of the first round.
        fin_audit_fen: what the second round has.
        issued_fen: what its indicators have of reply + adj + dis.
    """

    bgt_pman_id: str
    agency_code: str
    agency_name: str
    pro_code: str
    pro_name: str
    pro_cat_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    is_gov_pur: bool
    draft_no: str
    approve_doc_no: str
    apply_up_fen: int
    fin_audit_fen: int
    reply_fen: int
    adj_fen: int
    dis_fen: int
    issued_fen: int
    last_position: int


class BudgetMovementRow(msgspec.Struct, gc=False):
    """A row of ``proj_budget_movements``: what one event changed of a row's amounts, in fen.

    Attributes:
        number: of the document that asked for it: 批复, 调整调剂, of an indicator or of its change.
        bgt_id: the indicator that took it or gave it back; "" for the row's own events.
    """

    bgt_pman_id: str
    position: int
    effective_on: date
    number: str
    bgt_id: str
    reply_fen: int
    adj_fen: int
    dis_fen: int
    issued_fen: int


BUDGET_ROWS = Table("proj_budget_rows", BudgetRowRow, ("bgt_pman_id",))
BUDGET_MOVEMENTS = Table("proj_budget_movements", BudgetMovementRow, ("bgt_pman_id", "position"))

_SAID = tuple(
    name
    for name in BudgetRowRow.__struct_fields__
    if name in RowAsked.__struct_fields__ and name != "is_gov_pur"
)


class BudgetRows(Projection):
    name: ClassVar[str] = "budget_rows"
    tables: ClassVar[tuple[Table[Any], ...]] = (BUDGET_ROWS, BUDGET_MOVEMENTS)
    follows: ClassVar[frozenset[type[Event]]] = frozenset(
        types_that(lambda traits: traits.subject == BUDGET_ROW.name)
    ) | frozenset(RowFold.FOLLOWS)
    views: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = MappingProxyType(
        dict(RowFold.FOLLOWS)
    )

    def fold(self, after: int) -> Fold:
        return _BudgetRowFold(after)


class _BudgetRowFold(Fold):
    """Keeps the row of each number; its movements are never changed."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._held: Rows = {}
        self._new: dict[str, BudgetRowRow] = {}
        self._changed: dict[str, BudgetRowRow] = {}
        self._movements: list[BudgetMovementRow] = []

    def needs(self, facts: Sequence[Fact]) -> Mapping[Table[Any], Collection[Any]]:
        if not self._after:
            return {}
        return {BUDGET_ROWS: {fact.event.bgt_pman_id for fact in facts} - {""}}

    def hold(self, table: Table[Any], rows: Rows) -> None:
        self._held = rows

    def take(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            bgt_pman_id = fact.event.bgt_pman_id
            if not bgt_pman_id:
                continue  # an indicator beside the budget
            row = self._row(fact, bgt_pman_id)
            if (movement := movement_of(fact)) is not None:
                self._movements.append(movement)
                _move(row, movement)
            else:
                _say(row, fact.event)
            row.last_position = fact.position

    def _row(self, fact: Fact, bgt_pman_id: str) -> BudgetRowRow:
        row = self._new.get(bgt_pman_id) or self._changed.get(bgt_pman_id)
        if row is None and isinstance(fact.event, RowAsked):
            row = self._new[bgt_pman_id] = _asked(fact.event)
        elif row is None:
            row = self._changed[bgt_pman_id] = known(self._held, (bgt_pman_id,), fact)
        return row

    def settled(self, upto: int) -> Writes:
        movements, self._movements = self._movements, []
        return Writes({BUDGET_MOVEMENTS: movements})

    def rest(self, upto: int) -> Writes:
        new = {BUDGET_ROWS: self._new.values(), **self.settled(upto).new}
        return Writes(new, {BUDGET_ROWS: self._changed.values()})


def movement_of(fact: Fact) -> BudgetMovementRow | None:
    """What a fact of ``BudgetRows`` changes of a row's amounts; None for what a draft says, and for
    an indicator that is of no row."""
    event = fact.event
    if isinstance(event, RowAsked | RowRestated) or not event.bgt_pman_id:
        return None
    changed = changes_fen(event)
    granted = {f"{name}_fen": changed.get(name, 0) for name in ("reply", "adj", "dis")}
    return BudgetMovementRow(
        bgt_pman_id=event.bgt_pman_id,
        position=fact.position,
        effective_on=fact.effective_on,
        number=_number(event),
        bgt_id=getattr(event, "bgt_id", ""),
        issued_fen=0 if lapses(event) else sum(granted.values()) - changed["rest"],
        **granted,
    )


def _number(event: Any) -> str:
    """Of the document; an indicator's issue has none beside its own."""
    for name in ("approve_doc_no", "adj_no", "recall_no", "transfer_no", "bgt_id"):
        if number := getattr(event, name, ""):
            return str(number)
    return ""


def _move(row: BudgetRowRow, movement: BudgetMovementRow) -> None:
    row.reply_fen += movement.reply_fen
    row.adj_fen += movement.adj_fen
    row.dis_fen += movement.dis_fen
    row.issued_fen += movement.issued_fen
    if not movement.bgt_id and not row.approve_doc_no:  # one that an adjustment has brought, too
        row.approve_doc_no = movement.number


def _say(row: BudgetRowRow, said: RowAsked | RowRestated) -> None:
    for name in _SAID:
        setattr(row, name, getattr(said, name))
    row.is_gov_pur = bool(said.is_gov_pur)
    if said.round == FIRST_ROUND:
        row.apply_up_fen = stored_fen(said.amt)
    else:
        row.fin_audit_fen = stored_fen(said.amt)


def _asked(asked: RowAsked) -> BudgetRowRow:
    return BudgetRowRow(
        **{name: getattr(asked, name) for name in _SAID},
        is_gov_pur=False,
        approve_doc_no="",
        apply_up_fen=0,
        fin_audit_fen=0,
        reply_fen=0,
        adj_fen=0,
        dis_fen=0,
        issued_fen=0,
        last_position=0,
    )
