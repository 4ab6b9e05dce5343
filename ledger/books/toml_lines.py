"""Where the keys and values of a TOML text stand: their lines, which ``tomllib`` does not tell.

For text that ``tomllib`` has read without complaint: nothing is checked here once more.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import count

# Keys and places in arrays, from the top of the text: ("rules", 3, "lines", 0, 2).
KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""[ \t\r]+ | \#[^\n]*                        # passed over
    | (?P<token>
        \"\"\" (?: \\. | [^\\] )*? \"\"\" \"{0,2}
      | ''' .*? ''' '{0,2}
      | " (?: \\. | [^"\\\n] )* "
      | ' [^'\n]* '
      | [\[\]{}=,.\n]
      | [^\s\[\]{}=,."'\#]+                        # a bare key, a number, a date, true or false
    )""",
    re.VERBOSE | re.DOTALL,
)
_AFTER_VALUE = frozenset([",", "]", "}", "\n", ""])


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line, from 1, on which each key and each member of an array begins; that of () is 1."""
    return _Scanner(text).lines


def line_of(lines: Mapping[KeyPath, int], place: KeyPath) -> int:
    """The line of a place, or where it is missing that of what it would belong to."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


class _Scanner:
    """Walks over the tokens once and notes the first line of every place."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next, self._line = next(self._tokens)
        self._members: dict[KeyPath, int] = {}  # of arrays of tables: the index of the last one
        self.lines: dict[KeyPath, int] = {(): 1}
        table: KeyPath = ()
        while self._next:
            if self._next == "\n":
                self._take()
            elif self._next == "[":
                table = self._header()
            else:
                self._pair(table)

    def _take(self) -> str:
        taken = self._next
        self._next, self._line = next(self._tokens)
        return taken

    def _header(self) -> KeyPath:
        """``[a.b]`` or ``[[a.b]]``: the table that the following keys belong to."""
        self._take()
        if is_member := self._next == "[":
            self._take()
        place: KeyPath = ()
        line, key = self._line, self._key()
        for depth, part in enumerate(key, 1):
            place = (*place, part)
            self.lines.setdefault(place, line)
            if is_member and depth == len(key):
                self._members[place] = self._members.get(place, -1) + 1
            if place in self._members:
                place = (*place, self._members[place])
                self.lines.setdefault(place, line)
        while self._next == "]":
            self._take()
        return place

    def _pair(self, table: KeyPath) -> None:
        place, line = table, self._line
        for part in self._key():
            place = (*place, part)
            self.lines.setdefault(place, line)
        self._take()  # =
        self._value(place)

    def _key(self) -> list[str]:
        parts = [_key_text(self._take())]
        while self._next == ".":
            self._take()
            parts.append(_key_text(self._take()))
        return parts

    def _value(self, place: KeyPath) -> None:
        match self._next:
            case "[":
                for index in self._members_until("]"):
                    self.lines[*place, index] = self._line
                    self._value((*place, index))
            case "{":
                for _ in self._members_until("}"):
                    self._pair(place)
            case _:
                while self._next not in _AFTER_VALUE:
                    self._take()

    def _members_until(self, end: str) -> Iterator[int]:
        """Stops before each member of an array or an inline table, and behind its end."""
        self._take()
        for index in count():
            while self._next in (",", "\n"):
                self._take()
            if self._next == end:
                break
            yield index
        self._take()


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Each token with its line, and at the end one that is empty."""
    line = 1
    for found in _TOKEN.finditer(text):
        if token := found["token"]:
            yield token, line
            if "\n" in token:  # nothing that is passed over has one
                line += token.count("\n")
    yield "", line


def _key_text(token: str) -> str:
    """A key without its quotes."""
    if token[0] not in "\"'":
        return token
    return str(tomllib.loads(f"key = {token}")["key"])
