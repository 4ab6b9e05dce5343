"""The door: every request passes here, in the order that the contract gives its refusals.

1. what the bytes say: ``malformed``, then ``invalid_amount``
2. who asks: ``unauthenticated``
3. whether they may: ``forbidden``, put on record where the ledger exists
4. whether the ledger exists: ``ledger_not_found``; then the books decide the rest

Nobody unknown makes us read much: without a valid token a body of more than
``UNKNOWN_CALLER_BYTES_MAX`` is answered ``unauthenticated`` unread.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
import structlog
from anyio import from_thread
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from api.access import Caller, Right, require_reach, require_right, require_role
from api.http.bodies import Body, idempotency_key
from api.http.problems import problem_response
from api.http.receiving import receive_body
from api.http.responses import JsonResponse
from api.http.services import Services
from ledger.account_set import is_system, parse_ledger
from ledger.deciding.command import Command, Commit, Outcome, RecordRefusal, Submission
from ledger.elements.code_sets import ElementRegister
from ledger.errors import AccessError, Code, GuokuError, RequestError
from ledger.reading.objects import Head, read_head

UNKNOWN_CALLER_BYTES_MAX = 64 * 1024
PROMPT_ITEMS = 50
NO_QUERY: Mapping[str, str] = {}

T = TypeVar("T")
Handler = Callable[["Call"], Awaitable[Response]]

log = structlog.get_logger(__name__)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation as it is served and published.

    Attributes:
        name: its ``operationId``.
        path: under the server's root.
        body: how its body is read, None where it has none.
        many: how many commands one body holds: "" one, "items" a list of them.
        brief: whether its answer leaves accepted items out where that is preferred.
        answer: struct of the answer, None where it is not JSON.
        media: media type of the answer.
        codes: codes beyond those that every operation of its kind has.
        query: names of its query parameters.
        streamed: whether its handler reads the body itself, piece by piece.
    """

    name: str
    method: str
    path: str
    right: Right
    summary: str
    body: Body | type[Any] | None = None
    many: bool = False
    brief: bool = False
    answer: Any = None
    status: int = 200
    media: str = "application/json"
    codes: tuple[Code, ...] = ()
    query: tuple[str, ...] = ()
    raw_body: str = ""
    streamed: bool = False


class Route(msgspec.Struct, frozen=True):
    operation: Operation
    handler: Handler


class Call:
    """One request on its way through the door."""

    def __init__(
        self, scope: Scope, receive: Receive, operation: Operation, services: Services
    ) -> None:
        self.scope = scope
        self.operation = operation
        self.services = services
        self.treasury = services.treasury
        self.data = b""
        self.idempotency_key = ""
        self.dry_run = False
        self._receive = receive
        self._request: Request | None = None
        self._held_bytes = 0
        self._caller: Caller | None = None
        self._unknown: AccessError | None = None

    @property
    def request(self) -> Request:
        """The request as Starlette shows it; made for those who need more than the body."""
        if self._request is None:
            self._request = Request(self.scope, self._receive)
        return self._request

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params if self.scope["query_string"] else NO_QUERY

    # ---- 1. what the bytes say

    async def open(self) -> None:
        """Learns who asks and takes the body in; neither is judged yet."""
        headers = dict(reversed(self.scope["headers"]))  # of a header that stands twice the first
        if self.operation.right is not Right.PUBLIC:
            await self._ask_who(headers.get(b"authorization", b""))
        if self.operation.method not in ("GET", "HEAD"):
            if self.scope["query_string"]:
                self._require_known_parameters()
                self.dry_run = self.flag("dry_run")
            if not self.operation.streamed:
                self.data = await self._read_body(headers.get(b"content-length"))
            if b"idempotency-key" in headers:
                self.idempotency_key = idempotency_key(self.request.headers)

    async def _ask_who(self, authorization: bytes) -> None:
        callers = self.services.callers
        try:
            self._caller = callers.known(authorization) or await callers.of(authorization)
        except AccessError as error:
            self._unknown = error

    def close(self) -> None:
        """Lets go of what the body took."""
        self.services.admission.release_bytes(self._held_bytes)
        self._held_bytes = 0

    def _require_known_parameters(self) -> None:
        """A misspelt dry_run must not become the real thing."""
        for name in self.query:
            if name not in self.operation.query:
                raise RequestError(Code.MALFORMED, f"there is no parameter {name[:40]!r} here")

    async def _read_body(self, declared: bytes | None) -> bytes:
        settings, bytes_max = self.treasury.settings, self.treasury.settings.request_bytes_max
        if self._unknown is None:
            self.services.admission.require_room()
        else:
            bytes_max = min(bytes_max, UNKNOWN_CALLER_BYTES_MAX)
        try:
            return await receive_body(
                self._receive,
                declared,
                bytes_max=bytes_max,
                timeout_s=settings.body_timeout_s,
                hold=self._hold_bytes,
            )
        except RequestError:
            if self._unknown is not None:
                raise self._unknown from None
            raise

    def _hold_bytes(self, size: int) -> None:
        self.services.admission.hold_bytes(size)
        self._held_bytes += size

    def path(self, name: str) -> str:
        """A business number of the address, checked."""
        value: str = self.scope["path_params"][name]
        ElementRegister.check_shape(name, value, f"/{name}")
        return value

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false."""
        text = self.query.get(name, "false").lower()
        if text not in ("true", "false", "1", "0"):
            raise RequestError(Code.MALFORMED, f"{name} is true or false")
        return text in ("true", "1")

    def integer(self, name: str, default: int, *, low: int = 0, high: int = 2**62) -> int:
        """A query parameter (or, as a header, ``X-…``) that is a number within bounds."""
        headers = name.startswith("X-")
        text = (self.request.headers if headers else self.query).get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
            raise RequestError(Code.MALFORMED, f"{name} is a whole number from {low} to {high}")
        return int(text)

    def choice(self, name: str, options: Sequence[str]) -> str:
        """A query parameter with few values; the first is the default."""
        text = self.query.get(name, options[0])
        if text not in options:
            raise RequestError(Code.MALFORMED, f"{name} is {' or '.join(options)}")
        return text

    # ---- 2. to 4. who asks, whether they may, whether the ledger exists

    @property
    def caller(self) -> Caller:
        """Whoever asks; raises ``unauthenticated``."""
        if self._caller is None:
            raise self._unknown or AccessError(Code.UNAUTHENTICATED, "this needs a token")
        return self._caller

    async def admit(
        self, ledger: str | int | None = None, *, number: str = "", role: str = ""
    ) -> int:
        """Passes the caller on to a ledger.

        Args:
            ledger: its name or key; None takes the one in the address.
            number: of what is asked for, for the record of a denied right.
            role: a role that the caller has to hold for this very request.

        Returns:
            The ledger's key.
        """
        caller = self.caller
        named = self.scope["path_params"]["ledger"] if ledger is None else ledger
        try:
            require_right(caller, self.operation.right)
            key = parse_ledger(named) if isinstance(named, str) else named
            require_reach(caller, key)
            self._require_books(key)
            if role:
                require_role(caller, role)
        except AccessError as error:
            if error.code is Code.FORBIDDEN and not self.dry_run:
                await self._record(caller, named, number, error)
            raise
        if ledger is None and key not in self.services.known_ledgers:
            await self._require_ledger(key)
        return key

    def _require_books(self, key: int) -> None:
        """Raises ``forbidden`` where a command is meant for a system ledger."""
        if is_system(key) and self.operation.method not in ("GET", "HEAD"):
            raise AccessError(Code.FORBIDDEN, "only the program itself writes a system ledger")

    async def _require_ledger(self, key: int) -> None:
        if not await self.exists(key):
            raise AccessError(Code.LEDGER_NOT_FOUND, "no such ledger has been opened")

    async def exists(self, key: int) -> bool:
        """Whether the ledger has been opened."""
        known = self.services.known_ledgers  # a ledger that is there stays there
        if key not in known and await self.read(lambda conn: read_head(conn, key)) is not None:
            known.add(key)
        return key in known

    async def _record(
        self, caller: Caller, ledger: str | int, number: str, error: GuokuError
    ) -> None:
        """Puts a denied right on the ledger's record; the refusal stands whether that works."""
        try:
            key = parse_ledger(ledger) if isinstance(ledger, str) else ledger
            if await self.exists(key):
                await self.refuse(key, caller, self.operation.name, number, error)
        except GuokuError as failed:
            log.warning("a refusal could not be recorded", reason=str(failed))

    async def refuse(
        self, key: int, caller: Caller, operation: str, number: str, error: GuokuError
    ) -> None:
        """Records a refusal that was found before the books were asked."""
        refusal = RecordRefusal.of(operation, number, error)
        submission = Submission(command=refusal, by=caller.principal)
        await self.services.singles.submit(key, submission)

    # ---- asking the books

    def submit(self, key: int, command: Command) -> Awaitable[Outcome]:
        """One command's outcome, after its commit."""
        submission = Submission(
            command=command,
            by=self.caller.principal,
            idempotency_key=self.idempotency_key,
            dry_run=self.dry_run,
        )
        return self.services.singles.submit(key, submission)

    async def submit_all(
        self,
        key: int,
        commands: Sequence[Command],
        *,
        places: Sequence[int] | None = None,
        atomic: bool = False,
    ) -> list[Outcome]:
        """Outcomes of many commands, in their order.

        Args:
            places: of each in the request, which its own idempotency key is made with.
        """
        by, key_of_all, dry_run = self.caller.principal, self.idempotency_key, self.dry_run

        def submissions() -> list[Submission]:
            return [
                Submission(
                    command=command,
                    by=by,
                    idempotency_key=f"{key_of_all}#{place}" if key_of_all else "",
                    dry_run=dry_run,
                )
                for place, command in zip(places or range(len(commands)), commands, strict=True)
            ]

        made = await self.beside(len(commands), submissions)
        return await self._submit(key, made, atomic=atomic)

    async def submit_as(self, key: int, submissions: Sequence[Submission]) -> list[Outcome]:
        """Outcomes of submissions made elsewhere."""
        return await self._submit(key, submissions)

    async def _submit(
        self, key: int, submissions: Sequence[Submission], *, atomic: bool = False
    ) -> list[Outcome]:
        admission, count = self.services.admission, len(submissions)
        admission.hold_commands(key, count)
        release = partial(admission.release_commands, key, count)
        try:
            future = self.treasury.sequencer.submit(key, submissions, atomic=atomic)
        except BaseException:
            release()
            raise
        return await self.services.answers.wait(future, release)

    def submit_and_wait(self, key: int, submissions: Sequence[Submission]) -> list[Outcome]:
        """As :meth:`submit_as`, asked in a thread that :meth:`in_thread` has begun."""
        return from_thread.run(self.submit_as, key, submissions)

    async def read(self, function: Callable[[Connection], T]) -> T:
        """What ``function`` reads, in a thread, through a pooled connection."""
        return await self.services.reads.read(function)

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """What ``function`` gives, without holding up other requests."""
        return await self.services.reads.in_thread(function, *arguments)

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
        status: int | None = None,
        replayed: bool = False,
        position: int | None = None,
    ) -> Response:
        """The answer as JSON."""
        headers = [_REPLAYED] if replayed else []
        if position is not None:
            headers.append((b"x-projection-position", b"%d" % position))
        return JsonResponse(encode(answer), status or self.operation.status, headers)

    def outcome(self, outcome: Outcome, view: Callable[[Outcome], Any]) -> Response:
        """The answer to one command: what it changed, or why it was refused."""
        if outcome.problem is None:
            return self.respond(view(outcome), replayed=outcome.replayed)
        headers = {"Idempotent-Replayed": "true"} if outcome.replayed else None
        return problem_response(self.request, outcome.problem, headers=headers)


encode = msgspec.json.Encoder().encode
_REPLAYED = (b"idempotent-replayed", b"true")


def last_commit(outcomes: Sequence[Outcome]) -> Commit | None:
    """The commit of several outcomes: where the last of their events stands."""
    commits = [outcome.commit for outcome in outcomes if outcome.commit is not None]
    return max(commits, key=lambda commit: commit.position, default=None)
