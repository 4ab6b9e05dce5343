"""The shipped file of charts and rules, and how tests change it."""

from importlib import resources

SHIPPED = (resources.files("ledger.data") / "books" / "2026.toml").read_text(encoding="utf-8")


def changed(*replaced: str, text: str = SHIPPED) -> str:
    """The text with each first part replaced, where it stands first, by the part after it."""
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def later(text: str, version: str, valid_from: str) -> str:
    """The chart as a later version."""
    return changed('"2026.1"', f'"{version}"', "2000-01-01", valid_from, text=text)
