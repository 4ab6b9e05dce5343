"""Corrections 更正: what was paid is another indicator's; ask for one, show, list."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.correction_views import (
    CorrectedIndicator,
    CorrectionOfPayment,
    corrections_of,
    indicator_behind,
)
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag
from api.http.models.lists import CorrectionItem, Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, respond_with_page
from api.http.parameters import CorNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import prefixes_of, require_agencies
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, Refusal
from ledger.reading.objects import read_objects
from payments.corrections.correcting import PAYMENT_OF_CORRECTION, CorrectPayment
from payments.payment import Payment
from projections.correction_lists import list_corrections

_ALL = "/v1/ledgers/{ledger}/corrections"

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


class CorrectionView(msgspec.Struct, kw_only=True):
    """A correction, with the payment's state and both indicators behind it."""

    ledger: str
    pay_app_no: str
    payment_status: str
    correction: CorrectionOfPayment
    from_indicator: CorrectedIndicator
    to_indicator: CorrectedIndicator
    commit: Committed = UNSET


def correction_view(
    key: int, payment: Payment, cor_no: str, commit: Committed = UNSET
) -> CorrectionView | None:
    """None where the payment has no such correction."""
    for place, view in enumerate(corrections_of(payment)):
        if view.cor_no == cor_no:
            gave, took = payment.corrections[place], payment.corrections_taken[place]
            return CorrectionView(
                ledger=ledger_text(key),
                pay_app_no=payment.pay_app_no,
                payment_status=payment.status,
                correction=view,
                from_indicator=indicator_behind(gave.bgt_id, gave.figures),
                to_indicator=indicator_behind(took.bgt_id, took.figures),
                commit=commit,
            )
    return None


def _corrected(key: int, command: Command, outcome: Outcome) -> Any:
    commit = commit_view(outcome.commit)
    return correction_view(key, outcome.subjects[0], command.number, commit)


@router.get(
    _ALL,
    operation_id="correction.list",
    summary="Corrections in the order in which they were made",
    response_model=Page[CorrectionItem],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_all(
    call: LedgerRead,
    asked: AskedPage,
    pay_app_no: str | None = None,
    bgt_id: str | None = None,
) -> Response:
    """Of a payment, or of an indicator on either side, or all."""
    filters = {
        "pay_app_no": pay_app_no,
        "bgt_id": bgt_id,
        "agency_prefixes": ",".join(prefixes_of(call.caller, call.right)),
    }
    return await respond_with_page(call, asked, filters, list_corrections)


@router.get(
    _ALL + "/{cor_no}",
    operation_id="correction.show",
    summary="A correction with both indicators as they stood behind it",
    response_model=CorrectionView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show(call: LedgerRead, cor_no: CorNo) -> Response:
    key = await admit(call, number=cor_no)
    await wait_for_head(call, key)

    def read(connection: Connection) -> Payment | None:
        found: dict[str, Payment] = read_objects(connection, key, PAYMENT_OF_CORRECTION, [cor_no])
        return found.get(cor_no)

    payment = await call.read(read)
    view = correction_view(key, payment, cor_no) if payment else None
    if payment is None or view is None:
        raise Refusal(Code.NOT_FOUND, f"no correction {cor_no!r}")
    await require_agencies(call, key, [(cor_no, payment.applied.agency_code)])
    return call.respond(view)


DIRECT = (
    CommandRoute(
        CorrectPayment,
        _ALL,
        right=Right.CORRECT,
        view=_corrected,
        answer=CorrectionView,
        summary="Correct 更正 what was paid to another indicator of the unit, without cash",
        tag=Tag.PAYMENTS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.INDICATOR_NOT_FOUND,
            Code.INDICATOR_NOT_EXECUTABLE,
            Code.ELEMENT_INVALID,
            Code.ELEMENT_MISMATCH,
            Code.CONTRACT_REQUIRED,
            Code.DETAILS_MISMATCH,
            Code.CORRECTION_EXCEEDS_PAID,
            Code.INSUFFICIENT_PLAN,
            Code.INSUFFICIENT_INDICATOR,
            Code.PAYMENT_NOT_FOUND,
            Code.INVALID_STATE,
        ),
    ),
)
