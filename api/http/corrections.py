"""Corrections 更正: what was paid is another indicator's; ask for one, show, list."""

from collections.abc import Iterable
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
    CorrectionMessage,
    CorrectionOfPayment,
    corrections_of,
    indicator_behind,
    message_shown,
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
from payments.corrections.telling import TELLING, TellAgain, Telling, tell_number
from payments.payment import Payment
from projections.correction_lists import list_corrections

_ALL = "/v1/ledgers/{ledger}/corrections"

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


class CorrectionView(msgspec.Struct, kw_only=True):
    """A correction, with the payment's state, both indicators behind it, and what banks were told
    of it, in order."""

    ledger: str
    pay_app_no: str
    payment_status: str
    correction: CorrectionOfPayment
    from_indicator: CorrectedIndicator
    to_indicator: CorrectedIndicator
    messages: list[CorrectionMessage]
    commit: Committed = UNSET


class CorrectionMessageView(CorrectionMessage, kw_only=True):
    """A message about a correction, as it was told."""

    ledger: str
    commit: Committed = UNSET


def correction_view(
    key: int,
    payment: Payment,
    cor_no: str,
    tellings: Iterable[Telling],
    commit: Committed = UNSET,
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
                messages=[message_shown(each) for each in tellings],
                commit=commit,
            )
    return None


def _corrected(key: int, command: Command, outcome: Outcome) -> Any:
    commit, (payment, *others) = commit_view(outcome.commit), outcome.subjects
    own = [each for each in others if each.ordered.cor_no == command.number]
    return correction_view(key, payment, command.number, own, commit)


def _told_again(key: int, _command: Command, outcome: Outcome) -> CorrectionMessageView:
    return CorrectionMessageView(
        ledger=ledger_text(key),
        commit=commit_view(outcome.commit),
        **msgspec.structs.asdict(message_shown(outcome.subjects[0])),
    )


def _tellings(connection: Connection, key: int, payment: Payment, cor_no: str) -> list[Telling]:
    """What banks were told of a correction: the first messages, and each that followed on one
    that was declined."""
    told = [vt for each in payment.corrections if each.cor_no == cor_no for vt in each.told]
    wanted, found = [tell_number(cor_no, vt_code) for vt_code in told], list[Telling]()
    while wanted:
        read: dict[str, Telling] = read_objects(connection, key, TELLING, wanted)
        found += [read[number] for number in wanted if number in read]
        wanted = [each.settled_by for each in read.values() if each.settled_by]
    return [each for each in found if each.ordered.cor_no == cor_no]


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

    def read(connection: Connection) -> tuple[Payment | None, list[Telling]]:
        found: dict[str, Payment] = read_objects(connection, key, PAYMENT_OF_CORRECTION, [cor_no])
        payment = found.get(cor_no)
        return payment, _tellings(connection, key, payment, cor_no) if payment else []

    payment, tellings = await call.read(read)
    view = correction_view(key, payment, cor_no, tellings) if payment else None
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
            Code.NOT_A_WORKDAY,
        ),
    ),
    CommandRoute(
        TellAgain,
        "/v1/ledgers/{ledger}/correction-messages/{again_of}/tell",
        in_path=("again_of",),
        right=Right.CORRECT,
        view=_told_again,
        answer=CorrectionMessageView,
        summary="Tell a bank again of a correction that it has declined 支付调整再通知",
        tag=Tag.PAYMENTS,
        status=201,
        codes=(Code.INVALID_STATE, Code.NOT_A_WORKDAY, Code.NOT_FOUND),
    ),
)
