"""预算调整和调剂: amounts of approved rows change, never below what indicators have of them.

Each row is ``reply + adj + dis = cur``: what changes the budget's total is 调整, what moves within
it 调剂. Which kinds there are, and what each may do, is data (``budget.adjusting.kinds``).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import ClassVar

import msgspec

from budget.adjusting.kinds import AdjustmentKind, adjustment_kinds, require_allowed
from budget.coherence import budget_codes_agree
from budget.planned_projects import PROJECT_OF_DIVISION, require_planned, require_stored
from budget.row_events import (
    AdjustmentPart,
    BudgetAdjusted,
    NewRow,
    RowAdjusted,
    RowAsked,
)
from budget.rows import BUDGET_ROW, ROWS, BudgetRow, moved_row, require_row
from budget.totals import FUND_BUDGETS, PROJECT_BUDGETS
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, yuan

PARTS_MAX = 1_000  # of one adjustment


class Adjustment(msgspec.Struct, frozen=True):
    """An adjustment as it was made."""

    said: BudgetAdjusted


def _fold(adjustment: Adjustment | None, event: Event) -> Adjustment | None:
    return Adjustment(event) if isinstance(event, BudgetAdjusted) else adjustment


ADJUSTMENT: Kind[Adjustment] = Kind(name="budget_adjustment", opened_by="budget.adjust", fold=_fold)


class AdjustBudget(Command, frozen=True, kw_only=True):
    """追加, 追减, 单位内调剂, 跨单位调剂, 预备费动支, 收回统筹 of approved rows.

    ``new_rows`` are brought into being by it, and its parts give to them.
    """

    OPERATION: ClassVar[str] = "budget.adjust"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "预算调整调剂"
    NUMBER: ClassVar[str] = "adj_no"
    KIND: ClassVar[AnyKind] = ADJUSTMENT
    ALSO: ClassVar[tuple[AnyKind, ...]] = (BUDGET_ROW,)
    LOOKS_FURTHER: ClassVar[bool] = True
    adj_no: str
    kind: str
    parts: tuple[AdjustmentPart, ...]
    new_rows: tuple[NewRow, ...] = ()
    approval_doc_no: str = ""
    reason: str
    effective_on: date | None = None

    def check(self) -> None:
        """Raises RequestError for parts that no adjustment of the kind has."""
        kind = adjustment_kinds().get(self.kind)
        if kind is None:
            known = ", ".join(adjustment_kinds())
            raise RequestError(Code.MALFORMED, f"kind is one of {known}", pointer="/kind")
        if not 0 < len(self.parts) <= PARTS_MAX:
            raise RequestError(
                Code.MALFORMED, f"an adjustment has 1 to {PARTS_MAX} parts", pointer="/parts"
            )
        for index, part in enumerate(self.parts):
            parse_yuan(part.amt, pointer=f"/parts/{index}/amt")
            _check_sides(kind, part, f"/parts/{index}")
        if len({row.bgt_pman_id for row in self.new_rows}) < len(self.new_rows):
            raise RequestError(Code.MALFORMED, "a row is new once", pointer="/new_rows")

    def needs(self) -> Iterator[Need]:
        yield ADJUSTMENT, self.adj_no
        yield FUND_BUDGETS, WHOLE
        for part in self.parts:
            for number in (part.from_bgt_pman_id, part.to_bgt_pman_id):
                if number:
                    yield BUDGET_ROW, number
                    yield ROWS, number
        for row in self.new_rows:
            yield BUDGET_ROW, row.bgt_pman_id
            yield ROWS, row.bgt_pman_id
            yield from _of_project(row.pro_code)

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        for part in self.parts:
            for number in (part.from_bgt_pman_id, part.to_bgt_pman_id):
                if number and (row := state.get(BUDGET_ROW, number)) is not None:
                    yield from _of_project(row.said.pro_code)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        kind = adjustment_kinds()[self.kind]
        opened = [
            _new_row(state, day, asked, f"/new_rows/{index}")
            for index, asked in enumerate(self.new_rows)
        ]
        rows = {asked.bgt_pman_id: BudgetRow(asked) for asked in opened}
        changes_fen: dict[str, int] = {}
        for index, part in enumerate(self.parts):
            giving, taking = _sides(state, part, rows, f"/parts/{index}")
            require_allowed(kind, giving, taking, self.approval_doc_no, f"/parts/{index}")
            for row, sign in ((giving, -1), (taking, 1)):
                if row is not None:
                    change_fen = sign * parse_yuan(part.amt)
                    number = row.bgt_pman_id
                    changes_fen[number] = changes_fen.get(number, 0) + change_fen
        changed = {number: fen for number, fen in changes_fen.items() if fen}
        moved = {
            number: moved_row(state, number, day, fen, **{kind.amount: fen})
            for number, fen in changed.items()
        }
        totals = _moved_totals(state, day, rows, changed)
        # point of no return
        adjusted = BudgetAdjusted(
            adj_no=self.adj_no,
            kind=self.kind,
            parts=self.parts,
            new_rows=self.new_rows,
            approval_doc_no=self.approval_doc_no,
            reason=self.reason,
            by=by,
        )
        events: list[tuple[AnyKind | None, str, Event]] = [(ADJUSTMENT, self.adj_no, adjusted)]
        events += [(BUDGET_ROW, asked.bgt_pman_id, asked) for asked in opened]
        for number, fen in changed.items():
            events += _adjusted(
                state, day, rows[number], moved[number], kind, fen, self.adj_no, len(events)
            )
        return Decision(
            events=events,
            effective_on=day,
            moved=[*moved.values(), *totals],
            opens=[(BUDGET_ROW, asked.bgt_pman_id) for asked in opened],
        )


def _sides(
    state: LedgerState, part: AdjustmentPart, rows: dict[str, BudgetRow], pointer: str
) -> tuple[BudgetRow | None, BudgetRow | None]:
    """The row that loses and the one that gets, each looked up once into ``rows``."""
    for field in ("from_bgt_pman_id", "to_bgt_pman_id"):
        number = getattr(part, field)
        if number and number not in rows:
            rows[number] = require_row(state, number, pointer=f"{pointer}/{field}")
    return rows.get(part.from_bgt_pman_id), rows.get(part.to_bgt_pman_id)


def _of_project(pro_code: str) -> Iterable[Need]:
    return (PROJECT_OF_DIVISION, pro_code), (PROJECT_BUDGETS, pro_code)


def _check_sides(kind: AdjustmentKind, part: AdjustmentPart, pointer: str) -> None:
    sides = (
        ("from_bgt_pman_id", bool(part.from_bgt_pman_id), kind.takes),
        ("to_bgt_pman_id", bool(part.to_bgt_pman_id), kind.gives),
    )
    for field, said, wanted in sides:
        if said != wanted:
            told = "names" if wanted else "does not name"
            raise RequestError(
                Code.MALFORMED, f"{kind.title} {told} it", pointer=f"{pointer}/{field}"
            )
    if part.from_bgt_pman_id and part.from_bgt_pman_id == part.to_bgt_pman_id:
        raise RequestError(
            Code.MALFORMED, "a row gives to another", pointer=f"{pointer}/to_bgt_pman_id"
        )


def _new_row(state: LedgerState, day: date, asked: NewRow, pointer: str) -> RowAsked:
    """The row that an adjustment brings into being, held as one of a draft is."""
    if state.get(BUDGET_ROW, asked.bgt_pman_id) is not None:
        raise Refusal(
            Code.INVALID_STATE,
            f"budget row {asked.bgt_pman_id} is there already",
            pointer=f"{pointer}/bgt_pman_id",
        )
    codes = {element: getattr(asked, element) for element in DIMENSIONS}
    names = budget_codes_agree(state, codes, day, pointer)
    version = require_stored(state, asked.pro_code, asked.agency_code, pointer).on(day)
    return RowAsked(
        bgt_pman_id=asked.bgt_pman_id,
        draft_no="",
        round=0,
        agency_name=names["agency_code"],
        pro_name=version.pro_name,
        pro_cat_code=version.pro_cat_code,
        amt=yuan(0),
        is_gov_pur=asked.is_gov_pur,
        **codes,
    )


def _moved_totals(
    state: LedgerState, day: date, rows: Mapping[str, BudgetRow], changed_fen: Mapping[str, int]
) -> list[MovedRow]:
    """What is budgeted of each project and fund afterwards.

    Raises:
        Refusal: ``insufficient_budget`` where a project's plan for the year has less.
    """
    projects_fen, funds_fen = dict[str, int](), dict[str, int]()
    for number, fen in changed_fen.items():
        said = rows[number].said
        projects_fen[said.pro_code] = projects_fen.get(said.pro_code, 0) + fen
        funds_fen[said.fund_type_code] = funds_fen.get(said.fund_type_code, 0) + fen
    raised = {
        pro_code: state.row(PROJECT_BUDGETS, pro_code).budgeted + fen
        for pro_code, fen in projects_fen.items()
        if fen > 0
    }
    require_planned(state, raised, PROJECT_OF_DIVISION, code=Code.INSUFFICIENT_BUDGET)
    return [
        *(
            state.moved(PROJECT_BUDGETS, pro_code, day, {"budgeted": fen})
            for pro_code, fen in projects_fen.items()
            if fen
        ),
        *(
            state.moved(FUND_BUDGETS, fund, day, {"budgeted": fen})
            for fund, fen in funds_fen.items()
            if fen
        ),
    ]


def _adjusted(
    state: LedgerState,
    day: date,
    row: BudgetRow,
    after: MovedRow,
    kind: AdjustmentKind,
    change_fen: int,
    adj_no: str,
    ahead: int,
) -> list[tuple[AnyKind | None, str, Event]]:
    """The row's event and its journal."""
    adjusted = RowAdjusted(
        bgt_pman_id=row.bgt_pman_id,
        pro_code=row.said.pro_code,
        fund_type_code=row.said.fund_type_code,
        adj_no=adj_no,
        figures=after.row.figures(),
        **{f"{kind.amount}_amt": yuan(change_fen)},
    )
    entry = state.books(day).post(
        RowAdjusted.TYPE,
        source=state.next_position + ahead,
        number=adj_no,
        amounts_fen={"increase": max(0, change_fen), "decrease": max(0, -change_fen)},
        codes=row.codes,
    )
    return [(BUDGET_ROW, row.bgt_pman_id, adjusted), (BUDGET_ROW, row.bgt_pman_id, entry)]
