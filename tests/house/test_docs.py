"""The index of decisions has every record once, under its title."""

import re

from tests.support.paths import ROOT

DECISIONS = ROOT / "docs" / "decisions"


def test_every_decision_is_in_the_index_by_its_number() -> None:
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \|", index, re.MULTILINE)
    records = sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))
    assert linked == [(name[:4], name) for name in records]
    numbers = [int(number) for number in re.findall(r"^\| \[?(\d{4})", index, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
