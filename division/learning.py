"""Reading what a year's ledger is to know of its division.

A division has units by the ten thousand, and its standing ledger goes on while years are written.
So what was read is kept, and only what came behind it is read the next time. That it is the same
history still, its chain tells.
"""

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any
from uuid import UUID

import psycopg

from division.account import ACCOUNT, TO_PAY_FROM, RegisteredAccount
from division.agency import AGENCY, RegisteredAgency
from division.bank import BANK, AppointedBank
from division.base_events import CalendarSet, CardRegistered
from division.calendar import CALENDAR, Calendar
from division.events import DivisionOpened
from division.folded import folded_objects
from division.knowledge import DivisionData, Knowledge
from division.monitor_events import MonitorRulesSet
from division.monitor_rules import MONITOR_RULES, MonitorRules
from division.opening import DIVISION, StandingDivision
from ledger.deciding.settings import Setting
from ledger.errors import IntegrityError
from ledger.events import Event, decode, names_that, type_names

_KINDS = {kind.name: kind for kind in (BANK, AGENCY, ACCOUNT)}
_SETTINGS: dict[type[Event], Setting[Any]] = {
    DivisionOpened: DIVISION,
    CalendarSet: CALENDAR,
    MonitorRulesSet: MONITOR_RULES,
}
_TYPES = [
    *names_that(lambda traits: traits.subject in _KINDS),
    *(name for cls in _SETTINGS for name in type_names(cls)),
    *type_names(CardRegistered),
]
_EVENTS = """
SELECT stream_id, type, payload FROM events
WHERE ledger_id = %s AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position"""
_CHAIN = "SELECT chain FROM commits WHERE ledger_id = %s AND position = %s"


class _StandingData:
    """What one standing ledger comes to, and up to where it was read."""

    def __init__(self) -> None:
        self.position = 0
        self.chain: bytes | None = None  # after that position
        self._division = StandingDivision()
        self._calendar = Calendar()
        self._rules = MonitorRules()
        self._cards: set[str] = set()
        self._objects: dict[str, dict[UUID, Any]] = {name: {} for name in _KINDS}
        self._said: tuple[Mapping[str, AppointedBank], DivisionData] | None = None

    def holds(self, connection: psycopg.Connection, ledger_id: int, upto: int) -> bool:
        """Whether what was read is what leads to ``upto`` in this database."""
        if self.position > upto:
            return False
        return self.position == 0 or self.chain == _chain(connection, ledger_id, self.position)

    def read_on(self, connection: psycopg.Connection, ledger_id: int, upto: int) -> None:
        if self.position == upto:
            return
        for stream_id, event in _events(connection, ledger_id, self.position, upto):
            self._said = None
            if isinstance(event, CardRegistered):
                self._cards.add(event.card_no)
                continue
            subject = event.TRAITS.subject
            if subject not in _KINDS:
                self._division = DIVISION.fold(self._division, event)
                self._calendar = CALENDAR.fold(self._calendar, event)
                self._rules = MONITOR_RULES.fold(self._rules, event)
                continue
            objects = self._objects[subject]
            after = _KINDS[subject].fold(objects.get(stream_id), event)
            if after is not None:
                objects[stream_id] = after
        self.position, self.chain = upto, _chain(connection, ledger_id, upto)

    def said(self) -> tuple[Mapping[str, AppointedBank], DivisionData]:
        """Its banks, and the rest; the same mappings for all who ask before it goes on."""
        if self._said is None:
            banks = {bank.pay_bank_code: bank for bank in self._objects[BANK.name].values()}
            agencies: dict[str, RegisteredAgency] = {
                agency.agency_code: agency for agency in self._objects[AGENCY.name].values()
            }
            accounts: dict[str, list[RegisteredAccount]] = {}
            for account in self._objects[ACCOUNT.name].values():
                accounts.setdefault(account.versions[0].agency_code, []).append(account)
            self._said = (
                banks,
                DivisionData(
                    is_open=self._division.is_open,
                    agencies=agencies,
                    accounts=accounts,
                    cards=frozenset(self._cards),
                    calendar=self._calendar,
                    rules=self._rules.by_year,
                    pays_from_registered=any(
                        account.versions[0].acc_type_code in TO_PAY_FROM
                        for account in self._objects[ACCOUNT.name].values()
                    ),
                ),
            )
        return self._said


class KnowledgeReader:
    """Reads what standing ledgers say as of positions, from that of all divisions down; safe
    between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read: dict[int, _StandingData] = {}

    def __call__(self, connection: psycopg.Connection, positions: Mapping[int, int]) -> Knowledge:
        banks: dict[str, AppointedBank] = {}
        divisions: dict[int, DivisionData] = {}
        with self._lock:
            for ledger_id, upto in sorted(positions.items()):
                appointed, divisions[ledger_id] = self._upto(connection, ledger_id, upto).said()
                banks |= appointed
        monitors = any(division.rules for division in divisions.values())
        has_cards = any(division.cards for division in divisions.values())
        has_calendar = any(each.calendar.binding_years for each in divisions.values())
        return Knowledge(banks, divisions, monitors, has_cards, has_calendar)

    def _upto(self, connection: psycopg.Connection, ledger_id: int, upto: int) -> _StandingData:
        data = self._read.pop(ledger_id, None)  # what is read in part is not kept
        if data is None or not data.holds(connection, ledger_id, upto):
            data = _StandingData()
        data.read_on(connection, ledger_id, upto)
        self._read[ledger_id] = data
        return data


def read_banks(
    connection: psycopg.Connection, positions: Mapping[int, int]
) -> dict[str, AppointedBank]:
    """The appointed banks as of these positions, of each the nearest division's."""
    banks: dict[str, AppointedBank] = {}
    for ledger_id, upto in sorted(positions.items()):
        for found in folded_objects(connection, ledger_id, (BANK,), upto):
            banks[found.obj.pay_bank_code] = found.obj
    return banks


def _events(
    connection: psycopg.Connection, ledger_id: int, after: int, upto: int
) -> Iterator[tuple[UUID, Any]]:
    """What is looked at among the events behind a position; one that cannot be read is passed over:
    the verification of the history names it."""
    for stream_id, type_name, payload in connection.execute(
        _EVENTS, (ledger_id, after, upto, _TYPES)
    ):
        try:
            yield stream_id, decode(type_name, payload)
        except IntegrityError:
            continue


def _chain(connection: psycopg.Connection, ledger_id: int, position: int) -> bytes | None:
    row = connection.execute(_CHAIN, (ledger_id, position)).fetchone()
    return bytes(row[0]) if row else None
