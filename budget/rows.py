"""预算行: a row of the budget, and what of it has not been issued as indicators.

A row is one combination of unit, project, codes and fund (BGT_PM_ANNUAL). What was approved for it
and adjusted since is its 变动后预算数, ``cur``; what indicators have not taken of that is ``rest``,
the credit balance of 支出预算 for the row, which may not fall below zero: 支出预算余额控制支出指标
(36号), as the balance of 支出指标 controls what is paid.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from sys import intern
from typing import Any, ClassVar

import msgspec

from budget.advance_events import IndicatorAbsorbed
from budget.events import (
    IndicatorAdjusted,
    IndicatorIssued,
    IndicatorReallocatedIn,
    IndicatorReallocatedOut,
    IndicatorRecalled,
)
from budget.row_events import RowAdjusted, RowAsked, RowFigures, RowReplied, RowRestated
from budget.transfer_events import TransferIssued, TransferReduced
from budget.year_end_events import RowWrittenOff
from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.registers import (
    MovedRow,
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event, sharing
from ledger.money import AMOUNT_MAX_FEN, stored_fen, yuan

FIRST_ROUND, SECOND_ROUND = 1, 2  # 一上, 二上
# what many rows say alike
SHARED = (
    "draft_no",
    "agency_code",
    "agency_name",
    "pro_cat_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "fund_type_code",
    "amt",
)


class RowAmounts(msgspec.Struct, frozen=True, gc=False):
    """A row's amounts in fen; adjusted and reallocated have their sign."""

    rest: int = 0
    reply: int = 0
    adj: int = 0
    dis: int = 0

    @property
    def cur(self) -> int:
        """变动后预算数: what was approved, adjusted and reallocated together."""
        return self.reply + self.adj + self.dis

    def figures(self) -> RowFigures:
        amounts_fen = self.reply, self.adj, self.dis, self.cur, self.cur - self.rest, self.rest
        texts = {fen: yuan(fen) for fen in set(amounts_fen)}  # each text is kept once
        return RowFigures(*(texts[fen] for fen in amounts_fen))


class BudgetRow(msgspec.Struct, frozen=True):
    """A row as its events have left it.

    Attributes:
        said: what the last draft that was submitted says of it.
        apply_up_fen: 申报数 of the first round.
        fin_audit_fen: what the second round has, which the treasury checks.
        approve_doc_no: by which it was approved; "" before.
    """

    said: RowAsked | RowRestated
    apply_up_fen: int = 0
    fin_audit_fen: int = 0
    approve_doc_no: str = ""
    figures: RowFigures = RowAmounts().figures()

    @property
    def bgt_pman_id(self) -> str:
        return self.said.bgt_pman_id

    @property
    def codes(self) -> dict[str, str]:
        """What an indicator of it must bear."""
        return {element: getattr(self.said, element) for element in DIMENSIONS}


def _fold(row: BudgetRow | None, event: Event) -> BudgetRow | None:
    if isinstance(event, RowAsked | RowRestated):
        return _said(row, event)
    if row is None:
        return None
    if isinstance(event, RowReplied):
        figures = sharing(event.figures, RowFigures.__struct_fields__)
        by = intern(event.approve_doc_no)
        return msgspec.structs.replace(row, approve_doc_no=by, figures=figures)
    if isinstance(event, RowAdjusted):  # one that it has brought into being is approved by it
        by = row.approve_doc_no or event.adj_no
        return msgspec.structs.replace(row, approve_doc_no=by, figures=event.figures)
    return row


def _said(row: BudgetRow | None, event: RowAsked | RowRestated) -> BudgetRow:
    event = sharing(event, SHARED)
    row = BudgetRow(event) if row is None else msgspec.structs.replace(row, said=event)
    amt_fen = stored_fen(event.amt)
    if event.round == FIRST_ROUND:
        return msgspec.structs.replace(row, apply_up_fen=amt_fen)
    return msgspec.structs.replace(row, fin_audit_fen=amt_fen)


# ---- what was not issued


class _Replied(msgspec.Struct, frozen=True, gc=False):
    """Of ``RowReplied``."""

    bgt_pman_id: str
    reply_amt: str
    approve_doc_no: str


class _Adjusted(msgspec.Struct, frozen=True, gc=False):
    """Of ``RowAdjusted``."""

    bgt_pman_id: str
    adj_no: str
    adj_amt: str = "0.00"
    dis_amt: str = "0.00"


class _Issued(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorIssued``."""

    bgt_id: str
    amount: str
    bgt_pman_id: str = ""


class _Changed(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorAdjusted``: what an indicator has more, its row has less to issue."""

    bgt_id: str
    adj_no: str
    adj_amt: str
    bgt_pman_id: str = ""


class _Out(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorReallocatedOut``."""

    bgt_id: str
    adj_no: str
    amt: str
    bgt_pman_id: str = ""


class _In(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorReallocatedIn``."""

    bgt_id: str
    adj_no: str
    amt: str
    bgt_pman_id: str = ""


class _Absorbed(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorAbsorbed``: what it has, the row has less to issue."""

    bgt_id: str
    amt: str
    bgt_pman_id: str


class _Recalled(msgspec.Struct, frozen=True, gc=False):
    """Of ``IndicatorRecalled``: it goes back to the row."""

    bgt_id: str
    recall_no: str
    amt: str
    bgt_pman_id: str = ""


class _Sent(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferIssued``: a tier below has it."""

    transfer_no: str
    amt: str
    bgt_pman_id: str = ""


class _SentBack(msgspec.Struct, frozen=True, gc=False):
    """Of ``TransferReduced``: the tier below has given it up."""

    transfer_no: str
    amt: str
    bgt_pman_id: str = ""


class _Lapsed(msgspec.Struct, frozen=True, gc=False):
    """Of ``RowWrittenOff``: what no indicator has taken."""

    bgt_pman_id: str
    amt: str


_PLACE = {name: place for place, name in enumerate(RowAmounts.__struct_fields__)}


class RowFold(RegisterFold):
    """The rows' own events, and those of indicators that are issued from rows.

    The views also name what an event is about (its document, its indicator), for who reads on.
    """

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        RowReplied: _Replied,
        RowAdjusted: _Adjusted,
        IndicatorIssued: _Issued,
        IndicatorAdjusted: _Changed,
        IndicatorReallocatedOut: _Out,
        IndicatorReallocatedIn: _In,
        IndicatorRecalled: _Recalled,
        IndicatorAbsorbed: _Absorbed,
        TransferIssued: _Sent,
        TransferReduced: _SentBack,
        RowWrittenOff: _Lapsed,
    }

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterable[Movement]:
        if not event.bgt_pman_id:
            return ()
        changes = changes_fen(event)
        return [(event.bgt_pman_id, _PLACE[name], fen) for name, fen in changes.items() if fen]


def changes_fen(event: Any) -> dict[str, int]:
    """By how much an event, as ``RowFold`` sees it, changes the amounts of its row, in fen."""
    match event:
        case _Replied():
            reply_fen = stored_fen(event.reply_amt)
            return {"rest": reply_fen, "reply": reply_fen}
        case _Adjusted():
            adj_fen, dis_fen = stored_fen(event.adj_amt), stored_fen(event.dis_amt)
            return {"rest": adj_fen + dis_fen, "adj": adj_fen, "dis": dis_fen}
        case _Issued():
            return {"rest": -stored_fen(event.amount)}
        case _Changed():
            return {"rest": -stored_fen(event.adj_amt)}
        case _In() | _Absorbed() | _Sent() | _Lapsed():
            return {"rest": -stored_fen(event.amt)}
    return {"rest": stored_fen(event.amt)}


def lapses(event: Any) -> bool:
    """Whether an event, as ``RowFold`` sees it, tells what no indicator will take any more."""
    return isinstance(event, _Lapsed)


def _touched(event: Event) -> Iterator[str]:
    if key := getattr(event, "bgt_pman_id", ""):
        yield key


def _refuse(short: Shortage) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_BUDGET,
        f"budget row {short.key} has too little left to issue on {short.on}",
        bgt_pman_id=short.key,
        available_amt=yuan(max(0, short.available_fen)),
        requested_amt=yuan(short.wanted_fen),
        on=short.on.isoformat(),
    )


def _limit(bgt_pman_id: str, after: RowAmounts) -> None:
    if after.cur > AMOUNT_MAX_FEN:
        raise RequestError(
            Code.INVALID_AMOUNT, f"budget row {bgt_pman_id} would exceed {yuan(AMOUNT_MAX_FEN)}"
        )


ROWS: Register[RowAmounts] = declare(
    Register(
        name="budget_row",
        row=RowAmounts,
        floored=("rest",),
        refuse=_refuse,
        limit=_limit,
        fold=RowFold,
        touched=_touched,
    )
)
BUDGET_ROW: Kind[BudgetRow] = Kind(
    name="budget_row",
    opened_by="budget_row.open",
    fold=_fold,
    rows=lambda row: ((ROWS, row.bgt_pman_id),),
)


def require_row(
    state: LedgerState, bgt_pman_id: str, *, pointer: str = "/bgt_pman_id"
) -> BudgetRow:
    """The row, which was approved.

    Raises:
        Refusal: ``not_found``; ``insufficient_budget`` of a row that no approval has reached.
    """
    if (row := state.get(BUDGET_ROW, bgt_pman_id)) is None:
        raise Refusal(Code.NOT_FOUND, f"no budget row {bgt_pman_id!r}", pointer=pointer)
    if not row.approve_doc_no:
        raise Refusal(
            Code.INSUFFICIENT_BUDGET,
            f"budget row {bgt_pman_id} was not approved",
            bgt_pman_id=bgt_pman_id,
            available_amt=yuan(0),
            pointer=pointer,
        )
    return row


def moved_row(
    state: LedgerState,
    bgt_pman_id: str,
    day: date,
    rest_fen: int,
    **changes_fen: int,
) -> MovedRow:
    """The row's amounts after ``rest`` and others have changed on a day.

    Raises:
        Refusal: ``insufficient_budget`` where less than nothing would be left to issue, on that day
            or a later one.
    """
    return state.moved(ROWS, bgt_pman_id, day, {"rest": rest_fen, **changes_fen})
