"""The parts of an XLSX workbook: where they lie, what they are parsed into, the texts they share.

A workbook is a ZIP archive of XML parts (ECMA-376). A part is parsed as it is unpacked, and no tree
is built of it. Everything that could grow with what the file says has a bound here: depth, names,
the length of a tag and of a text, how many texts and styles there are, what a part unpacks to. A
document type, and so an entity, is not taken at all.
"""

import mmap
import posixpath
import re
import zipfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from typing import Any, BinaryIO, NamedTuple, Self
from xml.parsers import expat

from ledger.errors import Code, RequestError
from ledger.files.columns import malformed

TEXT_CHARACTERS_MAX = 32_767  # of a cell, by the format
TEXTS_MAX = 10_000_000
STYLES_MAX = 65_536
UNPACKED_BYTES_MAX = 1024 * 1024 * 1024  # of all parts that are read
UNSUSPECTED_BYTES_MAX = 16 * 1024 * 1024
RATIO_MAX = 200  # how far a larger part may have been packed; sheets of people stay below 30
TAGS_MAX = 128_000_000  # a million payees are some forty million
ENTRIES_BYTES_MAX = 256 * 1024  # of the list of parts, which is read as one
SHEETS_MAX = 255
STYLES_BYTES_MAX = 32 * 1024 * 1024
INDEX_BYTES_MAX = 2 * 1024 * 1024  # of a part that only says where others are
NAMES_MAX = 1000  # of different tags and attributes in a part
DEPTH_MAX = 64
TAG_BYTES_MAX = 1024 * 1024

_READ_BYTES = 64 * 1024
_ENCRYPTED = 1  # a flag of an entry
_SPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # of the strict form
)
_NAMES = {
    f"{space} {name}": name
    for space in _SPACES
    for name in ("row", "c", "v", "t", "si", "rPh", "sheet", "numFmt", "cellXfs", "xf")
}
_NAMES["http://schemas.openxmlformats.org/package/2006/relationships Relationship"] = "relation"
_UTF_8 = ("utf-8", "surrogatepass")  # an escape may stand for half a character; it is no name
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")  # a character that XML has no place for
_HIDDEN = ("hidden", "veryHidden")
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_NO_DATE_IN_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')


class Target:
    """What the tags and texts of a part are given to; keeps the text of one value at a time.

    Attributes:
        reading: whether the text that comes belongs to a value.
        tags: how many have begun.
    """

    def __init__(self) -> None:
        self.reading = False
        self.tags = 0
        self._depth = 0
        self._names: set[str] = set()
        self._pieces: list[str] = []
        self._length = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """A tag begins that is of interest."""

    def end(self, name: str) -> None:
        """A tag ends that is of interest."""

    def close(self) -> None:
        """The part has ended."""

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Any tag begins. The parser remembers names, so that they have to be few."""
        self.tags += 1
        self._depth += 1
        self._names.add(tag)
        self._names.update(attributes)
        if len(self._names) > NAMES_MAX or self._depth > DEPTH_MAX:
            raise malformed(f"{self.place()} has tags as no spreadsheet has them")
        if (name := _NAMES.get(tag)) is not None:
            self.start(name, attributes)

    def finish(self, tag: str) -> None:
        self._depth -= 1
        if (name := _NAMES.get(tag)) is not None:
            self.end(name)

    def data(self, text: str) -> None:
        if self.reading:
            self._length += len(text)
            if self._length > TEXT_CHARACTERS_MAX:
                raise malformed(f"{self.place()} has more than {TEXT_CHARACTERS_MAX} characters")
            self._pieces.append(text)

    def taken(self) -> str:
        """The text since the last one was taken."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text

    def place(self) -> str:
        """What is being read, in words."""
        return "a part of the spreadsheet"


class _BoundedFile:
    """A file as ``zipfile`` reads it: in pieces, but for the list of parts, which has a bound."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > ENTRIES_BYTES_MAX:
            raise malformed("the spreadsheet has more parts than any has")
        return self._file.read(ENTRIES_BYTES_MAX if size < 0 else size)


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """The file as an archive; raises ``zipfile.BadZipFile`` or RequestError."""
    bounded: Any = _BoundedFile(file)
    return zipfile.ZipFile(bounded)


class Worksheet(NamedTuple):
    """A sheet of cells: its name, its part, and whether it is hidden from people."""

    name: str
    part: str
    is_hidden: bool


class Workbook:
    """An open archive, and where in it the parts are that matter.

    Attributes:
        sheets: the sheets of cells, in the order of their tabs; at least one.
        texts, styles: "" where there are none.

    Raises:
        RequestError: ``malformed``: it is no workbook, or has no sheet.
        expat.ExpatError: a part is no XML.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._tags_read = self._bytes_read = 0
        book = _first(self._related(""), "officeDocument")
        related = self._related(book)
        self.styles = _first(related, "styles")
        self.texts = _first(related, "sharedStrings")
        parts = {key: part for kind, key, part in related if kind == "worksheet"}
        self.sheets = [
            Worksheet(
                attributes.get("name", ""), parts[key], attributes.get("state", "") in _HIDDEN
            )
            for attributes in self._tags(book, "sheet")
            for key in _keys(attributes)
            if key in parts
        ]
        if not 0 < len(self.sheets) <= SHEETS_MAX:
            raise malformed(
                "the spreadsheet has no sheet" if not self.sheets else "it has too many sheets"
            )

    def parse(self, part: str, target: Target, bytes_max: int | None = None) -> Iterator[None]:
        """Gives a part to a target; stops after each piece, so that what came can be taken.

        Raises:
            RequestError: ``too_many_items``: it unpacks to too much; ``malformed``.
        """
        parser = expat.ParserCreate(None, " ", intern=None)
        parser.buffer_text = True
        parser.StartElementHandler = target.begin
        parser.EndElementHandler = target.finish
        parser.CharacterDataHandler = target.data
        parser.StartDoctypeDeclHandler = _no_document_type
        with self._open(part, bytes_max or UNPACKED_BYTES_MAX) as file:
            tags = without_tag = 0
            while piece := file.read(_READ_BYTES):
                parser.Parse(piece, False)
                without_tag = 0 if target.tags > tags else without_tag + len(piece)
                self._count(target.tags - tags, len(piece))
                tags = target.tags
                if without_tag > TAG_BYTES_MAX:
                    raise malformed(f"{target.place()} has a tag without end")
                yield
        parser.Parse(b"", True)
        target.close()
        yield

    def _count(self, tags: int, size_bytes: int) -> None:
        """What was read of all parts together, as often as it was."""
        self._tags_read += tags
        self._bytes_read += size_bytes
        if self._tags_read > TAGS_MAX or self._bytes_read > UNPACKED_BYTES_MAX:
            raise _too_much()

    def take(self, part: str, target: Target, bytes_max: int | None = None) -> None:
        """Gives a part to a target, if there is one, at once."""
        if part:
            for _ in self.parse(part, target, bytes_max):
                pass

    def _open(self, part: str, bytes_max: int) -> Any:
        """A part; no more of it is unpacked than the archive says that there is."""
        try:
            entry = self._archive.getinfo(part)
        except KeyError:
            raise malformed(f"the file is no spreadsheet: it has no part {part!r}") from None
        ratio = entry.file_size / max(1, entry.compress_size)
        suspected = entry.file_size > UNSUSPECTED_BYTES_MAX and ratio > RATIO_MAX
        if entry.file_size > bytes_max or suspected:
            raise _too_much()
        if entry.flag_bits & _ENCRYPTED:
            raise malformed("the spreadsheet is encrypted")
        return self._archive.open(entry)

    def _tags(self, part: str, name: str) -> list[Mapping[str, str]]:
        """The attributes of all tags of a name in a small part."""
        found = _Attributes(name)
        self.take(part, found, INDEX_BYTES_MAX)
        return found.attributes

    def _related(self, part: str) -> list[tuple[str, str, str]]:
        """What a part refers to: the kind, the key by which it does, the part."""
        folder, name = posixpath.split(part)
        related = []
        for relation in self._tags(posixpath.join(folder, "_rels", f"{name}.rels"), "relation"):
            kind = relation.get("Type", "").rpartition("/")[2]
            there = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", "")))
            related.append((kind, relation.get("Id", ""), there.lstrip("/")))
        return related


def _keys(attributes: Mapping[str, str]) -> list[str]:
    """The attribute ``r:id``, whose name space differs between the forms of the format."""
    return [value for name, value in attributes.items() if name.endswith(" id")]


def _too_much() -> RequestError:
    return RequestError(Code.TOO_MANY_ITEMS, "the spreadsheet unpacks to too much: send CSV")


def _no_document_type(*_: object) -> None:
    raise malformed("a part of the spreadsheet declares a document type")


def _first(related: Sequence[tuple[str, str, str]], wanted: str) -> str:
    return next((part for kind, _, part in related if kind == wanted), "")


class _Attributes(Target):
    """``attributes``: those of each tag of a name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.attributes: list[Mapping[str, str]] = []
        self._wanted = name

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == self._wanted:
            self.attributes.append(attributes)


class SharedTexts(Target):
    """The texts that cells refer to by number, in a file without a name."""

    def __init__(self) -> None:
        super().__init__()
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the workbook is
        self._ends = array("Q", [0])
        self._bytes: mmap.mmap | None = None
        self._phonetic = False  # how a text is read aloud, which is no part of it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bytes is not None:
            self._bytes.close()
        self._file.close()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match name:
            case "rPh":
                self._phonetic = True
            case "t":
                self.reading = not self._phonetic

    def end(self, name: str) -> None:
        match name:
            case "rPh":
                self._phonetic = False
            case "t":
                self.reading = False
            case "si":
                if len(self._ends) > TEXTS_MAX:
                    raise malformed(f"the spreadsheet has more than {TEXTS_MAX} texts")
                self._ends.append(self._ends[-1] + self._file.write(self.taken().encode(*_UTF_8)))

    def close(self) -> None:
        self._file.flush()
        if self._ends[-1]:
            self._bytes = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def text(self, number: int) -> str:
        """A text by its number; raises ``IndexError``."""
        if not 0 <= number < len(self._ends) - 1:
            raise IndexError(number)
        first, end = self._ends[number], self._ends[number + 1]
        return "" if self._bytes is None else self._bytes[first:end].decode(*_UTF_8)


class Styles(Target):
    """``dated``: for each style of a cell, whether it shows a number as a date or a time."""

    def __init__(self) -> None:
        super().__init__()
        self.dated: list[bool] = []
        self._formats: dict[str, str] = {}
        self._of_cells = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match name:
            case "numFmt":
                self._formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            case "cellXfs":
                self._of_cells = True
            case "xf" if self._of_cells:
                self.dated.append(self._is_date(attributes.get("numFmtId", "0")))
        if max(len(self.dated), len(self._formats)) > STYLES_MAX:
            raise malformed(f"the spreadsheet has more than {STYLES_MAX} styles")

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._of_cells = False

    def _is_date(self, key: str) -> bool:
        if (code := self._formats.get(key)) is not None:
            return not set("dmyhs").isdisjoint(_NO_DATE_IN_FORMAT.sub("", code).lower())
        return key.isdecimal() and int(key[:9]) in _DATE_FORMATS
