"""Signs what the trees have come to, and puts it on record in the system ledgers."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import psycopg
from psycopg_pool import ConnectionPool

from ledger.account_set import fiscal_year_of, is_standing, system_ledger
from ledger.errors import GuokuError
from ledger.gm import Provider
from ledger.gm.keystore import KeyStore
from ledger.integrity.note import (
    LOG_KEY_NAME,
    PROVINCE_ORIGIN,
    ledger_checkpoint,
    ledger_origin,
    parse_note,
    sign_text,
)
from ledger.sealing.commands import SealCheckpoint, SealProvince
from ledger.sealing.events import CheckpointCosigned, CheckpointSealed, ProvinceSealed
from ledger.sealing.province import province_checkpoint
from ledger.sealing.record import system_ledger_at
from ledger.sealing.register import (
    follow,
    latest_checkpoints,
    latest_province_head,
    system_ledgers,
)
from ledger.sealing.system_record import SystemRecord
from ledger.sealing.trees import Sealed

_OWN = [CheckpointSealed.TYPE, CheckpointCosigned.TYPE, ProvinceSealed.TYPE]
# something other than what sealing the system ledger itself, and the province, has left there
_NEWS = """
SELECT EXISTS (SELECT FROM events WHERE ledger_id = %(key)s
  AND position > coalesce((SELECT size FROM sealed WHERE ledger_id = %(key)s), 0)
  AND NOT (type = ANY(%(own)s) AND (position(%(system)s::bytea IN payload) > 0
    OR position(%(province)s::bytea IN payload) > 0)))"""


class Notary:
    """Makes notes with the log key; what it has submitted is on record when a method returns."""

    def __init__(
        self,
        pool: ConnectionPool,
        record: SystemRecord,
        keys: KeyStore,
        provider: Provider,
        clock: Callable[[], datetime],
        log_key: str,
    ) -> None:
        self._pool = pool
        self._record = record
        self._keys = keys
        self._provider = provider
        self._clock = clock
        self._log_key = log_key

    def follow(self, connection: psycopg.Connection, keys: Iterable[int]) -> None:
        """Brings the register up to what these system ledgers have on record."""
        for key in keys:
            follow(connection, key)

    def record(self, owed: Sequence[Sealed]) -> dict[int, GuokuError]:
        """Signs the checkpoints of these ledgers and records them; gives why one was refused."""
        problems: dict[int, GuokuError] = {}
        by_system: dict[int, list[Sealed]] = {}
        for sealed in owed:
            key = self._system_ledger_of(sealed.ledger_id)
            by_system.setdefault(key, []).append(sealed)
        for key, of_year in by_system.items():
            outcomes = self._record.submit(key, [self._checkpoint(sealed) for sealed in of_year])
            for sealed, outcome in zip(of_year, outcomes, strict=True):
                if outcome.problem is not None:
                    problems[sealed.ledger_id] = outcome.problem
        return problems

    def _system_ledger_of(self, ledger_id: int) -> int:
        """That of the ledger's year; a standing ledger has none, and is recorded in this one's."""
        if is_standing(ledger_id):
            return system_ledger_at(self._clock())
        return system_ledger(fiscal_year_of(ledger_id))

    def record_province(self) -> None:
        """Signs a head over the latest checkpoints and records it."""
        moment = self._clock()
        with self._pool.connection() as connection:
            latest = latest_checkpoints(connection)
        head = province_checkpoint(latest, moment)
        command = SealProvince(size=head.size, text=head.text, line=self._sign(head.text))
        [outcome] = self._record.submit(system_ledger_at(moment), [command])
        if outcome.problem is not None:
            raise outcome.problem

    def province_is_due(self, connection: psycopg.Connection) -> bool:
        """Whether a ledger has a checkpoint that the last head does not cover."""
        head = latest_province_head(connection)
        latest = latest_checkpoints(connection)
        if head is None:
            return bool(latest)
        known = parse_note(head.note).text
        covering = province_checkpoint(latest, self._clock()).text
        return known.split("\n")[:3] != covering.split("\n")[:3]

    def due_system_ledgers(self, connection: psycopg.Connection) -> list[int]:
        """System ledgers that have something on record beside the echo of their own sealing."""
        return [key for key in system_ledgers(connection) if _has_news(connection, key)]

    def _checkpoint(self, sealed: Sealed) -> SealCheckpoint:
        text = ledger_checkpoint(*sealed).text
        return SealCheckpoint(
            origin=ledger_origin(sealed.ledger_id),
            size=sealed.size,
            text=text,
            line=self._sign(text),
        )

    def _sign(self, text: str) -> str:
        self._keys.create(self._log_key)
        key = self._keys.private_key(self._log_key)
        return sign_text(self._provider, LOG_KEY_NAME, key, text)


def _has_news(connection: psycopg.Connection, key: int) -> bool:
    asked = {
        "key": key,
        "own": _OWN,
        "system": f'"{ledger_origin(key)}"'.encode(),
        "province": f'"{PROVINCE_ORIGIN}"'.encode(),
    }
    row = connection.execute(_NEWS, asked).fetchone()
    assert row is not None
    return bool(row[0])
