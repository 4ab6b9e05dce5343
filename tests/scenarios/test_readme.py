"""The README's payment with curl and the auditor's ten commands, run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from api.demo.stack import announced_up
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="the README's example needs curl"),
]


def run(script: str, data: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script of the docs: ``guoku`` and ``python3`` are those of this environment."""
    python = sys.executable
    tools = f'guoku() {{ "{python}" -m api.cli "$@"; }}; python3() {{ "{python}" "$@"; }}\n'
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tools + script],
        env={**os.environ, "GUOKU_DATA": str(data), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


@pytest.fixture(scope="module")
def data() -> Iterator[tuple[Path, dict[str, str]]]:
    """A data directory with everything running on it, and what that has printed."""
    with TemporaryDirectory(prefix="guoku-test-") as directory:
        data = Path(directory) / "data"
        with announced_up(data) as (_, printed):
            yield data, printed


@pytest.fixture(scope="module")
def paid(data: tuple[Path, dict[str, str]]) -> str:
    """What the README's payment prints."""
    folder, printed = data
    section = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    [script] = re.findall(
        r"```sh\n(URL=.*?)```", section.split("## A payment with curl")[1], re.DOTALL
    )
    script = script.replace("http://127.0.0.1:8080", printed["api"])
    for name in ("maker", "checker"):
        assert f"{name.upper()}=gk_…" in script
        script = script.replace(f"{name.upper()}=gk_…", f"{name.upper()}={printed[name]}")
    done = run(script, folder, folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_payment_with_curl_gets_to_paid(paid: str) -> None:
    assert '"status":"paid"' in paid.replace(" ", ""), paid
    assert "政府机关" not in paid  # not cleared yet: the treasury's books have not moved
    assert "业务活动费用" in paid


def test_an_audit_in_ten_commands(
    data: tuple[Path, dict[str, str]], paid: str, tmp_path: Path
) -> None:
    """Of the ledger in which the README's payment was made, beside the running server."""
    section = ROOT.joinpath("docs", "audit.md").read_text(encoding="utf-8")
    [script] = re.findall(r"```sh\n(L=.*?)```", section.split("in ten commands")[1], re.DOTALL)
    done = run(script, data[0], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "全部相符" in done.stdout
    assert done.stdout.count("RESULT: all that was checked holds") == 2
    assert "checkpoints you kept, still in this history: 1 checkpoints" in done.stdout
    assert "the log's key was taken from the export itself" not in done.stdout
    assert (tmp_path / "SQ-1.json").is_file()
