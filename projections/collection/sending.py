"""采集报送: the rows of a ledger written to a file, all of them, or those of what happened since.

An increment is worked out from the history alone: of every object that something happened to behind
a position, and of every indicator whose figures moved, all rows as they stand at the head, and as
deleted those that it had at that position and has no more. So nothing has to be kept of what was
sent, and what was lost is made anew from any position.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

import msgspec
import psycopg

from budget.balances import BALANCES, Balances
from budget.indicator import CODED, INDICATOR
from ledger.account_set import division_of, fiscal_year_of, ledger_text
from ledger.books import Charts
from ledger.errors import AccessError, Code, RequestError
from ledger.events import JournalPosted, names_that, type_names
from ledger.integrity.chain import genesis
from ledger.integrity.note import moment_text
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head, stream_of
from ledger.reading.tails import read_tail
from projections.collection.collected import (
    ALIVE,
    DELETED,
    GONE,
    OF_SUBJECT,
    UNIVERSAL,
    CollectedTable,
)
from projections.collection.package import (
    INCREMENT,
    PARTIAL,
    SNAPSHOT,
    CollectedRow,
    CollectionHeader,
    ControlTotals,
    amounts_of,
)
from projections.core.fold import Fact
from projections.exchange.exporting import fact_of
from projections.exchange.period import Period
from projections.exchange.registers import ExportedAgency, ExportedElement, ExportedProject
from projections.exchange.rows import ExportedIndicator
from projections.exchange.subject import Subject
from projections.exchange.subjects import Subjects
from transfers.messages import InstallationSigner

STREAMS_AT_ONCE = 500
_MOVING = names_that(lambda traits: "indicator" in traits.moves)
_TOUCHED = "SELECT DISTINCT stream_id FROM events WHERE ledger_id = %s AND position > %s"
_OF_STREAMS = """
SELECT position, stream_id, stream_version, type, recorded_at, effective_on, payload FROM events
WHERE ledger_id = %s AND position <= %s AND stream_id = ANY(%s) AND type <> ALL(%s)
ORDER BY stream_id, stream_version"""
_encode = msgspec.json.Encoder().encode


def send(
    connection: psycopg.Connection,
    ledger_id: int,
    folder: Path,
    *,
    after: int,
    charts: Charts,
    signer: InstallationSigner,
    made_at: datetime,
    again: Collection[str] = (),
) -> Path | None:
    """Writes what happened behind a position, 0 for a snapshot of all, to a file in ``folder``,
    whole or not at all; None where nothing did.

    Args:
        again: objects of which the receiver has not taken rows; theirs are sent whole.

    Raises:
        AccessError: ``ledger_not_found``.
        RequestError: ``malformed``: no commit ends at that position.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        head = read_head(connection, ledger_id)
        if head is None:
            raise AccessError(Code.LEDGER_NOT_FOUND, "no such ledger has been opened")
        if after == head.position and not again:
            return None
        from_chain = _chain(connection, ledger_id, after)
        to_chain = _chain(connection, ledger_id, head.position)
        period = Period(
            ledger_id=ledger_id,
            first=1,
            last=head.position,
            opening_chain=genesis(ledger_id),
            chain=bytes.fromhex(to_chain),
            at_head=True,
        )
        writing = _Writing(connection, period, after, charts)
        with TemporaryFile(dir=folder) as rows:
            totals, digest = _write_rows(rows, writing.rows(again))
            header = CollectionHeader(
                kind=SNAPSHOT if after == 0 else INCREMENT,
                ledger=ledger_text(ledger_id),
                mof_div_code=division_of(ledger_id),
                fiscal_year=str(fiscal_year_of(ledger_id)),
                from_position=after,
                from_chain=from_chain,
                to_position=head.position,
                to_chain=to_chain,
                made_at=moment_text(made_at),
                tables=totals.told(),
                rows_sm3=digest,
            )
            rows.seek(0)
            return _whole(folder / header.file_name, signer.signed_text(_encode(header)), rows)


def _chain(connection: psycopg.Connection, ledger_id: int, position: int) -> str:
    if position == 0:
        return ""
    found = connection.execute(
        "SELECT encode(chain, 'hex') FROM commits WHERE ledger_id = %s AND position = %s",
        (ledger_id, position),
    ).fetchone()
    if found is None:
        raise RequestError(Code.MALFORMED, f"no commit ends at {position}", pointer="/after")
    return str(found[0])


def _write_rows(file: IO[bytes], rows: Iterable[CollectedRow]) -> tuple[ControlTotals, str]:
    totals, digest = ControlTotals(), hashlib.new("sm3")
    for row in rows:
        line = _encode(row) + b"\n"
        digest.update(line)
        file.write(line)
        totals.take(row, amounts_of(_TABLES[row.table], row))
    return totals, digest.hexdigest()


_TABLES = {table.name: table for table in OF_SUBJECT.values()}


def _whole(path: Path, head: bytes, rows: IO[bytes]) -> Path:
    """The file appears under its name when all of it is on the disk."""
    draft = path.with_suffix(PARTIAL)
    with draft.open("wb") as file:
        file.write(head)
        while piece := rows.read(1 << 20):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path


class _Writing:
    """The rows of one file."""

    def __init__(
        self, connection: psycopg.Connection, period: Period, after: int, charts: Charts
    ) -> None:
        self._connection, self._period, self._after = connection, period, after
        self._charts = charts
        own = (division_of(period.ledger_id), str(fiscal_year_of(period.ledger_id)), ALIVE)
        self._universal = dict(zip(UNIVERSAL, own, strict=True))
        self._registers: dict[tuple[str, tuple[str, ...]], tuple[int, CollectedRow]] = {}

    def rows(self, again: Collection[str]) -> Iterator[CollectedRow]:
        streams = sorted(self._streams(again))
        for start in range(0, len(streams), STREAMS_AT_ONCE):
            facts = self._facts(streams[start : start + STREAMS_AT_ONCE])
            balances = self._balances(facts.values())
            for source, of_stream in facts.items():
                yield from self._of_stream(source, of_stream, balances)
        for _, (_, row) in sorted(self._registers.items()):
            yield row

    def _streams(self, again: Collection[str]) -> set[str]:
        """The objects to be sent."""
        key, after, last = self._period.ledger_id, self._after, self._period.last
        streams = {str(found) for (found,) in self._connection.execute(_TOUCHED, (key, after))}
        streams.update(again)
        if after:
            told = read_tail(self._connection, key, after, last, (*_MOVING, *_JOURNALS))
            numbers = {number for each in told for number in BALANCES.touched(each.event)}
            for number in numbers - {""}:
                stream = stream_of(self._connection, key, INDICATOR, number)
                if stream is not None:
                    streams.add(str(stream))
        return streams

    def _facts(self, streams: Sequence[str]) -> dict[str, list[Fact]]:
        asked = (self._period.ledger_id, self._period.last, [UUID(each) for each in streams])
        rows = self._connection.execute(_OF_STREAMS, (*asked, _JOURNALS), binary=True)
        return {
            str(source): [fact for row in of if (fact := fact_of(row)) is not None]
            for source, of in groupby(rows.fetchall(), key=lambda row: row[1])
        }

    def _balances(self, of: Iterable[Sequence[Fact]]) -> dict[str, Balances]:
        numbers = {facts[0].event.bgt_id for facts in of if facts and _is_indicator(facts[0])}
        return read_rows(self._connection, self._period.ledger_id, BALANCES, sorted(numbers))

    def _of_stream(
        self, source: str, facts: Sequence[Fact], balances: dict[str, Balances]
    ) -> Iterator[CollectedRow]:
        """An object\'s rows as they stand; as deleted those that it had before and has no more."""
        now = {(row.table, row.key): row for row in self._made(source, facts, balances)}
        yield from now.values()
        if not self._after:
            return
        before = [fact for fact in facts if fact.position <= self._after]
        for row in self._made(source, before, balances, remember=False):
            if (row.table, row.key) not in now:
                table = _TABLES[row.table]
                kept = {name: row.row[name] for name in table.key if name in row.row}
                yield CollectedRow(
                    row.table, row.key, source, {**self._universal, DELETED: GONE, **kept}
                )

    def _made(
        self,
        source: str,
        facts: Sequence[Fact],
        balances: dict[str, Balances],
        *,
        remember: bool = True,
    ) -> Iterator[CollectedRow]:
        if not facts:
            return
        subjects = Subjects(self._period, self._charts, balances)
        for subject in subjects.of_stream(facts):
            if (table := OF_SUBJECT.get(type(subject))) is not None:
                yield self._row(table, subject, source)
            if remember and isinstance(subject, ExportedIndicator):
                self._remember(subject, source)

    def _row(self, table: CollectedTable, subject: Subject, source: str) -> CollectedRow:
        written = table.written(subject)
        key = tuple(written.get(name, "") for name in table.key)
        return CollectedRow(table.name, key, source, {**self._universal, **written})

    def _remember(self, issued: ExportedIndicator, source: str) -> None:
        """Units, projects and codes by the newest indicator that names them; so increments that are
        taken in order say what a snapshot says."""
        if issued.issued_position <= self._after:
            return
        named: list[Subject] = [
            ExportedAgency(issued.agency_code, issued.agency_name),
            ExportedProject(issued.pro_code, issued.pro_name, issued.agency_code),
        ]
        for code in CODED:
            if code not in ("agency_code", "pro_code"):
                name = getattr(issued, code.replace("_code", "_name"))
                named.append(
                    ExportedElement(code.removesuffix("_code"), getattr(issued, code), name)
                )
        for subject in named:
            row = self._row(OF_SUBJECT[type(subject)], subject, source)
            place = row.table, row.key
            if place not in self._registers or self._registers[place][0] < issued.issued_position:
                self._registers[place] = issued.issued_position, row


_JOURNALS = list(type_names(JournalPosted))


def _is_indicator(fact: Fact) -> bool:
    return fact.event.TRAITS.subject == INDICATOR.name and hasattr(fact.event, "bgt_id")
