"""What the system ledgers have on record of a ledger: its checkpoints, and the keys behind them.

It is read from their events themselves, and not from the tables that find these again.
"""

from contextlib import suppress

import psycopg

from ledger.account_set import DIVISIONS_BEGIN
from ledger.errors import IntegrityError
from ledger.events import decode
from ledger.gm import PublicKey
from ledger.sealing.events import CheckpointCosigned, CheckpointSealed, LogKeyRegistered

_SEALED = """
SELECT s.ledger_id, s.position, s.payload FROM events s WHERE s.ledger_id < %s AND s.type = %s
AND position(%s::bytea in s.payload) > 0 ORDER BY s.ledger_id, s.position"""
_KEYS = """
SELECT payload FROM events WHERE ledger_id < %s AND type = %s ORDER BY ledger_id, position"""


def stored_notes(connection: psycopg.Connection, origin: str) -> list[str]:
    """The notes of one origin with all cosignatures on record, in order of size."""
    lines: dict[tuple[int, int], list[str]] = {}
    sealed: dict[tuple[int, int], str] = {}
    mark = f'"{origin}"'.encode()
    for cls in (CheckpointSealed, CheckpointCosigned):
        rows = connection.execute(_SEALED, (DIVISIONS_BEGIN, cls.TYPE, mark))
        for system_ledger_id, position, payload in rows:
            event = _read(cls.TYPE, payload)
            if isinstance(event, CheckpointSealed) and event.origin == origin:
                sealed[system_ledger_id, position] = event.note
            elif isinstance(event, CheckpointCosigned) and event.origin == origin:
                lines.setdefault((system_ledger_id, event.position), []).append(f"{event.line}\n")
    return [note + "".join(lines.get(place, ())) for place, note in sealed.items()]


def stored_keys(connection: psycopg.Connection) -> dict[str, list[PublicKey]]:
    """Every key that was ever registered, by name."""
    keys: dict[str, list[PublicKey]] = {}
    for (payload,) in connection.execute(_KEYS, (DIVISIONS_BEGIN, LogKeyRegistered.TYPE)):
        event = _read(LogKeyRegistered.TYPE, payload)
        if isinstance(event, LogKeyRegistered):
            with suppress(ValueError):  # no key: notes that it signed are then not signed
                keys.setdefault(event.name, []).append(PublicKey(bytes.fromhex(event.public_key)))
    return keys


def _read(type_name: str, payload: bytes) -> object:
    """The event, or None where its bytes are none: the system ledger's own verification says so."""
    try:
        return decode(type_name, payload)
    except IntegrityError:
        return None
