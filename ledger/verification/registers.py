"""登记簿: every register folded anew: never below a floor, and in the end what is stored.

A register that somebody has changed in the database is found here, whichever it is: what the rows
hold must be what the events come to.
"""

from datetime import date

import msgspec
import psycopg

from ledger.books import Charts
from ledger.deciding.refolding import Folded, Refold
from ledger.deciding.registers import AnyRegister, declared
from ledger.errors import IntegrityError, RequestError
from ledger.events import JournalPosted, type_names
from ledger.money import yuan
from ledger.reading.streaming import Chunk
from ledger.verification.entries import EntryCheck
from ledger.verification.findings import Findings

_EPOCH = date(1970, 1, 1).toordinal()
_ROWS = "SELECT key, amounts::text FROM registers WHERE ledger_id = %s AND register = %s"
_STRANGE = "SELECT DISTINCT register FROM registers WHERE ledger_id = %s AND register <> ALL(%s)"


class RegisterCheck:
    """See the module; journals are balanced on the way, since they are read for it."""

    NAME, STORED = "floor", "balance"

    def __init__(
        self, findings: Findings, entries: EntryCheck, charts: Charts, before: Folded | None
    ) -> None:
        self._findings, self._entries = findings, entries
        self._refold = Refold(charts, before)
        self._routes = {name.encode(): each for name, each in self._refold.routes.items()}
        self._journals = {name.encode() for name in type_names(JournalPosted)}

    def take(self, chunk: Chunk) -> None:
        routes, journals, follow = self._routes, self._journals, self._refold.follow
        counted = moved = 0
        for position, day, type_, payload in zip(
            chunk.positions, chunk.days, chunk.types, chunk.payloads, strict=True
        ):
            for route in routes.get(type_, ()):
                try:
                    event = route.decode(payload)
                    if type_ in journals:
                        counted += 1
                        self._entries.check(position, event)
                    for below in follow(route, event, position, date.fromordinal(_EPOCH + day)):
                        detail = (
                            f"{below.register} {below.key} has {below.field} "
                            f"{yuan(below.amount_fen)} after it 余额为负"
                        )
                        self._findings.add(self.NAME, position, detail)
                    moved += 1
                except (msgspec.MsgspecError, IntegrityError, RequestError, ValueError) as error:
                    check = EntryCheck.NAME if type_ in journals else self.NAME
                    self._findings.add(check, position, f"its bytes cannot be read: {error}")
        self._findings.count(EntryCheck.NAME, counted)
        self._findings.count(self.NAME, moved)

    def conclude(self, connection: psycopg.Connection, ledger_id: int, head: int) -> None:
        """Holds the stored rows of every register against what the events make them."""
        for register in declared():
            self._compare(connection, ledger_id, register, head)
        names = [register.name for register in declared()]
        for (name,) in connection.execute(_STRANGE, (ledger_id, names)):
            self._findings.add(self.STORED, head, f"rows of a register {name!r} that nobody knows")

    def _compare(
        self, connection: psycopg.Connection, ledger_id: int, register: AnyRegister, head: int
    ) -> None:
        mine = {
            key: amounts
            for key, row in self._refold.rows(register).items()
            if (amounts := register.stored(row)) is not None
        }
        number = 0
        with connection.cursor("registers") as cursor:
            cursor.execute(_ROWS, (ledger_id, register.name))
            for key, text in cursor:
                number += 1
                theirs = tuple(map(int, text[1:-1].split(",")))
                due = mine.pop(key, None) or (0,) * len(register.fields)
                if theirs != due:
                    self._differs(register, key, theirs, due, head)
        for key in mine:
            position = self._refold.moved_at(register, key)
            detail = f"the row of {register.name} {key} is missing 余额缺失"
            self._findings.add(self.STORED, position, detail, head + 1)
        self._findings.count(self.STORED, number)

    def _differs(
        self,
        register: AnyRegister,
        key: str,
        theirs: tuple[int, ...],
        due: tuple[int, ...],
        head: int,
    ) -> None:
        """A row that differs may be wrong, or right and events behind the last one are missing."""
        name, given_fen, due_fen = next(
            ((n, t, d) for n, t, d in zip(register.fields, theirs, due, strict=False) if t != d),
            ("its fields", 0, 0),
        )
        detail = (
            f"{register.name} {key}: {name} is stored as {yuan(given_fen)}, the events make it "
            f"{yuan(due_fen)} 余额与分录不符"
        )
        self._findings.add(self.STORED, self._refold.moved_at(register, key), detail, head + 1)

    def folded(self) -> Folded:
        """What the next verification goes on from."""
        return self._refold.folded()
