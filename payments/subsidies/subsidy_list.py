"""补贴发放清单: a list as its events have left it, and the register of who has had a subsidy for a
period.

A subsidy is paid by the month or by the year, in one year not both, or somebody would get March
twice. What a list has entered stays entered: what the bank could not pay of it is paid again by a
payment, as of a list of wages.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from ledger.books import Charts
from ledger.deciding.objects import Kind
from ledger.deciding.other_years import in_other_years
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.deciding.state import LedgerState
from ledger.errors import Code, GuokuError, Refusal
from ledger.events import Event
from payments.subsidies.events import SubsidyListHandedOn, SubsidyListLoaded

_YEAR_DIGITS = 4
BY_MONTH, BY_YEAR = "month", "year"


class SubsidyList(msgspec.Struct, frozen=True):
    """A list; ``run_no`` of the disbursement that pays it, "" before that is opened."""

    loaded: SubsidyListLoaded
    run_no: str = ""


def _fold(of_subsidy: SubsidyList | None, event: Event) -> SubsidyList | None:
    if isinstance(event, SubsidyListLoaded):
        return SubsidyList(event)
    if of_subsidy is not None and isinstance(event, SubsidyListHandedOn):
        return SubsidyList(of_subsidy.loaded, event.run_no)
    return of_subsidy


SUBSIDY_LIST: Kind[SubsidyList] = Kind(
    name="subsidy_list",
    opened_by="subsidy_list.load",
    fold=_fold,
    cost=lambda of_subsidy: 1 + len(of_subsidy.loaded.lines),
)


def list_to_pay(state: LedgerState, subsidy_list_no: str, bgt_id: str) -> SubsidyListLoaded:
    """The list that a disbursement of the indicator is opened for.

    Raises:
        Refusal: ``details_mismatch`` where another indicator pays it, ``invalid_state`` where it
            was handed on before, ``not_found`` where there is no such list.
    """
    if (found := state.get(SUBSIDY_LIST, subsidy_list_no)) is None:
        raise Refusal(
            Code.NOT_FOUND, f"no list {subsidy_list_no!r} of a subsidy", pointer="/subsidy_list_no"
        )
    if found.loaded.bgt_id != bgt_id:
        raise Refusal(
            Code.DETAILS_MISMATCH,
            f"the list {subsidy_list_no} is paid from {found.loaded.bgt_id}",
            pointer="/bgt_id",
        )
    if found.run_no:
        raise Refusal(
            Code.INVALID_STATE,
            f"the list {subsidy_list_no} is paid by run {found.run_no}",
            run_no=found.run_no,
        )
    return found.loaded


# ---- once a period


class PaidPeriod(msgspec.Struct, frozen=True, gc=False):
    """How many lists pay a person a subsidy for a period; or pay it by the month, or the year."""

    lists: int = 0


class _Person(msgspec.Struct, frozen=True, gc=False):
    iden_no: str


class _Loaded(msgspec.Struct, frozen=True, gc=False):
    """Of ``SubsidyListLoaded``."""

    subsidy_code: str
    pay_period: str
    lines: tuple[_Person, ...]


def kind_of(pay_period: str) -> str:
    return BY_YEAR if len(pay_period) == _YEAR_DIGITS else BY_MONTH


def other_kind(pay_period: str) -> str:
    """The way in which a subsidy that is paid by such periods is not paid."""
    return BY_MONTH if kind_of(pay_period) == BY_YEAR else BY_YEAR


def kind_key(subsidy_code: str, pay_period: str, kind: str) -> str:
    """Of the lists that pay a subsidy by the month, or by the year, in the year of the period."""
    return f"{subsidy_code}/{pay_period[:_YEAR_DIGITS]}/{kind}"


def person_key(subsidy_code: str, pay_period: str, iden_no: str) -> str:
    return f"{subsidy_code}/{pay_period}/{iden_no}"


def entered_keys(loaded: Any) -> Iterator[str]:
    """The rows that a list counts up, once each."""
    code, period = loaded.subsidy_code, loaded.pay_period
    yield kind_key(code, period, kind_of(period))
    for line in loaded.lines:
        yield person_key(code, period, line.iden_no)


class PaidPeriodFold(RegisterFold):
    """By subsidy, period and person."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {SubsidyListLoaded: _Loaded}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterator[Movement]:
        for key in entered_keys(event):
            yield key, 0, 1


def _touched(event: Event) -> Iterable[str]:
    return entered_keys(event) if isinstance(event, SubsidyListLoaded) else ()


def _refuse(short: Shortage) -> GuokuError:
    return GuokuError(Code.INTERNAL, f"the lists of {short.key} only become more")


PAID_PERIODS: Register[PaidPeriod] = declare(
    Register(
        name="subsidy_period",
        row=PaidPeriod,
        floored=("lists",),
        refuse=_refuse,
        fold=PaidPeriodFold,
        touched=_touched,
        keeps_zero=False,
    )
)
OTHER_YEAR = in_other_years(PAID_PERIODS)  # arrears of a year are paid in the next
