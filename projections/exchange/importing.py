"""An export becomes a ledger again: everything is verified while it is read, in one transaction.

File hashes, digests of every column, gapless positions and versions, and the chain are checked on
the way; controlled balances, what the bank is owed and the settings are worked out from the events
and compared with what the export says. What is wrong, or stopped, leaves the database as it was.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec
import psycopg

from budget.balances import BALANCES, Balances
from division import certificates
from division.imported import begin_ledger, write_tables
from ledger.account_set import parse_ledger
from ledger.books import Charts
from ledger.deciding.command import CommandKey
from ledger.deciding.fingerprints import version_of
from ledger.deciding.objects import ledger_stream_id
from ledger.deciding.refolding import Refold
from ledger.deciding.registers import declared
from ledger.deciding.settings import LedgerSettings
from ledger.errors import Code, GuokuError, IntegrityError, RequestError
from ledger.events import LEDGER, decode, names_that
from ledger.gm import Provider, PublicKey, sm3
from ledger.integrity.chain import day_number, event_digest, extend, genesis, microseconds
from ledger.integrity.note import LOG_KEY_NAME
from ledger.reading.documents import compress_document
from ledger.writing import restoring
from ledger.writing.conditions import Conditions
from ledger.writing.restoring import CommitRow, StoredEvent
from payments.receipts.early_notices import list_items
from projections.exchange import files
from projections.exchange.checkpoints import SealedHistory
from projections.exchange.format import BALANCES as BALANCES_FILE
from projections.exchange.format import (
    CERTIFICATES,
    CHECKPOINTS,
    COMMITS,
    DOCUMENTS,
    EVENTS,
    KEYS,
    MANIFEST,
    PLAIN,
    BalanceLine,
    CertificateLine,
    CommitLine,
    DocumentLine,
    EventLine,
    ExportManifest,
    FileEntry,
    KeyLine,
    moment_from,
)
from projections.exchange.manifest import decoded, public_key_of, read_manifest

ROWS_AT_ONCE = 2_000
BATCH_BYTES = 8 << 20

T = TypeVar("T", bound=msgspec.Struct)
Progress = Callable[[str, int, int], None]

_COMPANION = re.compile(r"parquet/[a-z_]{1,40}\.parquet|xml/[a-z_]{1,40}\.xml", re.ASCII)


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import has written, and who signed the export."""

    ledger: str
    position: int
    chain: bytes
    events: int
    commits: int
    indicators: int
    documents: int
    signer: str
    public_key: PublicKey


def import_ledger(
    connection: psycopg.Connection,
    directory: Path,
    *,
    provider: Provider,
    charts: Charts,
    conditions: Conditions,
    now: datetime,
    progress: Progress = lambda _stage, _done, _of: None,
) -> Imported:
    """Writes an exported ledger into a database that does not have it.

    Raises:
        IntegrityError: the export is damaged; it names the file and the first bad position.
        RequestError: the ledger exists, or the export is of a period only.
        Refusal: ``invalid_state``, as :func:`division.imported.begin_ledger`.
        UnavailableError: ``history_cut``: nothing is written while a part of a history is lost.
    """
    conditions.require_whole_history()
    manifest, signer, public_key = read_manifest(directory, provider)
    if manifest.from_position != 1:
        raise RequestError(
            Code.MALFORMED,
            f"the export begins at {manifest.from_position}: a ledger is imported from its first "
            "event on",
        )
    try:
        with connection.transaction():
            work = _Import(connection, directory, manifest, charts, provider, progress)
            imported = work.run(signer, public_key, now)
        for certificate in work.certificates:  # on another ledger's record, by its own commits
            certificates.restore(connection, certificate, conditions)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        problem = str(error).partition("\n")[0]
        raise IntegrityError(f"the store does not take the export: {problem}") from error
    return imported


class _Import:
    """One import under way."""

    def __init__(
        self,
        connection: psycopg.Connection,
        directory: Path,
        manifest: ExportManifest,
        charts: Charts,
        provider: Provider,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._directory = directory
        self._manifest = manifest
        self._files = {entry.name: entry for entry in manifest.files}
        self._ledger_id = parse_ledger(manifest.ledger)
        self._refold = Refold(charts)
        self._settings = LedgerSettings()
        self._of_ledger = frozenset(names_that(lambda traits: traits.subject == LEDGER))
        self._progress = progress
        self._chain = genesis(self._ledger_id)
        self._stream_version = 0
        self._recorded_at = moment_from(manifest.created_at)
        log_keys = [
            public_key_of(k.public_key) for k in manifest.log_keys if k.name == LOG_KEY_NAME
        ]
        sealed = self._files.get(CHECKPOINTS)
        self.certificates: list[certificates.Certificate] = []
        self._sealed = SealedHistory(directory, sealed, self._ledger_id, log_keys, provider)

    def run(self, signer: str, public_key: PublicKey, now: datetime) -> Imported:
        begin_ledger(self._connection, self._ledger_id, now)
        self._certificates()
        commits = self._history()
        self._keys()
        documents = self._documents()
        indicators = self._balances()
        self._companions()
        write_tables(self._connection, self._ledger_id)
        list_items(self._connection, self._ledger_id)
        if stream := restoring.broken_stream(self._connection, self._ledger_id):
            raise _bad(EVENTS, stream[1], f"the versions of stream {stream[0]} have a gap")
        restoring.finish_ledger(
            self._connection,
            self._ledger_id,
            position=self._manifest.head.position,
            chain=self._chain,
            recorded_at=self._recorded_at,
            stream_version=self._stream_version,
            settings=self._settings,
        )
        return Imported(
            ledger=self._manifest.ledger,
            position=self._manifest.head.position,
            chain=self._chain,
            events=self._manifest.to_position,
            commits=commits,
            indicators=indicators,
            documents=documents,
            signer=signer,
            public_key=public_key,
        )

    # ---- events and commits, side by side

    def _history(self) -> int:
        """Events and commits in step; gives the number of commits."""
        manifest = self._manifest
        if manifest.opening_chain != self._chain.hex():
            raise IntegrityError(f"{MANIFEST} does not open with the first chain of its ledger")
        events = self._events()
        count, expected = 0, 1
        waiting: list[CommitRow] = []
        for line in self._read(COMMITS, CommitLine):
            if line.first_position != expected or line.position < line.first_position:
                raise _bad(COMMITS, line.position, f"a commit from {expected} on is due")
            digests = [
                self._next(events, position, line)
                for position in range(line.first_position, line.position + 1)
            ]
            self._chain = extend(self._chain, digests)
            if self._chain.hex() != line.chain:
                raise _bad(COMMITS, line.position, "the chain of the events is another")
            self._sealed.take(line.position, line.recorded_at, self._chain, digests)
            self._recorded_at = moment_from(line.recorded_at)
            recorded = microseconds(self._recorded_at)
            waiting.append(CommitRow(line.first_position, line.position, recorded, self._chain))
            expected, count = line.position + 1, count + 1
            if len(waiting) >= ROWS_AT_ONCE:
                self._flush(waiting)
        self._flush(waiting)
        self._sealed.finish()
        if (extra := next(events, None)) is not None:
            raise _bad(EVENTS, extra.position, "no commit holds this event")
        head = manifest.head
        if (expected - 1, self._chain.hex()) != (head.position, head.chain):
            raise IntegrityError(
                f"the history ends at {expected - 1}, chain {self._chain.hex()}; {MANIFEST} says "
                f"{head.position}, chain {head.chain}"
            )
        return count

    def _flush(self, waiting: list[CommitRow]) -> None:
        if waiting:
            restoring.copy_commits(self._connection, self._ledger_id, waiting)
            waiting.clear()

    def _next(self, events: Iterator[StoredEvent], position: int, commit: CommitLine) -> bytes:
        """The digest of the next event, which belongs to this place of this commit."""
        if (event := next(events, None)) is None:
            raise _bad(EVENTS, position, "the file ends before it")
        if event.position != position:
            raise _bad(EVENTS, event.position, f"position {position} is due")
        if event.recorded_us != _microseconds(commit.recorded_at):
            raise _bad(EVENTS, position, "it was recorded at another time than its commit")
        return event.digest

    def _events(self) -> Iterator[StoredEvent]:
        """Events that were checked, each written with the batch it is in."""
        batch: list[StoredEvent] = []
        size = 0
        own = ledger_stream_id(self._ledger_id)
        for done, line in enumerate(self._read(EVENTS, EventLine), 1):
            event = self._checked(line)
            self._stream_version += event.stream_id == own
            batch.append(event)
            size += len(event.payload)
            yield event
            if len(batch) >= ROWS_AT_ONCE or size > BATCH_BYTES:
                self._copy_events(batch, done)
                size = 0
        self._copy_events(batch, self._manifest.to_position)

    def _copy_events(self, batch: list[StoredEvent], done: int) -> None:
        restoring.copy_events(self._connection, self._ledger_id, batch)
        batch.clear()
        self._progress(EVENTS, done, self._manifest.to_position)

    def _checked(self, line: EventLine) -> StoredEvent:
        """The event of a line whose digest is that of its columns; the replay takes it."""
        try:
            stream_id, day = UUID(line.stream_id), _day(line.effective_on)
            recorded, days = _microseconds(line.recorded_at), day_number(day)
            if str(stream_id) != line.stream_id:
                raise ValueError("another way of writing a UUID")
            type_name = line.type.encode()
            digest = event_digest(
                self._ledger_id, line.position, stream_id.bytes, line.stream_version, recorded,
                days, type_name, line.payload,
            )  # fmt: skip
            if digest.hex() != line.digest:
                raise IntegrityError(f"its digest is {digest.hex()}, not {line.digest[:64]}")
            self._refold.take(line.type, line.payload, line.position, day)
            if line.type in self._of_ledger:
                self._settings = self._settings.after(decode(line.type, line.payload))
        except GuokuError as error:
            raise _bad(EVENTS, line.position, error.detail) from error
        except (ValueError, ArithmeticError, LookupError, UnicodeError) as error:
            raise _bad(EVENTS, line.position, f"it cannot be: {error}") from error
        return StoredEvent(
            line.position, stream_id.bytes, line.stream_version, type_name, recorded, days,
            line.payload, digest,
        )  # fmt: skip

    # ---- what stands beside them

    def _keys(self) -> None:
        waiting: list[CommandKey] = []
        for line in self._read(KEYS, KeyLine):
            try:
                fingerprint = bytes.fromhex(line.fingerprint)
                version_of(fingerprint)
                stream_id = UUID(line.stream_id).bytes
            except (ValueError, IntegrityError) as error:
                raise IntegrityError(f"{KEYS}, {line.operation} {line.number}: {error}") from error
            span = line.first_position, line.last_position
            waiting.append(CommandKey(line.operation, line.number, fingerprint, stream_id, *span))
            if len(waiting) >= ROWS_AT_ONCE:
                restoring.copy_keys(self._connection, self._ledger_id, waiting)
                waiting.clear()
        restoring.copy_keys(self._connection, self._ledger_id, waiting)
        if key := restoring.stray_key(self._connection, self._ledger_id):
            raise IntegrityError(f"{KEYS}: the events of {key[0]} {key[1]} are not where it says")

    def _documents(self) -> int:
        count, size = 0, 0
        waiting: list[tuple[bytes, bytes]] = []
        for line in self._read(DOCUMENTS, DocumentLine):
            if sm3(line.body).hex() != line.sm3:
                raise IntegrityError(f"{DOCUMENTS}: {line.sm3[:64]} is not the SM3 of its document")
            body = compress_document(line.body)
            waiting.append((bytes.fromhex(line.sm3), body))
            count, size = count + 1, size + len(body)
            if size > BATCH_BYTES or len(waiting) >= ROWS_AT_ONCE:
                restoring.copy_documents(self._connection, self._ledger_id, waiting)
                waiting, size = [], 0
                self._progress(DOCUMENTS, count, 0)
        restoring.copy_documents(self._connection, self._ledger_id, waiting)
        return count

    def _balances(self) -> int:
        """Registers are written as the events make them; those that the export shows have to be
        the same."""
        ours = self._refold.rows(BALANCES)
        theirs = {
            line.bgt_id: Balances(*msgspec.structs.astuple(line)[1:])
            for line in self._read(BALANCES_FILE, BalanceLine)
        }
        for bgt_id in sorted(ours.keys() | theirs.keys()):
            if ours.get(bgt_id) != theirs.get(bgt_id):
                raise IntegrityError(
                    f"{BALANCES_FILE}: indicator {bgt_id} is {theirs.get(bgt_id)}, "
                    f"the events make it {ours.get(bgt_id)}"
                )
        for register in declared():
            rows = self._refold.dated_rows(register)
            restoring.write_rows(self._connection, self._ledger_id, register, rows)
        return len(ours)

    def _certificates(self) -> None:
        content = self._whole(CERTIFICATES)
        for line in decoded(CERTIFICATES, msgspec.json.Decoder(list[CertificateLine]), content):
            certificate = certificates.Certificate(
                line.serial,
                line.subject,
                public_key_of(line.public_key),
                moment_from(line.not_before),
                moment_from(line.not_after),
                moment_from(line.revoked_at) if line.revoked_at else None,
            )
            certificates.require_genuine(certificate)
            self.certificates.append(certificate)

    def _companions(self) -> None:
        """Parquet and XML are not read, but they have to be what was signed."""
        for name, entry in self._files.items():
            if name not in (*PLAIN, CHECKPOINTS):
                files.check_file(self._directory, entry)

    # ---- reading

    def _entry(self, name: str) -> FileEntry:
        if (entry := self._files.get(name)) is None:
            raise IntegrityError(f"{MANIFEST} names no {name}")
        return entry

    def _whole(self, name: str) -> bytes:
        entry = self._entry(name)
        files.check_file(self._directory, entry)
        return files.read_small(self._directory, name)

    def _read(self, name: str, kind: type[T]) -> Iterator[T]:
        decoder = msgspec.json.Decoder(kind)
        for number, line in enumerate(files.lines(self._directory, self._entry(name)), 1):
            try:
                yield decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeError) as error:
                raise IntegrityError(f"{name}, line {number}: {error}") from error


def _bad(name: str, position: int, problem: str) -> IntegrityError:
    return IntegrityError(f"{name}, position {position}: {problem}", position=position)


@lru_cache(maxsize=1024)
def _microseconds(text: str) -> int:
    return microseconds(moment_from(text))


@lru_cache(maxsize=1024)
def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(f"{text[:20]!r} is no date of the form 2026-01-31")
    return day
