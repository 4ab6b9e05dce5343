"""指标: an indicator as its events have left it, its journal, and what it is controlled by."""

from collections.abc import Mapping
from datetime import date

import msgspec

from budget.balances import BALANCES
from budget.events import Figures, IndicatorIssued
from budget.rows import moved_row
from ledger.deciding.objects import Kind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal
from ledger.events import Event, JournalPosted

CODED = (*DIMENSIONS, "bgt_type_code")  # its elements that have code sets
# of these only a code with none below it is issued and paid
LEAF_CODES = ("exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code", "fund_type_code")
SPECIAL_ACCOUNTS = "2"  # what funds of 财政专户管理资金 begin with


class Indicator(msgspec.Struct, frozen=True):
    """An indicator: what was issued, and its figures after its own last event."""

    issued: IndicatorIssued
    figures: Figures

    @property
    def bgt_id(self) -> str:
        return self.issued.bgt_id

    @property
    def bgt_pman_id(self) -> str:
        """The row of the budget that it is issued from; "" where there is none."""
        return self.issued.bgt_pman_id

    @property
    def codes(self) -> dict[str, str]:
        issued = self.issued
        return {
            "agency_code": issued.agency_code,
            "pro_code": issued.pro_code,
            "exp_func_code": issued.exp_func_code,
            "gov_bgt_eco_code": issued.gov_bgt_eco_code,
            "dep_bgt_eco_code": issued.dep_bgt_eco_code,
            "fund_type_code": issued.fund_type_code,
        }


def _fold(indicator: Indicator | None, event: Event) -> Indicator | None:
    if isinstance(event, IndicatorIssued):
        return Indicator(event, event.figures)
    if indicator is None or isinstance(event, JournalPosted):
        return indicator
    figures: Figures = getattr(event, "figures", indicator.figures)
    return Indicator(indicator.issued, figures)


INDICATOR: Kind[Indicator] = Kind(
    name="indicator",
    opened_by="indicator.issue",
    fold=_fold,
    rows=lambda indicator: ((BALANCES, indicator.bgt_id),),
)


def require(
    state: LedgerState, bgt_id: str, on: date | None = None, *, pointer: str = "/bgt_id"
) -> Indicator:
    """The indicator, for an act that takes effect ``on`` a day.

    Raises:
        Refusal: ``indicator_not_found``; ``indicator_not_executable`` before its own day.
    """
    if (indicator := state.get(INDICATOR, bgt_id)) is None:
        raise Refusal(
            Code.INDICATOR_NOT_FOUND, f"no indicator {bgt_id!r}", bgt_id=bgt_id, pointer=pointer
        )
    if on is not None and (first := state.first_day(BALANCES, bgt_id, on)) > on:
        raise Refusal(
            Code.INDICATOR_NOT_EXECUTABLE,
            f"indicator {bgt_id} is dated {first}, after {on}",
            bgt_id=bgt_id,
            on=first.isoformat(),
        )
    return indicator


def require_treasury_money(fund_type_code: str, pointer: str) -> None:
    """Refuses with ``element_invalid`` what lies in special accounts (财政专户管理资金).

    The central bank does not pay it back, and no special account is kept here yet to pay it from.
    """
    if fund_type_code.startswith(SPECIAL_ACCOUNTS):
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"资金性质 {fund_type_code} is paid from special accounts (财政专户), which are not "
            "kept here yet; it is not claimed from the central bank",
            pointer=pointer,
        )


def moved(
    state: LedgerState, day: date, bgt_id: str, rule: str, amounts_fen: Mapping[str, int]
) -> MovedRow:
    """The indicator's balances as a rule's posting leaves them on a day.

    Raises:
        Refusal: ``insufficient_indicator`` where a controlled account would fall below zero, on
            that day or on a later one.
        RequestError: ``invalid_amount`` where the indicator would outgrow what can be written.
    """
    return state.moved(BALANCES, bgt_id, day, state.books(day).controlled(rule, amounts_fen))


def moved_with_row(
    state: LedgerState,
    day: date,
    bgt_id: str,
    bgt_pman_id: str,
    rule: str,
    amounts_fen: Mapping[str, int],
) -> list[MovedRow]:
    """The same, and behind it the row that the indicator is issued from, where it has one.

    Raises:
        Refusal: ``insufficient_budget``, too, where the row has less than nothing left to issue.
    """
    changes = state.books(day).controlled(rule, amounts_fen)
    rest_fen = changes.pop("rest", 0)
    of_row = [moved_row(state, bgt_pman_id, day, rest_fen)] if bgt_pman_id and rest_fen else []
    return [state.moved(BALANCES, bgt_id, day, changes), *of_row]


def rule_of(event: str, bgt_pman_id: str) -> str:
    """The rule by which an event is booked: one of an indicator that is issued from a row is."""
    return f"{event}_of_row" if bgt_pman_id else event


def journal(
    state: LedgerState,
    event: str,
    day: date,
    *,
    number: str,
    indicator: Indicator,
    amounts_fen: Mapping[str, int],
    ahead: int = 0,
    rule_name: str = "",
) -> JournalPosted:
    """The journal of the event that will stand ``ahead`` places after the next position."""
    return state.books(day).post(
        event,
        source=state.next_position + ahead,
        number=number,
        amounts_fen=amounts_fen,
        codes=indicator.codes,
        bgt_id=indicator.bgt_id,
        rule_name=rule_name,
    )
