"""SM3 digests of events and the chain of commits.

The digest of an event covers every column of its row::

    SM3( "guoku.event.1" 00
         ledger_id i64 | position i64 | stream_id 16 bytes | stream_version i32
         recorded_at i64 (microseconds since 1970-01-01 UTC)
         effective_on i32 (days since 1970-01-01)
         length of type u16 | type UTF-8 | payload )

all integers big-endian. A commit extends the chain with the digests of its events in order::

    chain_n = SM3( chain_{n-1} | digest_1 | ... | digest_k )
    chain_0 = SM3( "guoku.chain.1" 00 | ledger_id i64 )

Lengths are fixed or given, so no two rows share an encoding.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from struct import Struct

EVENT_PLACE = Struct(">q16si")
_EVENT_TAIL = Struct(">qiH")
_EVENT_START = hashlib.new("sm3", b"guoku.event.1\x00")
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly (no float is involved)."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(recorded_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=recorded_us)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_DAY


def event_digest(
    ledger_id: int,
    position: int,
    stream_id: bytes,
    stream_version: int,
    recorded_us: int,
    effective_day: int,
    type_name: bytes,
    payload: bytes,
) -> bytes:
    """The 32-byte digest of one row, as the module describes it."""
    digest = event_start(ledger_id)
    digest.update(
        EVENT_PLACE.pack(position, stream_id, stream_version)
        + event_tail(recorded_us, effective_day, type_name)
        + payload
    )
    return digest.digest()


def event_start(ledger_id: int) -> "hashlib._Hash":
    """SM3 over what all events of a ledger begin with; copy it for each."""
    digest = _EVENT_START.copy()
    digest.update(ledger_id.to_bytes(8, "big", signed=True))
    return digest


def event_tail(recorded_us: int, effective_day: int, type_name: bytes) -> bytes:
    """What is hashed between an event's place and its payload."""
    return _EVENT_TAIL.pack(recorded_us, effective_day, len(type_name)) + type_name


def genesis(ledger_id: int) -> bytes:
    """The chain of a ledger without events."""
    return hashlib.new(
        "sm3", b"guoku.chain.1\x00" + ledger_id.to_bytes(8, "big", signed=True)
    ).digest()


def extend(chain: bytes, digests: Iterable[bytes]) -> bytes:
    """The chain after one more commit."""
    return hashlib.new("sm3", chain + b"".join(digests)).digest()
