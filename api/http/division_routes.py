"""Operations that are one command on the standing ledger of the division in the address."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple
from uuid import uuid4

import msgspec
from fastapi import Body as RequestBody
from fastapi import Depends
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit, exists
from api.http.bodies import Body
from api.http.call import Call
from api.http.dependencies import OF_NUMBER, Acting, Reading, of_division
from api.http.models.enums import Tag
from api.http.problems import OF_LEDGER_ACT, refusals
from api.http.published import PublishedAs
from api.http.routes import DirectRoute, Endpoint
from api.http.views import commit_view
from division.recording import opening_of
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command, Outcome
from ledger.elements.code_sets import ElementRegister
from ledger.errors import AccessError, Code

CHANGE = "change_no"

LookFirst = Callable[[Call, Command], Awaitable[None]]


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
    """The division's code in the address, checked."""
    code: str = call.scope["path_params"]["mof_div_code"]
    ElementRegister.check_shape("mof_div_code", code, "/mof_div_code")
    return code


async def admit_to_division(call: Call, *, number: str = "") -> int:
    """Passes the caller on to the standing ledger of the division in the address; its key."""
    return await admit(call, standing_ledger(division_of(call)), number=number)


class Shown(NamedTuple):
    """A kind of objects of a standing ledger, as they are answered.

    Attributes:
        answer: the view, which has a ``commit``.
        view_of: makes it of the ledger's key and the object.
    """

    answer: type[Any]
    view_of: Callable[[int, Any], Any]

    def respond(self, call: Call, key: int, outcome: Outcome, *, status: int = 200) -> Response:
        """The object as a command has left it, and where that stands; or the refusal."""
        if outcome.problem is not None:
            return call.refuse(outcome)
        view = self.view_of(key, outcome.subjects[0])
        view.commit = commit_view(outcome.commit)
        return call.respond(view, status=status, replayed=outcome.replayed)


class DivisionRoute(DirectRoute):
    """A command on a division's standing ledger, which is opened when it is first needed.

    Args:
        shows: the object that the command changes, as it is answered.
        codes: what it may be refused with beside what every act may.
        in_path: fields of the command that stand in the address.
        as_division: the field that the division's own code gives.
        before: what is looked at before the ledger is asked; it raises what speaks against it.
        unsaid: fields that nobody can say over HTTP; their defaults hold.
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
    ) -> None:
        given = (as_division,) if as_division else ()
        body = Body(command, *in_path, *given, *unsaid)
        super().__init__(
            f"/v1/divisions/{{mof_div_code}}/{path}",
            _endpoint(body, in_path, as_division, unsaid, shows, status, before),
            response_model=shows.answer,
            status_code=status,
            tags=[Tag.DIVISIONS],
            summary=summary,
            name=command.OPERATION,
            operation_id=command.OPERATION,
            dependencies=[
                Depends(of_division),
                *(Depends(OF_NUMBER[name]) for name in in_path),
            ],
            responses=refusals(*OF_LEDGER_ACT, *codes),
        )


def _endpoint(
    body: Body,
    in_path: tuple[str, ...],
    as_division: str,
    unsaid: tuple[str, ...],
    shows: Shown,
    status: int,
    before: LookFirst | None,
) -> Endpoint:
    empty = None if any(f.required for f in msgspec.structs.fields(body.struct)) else bytes

    async def endpoint(
        call: Annotated[Call, Depends(Acting(Right.ADMINISTER))],
        data: Annotated[bytes, PublishedAs(body.struct), RequestBody(default_factory=empty)],
    ) -> Response:
        given: dict[str, Any] = {name: call.number(name) for name in in_path} | dict.fromkeys(
            unsaid
        )
        if as_division:
            given[as_division] = division_of(call)
        command = _numbered(call, body.read(data, **given))
        key = await admit_to_division(call, number=command.number)
        if before is not None:
            await before(call, command)
        outcome = await submit_to_standing(call, key, command)
        return shows.respond(call, key, outcome, status=status)

    return endpoint


def _numbered(call: Call, command: Command) -> Command:
    """A change whose caller gave it no number has one all the same."""
    if getattr(command, CHANGE, None) == "":
        return msgspec.structs.replace(command, **{CHANGE: call.idempotency_key or uuid4().hex})
    return command


async def submit_to_standing(call: Call, key: int, command: Command) -> Outcome:
    """The command's outcome. The ledger is opened along with it, but not for a rehearsal.

    Raises:
        AccessError: ``ledger_not_found`` for a rehearsal where nothing is on record yet.
    """
    submission = call.submission(command, call.idempotency_key)
    if await exists(call, key):
        return await call.services.grouping.submit(key, submission)
    if call.dry_run:
        raise AccessError(Code.LEDGER_NOT_FOUND, "nothing is on record of the division yet")
    _, outcome = await call.submit_all(key, [opening_of(key), submission])
    return outcome
