"""系统账套: the tables that find checkpoints, cosignatures and keys again, against the events.

They are a reading of a system ledger's events and no truth of their own; but whoever asks for a
checkpoint is answered by them, so a row that is missing hides one.
"""

from collections.abc import Iterable, Iterator

from ledger.account_set import is_system
from ledger.events import decode, names_that
from ledger.sealing.events import SEAL
from ledger.sealing.register import READINGS, reading_of, stored_readings
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join

_READ_UPTO = "SELECT position FROM system_positions WHERE system_ledger_id = %s"
_NEVER = 1 << 63


@join
class ReadingCheck(EventCheck):
    """Every sealing event has its row, and every row its event."""

    NAME = name_check(
        "reading", "系统账套索引 where checkpoints, cosignatures and keys stand", "rows",
        "checkpoints", "cosignatures", "note_keys", "province_heads", "system_positions",
    )  # fmt: skip

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._last = int.from_bytes(context.memory, "big")
        self._after = self._last if context.memory else -_NEVER  # at genesis, whatever there is
        self._tables: dict[str, _Stored] = {}
        if is_system(context.place.ledger_id):
            self._tables = {name: self._stored(name) for name in READINGS}
            asked = context.asking.execute(_READ_UPTO, (context.place.ledger_id,)).fetchone()
            self._upto = asked[0] if asked else 0
            if self._upto > context.place.position:
                detail = f"the system ledger was read up to {self._upto}, behind its end"
                self.findings.add(self.NAME, context.place.position + 1, detail)

    def _stored(self, table: str) -> "_Stored":
        context = self.context
        return _Stored(stored_readings(context.asking, table, context.place.ledger_id, self._after))

    def follows(self) -> Iterable[str]:
        return names_that(lambda traits: traits.subject == SEAL)

    def take(self, row: FollowedEvent) -> None:
        self._last = row.position
        table, values = reading_of(decode(row.type, row.payload))
        if (stored := self._tables.get(table)) is None:
            self.findings.add(self.NAME, row.position, f"{row.type} is no event of this ledger")
            return
        self.findings.count(self.NAME, 1)
        self._superfluous(table, stored, row.position)
        if stored.position != row.position:
            if row.position <= self._upto:
                detail = f"the row of {table} for this event is missing 索引缺失"
                self.findings.add(self.NAME, row.position, detail)
            return
        if stored.values != values:
            detail = f"the row of {table} says {stored.values}, the event {values} 索引被改"
            self.findings.add(self.NAME, row.position, detail)
        stored.advance()

    def _superfluous(self, table: str, stored: "_Stored", upto: int) -> None:
        while stored.position < upto:
            detail = f"a row of {table} points at an event that is none of its kind 索引有误"
            self.findings.add(self.NAME, max(1, stored.position), detail)
            stored.advance()

    def conclude(self) -> None:
        for table, stored in self._tables.items():
            self._superfluous(table, stored, _NEVER)

    def remembered(self) -> bytes:
        return self._last.to_bytes(8, "big")


class _Stored:
    """The next row of a table; behind the last one its position is beyond all others."""

    def __init__(self, rows: Iterator[tuple[int, tuple[object, ...]]]) -> None:
        self._rows = rows
        self.advance()

    def advance(self) -> None:
        self.position, self.values = next(self._rows, (_NEVER, ()))
