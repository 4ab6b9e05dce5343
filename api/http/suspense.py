"""Suspense 待处理: bank notices that match nothing, and what persons make of them."""

import base64
from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import SuspenseState, SuspenseStatus, Tag
from api.http.models.lists import Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, whole_place_after
from api.http.parameters import SuspenseNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code, RequestError
from ledger.events import type_names
from ledger.reading.documents import open_document
from ledger.reading.objects import read_bodies, read_objects
from payments.refunds.events import SuspenseHeld
from payments.refunds.resolving import ResolveSuspense
from payments.refunds.suspense import SUSPENSE, SuspenseItem

_ALL = "/v1/ledgers/{ledger}/suspense"
_ONE = _ALL + "/{suspense_no}"

# accepted answers alone keep their number, so what has none waits
_ITEMS = """
SELECT k.first_position, k.number FROM command_keys k
JOIN events e ON e.ledger_id = k.ledger_id AND e.position = k.first_position
WHERE k.ledger_id = %(key)s AND k.operation = %(held)s AND k.first_position > %(after)s
  AND e.type = ANY(%(types)s) AND (%(waiting)s::boolean IS NULL OR %(waiting)s <> EXISTS (
    SELECT FROM command_keys r WHERE r.ledger_id = k.ledger_id AND r.operation = %(resolved)s
    AND r.number = k.number))
ORDER BY k.first_position LIMIT %(limit)s"""

router = APIRouter(route_class=Operation, tags=[Tag.BANK])


class SuspenseLine(msgspec.Struct, kw_only=True):
    """A line that came back, as the bank names it."""

    pay_detail_id: str
    refund_amt: str
    payee_acct_no: str


class SuspenseView(msgspec.Struct, kw_only=True):
    """A notice in suspense: why it waits, what could be read of it, and its document in base64.

    ``refund_amt`` and ``pay_date`` are null where they could not be read. ``pay_app_no`` is the
    payment that the notice names, or the one it was booked to.
    """

    ledger: str
    suspense_no: str
    state: SuspenseState
    reason: str
    vt_code: str
    notice_no: str
    pay_bank_code: str
    refund_amt: str | None
    pay_date: str | None
    agent_business_no: str
    originals: tuple[str, ...]
    lines: tuple[SuspenseLine, ...]
    pay_app_no: str | None
    resolved_by: str | None
    resolve_reason: str | None
    notice_sm3: str
    cert_serial: str
    signature: str
    document: str | None
    commit: Committed = UNSET


def suspense_view(
    key: int, item: SuspenseItem, document: bytes | None = None, commit: Committed = UNSET
) -> SuspenseView:
    """The item as callers see it; a write answers without its document."""
    held, resolved = item.held, item.resolved
    return SuspenseView(
        ledger=ledger_text(key),
        suspense_no=held.suspense_no,
        state=item.state,
        reason=held.reason,
        vt_code=held.vt_code,
        notice_no=held.notice_no,
        pay_bank_code=held.pay_bank_code,
        refund_amt=held.refund_amt or None,
        pay_date=held.pay_date or None,
        agent_business_no=held.agent_business_no,
        originals=held.originals,
        lines=tuple(
            SuspenseLine(
                pay_detail_id=line.pay_detail_id,
                refund_amt=line.refund_amt,
                payee_acct_no=line.payee_acct_no,
            )
            for line in held.lines
        ),
        pay_app_no=(resolved.pay_app_no if resolved else held.pay_app_no) or None,
        resolved_by=resolved.by if resolved else None,
        resolve_reason=resolved.reason if resolved else None,
        notice_sm3=held.notice_sm3,
        cert_serial=held.cert_serial,
        signature=held.signature,
        document=None if document is None else base64.b64encode(document).decode("ascii"),
        commit=commit,
    )


@router.get(
    _ALL,
    operation_id="suspense.list",
    summary="Bank notices that match nothing, each with its document 待处理",
    response_model=Page[SuspenseView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_suspense(
    call: LedgerRead, asked: AskedPage, state: SuspenseStatus | None = None
) -> Response:
    """In the order in which they came; ``state`` other than waiting gives all that are settled."""
    after = whole_place_after(call, asked.cursor)
    key = await admit(call)
    await require_all_units(call, key, "what is in suspense")
    await wait_for_head(call, key)
    given = {
        "key": key,
        "held": SUSPENSE.opened_by,
        "resolved": ResolveSuspense.OPERATION,
        "types": list(type_names(SuspenseHeld)),
        "after": after,
        "waiting": None if state is None else state is SuspenseStatus.WAITING,
        "limit": asked.size + 1,
    }

    def read(connection: Connection) -> tuple[list[SuspenseView], str | None]:
        rows = connection.execute(_ITEMS, given).fetchall()
        shown = rows[: asked.size]
        views = _views(connection, key, [number for _, number in shown])
        if state is not None:
            views = [view for view in views if view.state == state]
        return views, str(shown[-1][0]) if len(rows) > asked.size else None

    views, following = await call.read(read)
    return call.respond(page_after(call, views, following))


@router.get(
    _ONE,
    operation_id="suspense.show",
    summary="One of them",
    response_model=SuspenseView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_suspense(call: LedgerRead, suspense_no: SuspenseNo) -> Response:
    key = await admit(call, number=suspense_no)
    await require_all_units(call, key, "what is in suspense")
    await wait_for_head(call, key)
    views = await call.read(lambda connection: _views(connection, key, [suspense_no]))
    if not views:
        raise RequestError(Code.NOT_FOUND, f"nothing is in suspense as {suspense_no!r}")
    return call.respond(views[0])


def _views(connection: Connection, key: int, numbers: list[str]) -> list[SuspenseView]:
    items: dict[str, SuspenseItem] = read_objects(connection, key, SUSPENSE, numbers)
    digests = {bytes.fromhex(item.held.notice_sm3) for item in items.values()}
    bodies = read_bodies(connection, key, digests)
    views = []
    for number in numbers:
        if (item := items.get(number)) is not None:
            digest = bytes.fromhex(item.held.notice_sm3)
            views.append(suspense_view(key, item, open_document(digest, bodies[digest])))
    return views


def _resolved(key: int, _command: Command, outcome: Outcome) -> Any:
    return suspense_view(key, outcome.subjects[0], commit=commit_view(outcome.commit))


DIRECT = (
    CommandRoute(
        ResolveSuspense,
        f"{_ONE}/resolve",
        in_path=("suspense_no",),
        right=Right.RESOLVE,
        view=_resolved,
        answer=SuspenseView,
        summary="Say which payment it is of, or that it is none of ours 处理待处理事项",
        tag=Tag.BANK,
        codes=(
            Code.NOT_FOUND,
            Code.PERIOD_CLOSED,
            Code.PAYMENT_NOT_FOUND,
            Code.DETAILS_MISMATCH,
            Code.INVALID_STATE,
            Code.RECEIPT_MISMATCH,
            Code.REFUND_EXCEEDS_PAID,
        ),
    ),
)
