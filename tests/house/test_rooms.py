"""The rooms are those of the list, and the contracts are made of it; ``make lint`` holds them."""

import ast
import tomllib

import pytest

from tests.house.contracts import contracts
from tests.house.rooms import CLIENT, DECIDING, FOLDERS, ORDER
from tests.support.paths import ROOT
from tests.support.sources import ROOMS


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages that a module imports, wherever it does."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_contracts_are_those_of_the_list() -> None:
    written = (ROOT / ".importlinter").read_text(encoding="utf-8")
    assert written == contracts(), "make contracts"


@pytest.mark.parametrize("container", [each for each in ORDER if each])
def test_every_room_of_the_tree_is_on_the_list(container: str) -> None:
    lying = {
        path.stem
        for path in (ROOT / FOLDERS.get(container, container)).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    listed = [room for line in ORDER[container] for room in line.split()]
    assert sorted(listed) == sorted(lying - {"__init__"})


def test_every_package_of_the_program_is_on_the_list() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [*ROOMS, "verifier"] == shipped
    assert [*shipped, CLIENT] == project["tool"]["mypy"]["packages"]


def test_what_decides_is_there() -> None:
    """A room that was renamed would otherwise be held to nothing."""
    paths = [ROOT / room.replace(".", "/") for room in DECIDING]
    assert [p for p in paths if not (p.is_dir() or p.with_suffix(".py").exists())] == []


def test_the_verifier_imports_nothing_of_the_rest() -> None:
    for path in (ROOT / "verifier").glob("*.py"):
        names = imported(ast.parse(path.read_text(encoding="utf-8")))
        assert names.isdisjoint(ROOMS), path.name
