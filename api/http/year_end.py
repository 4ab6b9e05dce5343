"""年终 year-end: carrying over and taking back what is left, closing the year for good."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.call import Call
from api.http.dependencies import LedgerRead
from api.http.models.enums import Tag, YearState
from api.http.moments import wait_for_head
from api.http.periods import OpenItemView, shown_items
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.units import own_indicators
from api.http.views import Committed, commit_view
from budget.year_end.carrying import CarryOver
from budget.year_end.closing import HANDED_OVER, LEFT, CloseYear, left_over
from budget.year_end.policy import CARRY_OVER_POLICY, SetCarryOverPolicy
from budget.year_end_events import CarryOverItem, LongerTerm
from ledger.account_set import ledger_text
from ledger.calendar import PERIODS
from ledger.deciding.command import Command, Outcome
from ledger.deciding.state import LedgerState
from ledger.errors import Code
from ledger.events import OpenItem
from ledger.integrity.chain import microseconds
from ledger.money import stored_fen, yuan
from ledger.reading.loading import load_needs
from ledger.reading.objects import read_head
from projections.core.moments import one_moment

_LEDGER = "/v1/ledgers/{ledger}"
_YEAR = _LEDGER + "/year-end"
SHOWN_MAX = 1_000  # of what is left; the others are counted

router = APIRouter(route_class=Operation, tags=[Tag.LEDGERS])


class YearStanding(msgspec.Struct, kw_only=True):
    """Where a year stands: ``open``, ``closed``, or ``handed_over`` to the next.

    ``unspent`` names the indicators of which something was neither carried over nor taken back, at
    most 1,000, of ``unspent_count`` over ``unspent_amt``; ``indicators`` and ``carryovers_amt`` are
    what was handed over to ``to_ledger``, ``books`` those that begin there with what was left here,
    in ``openings`` parts: one of the treasury, one of each unit.
    """

    ledger: str
    state: YearState
    unspent: list[OpenItemView]
    unspent_count: int
    unspent_amt: str
    to_ledger: str
    indicators: int
    carryovers_amt: str
    books: tuple[str, ...]
    openings: int


class CarryOverView(msgspec.Struct, kw_only=True):
    """A carry-over 年终结转收回, with its sums."""

    ledger: str
    carry_no: str
    carryovers_amt: str
    take_back_amt: str
    items: tuple[CarryOverItem, ...]
    reason: str
    by: str
    commit: Committed = UNSET


class YearClosedView(msgspec.Struct, kw_only=True):
    ledger: str
    state: YearState
    commit: Committed


class CarryOverPolicyView(msgspec.Struct, kw_only=True):
    """结转年限: for how many years money may stay unspent, and of which money longer."""

    ledger: str
    carry_years: int
    longer_terms: tuple[LongerTerm, ...]
    commit: Committed = UNSET


@router.get(
    _YEAR,
    operation_id="year_end.show",
    summary="Where the year stands, and what of it is left 年终",
    response_model=YearStanding,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_year(call: LedgerRead) -> Response:
    key = await admit(call)
    await wait_for_head(call, key)
    position, shown, left = await call.read(lambda connection: _standing(call, connection, key))
    own = await own_indicators(call, key, [each.number for each in left])
    left = [each for each in left if each.number in own]
    shown.unspent = shown_items(left[:SHOWN_MAX])
    shown.unspent_count = len(left)
    shown.unspent_amt = yuan(sum(stored_fen(each.amt) for each in left))
    return call.respond(shown, position=position)


def _standing(
    call: Call, connection: Connection, key: int
) -> tuple[int, YearStanding, list[OpenItem]]:
    """Where the year stands, and all that is left of it."""
    with one_moment(connection):
        head = read_head(connection, key)
        assert head is not None, "the caller was admitted to it"
        state = LedgerState(key, call.treasury.charts)
        state.stand_at(head.position, head.chain, microseconds(head.recorded_at), 0, head.settings)
        state.begin(microseconds(call.treasury.now()))
        load_needs(connection, state, LEFT)
    handed = head.settings.get(HANDED_OVER)
    closed = head.settings.get(PERIODS).year_closed
    shown = YearStanding(
        ledger=ledger_text(key),
        state="handed_over" if handed.to_ledger else "closed" if closed else "open",
        unspent=[],
        unspent_count=0,
        unspent_amt=yuan(0),
        to_ledger=handed.to_ledger,
        indicators=handed.indicators,
        carryovers_amt=handed.carryovers_amt,
        books=handed.books,
        openings=handed.openings,
    )
    return head.position, shown, left_over(state)


@router.get(
    _LEDGER + "/carry-over-policy",
    operation_id="carry_over_policy.show",
    summary="For how many years money may stay unspent 结转年限",
    response_model=CarryOverPolicyView,
    responses=refusals(*OF_LEDGER_READ),
)
async def show_carry_over_policy(call: LedgerRead) -> Response:
    head = await call.head(await admit(call))
    policy = head.settings.get(CARRY_OVER_POLICY)
    shown = CarryOverPolicyView(
        ledger=ledger_text(head.ledger_id),
        carry_years=policy.carry_years,
        longer_terms=policy.longer_terms,
    )
    return call.respond(shown, position=head.position)


# ---- commands


def _carried(key: int, _command: Command, outcome: Outcome) -> Any:
    event = outcome.subjects[0].event
    return CarryOverView(
        ledger=ledger_text(key),
        carry_no=event.carry_no,
        carryovers_amt=event.carryovers_amt,
        take_back_amt=event.take_back_amt,
        items=event.items,
        reason=event.reason,
        by=event.by,
        commit=commit_view(outcome.commit),
    )


def _closed(key: int, _command: Command, outcome: Outcome) -> Any:
    return YearClosedView(
        ledger=ledger_text(key), state="closed", commit=commit_view(outcome.commit)
    )


def _policy(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, SetCarryOverPolicy)
    return CarryOverPolicyView(
        ledger=ledger_text(key),
        carry_years=command.carry_years,
        longer_terms=command.longer_terms,
        commit=commit_view(outcome.commit),
    )


DIRECT = (
    CommandRoute(
        CarryOver,
        _YEAR + ":carry-over",
        right=Right.CLOSE,
        view=_carried,
        answer=CarryOverView,
        summary="Carry over, or take back, what is left of indicators 年终结转收回",
        tag=Tag.LEDGERS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.INDICATOR_NOT_FOUND,
            Code.ELEMENT_INVALID,
            Code.ELEMENT_MISMATCH,
            Code.EXCEEDS_UNSPENT,
            Code.INVALID_AMOUNT,
        ),
    ),
    CommandRoute(
        CloseYear,
        _YEAR + ":close",
        right=Right.CLOSE,
        view=_closed,
        answer=YearClosedView,
        summary="Close the year for good, and hand it over to the next 年终关账",
        tag=Tag.LEDGERS,
        codes=(Code.PERIOD_CLOSED, Code.PERIOD_NOT_READY),
    ),
    CommandRoute(
        SetCarryOverPolicy,
        _LEDGER + "/carry-over-policy",
        method="PUT",
        right=Right.ADMINISTER,
        view=_policy,
        answer=CarryOverPolicyView,
        summary="Set for how many years money may stay unspent, and of which money longer",
        tag=Tag.LEDGERS,
    ),
)
