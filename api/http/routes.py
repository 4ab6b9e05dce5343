"""Two kinds of FastAPI route: ordinary operations, and those on the shortest way.

Both are in the document, in ``app.routes`` and seen by middleware and tracing like any route of
FastAPI. What they add: the request is a :class:`~api.http.call.Call`, structs are published as
models, and what the query says twice or to nobody is refused before anything else is looked at.
"""

from collections.abc import Awaitable, Callable, Coroutine
from copy import copy
from threading import RLock
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from fastapi import Body as RequestBody
from fastapi import Depends, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, compile_path, get_name
from starlette.types import Receive, Scope, Send

from api.access import Right
from api.http.admission import admit
from api.http.bodies import Body
from api.http.call import Call
from api.http.dependencies import OF_NUMBER, ActingOnLedger, Asking
from api.http.document_views import SubmittedView, document_of, submitted_answer
from api.http.models.enums import Tag
from api.http.problems import OF_LEDGER_ACT, refusals
from api.http.published import PublishedAs, published
from api.http.soundness import AMOUNTS
from api.http.units import UNIT, require_own
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code

ViewOf = Callable[[int, Command, Outcome], Any]
Completion = Callable[[Call, int, Command], Awaitable[Command]]


LookFirst = Callable[[Call, Command], Awaitable[None]]


class DirectAnswer(NamedTuple):
    """How an act is answered when it has taken effect.

    ``before`` is what is looked at before its ledger is asked, and again before others agree; it
    raises what speaks against it.
    """

    view: ViewOf
    status: int
    before: LookFirst | None = None


ANSWERS: dict[str, DirectAnswer] = {}  # by operation, of every act that is one command
Endpoint = Callable[[Call, bytes], Awaitable[Response]]


_MAKING = RLock()  # applications in several threads have the same operations


class Operation(APIRoute):
    """An ordinary operation.

    It knows at once what a router asks. What FastAPI makes of its signature, validators and the
    models in the document, is made when somebody asks for it: of three hundred operations that
    takes longer than all else of a server's start, and most servers are asked for a few.

    Attributes:
        right: what it asks of its caller, as its signature says.
        query_names: of its query parameters.
    """

    right: Right
    query_names: frozenset[str]

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        self.path = path
        self.endpoint = endpoint
        self.name = declared.get("name") or get_name(endpoint)
        self.methods = {method.upper() for method in declared.get("methods") or ("GET",)}
        self.operation_id = declared.get("operation_id")
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._declared = declared

    if not TYPE_CHECKING:  # for a type checker all that FastAPI makes is there from the beginning

        def __getattr__(self, name: str) -> Any:
            """What has not been made yet; all of it at once, and once."""
            if name.startswith("__"):
                raise AttributeError(name)
            with _MAKING:
                if name not in vars(self):
                    made = copy(self)
                    made._make(**self._declared)
                    vars(self).update(vars(made))
            return object.__getattribute__(self, name)

    def _make(self, **declared: Any) -> None:
        declared["response_model"] = published(declared.get("response_model"))
        declared["responses"] = {
            status: {**told, "model": published(told["model"])} if "model" in told else told
            for status, told in (declared.get("responses") or {}).items()
        }
        super().__init__(self.path, self.endpoint, **declared)
        self.right = _right_of(self.dependant)
        self.query_names = frozenset(
            parameter.alias
            for parameter in get_flat_params(self.dependant)
            if isinstance(parameter.field_info, params.Query)
        )
        if self.right is not Right.PUBLIC:
            roles = {"x-roles": sorted(self.right.roles)}
            self.openapi_extra = {**(self.openapi_extra or {}), **roles}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_call(request: Request) -> Response:
            call = Call(request.scope, request.receive, self.right)
            request.scope["call"] = call
            await call.open(self.query_names)
            if self.right is Right.PUBLIC:
                call.services.strangers.admit(self.unique_id, call.address)
            await call.take_turn()
            if self.body_field is not None:
                await call.read_body()
            return await handle(call)

        return handle_call

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(_head_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = _head_as_get(scope)
        try:
            await super().handle(scope, receive, send)
        finally:
            if (call := scope.pop("call", None)) is not None:  # they would keep each other
                call.release()


class DirectRoute(Operation):
    """An operation that is asked so often, or for so much, that FastAPI solves nothing for it.

    Its endpoint is declared as any other and takes the call and the body's bytes, which it is
    handed without more; what else its signature or ``dependencies`` declare is for the document,
    and the endpoint finds it in the call. It stands in ``app.router.routes`` itself, and is found
    before them (``api.http.direct``).
    """

    def __init__(
        self, path: str, endpoint: Endpoint, *, method: str = "POST", **given: Any
    ) -> None:
        super().__init__(path, endpoint, methods=[method], **given)
        self._direct = endpoint
        self.method = method
        self.app = self._answer

    def _make(self, **declared: Any) -> None:
        app = self.app
        super()._make(**declared)
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As FastAPI matches a route whose parameters are all text."""
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self.path_regex.match(get_route_path(scope))
        if found is None:
            return Match.NONE, {}
        child = {"endpoint": self.endpoint, "path_params": found.groupdict(), "route": self}
        return (Match.FULL if scope["method"] == self.method else Match.PARTIAL), child

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == self.method:
            await self.app(scope, receive, send)
        else:
            await APIRoute.handle(self, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope, receive, self.right)
        try:
            await call.open(self.query_names)
            response = await self._direct(call, await call.read_body())
            await response(scope, receive, send)
        finally:
            call.release()


class CommandRoute(DirectRoute):
    """An operation that is one command on the ledger in its address.

    Between the router and the sequencer there is nothing but the reading of the body, the admission
    of the caller and the command itself; its answer is encoded once.
    """

    def __init__(
        self,
        command: type[Command],
        path: str,
        *,
        in_path: tuple[str, ...] = (),
        right: Right,
        view: ViewOf,
        answer: type[Any],
        summary: str,
        tag: Tag,
        codes: tuple[Code, ...] = (),
        method: str = "POST",
        status: int = 200,
        bare: str = "",
        body: Body | None = None,
        complete: Completion | None = None,
    ) -> None:
        """``complete`` gives a command what neither address nor body say of it."""
        self.body = body or Body(command, *in_path, bare=bare)
        if AMOUNTS & set(self.body.struct.__struct_fields__):
            codes = (*codes, Code.INVALID_AMOUNT)
        ANSWERS[command.OPERATION] = DirectAnswer(view, status)
        super().__init__(
            path,
            _endpoint(self.body, in_path, right, view, status, complete),
            method=method,
            response_model=answer,
            status_code=status,
            tags=[tag],
            summary=summary,
            name=command.OPERATION,
            operation_id=command.OPERATION,
            dependencies=[Depends(OF_NUMBER[name]) for name in in_path],
            responses={
                **(SUBMITTED if command.APPROVABLE else {}),
                **refusals(*OF_LEDGER_ACT, *codes),
            },
        )


def respond_to_act(call: Call, key: int, command: Command, outcome: Outcome) -> Response:
    """The answer to an act: its refusal, that it waits for others, or what it has done."""
    if outcome.problem is not None:
        return call.refuse(outcome)
    if command.APPROVABLE and (document := document_of(outcome)) is not None:
        waits = submitted_answer(key, document, outcome)
        return call.respond(waits, status=202, replayed=outcome.replayed)
    direct = ANSWERS[command.OPERATION]
    answer = direct.view(key, command, outcome)
    return call.respond(answer, status=direct.status, replayed=outcome.replayed)


SUBMITTED: dict[int | str, dict[str, Any]] = {
    202: {"model": SubmittedView, "description": "other persons must agree to it first"}
}


def _endpoint(
    body: Body,
    in_path: tuple[str, ...],
    right: Right,
    view: ViewOf,
    status: int,
    complete: Completion | None,
) -> Endpoint:
    empty = None if any(f.required for f in msgspec.structs.fields(body.struct)) else bytes
    approvable = body.command.APPROVABLE
    of_units = right.roles >= UNIT  # whatever else a caller is, he may be bound to his units

    async def endpoint(
        call: Annotated[Call, Depends(ActingOnLedger(right))],
        data: Annotated[bytes, PublishedAs(body.published), RequestBody(default_factory=empty)],
    ) -> Response:
        numbers = {name: call.number(name) for name in in_path}
        command = body.read(data, **numbers)
        key = await admit(call, number=command.number or "".join(numbers.values()))
        if of_units and call.caller.agency_prefixes:
            await require_own(call, key, (command,))
        if complete is not None:
            command = await complete(call, key, command)
        outcome = await call.submit(key, command)
        if outcome.problem is not None:
            return call.refuse(outcome)
        if approvable and (document := document_of(outcome)) is not None:
            waits = submitted_answer(key, document, outcome)
            return call.respond(waits, status=202, replayed=outcome.replayed)
        answer = view(key, command, outcome)
        return call.respond(answer, status=status, replayed=outcome.replayed)

    return endpoint


def _right_of(dependant: Dependant) -> Right:
    """The one right that the signature of an operation asks for."""
    calls: list[object] = [dependency.call for dependency in dependant.dependencies]
    [right] = [call.right for call in calls if isinstance(call, Asking)]
    return right


def _head_as_get(scope: Scope) -> Scope:
    """What answers GET answers HEAD; the server leaves the body out."""
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope
