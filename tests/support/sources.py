"""The program's own source as trees, for tests that hold it to its habits."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.house.rooms import CLIENT, FOLDERS, ORDER
from tests.support.paths import ROOT

ROOMS = tuple(room for line in ORDER[""] for room in line.split())
ALL_ROOMS = (*ROOMS, FOLDERS[CLIENT])


def source_files(*rooms: str) -> Iterator[Path]:
    """Every Python file of some rooms, of all of the program where none is named."""
    for room in rooms or ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All that stands in a tree; several tests look at all of the program's million nodes."""
    return tuple(ast.walk(tree))


def place(path: Path, node: ast.AST) -> str:
    """``room/file.py:12``, as an editor opens it."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
