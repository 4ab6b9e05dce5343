"""期初: the balances that a book begins the year with."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from accounting.openings import OPENING, LoadOpening, Opening
from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.entered_views import EnteredRowView, entered_views
from api.http.models.enums import BookName, Tag
from api.http.parameters import OpeningNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import require_agencies
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.books import DEBIT
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan

_ALL = "/v1/ledgers/{ledger}/openings"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class OpeningView(msgspec.Struct, kw_only=True):
    """A book's openings; ``amt`` is the sum of either side."""

    ledger: str
    opening_no: str
    book: BookName
    amt: str
    rows: list[EnteredRowView]
    by: str
    commit: Committed = UNSET


def _view(key: int, opening: Opening, commit: Any = UNSET) -> OpeningView:
    loaded = opening.loaded
    debit_fen = sum(stored_fen(row.amt) for row in loaded.rows if row.dr_cr == DEBIT)
    return OpeningView(
        ledger=ledger_text(key),
        opening_no=loaded.opening_no,
        book=loaded.book,
        amt=yuan(debit_fen),
        rows=entered_views(loaded.rows, loaded.accounts),
        by=loaded.by,
        commit=commit,
    )


def _loaded(key: int, _command: Command, outcome: Outcome) -> OpeningView:
    return _view(key, outcome.subjects[0], commit_view(outcome.commit))


@router.get(
    _ALL + "/{opening_no}",
    operation_id="opening.show",
    summary="A book's opening balances 期初余额",
    response_model=OpeningView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_opening(call: LedgerRead, opening_no: OpeningNo) -> Response:
    key = await admit(call, number=opening_no)
    position, opening = await shown_object(call, key, OPENING, opening_no)
    units = {row.agency_code for row in opening.loaded.rows}
    await require_agencies(call, key, [(opening_no, code) for code in sorted(units)])
    return call.respond(_view(key, opening), position=position)


DIRECT = (
    CommandRoute(
        LoadOpening,
        _ALL,
        right=Right.KEEP_BOOKS,
        view=_loaded,
        answer=OpeningView,
        summary="Enter the opening balances of a book 装入期初余额",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.ALREADY_OPENED,
            Code.ELEMENT_INVALID,
            Code.DETAILS_MISMATCH,
            Code.ACCOUNT_INVALID,
        ),
    ),
)
