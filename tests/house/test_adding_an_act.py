"""The walk of CONTRIBUTING for a new act, applied to a copy of the program as it stands there.

The act works in the copy although nobody but its eight files was told of it. Then what its type
says of itself is taken away, one thing at a time, and whoever asks for it misses it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from tests.support.paths import ROOT

FILES_MAX = 8
WALK = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WALK = WALK.split("\n## Adding an act\n")[1].split("\n## ")[0]
STEP = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*, (?P<how>append|new|insert behind|insert before)"
    r"(?: `(?P<line>[^\n]+)`)?:\n\n(?P<fence>`{3,})\w*\n(?P<text>.*?)^(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
COPIED = (
    "ledger",
    "division",
    "budget",
    "payments",
    "projections",
    "api",
    "verifier",
    "docs",
    "tests",
)

ACT = "tests/house/surrendered_act.py"
OTHERS = (
    "tests/house/test_registry.py",
    "tests/ledger/test_event_versions.py",
    "tests/ledger/test_command_versions.py",
    "tests/ledger/test_elements.py",
    "tests/scenarios/test_indicator_acts.py",
    "tests/api/test_http_access.py",
)
SAID = "budget/events.py"  # where the act's type says what it is
TITLED = '        title="上缴结余",\n'


class Step(NamedTuple):
    """One piece of the walk: what goes where in which file."""

    path: str
    how: str
    line: str
    text: str

    def apply(self, root: Path) -> None:
        file = root / self.path
        if self.how == "new":
            assert not file.exists(), f"{self.path} is there already"
            file.write_text(self.text, encoding="utf-8")
            return
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        place = len(lines)
        if self.how != "append":
            found = [number for number, line in enumerate(lines) if line.strip() == self.line]
            assert found, f"{self.path} has no line {self.line!r}"
            place = found[0] + (self.how == "insert behind")
        lines.insert(place, self.text)
        file.write_text("".join(lines), encoding="utf-8")


def steps() -> list[Step]:
    return [
        Step(found["path"], found["how"], found["line"] or "", found["text"])
        for found in STEP.finditer(WALK)
    ]


def copy_of(source: Path, target: Path) -> Path:
    for name in COPIED:
        shutil.copytree(
            source / name,
            target / name,
            ignore=shutil.ignore_patterns("__pycache__"),
            symlinks=True,
        )
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program, with the act."""
    copied = copy_of(ROOT, tmp_path_factory.mktemp("walk"))
    for step in steps():
        step.apply(copied)
    return copied


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a module of Python in a copy, which sees no other program than itself."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )


def failures(root: Path, *tests: str) -> set[str]:
    """The tests that do not pass in a copy, by the names of their functions."""
    done = run(root, "pytest", "-q", "--junitxml=tests.xml", *tests)
    report = ElementTree.parse(root / "tests.xml").getroot()
    cases = list(report.iter("testcase"))
    assert cases, done.stdout + done.stderr
    failed = (
        case.attrib["name"].partition("[")[0]
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    )
    return set(failed)


def test_the_walk_touches_no_more_files_than_it_says() -> None:
    touched = {step.path for step in steps()}
    assert len(touched) == FILES_MAX, sorted(touched)
    assert len(steps()) == WALK.count("\n**`"), "a piece of the walk is not read"


def test_the_copy_is_what_runs(walked: Path) -> None:
    (walked / "where.py").write_text("import ledger, tests; print(ledger.__file__, tests.__file__)")
    places = run(walked, "where").stdout.split()
    assert [Path(place).parent.parent for place in places] == [walked, walked]


def test_what_the_walk_writes_is_in_the_houses_style(walked: Path) -> None:
    written = sorted({step.path for step in steps() if step.path.endswith(".py")})
    for command in (["check"], ["format", "--check"]):
        done = run(walked, "ruff", *command, *written)
        assert done.returncode == 0, done.stdout + done.stderr


def test_whoever_must_know_the_act_knows_it(walked: Path) -> None:
    assert failures(walked, ACT) == set()


@pytest.mark.slow
def test_all_tests_that_hold_acts_hold_this_one(walked: Path) -> None:
    assert failures(walked, *OTHERS) == set()


# ---- what nobody says, somebody misses


class Removal(NamedTuple):
    """A piece of what the type says, what stands in its place, and who misses it."""

    said: str
    instead: str
    missed_by: set[str]


NO_CHART = {"test_the_charts_have_its_rule"}
REMOVALS = {
    "not registered: the chart's rule is nobody's, its bytes are of no type": Removal(
        "register(IndicatorSurrendered)\n", "", NO_CHART | {"test_its_bytes_are_read"}
    ),
    "posts nothing: the chart's rule is nobody's": Removal(
        '        posts={"indicator.surrendered": RuleNeeds(DIMENSIONS, {"amount": _CUT})},\n',
        "",
        NO_CHART,
    ),
    "posts something else: the chart's rule does not do it": Removal(
        'posts={"indicator.surrendered": RuleNeeds(DIMENSIONS, {"amount": _CUT})}',
        'posts={"indicator.surrendered": RuleNeeds(DIMENSIONS, {"amount": _FROZEN})}',
        NO_CHART,
    ),
    "moves nothing: the read model stays as it was": Removal(
        'asked_by="indicator.surrender",\n        moves=("indicator",),\n',
        'asked_by="indicator.surrender",\n',
        {"test_the_read_model_of_indicators_follows"},
    ),
    "asked by nobody: its number belongs to no command": Removal(
        '        asked_by="indicator.surrender",\n',
        "",
        {
            "test_an_audit_finds_its_number",
            "test_the_export_calls_it_by_its_name",
            "test_every_command_of_a_domain_is_answered_by_a_type",
        },
    ),
    "asked by a command that is none: the grammar cannot be made": Removal(
        'asked_by="indicator.surrender"',
        'asked_by="indicator.surrende"',
        {
            "test_an_audit_finds_its_number",
            "test_every_type_is_asked_by_a_command_or_follows_one",
        },
    ),
    "of no subject: the indicator's trace and the export's table do not show it": Removal(
        '        subject="indicator",\n        asked_by="indicator.surrender",\n',
        '        subject="",\n        asked_by="indicator.surrender",\n',
        {
            "test_the_trace_shows_it_and_its_sums_hold",
            "test_the_export_calls_it_by_its_name",
        },
    ),
    "of no step: a payment's chain passes it over": Removal(
        f'        step="indicator",\n{TITLED}', TITLED, {"test_the_trace_of_a_payment_shows_it"}
    ),
    "of no title: the export has no name for it": Removal(
        TITLED, "", {"test_the_export_calls_it_by_its_name"}
    ),
}


@pytest.fixture
def without(walked: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The copy without one thing that the type says; it is put back afterwards."""
    removal: Removal = request.param
    file = walked / SAID
    whole = file.read_text(encoding="utf-8")
    assert whole.count(removal.said) == 1
    file.write_text(whole.replace(removal.said, removal.instead), encoding="utf-8")
    yield walked
    file.write_text(whole, encoding="utf-8")


ALWAYS_TRIED = "moves nothing: the read model stays as it was"


@pytest.mark.parametrize(
    ("without", "removal"),
    [
        pytest.param(removal, removal, id=name, marks=[pytest.mark.slow] * (name != ALWAYS_TRIED))
        for name, removal in REMOVALS.items()
    ],
    indirect=["without"],
)
def test_what_it_does_not_say_is_missed(without: Path, removal: Removal) -> None:
    """In the whole copy all of these pass: see above."""
    asked = " or ".join(sorted(removal.missed_by))
    assert failures(without, ACT, "tests/house/test_registry.py", "-k", asked) == removal.missed_by
