"""转移支付: send to a tier below, accept what the tier above has sent; show, list, balance.

What was received is entered by no operation: the program brings it from the sender's ledger.
"""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right, require_reach
from api.http.admission import admit, exists, require_caller
from api.http.dependencies import LedgerRead, Read
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, place_after
from api.http.parameters import SupBgtDocNo, TransferNo
from api.http.problems import OF_LEDGER_READ, OF_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import object_now
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from budget.received import RECEIVED_AMOUNTS, RECEIVED_TRANSFER, ReceivedAmounts, ReceivedTransfer
from budget.transfer_events import EventPlace
from ledger.account_set import ledger_text, parse_ledger
from ledger.deciding.command import Command, Outcome
from ledger.errors import AccessError, Code
from ledger.money import yuan
from ledger.reading.loading import read_rows
from projections.core.moments import one_moment
from projections.transfer_lists import (
    all_known,
    received_page,
    status_now,
    transfer_balance,
    transfers_page,
)
from transfers.giving_back import GiveBackTransfer
from transfers.issuing import IssueTransfer
from transfers.receiving import AcceptTransfer
from transfers.reducing import ReduceTransfer
from transfers.transfer import TRANSFER, Transfer, receiver_text

_ALL = "/v1/ledgers/{ledger}/transfers"
_ONE = _ALL + "/{transfer_no}"
_RECEIVED = _ALL + "/received"
_ONE_RECEIVED = _RECEIVED + "/{sup_bgt_doc_no}"
_OWN = "what goes between tiers"

TransferStatus = Literal["issued", "accepted", "settled", "reduced", "returned"]
ReceivedStatus = Literal["received", "accepted", "returned"]
ReductionState = Literal["asked", "reduced", "dropped"]

router = APIRouter(route_class=Operation, tags=[Tag.TRANSFERS])


class ReductionView(msgspec.Struct, kw_only=True):
    """调减: ``asked`` until the receiver has answered; ``dropped`` where it had allotted more."""

    reduce_no: str
    state: ReductionState
    amt: str
    reason: str
    by: str


class TransferView(msgspec.Struct, kw_only=True):
    """What a ledger has sent to ``to_ledger``; ``accepted`` is where that ledger's history says
    that it has it, None before this one knows. Of ``amt`` ``reduced_amt`` has come back."""

    ledger: str
    transfer_no: str
    status: TransferStatus
    rec_div_code: str
    to_ledger: str
    bgt_doc_no: str
    bgt_doc_title: str
    tp_func_code: str
    fund_type_code: str
    pro_code: str
    amt: str
    bgt_pman_id: str
    sup_bgt_doc_no: str
    is_dir_code: str
    track_pro_code: str
    rec_no: str
    accepted: EventPlace | None
    reduced_amt: str
    reductions: list[ReductionView]
    return_no: str
    by: str
    commit: Committed = UNSET


class ReceivedTransferView(msgspec.Struct, kw_only=True):
    """What ``from_ledger`` has sent, as its event at ``issued`` says, less what has gone back; of
    ``amt`` ``rest_amt`` is not allotted."""

    ledger: str
    sup_bgt_doc_no: str
    status: ReceivedStatus
    from_ledger: str
    transfer_no: str
    bgt_doc_title: str
    tp_func_code: str
    fund_type_code: str
    pro_code: str
    amt: str
    allotted_amt: str = UNSET  # type: ignore[assignment]
    rest_amt: str = UNSET  # type: ignore[assignment]
    is_dir_code: str
    track_pro_code: str
    rec_no: str
    return_no: str
    issued: EventPlace
    by: str
    commit: Committed = UNSET


class TransferBalanceView(msgspec.Struct, kw_only=True):
    """转移支付对账: ``sent_amt`` is what is accepted and what is in transit together."""

    from_ledger: str
    to_ledger: str
    sent_amt: str
    accepted_amt: str
    in_transit_amt: str
    reduced_amt: str


def transfer_view(
    key: int, transfer: Transfer, status: str = "", commit: Any = UNSET
) -> TransferView:
    """``status``: with what is settled; "" of one that this very call has changed."""
    issued, noted = transfer.issued, transfer.noted
    return TransferView(
        ledger=ledger_text(key),
        transfer_no=issued.transfer_no,
        status=status or transfer.status,  # type: ignore[arg-type]
        rec_div_code=issued.rec_div_code,
        to_ledger=receiver_text(key, issued.rec_div_code),
        bgt_doc_no=issued.bgt_doc_no,
        bgt_doc_title=issued.bgt_doc_title,
        tp_func_code=issued.tp_func_code,
        fund_type_code=issued.fund_type_code,
        pro_code=issued.pro_code,
        amt=issued.amt,
        bgt_pman_id=issued.bgt_pman_id,
        sup_bgt_doc_no=issued.sup_bgt_doc_no,
        is_dir_code=issued.is_dir_code,
        track_pro_code=issued.track_pro_code,
        rec_no="" if noted is None else noted.rec_no,
        accepted=transfer.accepted,
        reduced_amt=yuan(transfer.reduced_fen),
        reductions=[
            ReductionView(
                reduce_no=number,
                state=each.state,  # type: ignore[arg-type]
                amt=each.asked.amt,
                reason=each.asked.reason,
                by=each.asked.by,
            )
            for number, each in transfer.reductions.items()
        ],
        return_no=transfer.return_no,
        by=issued.by,
        commit=commit,
    )


def received_view(
    key: int, received: ReceivedTransfer, amounts: ReceivedAmounts | None, commit: Any = UNSET
) -> ReceivedTransferView:
    terms = received.terms
    view = ReceivedTransferView(
        ledger=ledger_text(key),
        sup_bgt_doc_no=received.sup_bgt_doc_no,
        status=received.status,  # type: ignore[arg-type]
        from_ledger=received.issued.ledger,
        transfer_no=received.received.transfer_no,
        bgt_doc_title=terms.bgt_doc_title,
        tp_func_code=terms.tp_func_code,
        fund_type_code=terms.fund_type_code,
        pro_code=terms.pro_code,
        amt=yuan(received.amt_fen),
        is_dir_code=terms.is_dir_code,
        track_pro_code=terms.track_pro_code,
        rec_no=received.rec_no,
        return_no=received.return_no,
        issued=received.issued,
        by="" if received.accepted is None else received.accepted.by,
        commit=commit,
    )
    if amounts is not None:
        view.allotted_amt = yuan(amounts.received - amounts.rest)
        view.rest_amt = yuan(amounts.rest)
    return view


@router.get(
    "/v1/transfers/balance",
    operation_id="transfer.balance",
    summary="What one ledger has sent to another, accepted and in transit 转移支付对账",
    response_model=TransferBalanceView,
    responses=refusals(*OF_READ, Code.LEDGER_NOT_FOUND),
)
async def show_balance(
    call: Read,
    sender: Annotated[str, Query(alias="from", examples=["440000000-2026"])],
    to: Annotated[str, Query(examples=["440100000-2026"])],
) -> Response:
    """Both at one moment, for who may see either of the two. Of a ledger that is not kept here
    what the other one has on record of its word."""
    caller = require_caller(call)
    keys = parse_ledger(sender), parse_ledger(to)
    if not any(caller.reaches(key) for key in keys):
        require_reach(caller, keys[0])
    here = [key for key in keys if await exists(call, key)]
    known = await call.read(lambda connection: here and all_known(connection, *keys))
    if not known:
        raise AccessError(Code.LEDGER_NOT_FOUND, "no such ledger has been opened")
    await require_all_units(call, here[0], _OWN)
    balance = await call.read(lambda connection: transfer_balance(connection, *keys))
    return call.respond(
        TransferBalanceView(
            from_ledger=sender,
            to_ledger=to,
            sent_amt=yuan(balance.sent_fen),
            accepted_amt=yuan(balance.accepted_fen),
            in_transit_amt=yuan(balance.in_transit_fen),
            reduced_amt=yuan(balance.reduced_fen),
        )
    )


@router.get(
    _ALL,
    operation_id="transfer.list",
    summary="What was sent to tiers below, by number 转移支付下达清单",
    response_model=Page[TransferView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_transfers(
    call: LedgerRead, asked: AskedPage, rec_div_code: str = "", status: str = ""
) -> Response:
    key = await admit(call)
    await require_all_units(call, key, _OWN)
    await wait_for_head(call, key)
    after = place_after(call, asked.cursor)

    def holds(transfer: Transfer, its_status: str) -> bool:
        of_division = rec_div_code in ("", transfer.issued.rec_div_code)
        return of_division and status in ("", its_status)

    page = await call.read(lambda c: transfers_page(c, key, holds, after, asked.size))
    items = [transfer_view(key, each, its_status) for each, its_status in page.items]
    return call.respond(page_after(call, items, page.after), position=page.position)


@router.get(
    _RECEIVED,
    operation_id="transfer.received.list",
    summary="What tiers above have sent, by document 上级转移支付清单",
    response_model=Page[ReceivedTransferView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_received(
    call: LedgerRead, asked: AskedPage, from_ledger: str = "", status: str = ""
) -> Response:
    key = await admit(call)
    await require_all_units(call, key, _OWN)
    await wait_for_head(call, key)
    after = place_after(call, asked.cursor)

    def holds(received: ReceivedTransfer) -> bool:
        return from_ledger in ("", received.issued.ledger) and status in ("", received.status)

    page = await call.read(lambda c: received_page(c, key, holds, after, asked.size))
    items = [received_view(key, each, amounts) for each, amounts in page.items]
    return call.respond(page_after(call, items, page.after), position=page.position)


@router.get(
    _ONE_RECEIVED,
    operation_id="transfer.received.show",
    summary="What the tier above has sent by a document, and what of it is left 上级转移支付",
    response_model=ReceivedTransferView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_received(call: LedgerRead, sup_bgt_doc_no: SupBgtDocNo) -> Response:
    key = await admit(call, number=sup_bgt_doc_no)
    await require_all_units(call, key, _OWN)
    await wait_for_head(call, key)

    def read(connection: Connection) -> tuple[int, ReceivedTransfer, ReceivedAmounts]:
        with one_moment(connection):
            position, received = object_now(connection, key, RECEIVED_TRANSFER, sup_bgt_doc_no)
            rows = read_rows(connection, key, RECEIVED_AMOUNTS, [sup_bgt_doc_no])
        return position, received, rows[sup_bgt_doc_no]

    position, received, amounts = await call.read(read)
    return call.respond(received_view(key, received, amounts), position=position)


@router.get(
    _ONE,
    operation_id="transfer.show",
    summary="A transfer, and whether the other side has accepted it 转移支付",
    response_model=TransferView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_transfer(call: LedgerRead, transfer_no: TransferNo) -> Response:
    key = await admit(call, number=transfer_no)
    await require_all_units(call, key, _OWN)
    await wait_for_head(call, key)

    def read(connection: Connection) -> tuple[int, Transfer, str]:
        with one_moment(connection):
            position, transfer = object_now(connection, key, TRANSFER, transfer_no)
            return position, transfer, status_now(connection, key, transfer)

    position, transfer, status = await call.read(read)
    return call.respond(transfer_view(key, transfer, status), position=position)


def _sent(key: int, _command: Command, outcome: Outcome) -> Any:
    return transfer_view(key, outcome.subjects[0], commit=commit_view(outcome.commit))


def _taken(key: int, _command: Command, outcome: Outcome) -> Any:
    return received_view(key, outcome.subjects[0], None, commit_view(outcome.commit))


_CHANGES = (Code.PERIOD_CLOSED, Code.FUTURE_DATE, Code.INVALID_STATE, Code.NOT_FOUND)

DIRECT = (
    CommandRoute(
        IssueTransfer,
        _ALL,
        right=Right.TRANSFER,
        view=_sent,
        answer=TransferView,
        summary="Send to a tier below 转移支付下达",
        tag=Tag.TRANSFERS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.ELEMENT_INVALID,
            Code.ELEMENT_MISMATCH,
            Code.INSUFFICIENT_BUDGET,
            Code.INVALID_STATE,
            Code.NOT_FOUND,
        ),
    ),
    CommandRoute(
        AcceptTransfer,
        _ONE_RECEIVED + "/accept",
        in_path=("sup_bgt_doc_no",),
        right=Right.TRANSFER,
        view=_taken,
        answer=ReceivedTransferView,
        summary="Accept what the tier above has sent 上级转移支付接收",
        tag=Tag.TRANSFERS,
        codes=_CHANGES,
    ),
    CommandRoute(
        GiveBackTransfer,
        _ONE_RECEIVED + "/return",
        in_path=("sup_bgt_doc_no",),
        right=Right.TRANSFER,
        view=_taken,
        answer=ReceivedTransferView,
        summary="Return what the tier above has sent 上级转移支付退回",
        tag=Tag.TRANSFERS,
        codes=(*_CHANGES, Code.TRANSFER_ALLOTTED),
    ),
    CommandRoute(
        ReduceTransfer,
        _ONE + "/reduce",
        in_path=("transfer_no",),
        right=Right.TRANSFER,
        view=_sent,
        answer=TransferView,
        summary="Take back what the receiver has not allotted 转移支付调减",
        tag=Tag.TRANSFERS,
        codes=(*_CHANGES, Code.TRANSFER_ALLOTTED),
    ),
)
