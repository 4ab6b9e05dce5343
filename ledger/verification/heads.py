"""账套头: the head's row against the events: what it caches of them is believed nowhere here.

A ledger's settings decide its commands and lie in its head's row, which anybody with the rights of
the program can write. They are folded anew from the events of the ledger's own stream.
"""

from collections.abc import Iterable

import msgspec
import psycopg

from ledger.account_set import is_standing, is_system
from ledger.deciding.objects import ledger_stream_id
from ledger.deciding.settings import decoded
from ledger.events import decode
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, Place, join, memory_of

# a time that somebody has made infinite is none: it comes as the beginning of 1970
_RECORDED_US = (
    "CASE WHEN isfinite(recorded_at) THEN (extract(epoch FROM recorded_at) * 1000000)::bigint"
    " ELSE 0 END"
)
_HEAD = (
    f"SELECT position, chain, {_RECORDED_US}, stream_version,"  # noqa: S608 - constants
    " convert_to(settings::text, 'UTF8') FROM ledgers WHERE ledger_id = %s"
)
_LAST_COMMIT = (
    f"SELECT {_RECORDED_US} FROM commits WHERE ledger_id = %s"  # noqa: S608 - constants
    " ORDER BY position DESC LIMIT 1"
)


def read_place(connection: psycopg.Connection, ledger_id: int) -> Place | None:
    """The head's row as it is, or None when there is no such ledger."""
    row = connection.execute(_HEAD, (ledger_id,)).fetchone()
    if row is None:
        return None
    position, chain, recorded_us, stream_version, settings = row
    return Place(ledger_id, position, chain, recorded_us, stream_version, bytes(settings))


def stored_ledgers(connection: psycopg.Connection) -> list[int]:
    """Every ledger that has a head: standing ones, those of divisions and years, system ledgers."""
    rows = connection.execute("SELECT ledger_id FROM ledgers ORDER BY ledger_id").fetchall()
    ledgers = [row[0] for row in rows]
    return sorted(ledgers, key=lambda i: (is_system(i), not is_standing(i), i))


class _Folded(msgspec.Struct):
    """What is known of the ledger's own stream.

    Attributes:
        version: how many events it has.
        settings: as they are kept.
        set_at: by part, the position that has set it last.
    """

    version: int = 0
    settings: bytes = b"{}"
    set_at: dict[str, int] = {}


@join
class HeadCheck(EventCheck):
    """Settings, the ledger's own stream and its time, folded, against the head's row."""

    NAME = name_check(
        "head", "账套头 settings and head folded from the events", "ledgers", "ledgers"
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._folded = memory_of(context.memory, _Folded, _Folded())
        self._settings = decoded(self._folded.settings)

    def streams(self) -> Iterable[bytes]:
        return (ledger_stream_id(self.context.place.ledger_id),)

    def take(self, row: FollowedEvent) -> None:
        self._folded.version += 1
        after = self._settings.after(decode(row.type, row.payload))
        for name in after.differing(self._settings):
            self._folded.set_at[name] = row.position
        self._settings = after

    def conclude(self) -> None:
        self.findings.count(self.NAME, 1)
        place = self.context.place
        try:
            stored = decoded(place.settings)
        except msgspec.MsgspecError as error:
            self._differs("its settings cannot be read:", str(error), 1)
            stored = self._settings
        for name in stored.differing(self._settings):
            detail = f"{name} is stored as {stored.part(name)}, the events make it"
            self._differs(detail, self._settings.part(name), self._folded.set_at.get(name, 1))
        if place.stream_version != self._folded.version:
            detail = f"its stream is said to have {place.stream_version} events, it has"
            self._differs(detail, str(self._folded.version))
        row = self.context.asking.execute(_LAST_COMMIT, (place.ledger_id,)).fetchone()
        if row is not None and row[0] != place.recorded_us:
            self._differs("its time is not that of the last commit,", f"{row[0]} µs since 1970")

    def _differs(self, said: str, due: str, position: int = 0) -> None:
        """A head that differs may be wrong, or right and events behind the last one missing."""
        head = self.context.place.position
        detail = f"{said} {due} 账套头与事件不符"
        self.findings.add(self.NAME, position or max(1, head), detail, head + 1)

    def remembered(self) -> bytes:
        self._folded.settings = self._settings.encoded()
        return msgspec.msgpack.encode(self._folded)
