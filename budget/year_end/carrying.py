"""年终结转, 收回: what is left of each indicator goes on to the next year, or back. Pure decisions.

What is left is what is available, frozen or 待下达; nothing of it can be spent any more this year,
and the next one begins with what is carried and no more. What is 结余, of a project that has ended
or unspent for as many years as the ledger's policy allows, goes back (预算法 §42).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

import msgspec

from budget.balances import BALANCES, PENDING_CONTROL
from budget.coherence import hold_together
from budget.indicator import CODED, INDICATOR, Indicator, require
from budget.pending import PENDING
from budget.planned_projects import PROJECT_OF_DIVISION
from budget.projects.project import ENDED, TERMINATED
from budget.year_end.policy import CARRY_OVER_POLICY
from budget.year_end_events import (
    CarryOverItem,
    IndicatorCarriedIn,
    IndicatorCarriedOver,
    IndicatorReleased,
    IndicatorTakenBack,
    OfRemainder,
    YearCarriedOver,
)
from division.agencies import type_on
from ledger.calendar import clearing_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import AnyRegister, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, stored_fen, yuan

ITEMS_MAX = 10_000
LAST_YEARS = "22"  # 指标类型: 上年结转
_OVER = (ENDED, TERMINATED)


class CarriedOver(msgspec.Struct, frozen=True):
    """A carry-over as it was decided."""

    event: YearCarriedOver


def _fold(obj: CarriedOver | None, event: Event) -> CarriedOver | None:
    return CarriedOver(event) if isinstance(event, YearCarriedOver) else obj


CARRY_OVER: Kind[CarriedOver] = Kind(
    name="carry_over",
    opened_by="year_end.carry_over",
    fold=_fold,
    cost=lambda obj: len(obj.event.items),
)


class CarryOver(Command, frozen=True, kw_only=True):
    """年终结转收回: what becomes of what is left of these indicators, all of them or none."""

    OPERATION: ClassVar[str] = "year_end.carry_over"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "年终结转"
    NUMBER: ClassVar[str] = "carry_no"
    KIND: ClassVar[AnyKind] = CARRY_OVER
    KEEPS_REFUSAL: ClassVar[bool] = False
    LOOKS_FURTHER: ClassVar[bool] = True
    carry_no: str
    items: tuple[CarryOverItem, ...]
    reason: str = ""

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        if not 0 < len(self.items) <= ITEMS_MAX:
            raise RequestError(
                Code.MALFORMED, f"1 to {ITEMS_MAX} indicators at once", pointer="/items"
            )
        if len({item.bgt_id for item in self.items}) < len(self.items):
            raise RequestError(Code.MALFORMED, "an indicator stands once", pointer="/items")
        for index, item in enumerate(self.items):
            _amounts(item, f"/items/{index}")

    def needs(self) -> Iterable[Need]:
        return (
            (CARRY_OVER, self.carry_no),
            *((INDICATOR, item.bgt_id) for item in self.items),
        )

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        """The projects of those that are of rows of the budget: what has ended is 结余."""
        found = (state.get(INDICATOR, item.bgt_id) for item in self.items)
        for pro_code in {each.issued.pro_code for each in found if each and each.bgt_pman_id}:
            yield PROJECT_OF_DIVISION, pro_code

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = clearing_day(state, date(state.fiscal_year, 12, 31))
        settled = [
            _settled(state, self.carry_no, item, day, f"/items/{index}", by)
            for index, item in enumerate(self.items)
        ]
        # point of no return
        head = YearCarriedOver(
            carry_no=self.carry_no,
            carryovers_amt=yuan(sum(each.carried_fen for each in settled)),
            take_back_amt=yuan(sum(each.taken_back_fen for each in settled)),
            items=self.items,
            reason=self.reason,
            by=by,
        )
        events: list[tuple[AnyKind | None, str, Event]] = [(CARRY_OVER, self.carry_no, head)]
        for each in settled:
            events += _told(state, day, each, ahead=len(events))
        moved = [row for each in settled for row in each.moved]
        return Decision(events=events, effective_on=day, moved=moved)


class _Settled(NamedTuple):
    """What becomes of one indicator: its events, each with the rule and the codes it is posted by,
    and the rows of the registers as they leave them."""

    carried_fen: int
    taken_back_fen: int
    events: list[tuple[OfRemainder, str, Mapping[str, str]]]
    moved: list[MovedRow]


def _amounts(item: CarryOverItem, pointer: str) -> tuple[int, int]:
    """What is carried and what is taken back, in fen.

    Raises:
        RequestError: ``invalid_amount``; ``malformed`` where both are nothing.
    """
    carried, back = (
        parse_yuan(getattr(item, name) or yuan(0), pointer=f"{pointer}/{name}", zero=True)
        for name in ("carryovers_amt", "take_back_amt")
    )
    if not carried and not back:
        raise RequestError(Code.MALFORMED, "an item carries or takes back", pointer=pointer)
    return carried, back


def _settled(
    state: LedgerState, carry_no: str, item: CarryOverItem, day: date, pointer: str, by: str
) -> _Settled:
    indicator = require(state, item.bgt_id, day, pointer=f"{pointer}/bgt_id")
    carried_fen, back_fen = _amounts(item, pointer)
    first_year = first_year_of(indicator, state.fiscal_year)
    next_codes = _codes_next_year(state, indicator, item, pointer) if carried_fen else {}
    if carried_fen and (why := _why_surplus(state, indicator, first_year)):
        raise _exceeding(item.bgt_id, 0, carried_fen, f"{pointer}/carryovers_amt", why)
    left_fen, available_fen = left_of(state, indicator)
    if (wanted_fen := carried_fen + back_fen) > left_fen:
        raise _exceeding(item.bgt_id, left_fen, wanted_fen, pointer, "")
    said = {"bgt_id": item.bgt_id, "carry_no": carry_no, "by": by}
    released_fen = 0 if indicator.is_pending else max(0, wanted_fen - available_fen)
    type_code = type_on(state, indicator.issued.agency_code, day)
    steps: list[tuple[type[OfRemainder], int, dict[str, Any]]] = [
        (IndicatorReleased, released_fen, said),
        (
            IndicatorCarriedOver,
            carried_fen,
            {
                **said,
                "first_year": first_year,
                "next_codes": next_codes,
                "agency_type_code": type_code,
            },
        ),
        (IndicatorTakenBack, back_fen, said),
    ]
    settled = _Settled(carried_fen, back_fen, [], [])
    codes = {**indicator.paying_codes, "agency_type_code": type_code}
    for kind, fen, told in steps:
        if fen:
            rule = f"{kind.TYPE}_pending" if indicator.is_pending else kind.TYPE
            figures = _move(state, indicator, day, rule, fen, settled.moved)
            settled.events.append((kind(amt=yuan(fen), **told, **figures), rule, codes))
    return settled


def _move(
    state: LedgerState,
    indicator: Indicator,
    day: date,
    rule: str,
    amount_fen: int,
    moved: list[MovedRow],
) -> dict[str, Any]:
    """Moves the indicator's rows on from where earlier steps of the decision have left them; what
    its event says of them."""
    changes = state.books(day).controlled(rule, {"amount": amount_fen})
    pending_fen = changes.pop(PENDING_CONTROL, 0)
    after = _moved_on(state, BALANCES, indicator.bgt_id, day, changes, moved)
    told: dict[str, Any] = {"figures": after.row.figures()}
    if indicator.is_pending:
        control = {PENDING_CONTROL: pending_fen}
        pending = _moved_on(state, PENDING, indicator.bgt_id, day, control, moved)
        told["pending_amt"] = yuan(pending.row.pending)
    return told


def _moved_on(
    state: LedgerState,
    register: AnyRegister,
    key: str,
    day: date,
    changes_fen: Mapping[str, int],
    moved: list[MovedRow],
) -> MovedRow:
    before = next((row for row in reversed(moved) if row.register is register), None)
    if before is None:
        after = state.moved(register, key, day, changes_fen)
    else:
        after = register.moved(key, before.dated, day, changes_fen)
    moved.append(after)
    return after


def left_of(state: LedgerState, indicator: Indicator) -> tuple[int, int]:
    """What is left of an indicator, and what of it is available, in fen."""
    if indicator.is_pending:
        return state.row(PENDING, indicator.bgt_id).pending, 0
    row = state.row(BALANCES, indicator.bgt_id)
    return row.available + row.frozen, row.available


def first_year_of(indicator: Indicator, year: int) -> int:
    """The year in which its money was appropriated: that of what was carried in; of what somebody
    has issued as 上年结转, the year before."""
    issued = indicator.issued
    if isinstance(issued, IndicatorCarriedIn):
        return issued.first_year
    return year - 1 if issued.bgt_type_code == LAST_YEARS else year


def _why_surplus(state: LedgerState, indicator: Indicator, first_year: int) -> str:
    """Why what is left is 结余 and not carried; "" of 结转."""
    if indicator.bgt_pman_id:
        project = state.of_division(PROJECT_OF_DIVISION, indicator.issued.pro_code)
        if project is not None and project.state in _OVER:
            return f"its project is {project.state} 项目已结束"
    policy = state.settings.get(CARRY_OVER_POLICY)
    if not policy.may_carry(indicator, first_year, state.fiscal_year):
        return f"it is of {first_year}, unspent for too many years 连续两年未用完"
    return ""


def _codes_next_year(
    state: LedgerState, indicator: Indicator, item: CarryOverItem, pointer: str
) -> dict[str, str]:
    """The codes that it has next year, where any is another one.

    Raises:
        Refusal: ``element_invalid``, ``element_mismatch`` for what does not hold together then.
    """
    before = indicator.codes
    codes = {name: getattr(item, name) or before[name] for name in DIMENSIONS}
    day = date(state.fiscal_year + 1, 1, 1)
    hold_together(
        state, {each: codes.get(each, LAST_YEARS) for each in CODED}, day, pointer=pointer
    )
    return {} if codes == before else codes


def _exceeding(bgt_id: str, left_fen: int, wanted_fen: int, pointer: str, why: str) -> Refusal:
    told = f"is 结余 and goes back: {why}" if why else "has less that is not spent"
    return Refusal(
        Code.EXCEEDS_UNSPENT,
        f"indicator {bgt_id} {told}",
        bgt_id=bgt_id,
        available_amt=yuan(left_fen),
        requested_amt=yuan(wanted_fen),
        pointer=pointer,
    )


def _told(
    state: LedgerState, day: date, settled: _Settled, *, ahead: int
) -> Iterator[tuple[AnyKind | None, str, Event]]:
    """The indicator's events, each with its journal behind it."""
    for event, rule, codes in settled.events:
        entry = state.books(day).post(
            event.TYPE,
            source=state.next_position + ahead,
            number=event.carry_no,
            amounts_fen={"amount": stored_fen(event.amt)},
            codes=codes,
            bgt_id=event.bgt_id,
            rule_name=rule,
        )
        yield INDICATOR, event.bgt_id, event
        yield INDICATOR, event.bgt_id, entry
        ahead += 2
