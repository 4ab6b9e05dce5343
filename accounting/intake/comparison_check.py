"""对账核验: every comparison on record, made again from the signed packages and the events.

The table of movements is not looked at: what banks have moved is read from the events anew, up to
the position that each comparison names, into a file of the run's own.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date

from accounting.intake.bank_movements import ToldMovement, read_moved
from accounting.intake.comparing import ComparedDays, compare, kept_packages
from accounting.reconciliation.events import DifferencesFound, ReconciliationCompared, Unmatched
from accounting.reconciliation.matching import BankMovement, ComparedLines
from accounting.reconciliation.receiving import comparison_in
from accounting.reconciliation.statement import RECONCILIATION, Reconciliation
from ledger.errors import GuokuError
from ledger.events import decode, type_names
from ledger.reading.objects import read_objects
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join, told

_FILE = "movements.sqlite"
_UNCOMPARED: tuple[type[Exception], ...] = (GuokuError, *BROKEN)
_UNDER = """
SELECT number, day, fen FROM movements WHERE sender = ? AND kind IN (SELECT value FROM json_each(?))
AND position <= ? AND number IN (SELECT value FROM json_each(?))"""


@join
class ReconciliationCheck(EventCheck):
    """See the module."""

    NAME = name_check("reconciliation", "对账 comparisons with banks, made again", "lines")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._told: list[tuple[int, ReconciliationCompared, list[Unmatched]]] = []

    def follows(self) -> Iterable[str]:
        yield from type_names(ReconciliationCompared)
        yield from type_names(DifferencesFound)

    def take(self, row: FollowedEvent) -> None:
        event = decode(row.type, row.payload)
        if isinstance(event, ReconciliationCompared):
            self._told.append((row.position, event, []))
        elif isinstance(event, DifferencesFound):
            self._told[-1][2].extend(event.differences)

    def conclude(self) -> None:
        if not self._told:
            return
        path = self.context.folder / _FILE
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as file:
            books = ReadMovements(file)
            upto = max(compared.upto_position for _, compared, _ in self._told)
            key = self.context.place.ledger_id
            books.take(
                read_moved(self.context.asking, key, 0, min(upto, self.context.place.position))
            )
            for position, compared, differences in self._told:
                try:
                    wrong = self._wrong_of(position, compared, differences, books)
                except _UNCOMPARED as error:
                    wrong = f"it cannot be compared again: {told(error)}"
                if wrong:
                    self.findings.add(self.NAME, position, f"{compared.recon_no}: {wrong} 对账不符")
        path.unlink(missing_ok=True)

    def _wrong_of(
        self,
        position: int,
        compared: ReconciliationCompared,
        differences: Sequence[Unmatched],
        books: "ReadMovements",
    ) -> str:
        key, asking = self.context.place.ledger_id, self.context.asking
        found: Reconciliation | None = read_objects(
            asking, key, RECONCILIATION, [compared.recon_no]
        ).get(compared.recon_no)
        if found is None:
            return "there is no such reconciliation"
        if not compared.upto_position < position:
            return f"it is said to be against position {compared.upto_position}, which was to come"
        self.findings.count(self.NAME, found.opened.all_num)
        part = DifferencesFound(recon_no=compared.recon_no, differences=tuple(differences))
        said = comparison_in((compared, part))
        days, read = ComparedDays.of(found.opened), kept_packages(asking, key)
        as_of = books.as_of(days, compared.upto_position)
        again = compare(days, compared.packages, read, as_of, compared.upto_position)
        return _differing(said, again)


def _differing(said: ComparedLines | None, again: ComparedLines) -> str:
    """What a record says otherwise than the comparison that was made again."""
    assert said is not None
    if said.differences != again.differences:
        mine, theirs = set(again.differences), set(said.differences)
        first = min((d.number for d in mine ^ theirs), default="their order")
        return (
            f"{len(mine - theirs)} differences are not on record, {len(theirs - mine)} are there"
            f" and are none, the first of {first}"
        )
    if said != again:
        return f"of {again.booked_num} movements {again.matched_num} agree, not {said.matched_num}"
    return ""


class ReadMovements:
    """Movements in a file, by number and by day."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        file.execute(
            "CREATE TABLE movements (position, sender, kind, number, day TEXT, fen INTEGER)"
        )

    def take(self, moved: Iterable[ToldMovement]) -> None:
        """Once, all there are."""
        rows = ((m[0], m[1], m[2], m[3].number, m[3].day.isoformat(), m[3].fen) for m in moved)
        self._file.executemany("INSERT INTO movements VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._file.execute("CREATE INDEX by_number ON movements (sender, kind, number)")
        self._file.execute("CREATE INDEX by_day ON movements (sender, kind, day)")

    def as_of(self, days: ComparedDays, upto: int) -> "MovementsAsOf":
        return MovementsAsOf(self._file, days, upto)


class MovementsAsOf:
    """What one bank has moved by vouchers of some kinds, as of a position."""

    def __init__(self, file: sqlite3.Connection, days: ComparedDays, upto: int) -> None:
        self._file, self._of = file, (days.sender, json.dumps(days.e_voucher_type.split(",")), upto)

    def under(self, numbers: Iterable[str]) -> Mapping[str, Sequence[BankMovement]]:
        """By number, on whatever days."""
        found: dict[str, list[BankMovement]] = {}
        asked = (*self._of, json.dumps(sorted(numbers)))
        for number, day, fen in self._file.execute(_UNDER, asked):
            movement = BankMovement(number, date.fromisoformat(day), fen)
            found.setdefault(number, []).append(movement)
        return found

    def on(self, begin: date, end: date) -> Iterator[BankMovement]:
        """Of these days."""
        rows = self._file.execute(
            "SELECT number, day, fen FROM movements WHERE sender = ? AND kind IN"
            " (SELECT value FROM json_each(?)) AND position <= ? AND day BETWEEN ? AND ?",
            (*self._of, begin.isoformat(), end.isoformat()),
        )
        for number, day, fen in rows:
            yield BankMovement(number, date.fromisoformat(day), fen)
