"""登记簿: every register folded anew: never below a floor, and in the end what is stored.

A register that somebody has changed in the database is found here, whichever it is: what the rows
hold, for all days together and at the end of each, must be what the events come to.

That no floor is broken on any business day is asked since a ledger says so (``dated_floors``): what
was recorded before was allowed to, and such days are told without being findings.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

import msgspec
import psycopg

from ledger.books import Charts
from ledger.deciding.dated import DatedRow
from ledger.deciding.refolding import Below, Folded, Refold
from ledger.deciding.registers import AnyRegister, declared
from ledger.errors import IntegrityError
from ledger.events import FloorsDated, JournalPosted, LedgerOpened, decoder, type_names
from ledger.money import yuan
from ledger.reading.streaming import Chunk
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.entries import EntryCheck
from ledger.verification.findings import Findings

_EPOCH = date(1970, 1, 1).toordinal()
_ROWS = "SELECT key, floored, amounts, day FROM registers WHERE ledger_id = %s AND register = %s"
_DAYS = (
    "SELECT key, day, amounts FROM register_days WHERE ledger_id = %s AND register = %s"
    " ORDER BY key, day"
)
_STRANGE = (
    "SELECT register FROM registers WHERE ledger_id = %s AND register <> ALL(%s) UNION"
    " SELECT register FROM register_days WHERE ledger_id = %s AND register <> ALL(%s)"
)


class _Opened(msgspec.Struct, frozen=True, gc=False):
    """Of ``LedgerOpened``."""

    dated_floors: bool = False


class RegisterCheck:
    """See the module; journals are balanced on the way, since they are read for it."""

    NAME = name_check("floor", "不透支 registers never below their floors", "movements", "events")
    ON_DAYS = name_check(
        "day", "逐日不透支 registers never below their floors on any day", "movements", "events"
    )
    STORED = name_check(
        "balance", "登记簿 registers equal to those stored", "rows", "registers", "register_days"
    )

    def __init__(
        self, findings: Findings, entries: EntryCheck, charts: Charts, before: Folded | None
    ) -> None:
        self._findings, self._entries = findings, entries
        self._refold = Refold(charts, before)
        self._dated = before.dated_floors if before else False
        self._opening = {name.encode(): decoder(name, _Opened) for name in type_names(LedgerOpened)}
        self._adopting = {name.encode() for name in type_names(FloorsDated)}
        self._routes = {name.encode(): each for name, each in self._refold.routes.items()}
        self._journals = {name.encode() for name in type_names(JournalPosted)}

    def take(self, chunk: Chunk) -> None:
        routes, journals, follow = self._routes, self._journals, self._refold.follow
        counted = moved = 0
        for position, day, type_, payload in zip(
            chunk.positions, chunk.days, chunk.types, chunk.payloads, strict=True
        ):
            if not self._dated:
                self._dated = self._dates_floors(type_, payload)
            for route in routes.get(type_, ()):
                if route.mark and payload.find(route.mark) < 0:  # ``in`` takes twice as long
                    continue
                try:
                    event = route.decode(payload)
                    if type_ in journals:
                        counted += 1
                        self._entries.check(position, day, event)
                    for below in follow(route, event, position, date.fromordinal(_EPOCH + day)):
                        self._below(below, position)
                    moved += 1
                except BROKEN as error:
                    check = EntryCheck.NAME if type_ in journals else self.NAME
                    self._findings.add(check, position, f"its bytes cannot be read: {error}")
        self._findings.count(EntryCheck.NAME, counted)
        self._findings.count(self.NAME, moved)
        if self._dated:
            self._findings.count(self.ON_DAYS, moved)

    def _dates_floors(self, type_: bytes, payload: bytes) -> bool:
        """Whether an event says that from it on floors hold on every business day."""
        if type_ in self._opening:
            with suppress(msgspec.MsgspecError, IntegrityError):  # the check of digests tells it
                opened: _Opened = self._opening[type_](payload)
                return opened.dated_floors
        return type_ in self._adopting

    def _below(self, below: Below, position: int) -> None:
        on = f" on {below.on} 当日" if below.on else ""
        detail = (
            f"{below.register} {below.key} has {below.field} "
            f"{yuan(below.amount_fen)} after it{on} 余额为负"
        )
        if below.on is None:
            self._findings.add(self.NAME, position, detail)
        elif self._dated:
            self._findings.add(self.ON_DAYS, position, detail)
        else:
            self._findings.note(self.ON_DAYS, position, detail)

    def conclude(self, connection: psycopg.Connection, ledger_id: int, head: int) -> None:
        """Holds the stored rows of every register against what the events make them."""
        for register in declared():
            self._compare(connection, ledger_id, register, head)
        names = [register.name for register in declared()]
        for (name,) in connection.execute(_STRANGE, (ledger_id, names, ledger_id, names)):
            self._findings.add(self.STORED, head, f"rows of a register {name!r} that nobody knows")

    def _compare(
        self, connection: psycopg.Connection, ledger_id: int, register: AnyRegister, head: int
    ) -> None:
        mine = {
            key: dated
            for key, dated in self._refold.last_days(register).items()
            if register.keeps(dated.row)
        }
        number, untold = 0, False
        with connection.cursor("registers") as cursor:
            cursor.execute(_ROWS, (ledger_id, register.name))
            for key, floored, theirs, day in cursor:
                number += 1
                due = mine.pop(key, DatedRow(register.row()))
                if tuple(theirs) != msgspec.structs.astuple(due.row):
                    self._differs(register, key, theirs, msgspec.structs.astuple(due.row), head)
                elif floored != len(register.floored):  # what the database's own CHECK looks at
                    self._differs_on(register, key, f"has {floored} fields with a floor", head)
                elif day != due.day and (day is not None or self._dated):
                    self._differs_on(
                        register, key, f"has moved last on {day}, by the events on {due.day}", head
                    )
                untold = untold or day is None
        for key in mine:
            position = self._refold.moved_at(register, key)
            detail = f"the row of {register.name} {key} is missing 余额缺失"
            self._findings.add(self.STORED, position, detail, head + 1)
        self._findings.count(self.STORED, number)
        if not untold or self._dated:  # else the program folds them when it is started next
            self._compare_days(connection, ledger_id, register, head)

    def _compare_days(
        self, connection: psycopg.Connection, ledger_id: int, register: AnyRegister, head: int
    ) -> None:
        """The closings of days, against those that the events come to; both are in order."""
        number = 0
        seen: set[str] = set()
        with connection.cursor("register_days") as cursor:
            cursor.execute(_DAYS, (ledger_id, register.name))
            for key, rows in groupby(cursor, key=itemgetter(0)):
                seen.add(key)
                theirs = [(day.toordinal(), *amounts) for _, day, amounts in rows]
                due = [tuple(closing) for closing in self._refold.closings(register).of(key)]
                number += len(theirs)
                if theirs != due:
                    day = min(set(theirs) ^ set(due))[0]
                    what = f"is not what the events make it at the end of {date.fromordinal(day)}"
                    self._differs_on(register, key, what, head)
        for key in self._refold.closings(register).keys() - seen:
            self._differs_on(register, key, "lacks what it was on earlier days", head)
        self._findings.count(self.STORED, number)

    def _differs_on(self, register: AnyRegister, key: str, what: str, head: int) -> None:
        detail = f"{register.name} {key} {what} 逐日余额与分录不符"
        self._findings.add(self.STORED, self._refold.moved_at(register, key), detail, head + 1)

    def _differs(
        self,
        register: AnyRegister,
        key: str,
        theirs: Sequence[Decimal | None],
        due: tuple[int, ...],
        head: int,
    ) -> None:
        """A row that differs may be wrong, or right and events behind the last one are missing."""
        name, given, due_fen = next(
            ((n, t, d) for n, t, d in zip(register.fields, theirs, due, strict=False) if t != d),
            ("its fields", None, 0),
        )
        whole = isinstance(given, Decimal) and given.is_finite() and given == int(given)
        told = yuan(int(given)) if given is not None and whole else f"{given}"
        detail = (
            f"{register.name} {key}: {name} is stored as {told}, the events make it "
            f"{yuan(due_fen)} 余额与分录不符"
        )
        self._findings.add(self.STORED, self._refold.moved_at(register, key), detail, head + 1)

    def folded(self) -> Folded:
        """What the next verification goes on from."""
        return msgspec.structs.replace(self._refold.folded(), dated_floors=self._dated)
