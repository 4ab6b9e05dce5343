"""One request with its caller: what its bytes say, what it asks of the books, how it is answered.

It is a Starlette request, so whatever a FastAPI route does with one it does with this. Its body is
taken in bounded and given on as bytes: the operation itself reads them, once. Nobody unknown makes
us read much: without a valid token a body of more than ``UNKNOWN_CALLER_BYTES_MAX`` is answered
``unauthenticated`` unread.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from hmac import compare_digest
from time import monotonic
from typing import Any, TypeVar

import msgspec
import orjson
from anyio import from_thread
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from api.access import Caller, Right
from api.http.authentication import Callers
from api.http.bodies import idempotency_key
from api.http.problems import problem_response
from api.http.services import Services
from api.http.session_cookie import secret_in
from api.http.strict import query_of
from api.http.transport.body import receive_body
from api.http.transport.exchange import HEAD_CAME_S
from api.http.transport.responses import JsonResponse
from api.treasury import Treasury
from division.sessions import csrf_of
from ledger.deciding.command import Command, Outcome, Submission
from ledger.elements.code_sets import ElementRegister
from ledger.errors import AccessError, Code, RequestError
from ledger.reading.objects import Head, read_head

UNKNOWN_CALLER_BYTES_MAX = 64 * 1024
PROMPT_ITEMS = 50
ASKED_AGAIN_S = 0.25  # a body that took longer: who sends it may have lost his rights meanwhile
_NO_QUERY: Mapping[str, str] = {}
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_REPLAYED = (b"idempotent-replayed", b"true")

T = TypeVar("T")

encode = msgspec.json.Encoder().encode


class Call(Request):
    """One request with its caller.

    Attributes:
        right: what its operation asks of the caller.
        query: what its query says, by name.
        data: its body; b"" until it is read.
        is_read: whether it asks for nothing but an answer.
        dry_run, idempotency_key: of a command.
        min_position: of a read, ``X-Min-Position``; None where nothing is said.
        session_secret: of the session that asks; "" where a token does.
    """

    def __init__(self, scope: Scope, receive: Receive, right: Right) -> None:
        super().__init__(scope, receive)
        self.right = right
        self.services: Services = scope["app"].services
        self.treasury: Treasury = self.services.treasury
        self.query: Mapping[str, str] = _NO_QUERY
        self.data = b""
        self.is_read: bool = scope["method"] == "GET"
        self.dry_run = False
        self.idempotency_key = ""
        self.min_position: int | None = None
        self.session_secret = ""
        self._declared: bytes | None = None
        self._held_bytes = 0
        self._held_of = ""
        self._callers: Callers = self.services.callers
        self._credential = b""
        self._caller: Caller | None = None
        self._forged_as: Caller | None = None
        self._unknown: AccessError | None = None

    # ---- what the bytes say

    async def open(self, query: Collection[str]) -> None:
        """Learns who asks, which is not judged yet, and takes nothing that is not said clearly.

        Args:
            query: names of the operation's query parameters.

        Raises:
            RequestError: ``malformed``.
            UnavailableError: ``busy``: too much of this caller is under way.
        """
        headers = dict(reversed(self.scope["headers"]))  # of a header that stands twice the first
        if self.right is not Right.PUBLIC:
            self._credential = headers.get(b"authorization", b"")
            if not self._credential and b"cookie" in headers:
                self._take_session(headers)
            self._caller = self._callers.known(self._credential)
            if self._caller is None:
                await self._ask_who()
            if self._caller is not None:
                self.services.capacity.hold_request(self._caller.principal)
                self._held_of = self._caller.principal
                if self.session_secret:
                    self._look_at_session(self._caller, headers)
        query_string = self.scope["query_string"]
        if query_string:
            self.query = query_of(query_string, query)
        if not self.is_read:
            self._declared = headers.get(b"content-length")
            if "dry_run" in self.query:
                self.dry_run = _truth("dry_run", self.query["dry_run"])
            if b"idempotency-key" in headers:
                self.idempotency_key = idempotency_key(headers[b"idempotency-key"])

    def _take_session(self, headers: Mapping[bytes, bytes]) -> None:
        """Without a token the cookie counts."""
        if secret := secret_in(headers[b"cookie"]):
            self._callers, self._credential = self.services.session_callers, secret
            self.session_secret = secret.decode("latin-1")

    def _look_at_session(self, caller: Caller, headers: Mapping[bytes, bytes]) -> None:
        """A browser sends the cookie whoever has asked it to. That our own page has asked for a
        write, what it alone can know says; whatever else comes with the cookie is nobody's."""
        sent = headers.get(b"x-csrf-token", b"")
        if self.is_read or compare_digest(sent, csrf_of(self.session_secret).encode()):
            self.services.session_callers.note_use(self._credential)
            return
        self._caller, self._forged_as = None, caller
        detail = "a write of a session needs its X-CSRF-Token"
        self._unknown = AccessError(Code.FORBIDDEN, detail)

    async def _ask_who(self, *, again: bool = False) -> None:
        try:
            self._caller = await self._callers.of(self._credential, again=again)
        except AccessError as error:
            self._caller, self._unknown = None, error

    @property
    def address(self) -> str:
        """Where it comes from; behind a proxy that is the proxy."""
        return self.client.host if self.client else ""

    async def take_turn(self) -> None:
        """Lets others begin before, where one caller, or all who are unknown, ask for much at
        once."""
        await self.services.turns.wait(self._held_of)

    async def read_body(self) -> bytes:
        """The whole body.

        Raises:
            RequestError: ``malformed``, ``too_many_items``.
            AccessError: ``unauthenticated`` for much of somebody unknown.
            UnavailableError: ``busy``.
        """
        settings, bytes_max = self.treasury.settings, self.treasury.settings.request_bytes_max
        if self._caller is not None:
            self.services.capacity.require_room()
        else:
            bytes_max = min(bytes_max, UNKNOWN_CALLER_BYTES_MAX)
        since_s = self.head_came_s
        try:
            self.data = await receive_body(
                self._receive,
                self._declared,
                bytes_max=bytes_max,
                timeout_s=settings.body_timeout_s,
                hold=self._hold_bytes,
            )
        except RequestError:
            if self._unknown is not None:
                raise self._unknown from None
            raise
        await self.ask_again(since_s)
        return self.data

    @property
    def head_came_s(self) -> float:
        """By the monotonic clock; now, where the body came with it or is still to come."""
        return self.scope.get(HEAD_CAME_S) or monotonic()

    async def ask_again(self, since_s: float) -> None:
        """Who asks, where a body was waited for: he may have lost his rights meanwhile."""
        if self._caller is not None and monotonic() - since_s > ASKED_AGAIN_S:
            await self._ask_who(again=True)

    async def body(self) -> bytes:
        """For whoever expects a Starlette request; what :meth:`read_body` has read."""
        return self.data

    async def json(self) -> Any:
        """The bytes as they came: FastAPI hands them on, and the operation reads them."""
        return self.data

    def _hold_bytes(self, size: int) -> None:
        self.services.capacity.hold_bytes(size)
        self._held_bytes += size

    def release(self) -> None:
        """Lets go of what the request took, its body too: whoever still holds the call holds no
        more than that."""
        self.services.capacity.release_request(self._held_of, self._held_bytes)
        self._held_bytes, self._held_of, self.data = 0, "", b""

    def number(self, name: str) -> str:
        """A business number of the address, checked."""
        value: str = self.scope["path_params"][name]
        ElementRegister.check_shape(name, value, f"/{name}")
        return value

    # ---- who asks

    @property
    def caller(self) -> Caller:
        """Whoever asks; raises ``unauthenticated``."""
        if self._caller is None:
            raise self._unknown or AccessError(Code.UNAUTHENTICATED, "this needs a token")
        return self._caller

    @property
    def denied(self) -> Caller:
        """Whose right is denied: the caller, also where his session may not have asked for this."""
        return self._forged_as or self.caller

    async def caller_now(self) -> Caller:
        """Whoever asks, as is known now; for answers that go on for long.

        Raises:
            AccessError: ``unauthenticated``.
        """
        return await self._callers.of(self._credential)

    # ---- asking the books

    def submission(self, command: Command, idempotency_key: str = "") -> Submission:
        """The command as this caller asks for it."""
        return Submission(
            command=command,
            by=self.caller.principal,
            idempotency_key=idempotency_key,
            dry_run=self.dry_run,
        )

    def submit(self, key: int, command: Command) -> Awaitable[Outcome]:
        """One command's outcome, after its commit."""
        submission = Submission(
            command=command,
            by=self.caller.principal,
            idempotency_key=self.idempotency_key,
            dry_run=self.dry_run,
        )
        return self.services.grouping.submit(key, submission)

    async def submit_all(
        self, key: int, submissions: Sequence[Submission], *, atomic: bool = False
    ) -> list[Outcome]:
        """Outcomes of many commands, in their order."""
        capacity, count = self.services.capacity, len(submissions)
        capacity.hold_commands(key, count)
        release = partial(capacity.release_commands, key, count)
        try:
            future = self.treasury.sequencer.submit(key, submissions, atomic=atomic)
        except BaseException:
            release()
            raise
        return await self.services.wake_up.wait(future, release)

    def submit_and_wait(self, key: int, submissions: Sequence[Submission]) -> list[Outcome]:
        """As :meth:`submit_all`, asked in a thread that :meth:`in_thread` has begun."""
        return from_thread.run(self.submit_all, key, submissions)

    async def read(self, function: Callable[[Connection], T]) -> T:
        """What ``function`` reads, in a thread, through a pooled connection."""
        return await self.services.read_threads.read(function)

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """What ``function`` gives, without holding up other requests."""
        return await self.services.read_threads.in_thread(function, *arguments)

    async def beside(self, items: int, function: Callable[..., T], *arguments: object) -> T:
        """As ``in_thread``; but what is done with a few items is done before a thread begins."""
        if items <= PROMPT_ITEMS:
            return function(*arguments)
        return await self.in_thread(function, *arguments)

    async def head(self, key: int) -> Head:
        """The ledger's head; raises ``ledger_not_found``."""
        head = await self.read(lambda connection: read_head(connection, key))
        if head is None:
            raise AccessError(Code.LEDGER_NOT_FOUND, "no such ledger has been opened")
        return head

    # ---- answering

    def respond(
        self,
        answer: Any,
        *,
        status: int = 200,
        replayed: bool = False,
        position: int | None = None,
    ) -> Response:
        """The answer as JSON: structs by msgspec, what is plain already by orjson."""
        headers = [_REPLAYED] if replayed else []
        if position is not None:
            headers.append((b"x-projection-position", b"%d" % position))
        is_struct = isinstance(answer, msgspec.Struct)
        body = encode(answer) if is_struct else orjson.dumps(answer, default=msgspec.to_builtins)
        return JsonResponse(body, status, headers)

    def refuse(self, outcome: Outcome) -> Response:
        """The answer to a command that was refused."""
        assert outcome.problem is not None
        headers = {"Idempotent-Replayed": "true"} if outcome.replayed else None
        return problem_response(self, outcome.problem, headers=headers)


def _truth(name: str, text: str) -> bool:
    truth = _TRUTHS.get(text.lower())
    if truth is None:
        raise RequestError(Code.MALFORMED, f"{name} is true or false", pointer=f"/{name}")
    return truth
