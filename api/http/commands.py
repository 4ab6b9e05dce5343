"""Handlers of operations that are one command: read it, admit the caller, submit, show."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from api.access import Right
from api.http.bodies import Body
from api.http.door import Call, Operation, Route
from api.http.views import commit_view, indicator_view, payment_view
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code

View = Callable[[int, Command, Outcome], Any]

COMMAND_QUERY = ("dry_run",)


def command_route(
    command: type[Command],
    path: str,
    *,
    in_path: tuple[str, ...] = (),
    right: Right,
    view: View,
    answer: type[Any],
    summary: str,
    codes: tuple[Code, ...] = (),
    method: str = "POST",
    status: int = 200,
    bare: str = "",
) -> Route:
    """A route whose body is one command on the ledger in its address."""
    body = Body(command, *in_path, bare=bare)
    operation = Operation(
        name=command.OPERATION,
        method=method,
        path=path,
        right=right,
        summary=summary,
        body=body,
        answer=answer,
        status=status,
        codes=codes,
        query=COMMAND_QUERY,
    )

    async def handle(call: Call) -> Response:
        numbers = {name: call.path(name) for name in in_path}
        asked = body.read(call.data, **numbers)
        key = await call.admit(number=asked.number or "".join(numbers.values()))
        outcome = await call.submit(key, asked)
        return call.outcome(outcome, lambda accepted: view(key, asked, accepted))

    return Route(operation, handle)


def indicator_answer(key: int, _command: Command, outcome: Outcome) -> Any:
    return indicator_view(key, outcome.subjects[0], commit=commit_view(outcome.commit))


def payment_answer(key: int, _command: Command, outcome: Outcome) -> Any:
    return payment_view(key, outcome.subjects[0], commit=commit_view(outcome.commit))
