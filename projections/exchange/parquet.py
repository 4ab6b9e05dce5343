"""Rows to Parquet, a file for each subject; amounts as decimal(18,2), times in UTC."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from ledger.errors import ConfigurationError
from projections.exchange.catalogue import SUBJECTS
from projections.exchange.files import HashedFile
from projections.exchange.format import FileEntry
from projections.exchange.subject import Fen, Subject

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError as missing:
    raise ConfigurationError(
        "Parquet needs pyarrow: `make export-tools` installs it; --no-parquet goes without"
    ) from missing

ROWS_A_GROUP = 50_000
ROWS_AT_ONCE = 5_000
_DECIMAL = pa.decimal128(18, 2)
_DECIMAL_BYTES = 16
_TYPES = {
    int: pa.int64(),
    str: pa.string(),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
}


class ParquetFiles:
    """Takes rows of every subject; those without a Parquet file are passed over, those that name
    the same one lie in it together."""

    def __init__(self, directory: Path) -> None:
        rows = [row for row in SUBJECTS if row.PARQUET]
        self._files: dict[str, _Table] = {}
        for row in rows:
            if row.PARQUET not in self._files:
                self._files[row.PARQUET] = _Table(directory, row)
        self._tables = {row: self._files[row.PARQUET] for row in rows}

    def take(self, row: Subject) -> None:
        if (table := self._tables.get(type(row))) is not None:
            table.take(row)

    def close(self) -> Sequence[FileEntry]:
        return [table.close() for table in self._files.values()]


class _Table:
    def __init__(self, directory: Path, row: type[Subject]) -> None:
        hints = get_type_hints(row, include_extras=True)
        self._names = row.__struct_fields__
        self._hints = [hints[name] for name in self._names]
        fields = [_field(name, hint) for name, hint in zip(self._names, self._hints, strict=True)]
        self._schema = pa.schema(fields)
        self._file = HashedFile(directory, f"parquet/{row.PARQUET}.parquet")
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._rows: list[Subject] = []
        self._batches: list[Any] = []

    def take(self, row: Subject) -> None:
        self._rows.append(row)
        if len(self._rows) >= ROWS_AT_ONCE:
            self._pack()

    def close(self) -> FileEntry:
        self._pack()
        self._write()
        self._writer.close()
        self._file.close()
        return self._file.entry()

    def _pack(self) -> None:
        """Rows to columns, which take a tenth of the memory."""
        columns = [
            _array([getattr(row, name) for row in self._rows], hint)
            for name, hint in zip(self._names, self._hints, strict=True)
        ]
        if self._rows:
            self._batches.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._rows = []
        if sum(batch.num_rows for batch in self._batches) >= ROWS_A_GROUP:
            self._write()

    def _write(self) -> None:
        if self._batches:
            table = pa.Table.from_batches(self._batches, schema=self._schema)
            self._writer.write_table(table, row_group_size=ROWS_A_GROUP)
            self._batches = []


def _field(name: str, hint: Any) -> Any:
    if _is_amount(hint):
        return pa.field(name, _DECIMAL)
    types = [kind for kind in get_args(hint) or (hint,) if kind in _TYPES]
    return pa.field(name, _TYPES[types[0]])


def _array(values: list[Any], hint: Any) -> Any:
    if not _is_amount(hint):
        return pa.array(values, type=_field("", hint).type)
    # fen are the digits of a decimal with scale 2: no text, no float, no Decimal between
    packed = b"".join((v or 0).to_bytes(_DECIMAL_BYTES, "little", signed=True) for v in values)
    present = pa.array([v is not None for v in values]).buffers()[1] if None in values else None
    buffers = [present, pa.py_buffer(packed)]
    return pa.Array.from_buffers(_DECIMAL, len(values), buffers)


def _is_amount(hint: Any) -> bool:
    return any(kind in (Fen,) for kind in (hint, *get_args(hint)) if kind is not NoneType)
