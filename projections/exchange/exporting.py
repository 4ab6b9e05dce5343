"""A ledger, or a period of it, written to a directory: streamed from one snapshot.

What the plain files say is what the tables hold, and nobody judges it here: an export of a history
that somebody has tampered with is evidence of just that. Parquet and XML need events that can be
read; where one cannot, they refuse and name it, and the plain part alone can still be had.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import msgspec
import psycopg

from budget.balances import BALANCES as BALANCES_REGISTER
from budget.balances import Balances
from budget.events import PlanCut, PlanSet
from budget.indicator import BEGINNINGS
from ledger.account_set import ledger_text
from ledger.books import Charts
from ledger.deciding.refolding import Refold
from ledger.errors import IntegrityError
from ledger.events import TYPES, JournalPosted, decode, is_own_type, type_names
from ledger.integrity.note import moment_text
from ledger.reading.documents import decompress
from ledger.reading.loading import read_rows
from projections.core.fold import Fact
from projections.exchange.checkpoints import write_checkpoints
from projections.exchange.files import GzipLines, HashedFile, whole_directory
from projections.exchange.format import (
    BALANCES,
    CERTIFICATES,
    COMMITS,
    DOCUMENTS,
    EVENTS,
    KEYS,
    MANIFEST,
    SIGNATURE,
    BalanceLine,
    CertificateLine,
    CommitLine,
    DocumentLine,
    EventLine,
    ExportManifest,
    FileEntry,
    HeadEntry,
    KeyLine,
    LogKey,
)
from projections.exchange.period import Bound, Period, period_of

# rows a server-side cursor brings at once: a voucher of 499 lines has 80 KB
ROWS_AT_ONCE = 500
PROGRESS_EVERY = 2_000

DatabaseRow = tuple[Any, ...]
Progress = Callable[[str, int, int], None]  # (stage, done, of how many); 0 where nobody knows
_JOURNALS = list(type_names(JournalPosted))
_ISSUED = [name for cls in BEGINNINGS for name in type_names(cls)]
_MOVERS = [*type_names(JournalPosted), *type_names(PlanSet), *type_names(PlanCut)]
_encode = msgspec.json.Encoder().encode

_IN_ORDER = """
SELECT position, stream_id::text, stream_version, type, recorded_at, effective_on, payload,
    digest FROM events
WHERE ledger_id = %(ledger)s AND position BETWEEN %(first)s AND %(last)s ORDER BY position"""
_BY_STREAM = """
SELECT position, stream_id::text, stream_version, type, recorded_at, effective_on, payload
FROM events
WHERE ledger_id = %(ledger)s AND position <= %(last)s AND type <> ALL(%(journals)s) {touched}
ORDER BY stream_id, stream_version"""
# of a period: what it touched, and every indicator there was
_TOUCHED = """AND stream_id IN (
    SELECT stream_id FROM events WHERE ledger_id = %(ledger)s AND position <= %(last)s
    AND (position >= %(first)s OR stream_version = 1 AND type = ANY(%(issued)s)))"""
_MOVING = """
SELECT position, type, effective_on, payload
FROM events WHERE ledger_id = %(ledger)s AND position <= %(last)s
AND type = ANY(%(types)s) ORDER BY position"""
_COMMITS = """
SELECT first_position, position, recorded_at, chain FROM commits
WHERE ledger_id = %(ledger)s AND position BETWEEN %(first)s AND %(last)s ORDER BY position"""
_KEYS = """
SELECT operation, number, fingerprint, stream_id::text, first_position, last_position
FROM command_keys WHERE ledger_id = %(ledger)s AND first_position BETWEEN %(first)s AND %(last)s
ORDER BY operation COLLATE "C", number COLLATE "C" """
_DOCUMENTS = """
SELECT sm3, body FROM documents WHERE ledger_id = %(ledger)s {named} ORDER BY sm3"""
_NAMED = """AND encode(sm3, 'hex') IN (
    SELECT m.value FROM event_log e CROSS JOIN LATERAL jsonb_each_text(e.payload) m
    WHERE e.ledger_id = %(ledger)s AND e.position BETWEEN %(first)s AND %(last)s
    AND e.type = ANY(%(types)s) AND m.key LIKE '%%\\_sm3')"""
_CERTIFICATES = """
SELECT serial, subject, public_key, not_before, not_after, revoked_at FROM certificates
WHERE serial = %(own)s OR serial IN (
    SELECT payload ->> 'cert_serial' FROM event_log WHERE ledger_id = %(ledger)s
    AND position BETWEEN %(first)s AND %(last)s AND type = ANY(%(types)s))
ORDER BY serial"""


class ExportSigner(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs an export: a log key by its name, or a certificate by its serial.

    Attributes:
        name: what stands before the signature in ``export.sig``.
        sign: SM2 over bytes, DER.
        log_keys: keys without certificate that the manifest names.
    """

    name: str
    sign: Callable[[bytes], bytes]
    log_keys: tuple[LogKey, ...] = ()


class Companion(Protocol):
    """Files beside the plain part, fed with what passes by; events come decoded."""

    def begin(self, directory: Path, period: Period, balances: Mapping[str, Balances]) -> None: ...

    def event(self, row: DatabaseRow, fact: Fact | None) -> None:
        """An event in order of position; no fact where another program recorded it."""

    def stream(self, facts: Sequence[Fact]) -> None:
        """All events of one stream up to the end of the period, without journals."""

    def close(self) -> Sequence[FileEntry]: ...


def export_ledger(
    connection: psycopg.Connection,
    ledger_id: int,
    directory: Path,
    *,
    signer: ExportSigner,
    charts: Charts,
    created_at: datetime,
    begin: Bound = None,
    end: Bound = None,
    companions: Sequence[Companion] = (),
    progress: Progress = lambda _stage, _done, _of: None,
) -> ExportManifest:
    """Writes the ledger, or the commits from ``begin`` to ``end``, to a new directory.

    Raises:
        AccessError, RequestError: as :func:`period_of`.
        ConfigurationError: the directory is not empty or cannot be written.
        IntegrityError: with ``companions``, an event that cannot be read.
    """
    with connection.transaction(), whole_directory(directory) as folder:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        period = period_of(connection, ledger_id, begin, end)
        export = _Export(connection, folder, period, charts, companions, progress)
        manifest = export.run(signer, created_at)
        seal(folder, manifest, signer)
        return manifest


def seal(folder: Path, manifest: ExportManifest, signer: ExportSigner) -> None:
    """Writes the manifest and the signature over its bytes."""
    content = msgspec.json.format(_encode(manifest), indent=1) + b"\n"
    signature = _encode(signer.sign(content)).strip(b'"')  # base64, as everywhere
    for name, data in (
        (MANIFEST, content),
        (SIGNATURE, signer.name.encode() + b" " + signature + b"\n"),
    ):
        file = HashedFile(folder, name)
        file.write(data)
        file.close()


class _Export:
    """One export under way."""

    def __init__(
        self,
        connection: psycopg.Connection,
        folder: Path,
        period: Period,
        charts: Charts,
        companions: Sequence[Companion],
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._period = period
        self._charts = charts
        self._companions = companions
        self._progress = progress
        self._files: list[FileEntry] = []

    def run(self, signer: ExportSigner, created_at: datetime) -> ExportManifest:
        period = self._period
        balances = self._balances()
        for companion in self._companions:
            companion.begin(self._folder, period, balances)
        self._events()
        self._lines(COMMITS, self._rows(_COMMITS), _commit)
        self._lines(KEYS, self._rows(_KEYS), _key)
        self._lines(BALANCES, sorted(balances.items()), _balance)
        named = "" if period.is_whole else _NAMED
        types = _types_with(lambda field: field.endswith("_sm3"))
        rows = self._rows(_DOCUMENTS.format(named=named), types=types)
        self._lines(DOCUMENTS, rows, _document)
        self._certificates(signer.name)
        self._files += write_checkpoints(self._connection, self._folder, period)
        if self._companions:
            self._streams()
        for companion in self._companions:
            self._files += companion.close()
        return ExportManifest(
            ledger=ledger_text(period.ledger_id),
            from_position=period.first,
            to_position=period.last,
            head=HeadEntry(period.last, period.chain.hex()),
            opening_chain=period.opening_chain.hex(),
            created_at=moment_text(created_at),
            files=tuple(self._files),
            log_keys=signer.log_keys,
        )

    # ---- the parts

    def _events(self) -> None:
        """Every event in order, to its line and to the companions."""
        lines = GzipLines(self._folder, EVENTS)
        total, moment, day = self._period.events, _Said(moment_text), _Said(date.isoformat)
        for done, row in enumerate(self._rows(_IN_ORDER), 1):
            position, stream_id, version, type_name, recorded_at, effective_on, payload, digest = (
                row
            )
            lines.write(
                _encode(
                    EventLine(
                        position,
                        stream_id,
                        version,
                        type_name,
                        moment(recorded_at),
                        day(effective_on),
                        payload,
                        digest.hex(),
                    )
                )
            )
            if self._companions:
                fact = fact_of(row)
                for companion in self._companions:
                    companion.event(row, fact)
            if done % PROGRESS_EVERY == 0:
                self._progress(EVENTS, done, total)
        self._files.append(lines.close())
        self._progress(EVENTS, total, total)

    def _streams(self) -> None:
        """Every object's own events together, to the companions."""
        query = _BY_STREAM.format(touched="" if self._period.is_whole else _TOUCHED)
        done, total = 0, self._period.events
        types = {"journals": _JOURNALS, "issued": _ISSUED}
        for _, rows in groupby(self._rows(query, **types), key=lambda row: row[1]):
            facts = [fact for row in rows if (fact := fact_of(row)) is not None]
            for companion in self._companions:
                companion.stream(facts)
            done += len(facts)
            if done % PROGRESS_EVERY < len(facts):
                self._progress("streams", done, total)
        self._progress("streams", total, total)

    def _balances(self) -> Mapping[str, Balances]:
        """At the end of the period: as they are kept, or, for an earlier end, from the events."""
        if self._period.at_head:
            return read_rows(self._connection, self._period.ledger_id, BALANCES_REGISTER)
        refold = Refold(self._charts, registers=(BALANCES_REGISTER,))
        for position, type_name, effective_on, payload in self._rows(_MOVING, types=_MOVERS):
            refold.take(type_name, payload, position, effective_on)
        return refold.rows(BALANCES_REGISTER)

    def _certificates(self, own: str) -> None:
        types = _types_with(lambda field: field == "cert_serial")
        found = [_certificate(row) for row in self._rows(_CERTIFICATES, types=types, own=own)]
        file = HashedFile(self._folder, CERTIFICATES)
        file.write(msgspec.json.format(_encode(found), indent=1) + b"\n")
        file.close()
        self._files.append(file.entry())

    # ---- rows and lines

    def _rows(self, query: str, **more: object) -> Iterator[DatabaseRow]:
        period = self._period
        scope = {"ledger": period.ledger_id, "first": period.first, "last": period.last, **more}
        with self._connection.cursor(name="export") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(query.encode(), scope, binary=True)
            yield from cursor

    def _lines(self, name: str, rows: Any, line: Callable[..., msgspec.Struct]) -> None:
        lines = GzipLines(self._folder, name)
        for done, row in enumerate(rows, 1):
            lines.write(_encode(line(*row)))
            if done % PROGRESS_EVERY == 0:
                self._progress(name, done, 0)
        self._files.append(lines.close())


class _Said:
    """The text of a value that is mostly the one before it."""

    def __init__(self, text: Callable[[Any], str]) -> None:
        self._text = text
        self._value: object = None
        self._said = ""

    def __call__(self, value: object) -> str:
        if value != self._value:
            self._value, self._said = value, self._text(value)
        return self._said


def fact_of(row: DatabaseRow) -> Fact | None:
    """The decoded event of a row; None for one that another program has recorded."""
    position, _, _, type_name, recorded_at, effective_on, payload = row[:7]
    if not is_own_type(type_name):
        return None
    try:
        return Fact(position, recorded_at, effective_on, decode(type_name, payload))
    except IntegrityError as error:
        raise IntegrityError(f"event {position}: {error.detail}") from error


def _types_with(wanted: Callable[[str], bool]) -> list[str]:
    """The types of events that have such a field."""
    found = (kind for kind in TYPES.values() if any(map(wanted, kind.__struct_fields__)))
    return [name for kind in found for name in type_names(kind)]


def _commit(first_position: int, position: int, recorded_at: datetime, chain: bytes) -> CommitLine:
    return CommitLine(first_position, position, moment_text(recorded_at), chain.hex())


def _key(operation: str, number: str, fingerprint: bytes, *place: Any) -> KeyLine:
    return KeyLine(operation, number, fingerprint.hex(), *place)


def _balance(bgt_id: str, b: Balances) -> BalanceLine:
    return BalanceLine(bgt_id, b.available, b.frozen, b.occupied, b.paid, b.plan)


def _document(sm3: bytes, body: bytes) -> DocumentLine:
    """What cannot be opened any more goes as it is stored: the reader sees that its SM3 is off."""
    try:
        return DocumentLine(sm3.hex(), decompress(body))
    except IntegrityError:
        return DocumentLine(sm3.hex(), body)


def _certificate(row: DatabaseRow) -> CertificateLine:
    serial, subject, point, not_before, not_after, revoked_at = row
    return CertificateLine(
        serial,
        subject,
        point.hex(),
        moment_text(not_before),
        moment_text(not_after),
        moment_text(revoked_at) if revoked_at else None,
    )
