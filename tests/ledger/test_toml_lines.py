"""Where keys and values stand in a TOML text, in every way in which TOML lets them be written."""

import tomllib
from typing import Any

import pytest

from ledger.books.toml_lines import KeyPath, line_of, lines_of
from tests.support.chart_texts import SHIPPED

WAYS = [
    ("a = 1\nb = 2\n", {("a",): 1, ("b",): 2}),
    ("# [x]\n\n[a]  # y = 1\nb = 2\n", {("a",): 3, ("a", "b"): 4}),
    ("[a.b]\nc = 1\n[a]\nd = 2\n", {("a",): 1, ("a", "b", "c"): 2, ("a", "d"): 4}),
    ("a.b = 1\na.'c d' = 2\n", {("a",): 1, ("a", "b"): 1, ("a", "c d"): 2}),
    ('"a.b" = 1\n"\\u0063" = 2\n"" = 3\n', {("a.b",): 1, ("c",): 2, ("",): 3}),
    ("[[r]]\n[[r]]\nx = 1\n[r.s]\ny = 1\n", {("r", 0): 1, ("r", 1, "x"): 3, ("r", 1, "s", "y"): 5}),
    ("[[r]]\n[[r.s]]\n[[r.s]]\nx = 1\n", {("r", 0, "s", 1, "x"): 4}),
    ("r = [\n  { a = 1 },\n  # none\n  { a = 2, b = [3,\n4] },\n]\nc = 1\n",
     {("r", 0, "a"): 2, ("r", 1, "b", 1): 5, ("c",): 7}),
    ('a = """\nb = 1\n\\"""\n"""\nc = """x"""""\nd = 1\n', {("c",): 5, ("d",): 6}),
    ("a = '''\n[b]\n''''\nc = 'it # is'\nd = 1\n", {("c",): 4, ("d",): 5}),
    ("a = 2000-01-01 10:00:00.5\nb = -1.5e-3\nc = [1.5, 2.5]\nd = 1", {("c", 1): 3, ("d",): 4}),
    ("a = 1\r\nb = [\r\n1,\r\n2]\r\n", {("b", 1): 4}),
]  # fmt: skip


def places(value: Any, place: KeyPath = ()) -> list[KeyPath]:
    """The place of every key and every member of an array in what tomllib has read."""
    if not isinstance(value, dict | list):
        return [place]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [place, *(p for key, member in items for p in places(member, (*place, key)))]


@pytest.mark.parametrize(("text", "expected"), WAYS)
def test_each_place_has_the_line_on_which_it_begins(
    text: str, expected: dict[KeyPath, int]
) -> None:
    lines = lines_of(text)
    assert {place: lines[place] for place in expected} == expected
    assert lines.keys() == set(places(tomllib.loads(text)))


def test_every_place_of_the_shipped_chart_has_its_line() -> None:
    lines, texts = lines_of(SHIPPED), SHIPPED.splitlines()
    assert lines.keys() == set(places(tomllib.loads(SHIPPED)))
    for place, line in lines.items():
        if place and isinstance(place[-1], str):
            assert place[-1] in texts[line - 1], place


def test_what_is_missing_is_placed_at_what_it_would_belong_to() -> None:
    lines = lines_of("a = 1\n[b]\nc = 1\n")
    assert line_of(lines, ("b", "d", 3)) == 2
    assert line_of(lines, ("e",)) == 1
