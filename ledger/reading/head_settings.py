"""The settings in a head's row, held against the events that make them.

Whoever can write the row could have payments signed by one person instead of four, or a closed
month opened. So a row is not believed: a process that first works on a ledger folds the ledger's
own stream, a few events a year, and later whatever was added to it. Where the row says something
else nothing is decided. What the row lacks, because an earlier release wrote it, the events say.
"""

from uuid import UUID

import msgspec
import psycopg

from ledger.account_set import ledger_text
from ledger.deciding.objects import ledger_stream_id
from ledger.deciding.settings import LedgerSettings, decoded
from ledger.deciding.state import LedgerState
from ledger.errors import Code, UnavailableError
from ledger.events import decode

_OWN_STREAM = (
    "SELECT type, payload FROM events WHERE ledger_id = %s AND stream_id = %s"
    " AND stream_version > %s ORDER BY stream_version"
)


class RewrittenHeadError(UnavailableError):
    """The row of a head says what no event says."""

    def __init__(self, ledger_id: int, told: str) -> None:
        super().__init__(
            Code.HISTORY_CUT,
            f"ledger {ledger_text(ledger_id)}: {told}; nothing is written to it before its row"
            " is as the events make it (guoku audit verify) 账套头与事件不符",
        )


def settings_at(
    connection: psycopg.Connection, state: LedgerState, stream_version: int, row: bytes
) -> LedgerSettings:
    """The settings of a head that is locked, with ``stream_version`` events of the ledger's own;
    ``row`` is what is stored of them. Asks the database only where the state does not know them.

    Raises:
        RewrittenHeadError: the row says something else.
    """
    try:
        stored = decoded(row)
    except msgspec.MsgspecError as error:
        raise RewrittenHeadError(state.ledger_id, f"its settings cannot be read: {error}") from None
    known, folded = state.position >= 0, state.settings
    if known and stored is folded and stream_version == state.stream_version:
        return stored
    if not known or stream_version != state.stream_version:
        since = state.stream_version if known else 0
        folded = _folded(connection, state.ledger_id, folded if known else LedgerSettings(), since)
    for name in stored.contradicting(folded):
        told = f"{name} is stored as {stored.part(name)}, and the events make it"
        raise RewrittenHeadError(state.ledger_id, f"{told} {folded.part(name)}")
    return stored if stored == folded else folded


def _folded(
    connection: psycopg.Connection, ledger_id: int, settings: LedgerSettings, after: int
) -> LedgerSettings:
    stream_id = UUID(bytes=ledger_stream_id(ledger_id))
    for type_name, payload in connection.execute(_OWN_STREAM, (ledger_id, stream_id, after)):
        settings = settings.after(decode(type_name, payload))
    return settings
