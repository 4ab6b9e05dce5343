"""Sessions 会话: logging in with a token or with one's own key, who is logged in, logging out."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET, UnsetType
from psycopg import Connection
from starlette.responses import Response

from api.access import Right, require_right
from api.http.admission import require_caller
from api.http.bodies import decoded
from api.http.call import Call
from api.http.dependencies import Acting, AnyCall, Read
from api.http.models.enums import Tag
from api.http.problems import OF_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import Operation
from api.http.session_cookie import give, secret_in, take_away
from api.tokens import caller_of, find_caller
from division.credentials import token_sm3
from division.own_key_login import SignedNonce
from division.sessions import LiveSession, SessionOrigin, csrf_of, session_sm3
from ledger.elements.code_sets import ElementRegister
from ledger.errors import AccessError, Code, RequestError

router = APIRouter(route_class=Operation, tags=[Tag.SESSIONS])

TEXT_CHARACTERS_MAX = 200
_FROM_HERE = ("", "same-origin", "none")  # what browsers say of a request that no other site made


class NonceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to log in with his own key."""

    principal: str


class NonceView(msgspec.Struct, kw_only=True):
    """What his device signs, as its ASCII bytes, and until when it is taken."""

    nonce: str
    expires_at: str


class LoginRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Either a token, or a nonce with its signature: DER of (r, s) in base64, by the key of
    ``cert_serial``, or of any valid certificate of his where he names none. ``division`` is the
    prefix of a person's rights, where he has several."""

    token: str | UnsetType = UNSET
    principal: str | UnsetType = UNSET
    nonce: str | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    cert_serial: str | UnsetType = UNSET
    division: str | UnsetType = UNSET


class SessionView(msgspec.Struct, kw_only=True):
    """Who is logged in, with the rights of now; ``csrf`` goes with each write as X-CSRF-Token.

    It is over at ``expires_at``, and before that after ``idle_s`` seconds without a call.
    """

    csrf: str
    principal: str
    name: str
    division: str
    roles: list[str]
    agency_prefixes: list[str]
    expires_at: str
    idle_s: int


class SessionEnded(msgspec.Struct, kw_only=True):
    """Whose session has ended."""

    principal: str


NONCE, BEGIN = "session.nonce", "session.begin"
_decode_nonce_request = msgspec.json.Decoder(NonceRequest).decode
_decode_login = msgspec.json.Decoder(LoginRequest).decode


@router.post(
    "/v1/sessions/nonce",
    operation_id=NONCE,
    summary="What is signed to log in with one's own key 登录随机数",
    response_model=NonceView,
    responses=refusals(Code.BUSY),
)
async def give_nonce(
    call: AnyCall, data: Annotated[bytes, PublishedAs(NonceRequest), RequestBody()]
) -> Response:
    """Whoever asks gets one, for any name: it tells nothing, and nothing is kept of it."""
    asked: NonceRequest = decoded(_decode_nonce_request, data)
    give_one = call.services.own_key_login.nonce
    nonce, ends_at = await call.in_thread(give_one, asked.principal, call.treasury.now())
    return _private(call.respond(NonceView(nonce=nonce, expires_at=ends_at.isoformat())))


@router.post(
    "/v1/sessions",
    operation_id=BEGIN,
    summary="Log in 登录",
    status_code=201,
    response_model=SessionView,
    responses=refusals(*OF_READ, Code.BUSY),
)
async def begin_session(
    call: AnyCall, data: Annotated[bytes, PublishedAs(LoginRequest), RequestBody()]
) -> Response:
    """The session is a cookie `guoku_session`; one that the browser had before is over."""
    asked: LoginRequest = decoded(_decode_login, data)
    find_origin = _find_origin(call, asked)
    if call.headers.get("sec-fetch-site", "") not in _FROM_HERE:
        raise AccessError(Code.FORBIDDEN, "another site may not log anybody in here")
    before = secret_in(call.headers.get("cookie", "").encode("latin-1")).decode("latin-1")
    with call.services.logins.one("token" if asked.token is not UNSET else "own key"):
        secret, session = await call.read(lambda conn: _begin(call, conn, find_origin, before))
    for operation in (NONCE, BEGIN):  # who logs in from one proxy or office are many
        call.services.strangers.note_known(operation, call.address)
    response = _private(call.respond(_view(call, secret, session), status=201))
    give(response, call, secret, call.treasury.settings.session_longest_s)
    return response


@router.get(
    "/v1/sessions/current",
    operation_id="session.show",
    summary="Who is logged in, and csrf again",
    response_model=SessionView,
    responses=refusals(*OF_READ, Code.NOT_FOUND),
)
async def show_session(call: Read) -> Response:
    require_caller(call)
    find = call.services.sessions.find
    session = await call.read(lambda conn: find(conn, session_sm3(_required(call))))
    if session is None:
        raise AccessError(Code.UNAUTHENTICATED, "the session is over: log in again")
    return _private(call.respond(_view(call, call.session_secret, session)))


@router.delete(
    "/v1/sessions/current",
    operation_id="session.end",
    summary="Log out 退出",
    response_model=SessionEnded,
    responses=refusals(*OF_READ, Code.NOT_FOUND),
)
async def end_session(call: Annotated[Call, Depends(Acting(Right.READ))]) -> Response:
    caller = require_caller(call)
    key = session_sm3(_required(call))
    if not call.dry_run:
        end = call.services.sessions.end
        await call.read(lambda conn: end(conn, key))
        call.services.session_callers.forget(key)
    response = _private(call.respond(SessionEnded(principal=caller.principal)))
    if not call.dry_run:
        take_away(response, call)
    return response


def _find_origin(call: Call, asked: LoginRequest) -> Callable[[Connection], SessionOrigin]:
    """What finds who logs in; raises ``malformed``."""
    signed = (asked.principal, asked.nonce, asked.signature)
    if isinstance(asked.token, str):
        if any(part is not UNSET for part in (*signed, asked.cert_serial, asked.division)):
            raise RequestError(Code.MALFORMED, "a token comes alone", pointer="/token")
        key = token_sm3(asked.token)
        return lambda connection: _by_token(connection, key)
    principal, nonce, signature = signed
    cert_serial = asked.cert_serial if isinstance(asked.cert_serial, str) else ""
    if not (isinstance(principal, str) and isinstance(nonce, str) and isinstance(signature, str)):
        detail = "it has a token, or principal, nonce and signature"
        raise RequestError(Code.MALFORMED, detail, pointer="/token")
    if cert_serial:
        ElementRegister.check_shape("cert_serial", cert_serial, "/cert_serial")
    for name, text in (("principal", principal), ("nonce", nonce), ("signature", signature)):
        if len(text) > TEXT_CHARACTERS_MAX:
            raise RequestError(Code.MALFORMED, f"{name} is too long", pointer=f"/{name}")
    division = asked.division if isinstance(asked.division, str) else None
    given = SignedNonce(principal, nonce, signature, cert_serial, division)
    verified, now = call.services.own_key_login.verified, call.treasury.now()
    return lambda connection: verified(connection, given, now)


def _by_token(connection: Connection, key: bytes) -> SessionOrigin:
    if find_caller(connection, key) is None:
        raise AccessError(Code.UNAUTHENTICATED, "the token is unknown or was revoked")
    return SessionOrigin(token_sm3=key)


def _begin(
    call: Call,
    connection: Connection,
    find_origin: Callable[[Connection], SessionOrigin],
    before: str,
) -> tuple[str, LiveSession]:
    """The secret of the new session, and the session.

    Raises:
        AccessError: ``unauthenticated``; ``forbidden`` for a bank, which has nothing to look at.
    """
    sessions = call.services.sessions
    secret = sessions.begin(connection, find_origin(connection))
    if secret is None:
        raise AccessError(Code.UNAUTHENTICATED, "the nonce was used: ask for another")
    session = sessions.find(connection, session_sm3(secret))
    if session is None:
        raise AccessError(Code.UNAUTHENTICATED, "the rights have just ended")
    require_right(caller_of(session.holder), Right.READ)
    if before:
        sessions.end(connection, session_sm3(before))
    return secret, session


def _required(call: Call) -> str:
    if not call.session_secret:
        raise RequestError(Code.NOT_FOUND, "a token asks, and no session")
    return call.session_secret


def _view(call: Call, secret: str, session: LiveSession) -> SessionView:
    holder = session.holder
    return SessionView(
        csrf=csrf_of(secret),
        principal=holder.principal,
        name=holder.name,
        division=holder.rights.division,
        roles=list(holder.rights.roles),
        agency_prefixes=list(holder.rights.agency_prefixes),
        expires_at=session.expires_at.isoformat(),
        idle_s=call.treasury.settings.session_idle_s,
    )


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
