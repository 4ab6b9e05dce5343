"""Divisions 区划: their standing data 基础信息; persons, their rights and tokens."""

from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Depends
from fastapi import Body as RequestBody
from msgspec import UNSET
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit, require_caller
from api.http.bodies import Body
from api.http.call import Call
from api.http.dependencies import Acting, Read
from api.http.division_lists import DivisionRead, page_of, respond_with_objects
from api.http.division_routes import (
    DivisionRoute,
    ReadingDivision,
    Shown,
    admit_to_division,
    submit_to_standing,
)
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import AsOf
from api.http.pages import AskedPage
from api.http.parameters import DivisionCode
from api.http.problems import OF_ACT, OF_LEDGER_READ, OF_READ, refusals
from api.http.published import PublishedAs
from api.http.routes import ANSWERS, SUBMITTED, DirectAnswer, Operation, respond_to_act
from api.http.views import Committed, commit_view
from division.opening import DIVISION, OpenDivision, StandingDivision
from division.persons import PERSON, EndRights, Person, RegisterPerson, SetRights
from division.tokens import TOKEN, EndToken, IssueToken, PersonToken
from ledger.account_set import division_of, ledger_text, standing_ledger
from ledger.deciding.command import Command, Outcome
from ledger.deciding.principals import folded
from ledger.errors import Code
from ledger.reading.objects import Head, list_standing_heads

V = TypeVar("V")

_OPENING = Body(OpenDivision)

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


class DivisionView(msgspec.Struct, kw_only=True):
    """A division; ``is_standing`` whether it has been opened and keeps its standing data here."""

    ledger: str
    mof_div_code: str
    name: str
    parent_div_code: str
    tier_code: str
    is_standing: bool
    position: int
    chain: str
    commit: Committed = UNSET


class PersonView(msgspec.Struct, kw_only=True):
    """A person with his rights, and whether these have been ended; ``division`` is the prefix of
    the divisions' codes in which he has them."""

    ledger: str
    principal: str
    name: str
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...]
    valid_until: str
    has_ended: bool
    commit: Committed = UNSET


class TokenView(msgspec.Struct, kw_only=True):
    """A credential, which carries what is said here, and no more than its person has."""

    ledger: str
    token_sm3: str
    principal: str
    division: str
    roles: tuple[str, ...]
    agency_prefixes: tuple[str, ...]
    valid_until: str
    ended_at: str
    commit: Committed = UNSET


# ---- divisions


@router.post(
    "/v1/divisions",
    operation_id="division.open",
    summary="Open a division's standing data 建立区划",
    status_code=201,
    response_model=DivisionView,
    responses={
        **SUBMITTED,
        **refusals(*OF_ACT, Code.LEDGER_NOT_FOUND, Code.ELEMENT_INVALID, Code.INVALID_STATE),
    },
)
async def open_division(
    call: Annotated[Call, Depends(Acting(Right.ADMINISTER))],
    data: Annotated[bytes, PublishedAs(_OPENING.struct), RequestBody()],
) -> Response:
    command = _OPENING.read(data)
    assert isinstance(command, OpenDivision)
    key = await admit(call, standing_ledger(command.mof_div_code), number=command.mof_div_code)
    return respond_to_act(call, key, command, await submit_to_standing(call, key, command))


def _opened(key: int, command: Command, outcome: Outcome) -> DivisionView:
    assert isinstance(command, OpenDivision)
    opened = StandingDivision(
        command.mof_div_code, command.name, command.parent_div_code, command.tier_code
    )
    commit = outcome.commit
    view = _division(key, opened, commit.position if commit else 0, commit.chain if commit else b"")
    view.commit = commit_view(commit)
    return view


ANSWERS[OpenDivision.OPERATION] = DirectAnswer(_opened, 201)


def _division(key: int, division: StandingDivision, position: int, chain: bytes) -> DivisionView:
    return DivisionView(
        ledger=ledger_text(key),
        mof_div_code=division_of(key),
        name=division.name,
        parent_div_code=division.parent_div_code,
        tier_code=division.tier_code,
        is_standing=division.is_open,
        position=position,
        chain=chain.hex(),
    )


def _shown(head: Head) -> DivisionView:
    return _division(head.ledger_id, head.settings.get(DIVISION), head.position, head.chain)


@router.get(
    "/v1/divisions",
    operation_id="division.list",
    summary="The divisions within the caller's reach of which anything is on record",
    response_model=Page[DivisionView],
    responses=refusals(*OF_READ),
)
async def list_divisions(call: Read, asked: AskedPage) -> Response:
    caller = require_caller(call)
    heads = await call.read(list_standing_heads)
    shown = [_shown(head) for head in heads if caller.reaches(head.ledger_id)]
    return page_of(call, asked, shown, lambda view: view.ledger)


@router.get(
    "/v1/divisions/{mof_div_code}",
    operation_id="division.show",
    summary="A division, and whether it keeps its standing data here",
    response_model=DivisionView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_division(
    call: Annotated[Call, Depends(ReadingDivision(Right.READ))], mof_div_code: DivisionCode
) -> Response:
    head = await call.head(await admit_to_division(call))
    return call.respond(_shown(head), position=head.position)


@router.get(
    "/v1/divisions/{mof_div_code}/persons",
    operation_id="person.list",
    summary="Persons and their rights 人员权限, now or as of a moment",
    response_model=Page[PersonView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_persons(
    call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
) -> Response:
    return await respond_with_objects(
        call, asked, moment, PERSON, _person, lambda view: folded(view.principal)
    )


@router.get(
    "/v1/divisions/{mof_div_code}/tokens",
    operation_id="token.list",
    summary="Credentials of the division's persons 令牌, now or as of a moment",
    response_model=Page[TokenView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_tokens(
    call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
) -> Response:
    return await respond_with_objects(
        call, asked, moment, TOKEN, _token, lambda view: view.token_sm3
    )


# ---- commands


def _person(key: int, person: Person) -> PersonView:
    rights = person.rights
    return PersonView(
        ledger=ledger_text(key),
        principal=person.principal,
        name=person.name,
        division=rights.division if rights else "",
        roles=rights.roles if rights else (),
        agency_prefixes=rights.agency_prefixes if rights else (),
        valid_until=rights.valid_until if rights else "",
        has_ended=rights is None,
    )


def _token(key: int, token: PersonToken) -> TokenView:
    return TokenView(
        ledger=ledger_text(key),
        token_sm3=token.token_sm3,
        principal=token.principal,
        division=token.rights.division,
        roles=token.rights.roles,
        agency_prefixes=token.rights.agency_prefixes,
        valid_until=token.rights.valid_until,
        ended_at=token.ended_at,
    )


PERSONS, TOKENS = Shown(PersonView, _person), Shown(TokenView, _token)

DIRECT = (
    DivisionRoute(
        RegisterPerson,
        "persons",
        PERSONS,
        "Register a person with rights 人员登记",
        as_division="division",
        status=201,
    ),
    DivisionRoute(
        SetRights,
        "persons/{principal}/rights",
        PERSONS,
        "Give a person other rights 权限变更",
        Code.NOT_FOUND,
        in_path=("principal",),
        as_division="division",
    ),
    DivisionRoute(
        EndRights,
        "persons/{principal}/end",
        PERSONS,
        "End a person's rights, and every token of his 权限终止",
        Code.NOT_FOUND,
        Code.INVALID_STATE,
        in_path=("principal",),
    ),
    DivisionRoute(
        IssueToken,
        "persons/{principal}/tokens",
        TOKENS,
        "Make a credential known by its SM3 签发令牌: its text stays with whoever made it",
        Code.NOT_FOUND,
        Code.INVALID_STATE,
        in_path=("principal",),
        as_division="division",
        status=201,
    ),
    DivisionRoute(
        EndToken,
        "tokens/{token_sm3}/end",
        TOKENS,
        "End a credential 撤销令牌",
        Code.NOT_FOUND,
        Code.INVALID_STATE,
        in_path=("token_sm3",),
        unsaid=("ended_at",),
    ),
)
