"""A voucher's document as it is written here: elements in order, nothing between them.

Writing puts all texts of a form in GBK together and into one template. Reading finds them by one
pattern where a document stands exactly so; any other is for the parser. A detail repeats much of
the main form: that is put into a detail's template once for all lines, and compared when read. So a
voucher of 499 lines, of 790 KB, costs little more than the tenth of it that differs.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from payments.messages import gbk
from payments.messages.reader import CLOSE_LIST, OPEN_LIST

_TEXT = rb"([^<>&\x00-\x1f]*+)"
_OPEN = gbk.DECLARATION.encode("ascii") + b"<Voucher>"
_CLOSE = CLOSE_LIST + b"</Voucher>"

Texts = tuple[str, ...]
Cells = Sequence[bytes]


class FixedLayout:
    """The elements of a voucher, and which of them have a text.

    Args:
        main_tags, detail_tags: all elements of the main form and of a detail, in order.
        filled: those of the main form that may have a text; the others are written empty.
        own: those of a detail that may have a text of their own. What else it has in common with
            the main form it repeats; the others are written empty.
    """

    def __init__(
        self,
        main_tags: Sequence[str],
        filled: Sequence[str],
        detail_tags: Sequence[str],
        own: Sequence[str],
    ) -> None:
        self.filled = tuple(tag for tag in main_tags if tag in filled)
        self.own = tuple(tag for tag in detail_tags if tag in own)
        repeated = [t for t in detail_tags if t in self.filled and t not in self.own]
        self._main = template(main_tags, dict.fromkeys(self.filled, b"%b"))
        places = dict.fromkeys(repeated, b"%b") | dict.fromkeys(self.own, b"%%b")
        self._detail = b"<Detail>%b</Detail>" % template(detail_tags, places)
        self._repeated = _getter([self.filled.index(tag) for tag in repeated])
        held = [tag for tag in detail_tags if tag in places]
        self._repeats = _getter([held.index(tag) for tag in repeated])
        self._own_of = _getter([held.index(tag) for tag in self.own])
        main = template(main_tags, dict.fromkeys(self.filled, _TEXT)) + OPEN_LIST
        self._main_pattern = re.escape(_OPEN) + main
        detail = template(detail_tags, dict.fromkeys(places, _TEXT))
        self._detail_pattern = b"<Detail>%b</Detail>" % detail

    # compiled when the first document is read: most programs only name the form
    @cached_property
    def _read_main(self) -> Callable[[bytes], re.Match[bytes] | None]:
        return re.compile(self._main_pattern).match

    @cached_property
    def _read_detail(self) -> Callable[[bytes, int], re.Match[bytes] | None]:
        return re.compile(self._detail_pattern).match

    def write(self, main: Sequence[str], details: Iterable[Sequence[str]]) -> bytes:
        """The document: the same texts give the same bytes.

        Args:
            main: the texts of ``filled``, in their order.
            details: the texts of ``own``, in their order, of each line.

        Raises:
            RequestError: ``malformed``, naming the element, for text that GBK cannot carry.
        """
        own_texts = [text for line in details for text in line]
        cells, own = self._encoded(main, own_texts)
        repeated = self._repeated(cells)
        if b"%" in b"".join(repeated):
            repeated = tuple(cell.replace(b"%", b"%%") for cell in repeated)
        template, width = self._detail % repeated, len(self.own)
        lines = [template % tuple(own[at : at + width]) for at in range(0, len(own), width)]
        return b"".join((_OPEN, self._main % tuple(cells), OPEN_LIST, *lines, _CLOSE))

    def _encoded(self, main: Sequence[str], own: Sequence[str]) -> tuple[Cells, Cells]:
        """All texts at once; where one of them is not plain, each by itself."""
        if (cells := gbk.encode_all([*main, *own])) is not None:
            return cells[: len(main)], cells[len(main) :]
        return (
            _encoded_singly(main, self.filled),
            _encoded_singly(own, self.own, detail=True),
        )

    def read(self, data: bytes) -> tuple[Texts, list[Texts]] | None:
        """The texts as :meth:`write` takes them, of a document that stands as it writes them.

        None for any other, also for one whose details do not repeat the main form.
        """
        match = self._read_main(data)
        if match is None or not data.endswith(_CLOSE):
            return None
        cells, end = match.groups(), len(data) - len(_CLOSE)
        at, repeated, own = match.end(), self._repeated(cells), list[bytes]()
        while at < end:
            detail = self._read_detail(data, at)
            if detail is None or self._repeats(found := detail.groups()) != repeated:
                return None
            own += self._own_of(found)
            at = detail.end()
        if at != end:
            return None
        try:
            texts = tuple(b"\0".join((*cells, *own)).decode("gbk").split("\0"))
        except UnicodeDecodeError:
            return None
        first, width = len(cells), len(self.own)
        lines = [texts[at : at + width] for at in range(first, len(texts), width)]
        return texts[:first], lines


def template(tags: Sequence[str], contents: dict[str, bytes]) -> bytes:
    """The elements, each with its content if it has one."""
    names = ((tag.encode("ascii"), contents.get(tag, b"")) for tag in tags)
    return b"".join(b"<%b>%b</%b>" % (name, content, name) for name, content in names)


def _getter(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """What stands at these places, always as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: tuple(row[place] for place in places)


def _encoded_singly(
    texts: Sequence[str], tags: Sequence[str], *, detail: bool = False
) -> list[bytes]:
    """Slower, but escapes, and says which element cannot be carried if one cannot."""
    cells = []
    for index, text in enumerate(texts):
        line, column = divmod(index, len(tags))
        pointer = f"/DetailList/{line}/{tags[column]}" if detail else f"/{tags[column]}"
        cells.append(gbk.encode(gbk.escape(text), tags[column], pointer=pointer))
    return cells
