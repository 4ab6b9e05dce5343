"""A file of collected rows: a signed header, and a line for each row.

The first line is the header, JSON; the second its key and signature; then the rows. The header says
of which history the rows are, from which position to which, how many of each table, the sums of
their amounts, and the SM3 of all that follows. So a file stands on its own, whatever brings it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ledger.errors import Code, RequestError
from ledger.money import yuan
from projections.collection.collected import DELETED, GONE, CollectedTable
from transfers.messages import SignedText, read_signed

FORMAT = "guoku.collection.1"
SNAPSHOT, INCREMENT = "snapshot", "increment"
LINE_BYTES_MAX = 1024 * 1024
NAME_END = ".collection"
PARTIAL = ".partial"  # of a file that is being written


class TableTotals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Control totals 控制总数 of one table: its rows, those of them that are deleted, and the sum
    of each amount over those that are not, in yuan."""

    table: str
    rows: int
    deleted: int
    sums: dict[str, str]


class CollectionHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file holds.

    Attributes:
        from_position, from_chain: behind which of the sender's history; 0 and "" of a snapshot.
        to_position, to_chain: up to which.
        rows_sm3: of all bytes behind the second line, in hex.
    """

    format: str = FORMAT
    kind: str
    ledger: str
    mof_div_code: str
    fiscal_year: str
    from_position: int
    from_chain: str
    to_position: int
    to_chain: str
    made_at: str
    tables: tuple[TableTotals, ...]
    rows_sm3: str

    @property
    def file_name(self) -> str:
        """Ordered by position, as text."""
        return f"{self.ledger}.{self.to_position:012d}.{self.from_position:012d}{NAME_END}"


class CollectedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row as it is sent: its table, the elements that tell it apart, the object of the sender's
    history that it is of, and all of its elements."""

    table: str
    key: tuple[str, ...]
    source: str
    row: dict[str, str]

    @property
    def is_deleted(self) -> bool:
        return self.row.get(DELETED) == GONE

    @property
    def key_text(self) -> str:
        return "\t".join(self.key)


class ControlTotals:
    """Sums over rows as they go by."""

    def __init__(self) -> None:
        self._counted: dict[str, list[int]] = {}
        self._sums_fen: dict[tuple[str, str], int] = {}

    def take(self, row: CollectedRow, amounts_fen: Iterable[tuple[str, int]]) -> None:
        counted = self._counted.setdefault(row.table, [0, 0])
        counted[0] += 1
        if row.is_deleted:
            counted[1] += 1
            return
        for name, amount_fen in amounts_fen:
            place = row.table, name
            self._sums_fen[place] = self._sums_fen.get(place, 0) + amount_fen

    def told(self) -> tuple[TableTotals, ...]:
        return tuple(
            TableTotals(
                table=table,
                rows=rows,
                deleted=deleted,
                sums={
                    name: yuan(fen)
                    for (of, name), fen in sorted(self._sums_fen.items())
                    if of == table
                },
            )
            for table, (rows, deleted) in sorted(self._counted.items())
        )


def fen_of(text: str) -> int:
    """Of an amount as tables have it; raises ValueError for another shape."""
    whole, point, cents = text.removeprefix("-").partition(".")
    if not (point and len(cents) == 2 and (whole + cents).isascii() and (whole + cents).isdigit()):
        raise ValueError(f"{text[:30]!r} is no amount with two decimals")
    if len(whole) > 16 or (len(whole) > 1 and whole[0] == "0"):
        raise ValueError(f"{text[:30]!r} is no amount with two decimals")
    return int(whole + cents) * (-1 if text.startswith("-") else 1)


def amounts_of(table: CollectedTable, row: CollectedRow) -> Iterator[tuple[str, int]]:
    """Those amounts of a row that can be read, by element."""
    for name in table.amounts:
        if (text := row.row.get(name)) is not None:
            try:
                yield name, fen_of(text)
            except ValueError:
                continue


class CollectionFile:
    """A file that has come: its header, as it was signed, and its rows."""

    def __init__(self, path: Path) -> None:
        """Raises RequestError ``malformed`` for what has no header."""
        self._path = path
        with path.open("rb") as file:
            head = _line(file) + _line(file)
            self._rows_begin = file.tell()
        self.signed: SignedText = read_signed(head)
        try:
            self.header = msgspec.json.decode(self.signed.text, type=CollectionHeader)
        except msgspec.MsgspecError as error:
            raise _malformed(f"its header: {error}") from error
        if self.header.format != FORMAT or self.header.kind not in (SNAPSHOT, INCREMENT):
            raise _malformed(f"it is of the format {self.header.format[:40]!r}")

    def rows(self) -> Iterator[CollectedRow]:
        """One after the other; at their end, whether these are the bytes that were signed.

        Raises:
            RequestError: ``malformed``: a line that is no row, or other bytes than were signed.
        """
        digest = hashlib.new("sm3")
        decode = msgspec.json.Decoder(CollectedRow).decode
        with self._path.open("rb") as file:
            file.seek(self._rows_begin)
            number = 2
            while line := _line(file):
                number += 1
                digest.update(line)
                try:
                    yield decode(line)
                except msgspec.MsgspecError as error:
                    raise _malformed(f"line {number}: {error}") from error
        if digest.hexdigest() != self.header.rows_sm3:
            raise _malformed("its rows are others than were signed 摘要不符")


def _line(file: BinaryIO) -> bytes:
    line = file.readline(LINE_BYTES_MAX + 1)
    if len(line) > LINE_BYTES_MAX or (line and not line.endswith(b"\n")):
        raise _malformed("it ends in the middle of a line")
    return line


def _malformed(detail: str) -> RequestError:
    return RequestError(Code.MALFORMED, f"the file is none of collected rows: {detail}")
