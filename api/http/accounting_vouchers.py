"""记账凭证: vouchers by hand, and the red ones that take them back."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from accounting.vouchers import (
    ACCOUNTING_VOUCHER,
    AccountingVoucher,
    EnterVoucher,
    ReverseVoucher,
)
from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.entered_views import EnteredRowView, entered_views
from api.http.models.enums import Tag
from api.http.parameters import VoucherNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import shown_object
from api.http.units import require_agencies
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code

_ALL = "/v1/ledgers/{ledger}/accounting-vouchers"
_ONE = _ALL + "/{voucher_no}"

router = APIRouter(route_class=Operation, tags=[Tag.BOOKS])


class AccountingVoucherView(msgspec.Struct, kw_only=True):
    """A voucher by hand. ``red_voucher_no`` is that of the red one that took it back, "" where
    none has; ``reversed_by`` made that one."""

    ledger: str
    voucher_no: str
    acct_period: str
    voucher_abs: str
    book: str
    agency_code: str
    vou_cnt: int
    lines: list[EnteredRowView]
    by: str
    red_voucher_no: str
    reversed_by: str
    commit: Committed = UNSET


def _view(key: int, voucher: AccountingVoucher, commit: Any = UNSET) -> AccountingVoucherView:
    entered, reversed_ = voucher.entered, voucher.reversed
    return AccountingVoucherView(
        ledger=ledger_text(key),
        voucher_no=entered.voucher_no,
        acct_period=entered.acct_period,
        voucher_abs=entered.voucher_abs,
        book=entered.book,
        agency_code=entered.agency_code,
        vou_cnt=entered.vou_cnt,
        lines=entered_views(entered.lines, entered.accounts),
        by=entered.by,
        red_voucher_no=reversed_.red_voucher_no if reversed_ else "",
        reversed_by=reversed_.by if reversed_ else "",
        commit=commit,
    )


def _done(key: int, _command: Command, outcome: Outcome) -> AccountingVoucherView:
    return _view(key, outcome.subjects[0], commit_view(outcome.commit))


@router.get(
    _ONE,
    operation_id="voucher.show",
    summary="A voucher by hand 记账凭证",
    response_model=AccountingVoucherView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_voucher(call: LedgerRead, voucher_no: VoucherNo) -> Response:
    key = await admit(call, number=voucher_no)
    position, voucher = await shown_object(call, key, ACCOUNTING_VOUCHER, voucher_no)
    await require_agencies(call, key, [(voucher_no, voucher.entered.agency_code)])
    return call.respond(_view(key, voucher), position=position)


_CODES = (Code.PERIOD_CLOSED, Code.FUTURE_DATE, Code.ELEMENT_INVALID)

DIRECT = (
    CommandRoute(
        EnterVoucher,
        _ALL,
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=AccountingVoucherView,
        summary="Book by hand 录入记账凭证",
        tag=Tag.BOOKS,
        status=201,
        codes=(
            *_CODES,
            Code.ELEMENT_MISMATCH,
            Code.DETAILS_MISMATCH,
            Code.PARALLEL_ENTRY_MISSING,
            Code.ACCOUNT_INVALID,
        ),
    ),
    CommandRoute(
        ReverseVoucher,
        _ONE + "/reverse",
        in_path=("voucher_no",),
        right=Right.KEEP_BOOKS,
        view=_done,
        answer=AccountingVoucherView,
        summary="Take a voucher back by a red one 红字冲销",
        tag=Tag.BOOKS,
        status=201,
        codes=(*_CODES, Code.INVALID_STATE, Code.NOT_FOUND),
    ),
)
