"""What is built: types that hold against the API's own document, its size, a wheel with it."""

import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from api.http.document import document
from tests.console.built import BUILT, CONSOLE, PATH, needs_built, needs_tools
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S

KIB = 1024
BEFORE_CHARTS_MAX, ALL_MAX = 400 * KIB, 1024 * KIB


@needs_tools
def test_it_asks_the_api_for_what_there_is() -> None:
    """An operation, a field or a code that is renamed is found by the compiler."""
    (CONSOLE / "openapi.json").write_bytes(document())
    for script in ("types", "check"):
        done = subprocess.run(
            ["npm", "run", "--silent", script],
            cwd=CONSOLE,
            env={**os.environ, "PATH": PATH},
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@needs_built
def test_it_is_small_enough_for_an_office() -> None:
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), 9))
        for path in BUILT.rglob("*")
        if path.suffix in (".js", ".css", ".html", ".svg", ".woff")
    }
    charts = sum(size for name, size in sizes.items() if name.startswith("charts-"))
    assert charts > 0
    assert sum(sizes.values()) - charts <= BEFORE_CHARTS_MAX, sizes
    assert sum(sizes.values()) <= ALL_MAX


@needs_built
def test_the_page_has_nothing_inline() -> None:
    page = (BUILT / "index.html").read_text(encoding="utf-8")
    assert "<style" not in page
    assert " style=" not in page
    assert all("src=" in script for script in page.split("<script")[1:])


@needs_built
def test_the_wheel_brings_it_along(tmp_path: Path) -> None:
    """So a server needs no Node.js."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert {
        f"api/console/{path.relative_to(BUILT).as_posix()}"
        for path in BUILT.rglob("*")
        if path.is_file()
    } <= names
    assert not any("node_modules" in name for name in names)


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_its_name_is_of_the_house(name: str) -> None:
    assert json.loads((CONSOLE / name).read_text(encoding="utf-8"))["name"] == "guoku-console"
