"""The index of decisions has every record once, under its title; guides name what is there."""

import re

from tests.support.paths import ROOT

DECISIONS = ROOT / "docs" / "decisions"
_BUILT = {"api/console/"}  # by `make console`, where there is a Node.js
_PATH = re.compile(
    r"`((?:ledger|budget|payments|projections|api|bench|tests|console|client|verifier)/[\w/.\-]+)`"
)


def test_every_decision_is_in_the_index_by_its_number() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \|", index, re.MULTILINE)
    records = sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))
    assert linked == [(name[:4], name) for name in records]
    numbers = [int(number) for number in re.findall(r"^\| \[?(\d{4})", index, re.MULTILINE)]
    assert numbers == sorted(set(numbers)), "each once, in order; numbers may be kept for others"


def test_what_a_guide_names_stands_there() -> None:
    """Two guides sent their readers to folders that had been renamed."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = [
        (page.name, path)
        for page in pages
        if page.name != "rooms.md"  # it tells former places
        for path in _PATH.findall(page.read_text(encoding="utf-8"))
    ]
    assert len(named) > 20, "the guides are found and read"
    there = [(page, path) for page, path in named if path not in _BUILT]
    assert [(page, path) for page, path in there if not (ROOT / path).exists()] == []
