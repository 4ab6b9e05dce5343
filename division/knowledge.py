"""What a year's ledger knows of its division, as of the positions that it has noted."""

from collections.abc import Mapping, Sequence, Set
from datetime import date, timedelta

import msgspec

from division.account import RegisteredAccount
from division.agency import RegisteredAgency
from division.bank import AppointedBank
from division.calendar import Calendar
from division.monitor_events import MonitorRule
from division.monitor_rules import RulesByYear
from ledger.account_set import own_standing_ledger
from ledger.deciding.state import BEIJING, LedgerState
from ledger.errors import Code, Refusal


class DivisionData(msgspec.Struct, frozen=True):
    """What one standing ledger says of its own division.

    Attributes:
        is_open: whether the division keeps its standing data; until then its years work without.
        agencies: its units by their codes, whether they have begun or ended.
        accounts: its accounts by the units whose they are, those of the treasury under "".
        pays_from_registered: whether any of them is one to pay from.
        cards: the numbers of all 公务卡 that it has registered, ended ones too.
        calendar: the days that it has told of.
        rules: its monitoring rules by fiscal year.
    """

    is_open: bool = False
    agencies: Mapping[str, RegisteredAgency] = {}
    accounts: Mapping[str, Sequence[RegisteredAccount]] = {}
    pays_from_registered: bool = False
    cards: Set[str] = frozenset()
    calendar: Calendar = Calendar()
    rules: RulesByYear = {}


class Knowledge(msgspec.Struct, frozen=True):
    """What decisions rest on beside their own ledger.

    Attributes:
        banks: the appointed ones by their code, of each the nearest division's.
        divisions: the rest of each standing ledger, by its key.
        monitors: whether any of them has monitoring rules.
        has_cards: whether any of them has registered a 公务卡.
        has_calendar: whether any of them has a calendar that binds.
    """

    banks: Mapping[str, AppointedBank] = {}
    divisions: Mapping[int, DivisionData] = {}
    monitors: bool = False
    has_cards: bool = False
    has_calendar: bool = False


NOTHING = Knowledge()
NOT_OPENED = DivisionData()
_A_DAY = timedelta(days=1)
_YEAR_END = 12, 31


def known(state: LedgerState) -> Knowledge:
    """What a decision may rest on; nothing where nobody has read it."""
    return state.standing or NOTHING


def own_division(state: LedgerState) -> DivisionData:
    """What a year's ledger knows of its own division; those above have units of their own."""
    standing: Knowledge | None = state.standing
    if standing is None:
        return NOT_OPENED
    return standing.divisions.get(own_standing_ledger(state.ledger_id), NOT_OPENED)


def rules_of_year(state: LedgerState) -> Sequence[MonitorRule]:
    """The monitoring rules of the ledger's own division for its year; () where it has none, which
    is told by one look."""
    standing: Knowledge | None = state.standing
    if standing is None or not standing.monitors:
        return ()
    return own_division(state).rules.get(state.fiscal_year, ())


def cards_of(state: LedgerState) -> Set[str]:
    """The numbers of all 公务卡 that the ledger's own division has registered; that there is none
    is told by one look."""
    standing: Knowledge | None = state.standing
    if standing is None or not standing.has_cards:
        return NOT_OPENED.cards
    return own_division(state).cards


def is_workday(state: LedgerState, day: date) -> bool:
    """Whether a day is worked on, as the nearest division that tells of it says."""
    told: dict[str, bool] = {}
    for _, division in sorted(known(state).divisions.items()):
        told |= division.calendar.other
    return Calendar(told).is_workday(day)


def require_workday(state: LedgerState, day: date, pointer: str) -> None:
    """What goes to the central bank is dated on a day that is worked on, where a calendar binds the
    day's year; that none does is told by one look. The year's last day is worked on whatever it is
    (年终决算日). Whoever has to act on another day tells the calendar so, which takes two persons.

    Args:
        pointer: where the day stands, or may be said.

    Raises:
        Refusal: ``not_a_workday``, with the ``next_workday``.
    """
    standing = known(state)
    if not standing.has_calendar or (day.month, day.day) == _YEAR_END or is_workday(state, day):
        return
    if any(day.year in each.calendar.binding_years for each in standing.divisions.values()):
        following = day + _A_DAY
        while not is_workday(state, following):
            following += _A_DAY
        raise Refusal(
            Code.NOT_A_WORKDAY,
            f"{day} is not worked on, by the calendar 非工作日",
            pointer=pointer,
            next_workday=following.isoformat(),
        )


def require_appointed(state: LedgerState, pay_bank_code: str) -> None:
    """Where any bank was ever appointed, only one that is appointed today pays.

    Raises:
        Refusal: ``bank_not_appointed``.
    """
    banks, day = known(state).banks, state.now.astimezone(BEIJING).date()
    bank = banks.get(pay_bank_code)
    if banks and (bank is None or bank.on(day) is None):
        raise Refusal(
            Code.BANK_NOT_APPOINTED,
            f"no bank {pay_bank_code!r} is appointed 代理银行 on {day}",
            pointer="/pay_bank_code",
        )


def require_known(state: LedgerState, pay_bank_code: str) -> None:
    """The same of a bank that may have ended: what it has paid is cleared all the same.

    Raises:
        Refusal: ``bank_not_appointed``.
    """
    banks = known(state).banks
    if banks and pay_bank_code not in banks:
        raise Refusal(
            Code.BANK_NOT_APPOINTED,
            f"no bank {pay_bank_code!r} was ever appointed 代理银行",
            pointer="/pay_bank_code",
        )
