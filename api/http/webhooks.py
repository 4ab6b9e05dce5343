"""Webhooks 事件推送: registering an address, how far it is, bringing again, dead letters.

A webhook is on record in the standing ledger of the division that its maker's token acts in, and
another person agrees to it there.
"""

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET, UnsetType
from psycopg import Connection
from starlette.responses import Response

from api.access import Right, require_reach
from api.http.admission import admit, require_caller
from api.http.bodies import decoded
from api.http.call import Call
from api.http.dependencies import Acting, Read, of_webhook
from api.http.division_lists import page_of
from api.http.division_routes import submit_to_standing
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.pages import AskedPage, page_after, place_after
from api.http.problems import OF_LEDGER_ACT, OF_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import ANSWERS, SUBMITTED, DirectAnswer, Operation, respond_to_act
from api.http.units import require_all_units
from api.http.views import Committed, commit_view
from api.webhooks.addresses import check_url
from api.webhooks.positions import DeadLetter, WebhookStanding, dead_letters, replay, standings
from api.webhooks.secrets import SIGNING_KEY
from division.folded import folded_objects
from division.webhook import WEBHOOK, EndWebhook, RegisterWebhook, Webhook, WebhookId
from ledger.account_set import ledger_text, parse_ledger, standing_ledger
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command, Outcome
from ledger.deciding.principals import folded
from ledger.errors import AccessError, Code, Refusal, RequestError

_NUMBER_BYTES = 8
_ONE = "/v1/webhooks/{webhook_no}"

router = APIRouter(route_class=Operation, tags=[Tag.WEBHOOKS])


class WebhookRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``types`` are event types, ``*`` all; without ``secret`` the server makes one, without
    ``webhook_no`` it gives a number."""

    url: str
    types: tuple[str, ...]
    secret: str | UnsetType = UNSET
    webhook_no: str | UnsetType = UNSET


class WebhookLedgerView(msgspec.Struct, kw_only=True):
    """How far a receiver is in one ledger: it has the events up to ``position`` of ``head``."""

    ledger: str
    position: int
    head: int
    attempts: int
    last_error: str
    stopped: str
    next_attempt_at: str


class WebhookView(msgspec.Struct, kw_only=True):
    """An address that events are brought to, for as long as ``registered_by`` may read them."""

    ledger: str
    webhook_no: str
    url: str
    types: tuple[str, ...]
    division: str
    registered_by: str
    registered_at: str
    ended_at: str
    ledgers: list[WebhookLedgerView]
    commit: Committed = UNSET


class WebhookSecretView(msgspec.Struct, kw_only=True):
    """What a receiver verifies with: HMAC by ``secret``, SM2 by ``public_key`` (x‖y, hex)."""

    webhook_no: str
    secret: str
    key: str
    public_key: str


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """From which event of which ledger on everything is brought again."""

    ledger: str
    from_position: int


class DeadLetterView(msgspec.Struct, kw_only=True):
    """An event that the receiver answered every time, and never took."""

    ledger: str
    position: int
    attempts: int
    last_error: str
    dead_at: str


_decode_webhook = msgspec.json.Decoder(WebhookRequest).decode
_decode_replay = msgspec.json.Decoder(ReplayRequest).decode


class _Found(NamedTuple):
    """A webhook, and the standing ledger that it is on record in."""

    home_id: int
    webhook: Webhook


# ---- commands


@router.post(
    "/v1/webhooks",
    operation_id="webhook.register",
    summary="Have events brought to an address 登记推送地址",
    status_code=201,
    response_model=WebhookView,
    responses={**SUBMITTED, **refusals(*OF_LEDGER_ACT, Code.INVALID_STATE)},
)
async def register_webhook(
    call: Annotated[Call, Depends(Acting(Right.WEBHOOK))],
    data: Annotated[bytes, PublishedAs(WebhookRequest), RequestBody()],
) -> Response:
    asked: WebhookRequest = decoded(_decode_webhook, data)
    caller = call.caller
    number = asked.webhook_no if isinstance(asked.webhook_no, str) else _number_for(call)
    command = RegisterWebhook(
        webhook_no=number, url=asked.url, types=asked.types, division=caller.division
    )
    command.check()
    allows_private = call.treasury.settings.webhook_private_addresses
    check_url(asked.url, allows_private=allows_private)
    key = await admit(call, standing_ledger(caller.division), number=number)
    await require_all_units(call, key, "the history of a ledger")
    if isinstance(asked.secret, str):
        await _keep_secret(call, key, number, asked.secret)
    return respond_to_act(call, key, command, await submit_to_standing(call, key, command))


@router.delete(
    _ONE,
    operation_id="webhook.end",
    summary="Have nothing more brought to an address 终止推送",
    response_model=WebhookView,
    responses={**SUBMITTED, **refusals(*OF_LEDGER_ACT, Code.NOT_FOUND, Code.INVALID_STATE)},
)
async def end_webhook(
    call: Annotated[Call, Depends(Acting(Right.WEBHOOK))],
    webhook_no: Annotated[str, Depends(of_webhook)],
) -> Response:
    found = await _found(call, webhook_no)
    key = await admit(call, found.home_id, number=webhook_no)
    command = EndWebhook(webhook_no=webhook_no)
    return respond_to_act(call, key, command, await submit_to_standing(call, key, command))


@router.post(
    _ONE + "/replay",
    operation_id="webhook.replay",
    summary="Bring everything from a position on again 重新推送",
    response_model=WebhookView,
    responses=refusals(*OF_LEDGER_ACT, Code.NOT_FOUND),
)
async def replay_webhook(
    call: Annotated[Call, Depends(Acting(Right.WEBHOOK))],
    webhook_no: Annotated[str, Depends(of_webhook)],
    data: Annotated[bytes, PublishedAs(ReplayRequest), RequestBody()],
) -> Response:
    """It may begin before the webhook was registered, and lets one go on that has stopped."""
    asked: ReplayRequest = decoded(_decode_replay, data)
    if asked.from_position < 1:
        raise RequestError(Code.MALFORMED, "positions begin at 1", pointer="/from_position")
    found = await _found(call, webhook_no)
    key = await admit(call, parse_ledger(asked.ledger), number=webhook_no)
    await require_all_units(call, key, "the history of a ledger")
    if not call.dry_run:
        again = await call.read(
            lambda conn: replay(conn, found.home_id, webhook_no, key, asked.from_position)
        )
        if not again:
            raise Refusal(Code.NOT_FOUND, f"nothing of {asked.ledger} is brought there")
    return call.respond(await call.read(lambda conn: _shown(conn, found)))


# ---- reads


@router.get(
    "/v1/webhooks",
    operation_id="webhook.list",
    summary="Webhooks within the caller's reach, and how far each is",
    response_model=Page[WebhookView],
    responses=refusals(*OF_READ),
)
async def list_webhooks(call: Read, asked: AskedPage) -> Response:
    require_caller(call)
    shown = await call.read(lambda conn: [_shown(conn, each) for each in _in_reach(call, conn)])
    return page_of(call, asked, shown, lambda view: f"{view.ledger} {view.webhook_no}")


@router.get(
    _ONE + "/secret",
    operation_id="webhook.secret",
    summary="What the receiver verifies with; for who registered it",
    response_model=WebhookSecretView,
    responses=refusals(*OF_READ, Code.NOT_FOUND),
)
async def show_secret(call: Read, webhook_no: Annotated[str, Depends(of_webhook)]) -> Response:
    found = await _found(call, webhook_no)
    if not same_person(found.webhook.principal, call.caller.principal):
        raise AccessError(Code.FORBIDDEN, "the secret is for who registered the webhook")
    keys = call.services.webhook_keys
    secret = await call.read(lambda conn: keys.secret(conn, _id(found)))
    view = WebhookSecretView(
        webhook_no=webhook_no,
        secret=secret,
        key=SIGNING_KEY,
        public_key=(await call.in_thread(keys.public_key)).hex(),
    )
    response = call.respond(view)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get(
    _ONE + "/dead-letters",
    operation_id="webhook.dead_letters",
    summary="Events that a receiver has not taken 死信",
    response_model=Page[DeadLetterView],
    responses=refusals(*OF_READ, Code.NOT_FOUND),
)
async def list_dead_letters(
    call: Read, webhook_no: Annotated[str, Depends(of_webhook)], asked: AskedPage
) -> Response:
    found = await _found(call, webhook_no)
    after = _place(place_after(call, asked.cursor))
    letters = await call.read(
        lambda conn: dead_letters(conn, found.home_id, webhook_no, after, asked.size + 1)
    )
    page, more = letters[: asked.size], len(letters) > asked.size
    last = f"{page[-1].ledger_id} {page[-1].position}" if more else None
    return call.respond(page_after(call, list(map(_dead_letter, page)), last))


# ---- their parts


def _number_for(call: Call) -> str:
    """A number for a caller who has given none: his Idempotency-Key's, else a new one."""
    if not call.idempotency_key:
        return secrets.token_hex(_NUMBER_BYTES)
    said = f"{folded(call.caller.principal)}\0{call.idempotency_key}"
    return sha256(said.encode()).hexdigest()[: 2 * _NUMBER_BYTES]


async def _keep_secret(call: Call, key: int, number: str, secret: str) -> None:
    keys = call.services.webhook_keys
    webhook = WebhookId(key, number, folded(call.caller.principal))
    if call.dry_run:
        return
    await call.read(lambda conn: keys.keep(conn, webhook, secret))


def _in_reach(call: Call, connection: Connection) -> list[_Found]:
    """Those whose standing ledger the caller reaches, as the events have them."""
    homes = connection.execute("SELECT DISTINCT ledger_id FROM webhooks ORDER BY ledger_id")
    reached = [home_id for [home_id] in homes if call.caller.reaches(home_id)]
    return [
        _Found(home_id, each.obj)
        for home_id in reached
        for each in folded_objects(connection, home_id, (WEBHOOK,))
    ]


async def _found(call: Call, webhook_no: str) -> _Found:
    """The webhook of this number; of several that of the caller's own division.

    Raises:
        AccessError: ``unauthenticated``, ``forbidden``.
        Refusal: ``not_found``.
    """
    caller = require_caller(call)
    own = standing_ledger(caller.division)
    all_found = await call.read(lambda conn: _in_reach(call, conn))
    found = [each for each in all_found if each.webhook.webhook_no == webhook_no]
    if not found:
        raise Refusal(Code.NOT_FOUND, f"no webhook {webhook_no!r} is registered")
    best = min(found, key=lambda each: (each.home_id != own, each.home_id))
    require_reach(caller, best.home_id)
    return best


def _id(found: _Found) -> WebhookId:
    webhook = found.webhook
    return WebhookId(found.home_id, webhook.webhook_no, folded(webhook.principal))


def _place(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    ledger_id, _, position = text.partition(" ")
    return int(ledger_id), int(position)


def _shown(connection: Connection, found: _Found) -> WebhookView:
    return _view(found, standings(connection, found.home_id, found.webhook.webhook_no))


def _view(found: _Found, told: Sequence[WebhookStanding]) -> WebhookView:
    webhook = found.webhook
    return WebhookView(
        ledger=ledger_text(found.home_id),
        webhook_no=webhook.webhook_no,
        url=webhook.url,
        types=webhook.types,
        division=webhook.division,
        registered_by=webhook.principal,
        registered_at=webhook.registered_at,
        ended_at=webhook.ended_at,
        ledgers=[
            WebhookLedgerView(
                ledger=ledger_text(each.ledger_id),
                position=each.position,
                head=each.head,
                attempts=each.attempts,
                last_error=each.last_error,
                stopped=each.stopped,
                next_attempt_at=each.next_attempt_at.isoformat(),
            )
            for each in told
        ],
    )


def _dead_letter(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        ledger=ledger_text(letter.ledger_id),
        position=letter.position,
        attempts=letter.attempts,
        last_error=letter.last_error,
        dead_at=letter.dead_at.isoformat(),
    )


def _answered(key: int, _command: Command, outcome: Outcome) -> WebhookView:
    webhook = outcome.subjects[0]
    assert isinstance(webhook, Webhook)
    view = _view(_Found(key, webhook), ())
    view.commit = commit_view(outcome.commit)
    return view


ANSWERS[RegisterWebhook.OPERATION] = DirectAnswer(_answered, 201)
ANSWERS[EndWebhook.OPERATION] = DirectAnswer(_answered, 200)
