"""The shipped files of charts and rules, and how tests change them."""

from importlib import resources

from ledger.books import parse_books
from ledger.errors import ConfigurationError

_BOOKS = resources.files("ledger.data") / "books"
SHIPPED = (_BOOKS / "2026.toml").read_text(encoding="utf-8")  # the first, which stands by itself
NEWEST = (_BOOKS / "2026-12.toml").read_text(encoding="utf-8")  # follows it, with tables


def changed(*replaced: str, text: str = SHIPPED) -> str:
    """The text with each first part replaced, where it stands first, by the part after it."""
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def later(text: str, version: str, valid_from: str) -> str:
    """The chart as a later version."""
    return changed('"2026.1"', f'"{version}"', "2000-01-01", valid_from, text=text)


def said_of(text: str) -> list[str]:
    """What is said of a chart that is refused, a line to each fault; nothing if it is loaded."""
    try:
        parse_books(text, "own.toml")
    except ConfigurationError as error:
        return error.detail.splitlines()
    return []
