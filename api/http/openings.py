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
from api.http.models.enums import BookName, Tag
from api.http.parameters import OpeningNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.books import DEBIT
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.money import stored_fen, yuan

_ALL = "/v1/ledgers/{ledger}/openings"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class OpenedRowView(msgspec.Struct, kw_only=True, gc=False):
    """A balance; ``acct_cls_code`` is "" where no official code is established, ``dimensions`` the
    elements that it is kept by."""

    acct_cls_id: str
    acct_cls_code: str
    acct_cls_name: str
    dr_cr: int
    amt: str
    dimensions: dict[str, str]


class OpeningView(msgspec.Struct, kw_only=True):
    """A book's openings; ``amt`` is the sum of either side."""

    ledger: str
    opening_no: str
    book: BookName
    amt: str
    rows: list[OpenedRowView]
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
        rows=[
            OpenedRowView(
                acct_cls_id=account.acct_cls_id,
                acct_cls_code=account.acct_cls_code,
                acct_cls_name=account.acct_cls_name,
                dr_cr=row.dr_cr,
                amt=row.amt,
                dimensions=row.codes,
            )
            for row, account in zip(loaded.rows, loaded.accounts, strict=True)
        ],
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
