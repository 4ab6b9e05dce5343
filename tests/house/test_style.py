"""The house's habits as a test: what a reviewer would otherwise have to say each time.

Every rule has a canary beside it: a piece of source that breaks it, and is found.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.sources import ALL_ROOMS, nodes_of, place, source_files, tree_of

MODULE_LINES_MAX, FUNCTION_LINES_MAX = 400, 60
DECIDING = ("ledger/deciding", "ledger/books", "ledger/calendar.py", "ledger/money.py", "budget")
CLOCKS = {"now", "today", "utcnow", "time", "time_ns", "monotonic", "perf_counter"}
# what the engine's parts were once called, and nothing is called any more
METAPHORS = {
    "Desk", "Office", "Taken", "Waiting", "Turn", "Scribe", "Scribes", "OwnHand", "Asked", "Steps",
    "MAY_WAIT", "Held", "Pen", "ClaimHand", "glance", "weigh", "trip", "envelope_sheet", "Sheet",
    "desk", "office", "scribe", "pen",
}  # fmt: skip

Rule = Callable[[Path, ast.Module], Iterator[ast.AST]]


def floats(path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    """Money is whole fen: no float and no division where amounts are decided or booked."""
    if str(path.relative_to(ROOT)).startswith(DECIDING):
        for node in nodes_of(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                yield node
            if isinstance(node, ast.Name) and node.id == "float":
                yield node
            numbers = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            if numbers and not isinstance(node.right, ast.Constant | ast.JoinedStr):
                yield node  # a path's name behind the stroke is none


def clocks(path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    """A decision is told the time; it never asks for it."""
    if str(path.relative_to(ROOT)).startswith(DECIDING):
        for node in nodes_of(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                named = owner.id if isinstance(owner, ast.Name) else ""
                if node.func.attr in CLOCKS and named in ("datetime", "date", "time"):
                    yield node


def long_functions(_path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    """A function fits a screen."""
    for node in nodes_of(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX:
                yield node


def prints(path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    """Only the command line and the bench speak to a terminal."""
    spoken = ("api/cli", "api/demo", "bench")
    if not str(path.relative_to(ROOT)).startswith(spoken):
        for node in nodes_of(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                yield node


def metaphors(_path: Path, tree: ast.Module) -> Iterator[ast.AST]:
    """The engine is named in the words of databases and systems."""
    for node in nodes_of(tree):
        named = getattr(node, "name", None) or getattr(node, "id", None) or getattr(node, "arg", "")
        if named in METAPHORS:
            yield node


RULES: dict[Rule, str] = {
    floats: "amount = fen / parts",
    clocks: "from datetime import datetime\nnow = datetime.now()",
    long_functions: "def f():\n" + "    pass\n" * FUNCTION_LINES_MAX,
    prints: "print('here')",
    metaphors: "class Scribe:\n    pass",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_to_it(rule: Rule) -> None:
    rooms = (*ALL_ROOMS, "tests") if rule is metaphors else ALL_ROOMS
    files = source_files(*rooms)
    broken = [place(path, node) for path in files for node in rule(path, tree_of(path))]
    assert broken == [], rule.__doc__


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_breaks_it_is_found(rule: Rule) -> None:
    canary = ROOT / "budget" / "canary.py"
    assert list(rule(canary, ast.parse(RULES[rule]))) != []


def too_long(path: Path) -> int:
    """The lines of a module that has more than can be read at once, else 0."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    return lines if lines > MODULE_LINES_MAX else 0


def test_no_module_is_too_long_to_be_read_at_once() -> None:
    """Tests, too: who looks for what is held finds it by the name of a file.

    The offline verifier is one file on purpose, and the only exception: an auditor carries it to
    another machine, reads it from its first line to its last, and trusts nothing beside it.
    """
    files = source_files(*ALL_ROOMS, "tests")
    long = {str(path.relative_to(ROOT)): lines for path in files if (lines := too_long(path))}
    assert long == {}


def test_the_verifier_alone_is_one_file_on_purpose() -> None:
    """Were it split, or small enough, it would be held as all others are."""
    assert [path.name for path in source_files("verifier") if too_long(path)] == ["guoku_verify.py"]
