"""What decisions look at: the state of one ledger inside one transaction.

Truth lies in the database. This is a cache of it, valid exactly when its position equals the locked
head's, and the working copy to which a batch's decisions are applied before they are written.
Every change goes through :meth:`_put`, so that a dry run or an atomic batch can be taken back.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple, TypeVar

import msgspec

from ledger.account_set import within_year
from ledger.balances import NOTHING, Balances
from ledger.books import Books, Charts
from ledger.elements import CodeSets
from ledger.events import Event
from ledger.integrity.chain import moment_of
from ledger.streams import AnyKind, Kind, ledger_stream_id, new_stream_id

T = TypeVar("T")

BEIJING = timezone(timedelta(hours=8))  # the treasury's days begin in Beijing, without summer time
OBJECTS_CACHED_MAX = 200_000

Stream = tuple[bytes, int]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's own state, kept with its head."""

    name: str = ""
    mof_div_name: str = ""
    roles: tuple[str, ...] = ("treasury",)
    pay_bank_code: str = "102"
    signing: str = "voucher"
    closed_through: date | None = None


class UnclearedKey(NamedTuple):
    """What claims on the central bank are summed over."""

    pay_bank_code: str
    effective_on: date
    vt_code: str
    fund_type_code: str
    sup_dep_code: str
    exp_func_code: str
    gov_bgt_eco_code: str


class Row(NamedTuple):
    """An event with its place, before it is hashed and written."""

    position: int
    stream_id: bytes
    stream_version: int
    effective_on: date
    event: Event


class Savepoint(NamedTuple):
    """Where a state stood, so that it can be taken back there."""

    position: int
    rows: int
    stream_version: int
    settings: Settings


class Decision(msgspec.Struct, kw_only=True):
    """What an accepted command does, beyond the point of no return.

    Attributes:
        events: (kind, number, event) in order; kind None for the ledger's own stream.
        balances: controlled balances after it.
        uncleared: changes of what the bank is owed, in fen.
        documents: (SM3, bytes) of signed vouchers and receipts, each of them new.
        shared_documents: likewise, of documents that an earlier event may have brought already.
    """

    events: list[tuple[AnyKind | None, str, Event]]
    effective_on: date
    balances: dict[str, Balances] = {}
    uncleared: dict[UnclearedKey, int] = {}
    documents: list[tuple[bytes, bytes]] = []
    shared_documents: list[tuple[bytes, bytes]] = []
    settings: Settings | None = None


class LedgerState:
    """Head, settings, objects and balances of one ledger; see the module."""

    def __init__(self, ledger_id: int, charts: Charts) -> None:
        self.ledger_id = ledger_id
        self._charts = charts
        self.codes: CodeSets  # set by the sequencer for each batch
        self.position = -1
        self.chain = b""
        self.recorded_us = 0
        self.stream_version = 0
        self.settings = Settings()
        self.objects: dict[tuple[str, str], Any] = {}
        self.streams: dict[tuple[str, str], Stream] = {}
        self.balances: dict[str, Balances] = {}
        self.uncleared: dict[UnclearedKey, int] | None = None
        self.begin()

    # ---- what decisions read

    @property
    def next_position(self) -> int:
        return self.position + 1

    @property
    def today(self) -> date:
        """The business day of this commit, in the ledger's year."""
        return within_year(self.ledger_id, self.now.astimezone(BEIJING).date())

    @property
    def now(self) -> datetime:
        return moment_of(self.recorded_us)

    def books(self, day: date) -> Books:
        return self._charts.on(day)

    def get(self, kind: Kind[T], number: str) -> T | None:
        obj: T | None = self.objects.get((kind.name, number))
        return obj

    def balance(self, bgt_id: str) -> Balances:
        return self.balances.get(bgt_id, NOTHING)

    # ---- one batch

    def begin(self) -> None:
        """Starts a batch with nothing to write."""
        self.rows: list[Row] = []
        self.documents: dict[bytes, bytes] = {}
        self.shared_documents: dict[bytes, bytes] = {}
        self.changed_balances: dict[str, bool] = {}
        self.changed_uncleared: dict[UnclearedKey, bool] = {}
        self.changed_settings = False
        self._undo: list[tuple[dict[Any, Any], Any, Any]] | None = None

    def savepoint(self) -> Savepoint:
        """From here on changes are remembered, until :meth:`rollback` or :meth:`release`."""
        self._undo = []
        return Savepoint(self.position, len(self.rows), self.stream_version, self.settings)

    def rollback(self, savepoint: Savepoint) -> None:
        """Takes back all since ``savepoint``; balances stay marked, rewriting them is harmless."""
        for mapping, key, old in reversed(self._undo or ()):
            if old is None:
                mapping.pop(key, None)
            else:
                mapping[key] = old
        self._undo = None
        self.position, rows, self.stream_version, self.settings = savepoint
        del self.rows[rows:]

    def release(self) -> None:
        """Keeps what was done since the savepoint."""
        self._undo = None

    def _put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        if self._undo is not None:
            self._undo.append((mapping, key, mapping.get(key)))
        mapping[key] = value

    def apply(self, decision: Decision) -> tuple[int, int]:
        """Makes the decision's effects the state; gives positions of its first and last event."""
        first = self.next_position
        for kind, number, event in decision.events:
            self._append(kind, number, event, decision.effective_on)
        for bgt_id, balances in decision.balances.items():
            self._put(self.balances, bgt_id, balances)
            self.changed_balances[bgt_id] = True
        if decision.uncleared:
            self._move_uncleared(decision.uncleared)
        for sm3, body in decision.documents:
            self._put(self.documents, sm3, body)
        for sm3, body in decision.shared_documents:
            self._put(self.shared_documents, sm3, body)
        if decision.settings is not None:
            self.settings = decision.settings
            self.changed_settings = True
        return first, self.position

    def _append(self, kind: AnyKind | None, number: str, event: Event, day: date) -> None:
        self.position += 1
        if kind is None:
            self.stream_version += 1
            stream_id, version = ledger_stream_id(self.ledger_id), self.stream_version
        else:
            key = (kind.name, number)
            stream_id, version = self.streams.get(key) or (
                new_stream_id(self.ledger_id, self.recorded_us, self.position),
                0,
            )
            version += 1
            before = self.objects.get(key)
            after = kind.fold(before, event)
            if after is not None:  # a refusal's stream is no object's
                self._put(self.streams, key, (stream_id, version))
            if after is not before:
                self._put(self.objects, key, after)
        self.rows.append(Row(self.position, stream_id, version, day, event))

    def _move_uncleared(self, changes: dict[UnclearedKey, int]) -> None:
        assert self.uncleared is not None, "uncleared amounts are loaded before they move"
        for key, change_fen in changes.items():
            self._put(self.uncleared, key, self.uncleared.get(key, 0) + change_fen)
            self.changed_uncleared[key] = True

    # ---- the cache

    def forget(self) -> None:
        """Drops all that was cached: the next batch reads the database."""
        self.position = -1
        self.objects.clear()
        self.streams.clear()
        self.balances.clear()
        self.uncleared = None

    def forget_streams(self, stream_ids: Iterable[bytes], bgt_ids: Iterable[str]) -> None:
        """Drops what another process has written to."""
        gone = set(stream_ids)
        for key in [key for key, (stream_id, _) in self.streams.items() if stream_id in gone]:
            del self.streams[key]
            self.objects.pop(key, None)
        for bgt_id in bgt_ids:
            self.balances.pop(bgt_id, None)
        self.uncleared = None

    def trim(self) -> None:
        """Keeps the cache bounded; the oldest objects go first."""
        while len(self.objects) > OBJECTS_CACHED_MAX:
            key = next(iter(self.objects))
            del self.objects[key]
            self.streams.pop(key, None)
        if len(self.balances) > OBJECTS_CACHED_MAX:
            self.balances.clear()
