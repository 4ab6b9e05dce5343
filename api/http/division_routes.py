"""Operations that are one command on the standing ledger of the division in the address."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import Body as RequestBody
from fastapi import Depends
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit, exists, require_caller
from api.http.bodies import Body
from api.http.call import Call
from api.http.change_numbers import lacks_number, number_of_change, numbered
from api.http.dependencies import OF_NUMBER, Acting, Reading, of_division
from api.http.models.enums import Tag
from api.http.parameters import check_division
from api.http.problems import OF_LEDGER_ACT, refusals
from api.http.published import PublishedAs
from api.http.routes import (
    ANSWERS,
    SUBMITTED,
    Completion,
    DirectAnswer,
    DirectRoute,
    Endpoint,
    LookFirst,
    respond_to_act,
)
from api.http.views import commit_view
from division.recording import opening_of, submit
from ledger.account_set import SYSTEM_DIVISION, standing_ledger
from ledger.deciding.command import Command, Outcome, Submission
from ledger.errors import AccessError, Code

OF_DIVISION = "/v1/divisions/{mof_div_code}"
OF_ALL = standing_ledger("")  # what is of all divisions: certificates, code sets


class ReadingDivision(Reading):
    """A read of a division's standing data."""

    async def __call__(  # type: ignore[override]  # FastAPI reads the signature
        self,
        call: Call,
        token: Annotated[Any, Depends(Reading(Right.READ))],
        mof_div_code: Annotated[str, Depends(of_division)],
    ) -> Call:
        return call


def division_of(call: Call) -> str:
    """The division's code in the address, checked; nine zeros are what is of all divisions."""
    return check_division(call.scope["path_params"]["mof_div_code"])


async def admit_to_division(call: Call, *, number: str = "", role: str = "") -> int:
    """Passes the caller on to the standing ledger of the division in the address; its key. See
    :func:`admit`."""
    return await admit(call, standing_ledger(division_of(call)), number=number, role=role)


class Shown(NamedTuple):
    """A kind of objects of a standing ledger, as they are answered.

    Attributes:
        answer: the view, which has a ``commit``.
        view_of: makes it of the ledger's key and the object.
    """

    answer: type[Any]
    view_of: Callable[[int, Any], Any]

    def view(self, key: int, _command: Command, outcome: Outcome) -> Any:
        """The object as a command has left it, and where that stands."""
        view = self.view_of(key, outcome.subjects[0])
        view.commit = commit_view(outcome.commit)
        return view


class DivisionRoute(DirectRoute):
    """A command on a division's standing ledger, which is opened when it is first needed.

    Args:
        shows: the object that the command changes, as it is answered.
        codes: what it may be refused with beside what every act may.
        in_path: fields of the command that stand in the address.
        as_division: the field that the division's own code gives.
        before: what is looked at before the ledger is asked; it raises what speaks against it.
        again: whether it is looked at again before others agree.
        unsaid: fields that nobody can say over HTTP; their defaults hold.
        right: what it asks of its caller.
        complete: gives the command that is asked, where that is known only when what it is about
            has been looked at.
    """

    def __init__(
        self,
        command: type[Command],
        path: str,
        shows: Shown,
        summary: str,
        *codes: Code,
        in_path: tuple[str, ...] = (),
        as_division: str = "",
        unsaid: tuple[str, ...] = (),
        status: int = 200,
        before: LookFirst | None = None,
        again: bool = True,
        right: Right = Right.ADMINISTER,
        tag: Tag = Tag.DIVISIONS,
        complete: Completion | None = None,
        method: str = "POST",
    ) -> None:
        given = (as_division,) if as_division else ()
        body = Body(command, *in_path, *given, *unsaid)
        ANSWERS[command.OPERATION] = DirectAnswer(shows.view, status, before if again else None)
        super().__init__(
            f"{OF_DIVISION}/{path}",
            _endpoint(body, in_path, as_division, unsaid, right, before, complete),
            method=method,
            response_model=shows.answer,
            status_code=status,
            tags=[tag],
            summary=summary,
            name=command.OPERATION,
            operation_id=command.OPERATION,
            dependencies=[
                Depends(of_division),
                *(Depends(OF_NUMBER[name]) for name in in_path),
            ],
            responses={
                **(SUBMITTED if command.APPROVABLE else {}),
                **refusals(*OF_LEDGER_ACT, *codes),
            },
        )


def _endpoint(
    body: Body,
    in_path: tuple[str, ...],
    as_division: str,
    unsaid: tuple[str, ...],
    right: Right,
    before: LookFirst | None,
    complete: Completion | None,
) -> Endpoint:
    empty = None if any(f.required for f in msgspec.structs.fields(body.struct)) else bytes

    async def endpoint(
        call: Annotated[Call, Depends(Acting(right))],
        data: Annotated[bytes, PublishedAs(body.struct), RequestBody(default_factory=empty)],
    ) -> Response:
        numbers = {name: call.number(name) for name in in_path}
        given: dict[str, Any] = numbers | dict.fromkeys(unsaid)
        if as_division:
            division = division_of(call)
            given[as_division] = "" if division == SYSTEM_DIVISION else division
        command = body.read(data, **given)
        number = command.number or "".join(numbers.values())
        key = await admit_to_division(call, number=number)
        if lacks_number(command):
            given_no = call.idempotency_key or await _number_of(call, key, command)
            command = numbered(command, given_no)
        if before is not None:
            await before(call, command)
        if complete is not None:
            command = await complete(call, key, command)
        outcome = await submit_to_standing(call, key, command)
        return respond_to_act(call, key, command, outcome)

    return endpoint


async def _number_of(call: Call, key: int, command: Command) -> str:
    principal = require_caller(call).principal
    return await call.read(lambda connection: number_of_change(connection, key, command, principal))


async def submit_to_standing(call: Call, key: int, command: Command) -> Outcome:
    """The command's outcome; see :func:`submit_all_to_standing`."""
    submission = call.submission(command, call.idempotency_key)
    [outcome] = await submit_all_to_standing(call, key, [submission])
    return outcome


async def submit_all_to_standing(
    call: Call, key: int, submissions: Sequence[Submission], *, atomic: bool = False
) -> list[Outcome]:
    """What becomes of them. The ledger is opened along with it, but not for a rehearsal.

    What is of all divisions is decided by the code sets that hold when its ledger is locked: a load
    is measured by those before it.

    Raises:
        AccessError: ``ledger_not_found`` for a rehearsal where nothing is on record yet.
    """
    if key == OF_ALL:
        assert not atomic, "only what is of one division is asked for together"
        return await call.in_thread(_on_connection, call, key, submissions)
    if await exists(call, key):
        return await call.submit_all(key, submissions, atomic=atomic)
    if call.dry_run:
        raise AccessError(Code.LEDGER_NOT_FOUND, "nothing is on record of the division yet")
    if atomic:  # the ledger stays open whatever becomes of them
        await call.submit_all(key, [opening_of(key)])
        return await call.submit_all(key, submissions, atomic=True)
    return (await call.submit_all(key, [opening_of(key), *submissions]))[1:]


def _on_connection(call: Call, key: int, submissions: Sequence[Submission]) -> list[Outcome]:
    with call.treasury.pool.connection() as connection:
        outcomes = submit(connection, key, submissions, call.treasury.sequencer.conditions)
    call.treasury.codes.refresh()  # whoever has loaded some uses them next
    return outcomes
