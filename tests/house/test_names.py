"""One name, one meaning: what is imported by a name is the same thing in every module."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.house.rooms import CLIENT, FOLDERS
from tests.support.sources import place, source_files, tree_of


def class_names(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The public classes of a module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node


def alias_names(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The public names, written like a class's, that a module gives to types of others."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                named = target.id if isinstance(target, ast.Name) else ""
                if named[:1].isupper() and not named.isupper():
                    yield named, node


def shared(modules: Iterable[tuple[Path, ast.Module]]) -> dict[str, list[str]]:
    """Names of classes that are given twice, or to a class and to a type of other make."""
    classes, places = set(), defaultdict(list)
    for path, tree in modules:
        for name, node in class_names(tree):
            classes.add(name)
            places[name].append(place(path, node))
        for name, node in alias_names(tree):
            places[name].append(place(path, node))
    return {name: places[name] for name in sorted(classes) if len(places[name]) > 1}


def test_a_class_has_a_name_of_its_own() -> None:
    assert shared((path, tree_of(path)) for path in source_files()) == {}


def test_a_class_of_the_client_has_a_name_of_its_own_there() -> None:
    """Beside the program it has names of its own: its `Payment` is what a caller sees of ours."""
    assert shared((path, tree_of(path)) for path in source_files(FOLDERS[CLIENT])) == {}


def test_a_name_given_twice_is_found() -> None:
    here = Path(__file__)
    line, page = ast.parse("class Line: ...\nclass _Kept: ..."), ast.parse("class Page: ...")
    assert shared([(here, line), (here, page)]) == {}
    again = ast.parse("Line = tuple[str, int]\nclass _Kept: ...\nPage = 1")
    assert list(shared([(here, line), (here, page), (here, again)])) == ["Line", "Page"]
