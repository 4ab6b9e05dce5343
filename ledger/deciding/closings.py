"""The closings of a register's rows on the days before their last, while a history is folded.

There may be millions of them, so each row's lie in one array: day, amounts, day, amounts.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, KeysView, Mapping, MutableSequence, Sequence

_Row = MutableSequence[int]


class Closings:
    """Of one register with so many fields; days are ordinals, amounts fen."""

    def __init__(self, fields: int, stored: Mapping[str, Sequence[int]]) -> None:
        self._fields, self._width = fields, fields + 1
        self._of: dict[str, _Row] = {key: _numbers(each) for key, each in stored.items()}

    def close(self, key: str, day: int, row: Sequence[int]) -> None:
        """The row ends a day, later than all before, with the amounts that ``row`` begins with."""
        closing = (day, *row[: self._fields])
        kept = self._of.get(key)
        if kept is None:
            self._of[key] = _numbers(closing)
            return
        try:
            kept.extend(closing)
        except OverflowError:  # wider than 64 bits: sums over accounts may be
            whole = len(kept) - len(kept) % self._width
            self._of[key] = [*kept[:whole], *closing]

    def drop(self, key: str) -> None:
        self._of.pop(key, None)

    def move(self, key: str, day: int, changes_fen: Sequence[int]) -> list[tuple[int, int]]:
        """Changes the row on an earlier day and on all closings after it.

        Returns:
            For each field its lowest amount from that day on, and the first day on which it is so.
        """
        kept, width = list(self._of.get(key, ())), self._width
        days = kept[::width]
        place = bisect_left(days, day)
        if place == len(days) or days[place] != day:
            before = kept[(place - 1) * width + 1 : place * width] if place else [0] * self._fields
            kept[place * width : place * width] = [day, *before]
        lowest: list[tuple[int, int]] = []
        for field, change_fen in enumerate(changes_fen, 1):
            for at in range(place * width + field, len(kept), width):
                kept[at] += change_fen
            found = ((kept[at + field], kept[at]) for at in range(place * width, len(kept), width))
            lowest.append(min(found))
        self._of[key] = _numbers(kept)
        return lowest

    def of(self, key: str) -> Iterator[Sequence[int]]:
        """A row's closings in order: the day, then the amounts."""
        kept, width = self._of.get(key, ()), self._width
        for start in range(0, len(kept), width):
            yield kept[start : start + width]

    def keys(self) -> KeysView[str]:
        """The rows that have any."""
        return self._of.keys()

    def stored(self) -> dict[str, list[int]]:
        """What the next one goes on from."""
        return {key: list(each) for key, each in self._of.items()}


def _numbers(values: Sequence[int]) -> _Row:
    try:
        return array("q", values)
    except OverflowError:
        return list(values)
