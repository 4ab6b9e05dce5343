"""What stands beside the plain part: the rows of an export, to Parquet, to XML, or to both."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from budget.balances import Balances
from ledger.books import Charts
from projections.core.fold import Fact
from projections.exchange.format import FileEntry
from projections.exchange.period import Period
from projections.exchange.subject import Subject
from projections.exchange.subjects import Subjects


class Sink(Protocol):
    """Files that rows go to."""

    def take(self, row: Subject) -> None: ...

    def close(self) -> Sequence[FileEntry]: ...


class Tables:
    """The companion of an export that writes ``parquet`` and ``xml``, as they are wanted."""

    def __init__(self, charts: Charts, *, parquet: bool = True, xml: bool = True) -> None:
        self._charts = charts
        self._wanted = (parquet, xml)
        if parquet:  # a missing library is told before anything is read
            from projections.exchange import parquet as _  # noqa: F401

    def begin(self, directory: Path, period: Period, balances: Mapping[str, Balances]) -> None:
        parquet, xml = self._wanted
        self._subjects = Subjects(period, self._charts, balances)
        self._sinks: list[Sink] = []
        if parquet:
            from projections.exchange.parquet import ParquetFiles

            self._sinks.append(ParquetFiles(directory))
        if xml:
            from projections.exchange.xml_classes import XmlFiles

            self._sinks.append(XmlFiles(directory, period))

    def event(self, row: tuple[Any, ...], fact: Fact | None) -> None:
        for subject in self._subjects.in_order(row, fact):
            self._give(subject)

    def stream(self, facts: Sequence[Fact]) -> None:
        for subject in self._subjects.of_stream(facts):
            self._give(subject)

    def close(self) -> Sequence[FileEntry]:
        for subject in self._subjects.at_end():
            self._give(subject)
        return [entry for sink in self._sinks for entry in sink.close()]

    def _give(self, subject: Subject) -> None:
        for sink in self._sinks:
            sink.take(subject)
