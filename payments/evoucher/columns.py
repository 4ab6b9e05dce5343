"""The details of a voucher by their columns.

A voucher of 499 lines has 790 KB, of which a tenth differs from line to line. Writing puts what all
lines share into a template once, and each line fills in what is its own. Reading finds the columns
by one pattern where the elements stand as they are written here, and in no other document.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from payments.evoucher import gbk

TEMPLATES_KEPT_MAX = 1_000
TEMPLATE_ROWS_MIN = 8  # below it a template costs more than it saves

_TEXT = rb"[^<>&\x00-\x1f]*+"
_Texts = tuple[str, ...]


class Columns:
    """Which elements of a detail differ from line to line.

    Args:
        tags: all elements of a detail, in order.
        names: those that differ, in the same order.
    """

    def __init__(self, tags: Sequence[str], names: Sequence[str]) -> None:
        self.tags, self.names = tuple(tags), tuple(names)
        assert self.names == tuple(tag for tag in tags if tag in names), "in another order"
        self._each = "".join(f"<{tag}>%b</{tag}>" for tag in tags).encode()
        self._pattern = re.compile(b"<Detail>%b</Detail>" % b"".join(map(self._element, tags)))

    def _element(self, tag: str) -> bytes:
        text = b"(%b)" % _TEXT if tag in self.names else _TEXT
        return b"<%b>%b</%b>" % (tag.encode(), text, tag.encode())

    def write(self, shared: Mapping[str, str], rows: Iterable[Sequence[str]]) -> bytes:
        """The details as XML in GBK; an element that is neither shared nor a column is empty.

        Args:
            shared: texts by element.
            rows: the columns' texts of each line, in their order.

        Raises:
            RequestError: ``malformed``, naming line and element, for text that GBK cannot carry.
        """
        rows = list(rows)
        if len(rows) < TEMPLATE_ROWS_MIN and (few := self._written_each(shared, rows)) is not None:
            return few
        template = _template(self.tags, self.names, tuple(shared.items()))
        texts = [text for row in rows for text in row]
        cells = gbk.encode_all(texts) or self._encoded_singly(texts)
        starts, width = range(0, len(cells), len(self.names)), len(self.names)
        return b"".join([template % tuple(cells[start : start + width]) for start in starts])

    def _written_each(
        self, shared: Mapping[str, str], rows: Sequence[Sequence[str]]
    ) -> bytes | None:
        """Few details, every element filled in anew; None when a text has to be escaped."""
        written = []
        for row in rows:
            texts = {**shared, **dict(zip(self.names, row, strict=True))}
            cells = gbk.encode_all([texts.get(tag, "") for tag in self.tags])
            if cells is None:
                return None
            written.append(b"<Detail>%b</Detail>" % (self._each % tuple(cells)))
        return b"".join(written)

    def _encoded_singly(self, texts: Sequence[str]) -> list[bytes]:
        """Slower, but escapes, and says which element cannot be carried if one cannot."""
        cells = []
        for index, text in enumerate(texts):
            line, column = divmod(index, len(self.names))
            tag = self.names[column]
            cells.append(gbk.encode(gbk.escape(text), tag, pointer=f"/DetailList/{line}/{tag}"))
        return cells

    def read(self, details: bytes) -> list[_Texts] | None:
        """The columns of each detail where all stand as :meth:`write` has them; else None.

        Of the other elements it is only seen that they are there: whoever reads so proves them by
        writing the details again.
        """
        found: list[bytes] = []
        at = 0
        for match in self._pattern.finditer(details):
            if match.start() != at:
                return None
            at = match.end()
            found += match.groups()
        if not found or at != len(details):
            return None
        try:
            texts = b"\0".join(found).decode("gbk").split("\0")
        except UnicodeDecodeError:
            return None
        starts, width = range(0, len(texts), len(self.names)), len(self.names)
        return [tuple(texts[start : start + width]) for start in starts]


@lru_cache(TEMPLATES_KEPT_MAX)
def _template(tags: _Texts, names: _Texts, shared: tuple[tuple[str, str], ...]) -> bytes:
    """A detail with a place for each column."""
    texts = dict(shared)

    def content(tag: str) -> bytes:
        if tag in names:
            return b"%b"
        return gbk.encode(gbk.escape(texts.get(tag, "")), tag).replace(b"%", b"%%")

    elements = (b"<%b>%b</%b>" % (tag.encode(), content(tag), tag.encode()) for tag in tags)
    return b"<Detail>%b</Detail>" % b"".join(elements)
