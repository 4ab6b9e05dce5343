"""Clients are made of the published document without a warning, in Python and in TypeScript.

The generators stand in an environment of their own (``make generators``).
"""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.http_server import OPERATIONS, HttpTreasury, http
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S

TOOLS = ROOT / ".generators"
PROGRAM = ROOT / "tests" / "generators" / "payments.ts"
PATH = f"{TOOLS / 'bin'}:{TOOLS / 'node_modules' / '.bin'}:{os.environ['PATH']}"

pytestmark = pytest.mark.skipif(
    not (TOOLS / ".installed").exists(), reason="the generators are not there: make generators"
)


@pytest.fixture(scope="module")
def document(http: HttpTreasury, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(http.get("/openapi.json", "").content)
    return path


def run(*command: str | Path, folder: Path) -> str:
    """What the program says; it must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_a_client_in_python(document: Path, tmp_path: Path) -> None:
    said = run(
        TOOLS / "bin" / "openapi-python-client",
        "generate",
        "--path",
        document,
        "--meta",
        "none",
        "--output-path",
        tmp_path / "client",
        "--config",
        ROOT / "docs" / "openapi-python-client.yml",
        "--fail-on-warning",
        folder=tmp_path,
    )
    assert "warning" not in said.lower(), said
    modules = {module.stem for module in (tmp_path / "client" / "api").glob("*/*.py")}
    for operation in OPERATIONS:
        assert re.sub(r"\W", "_", str(operation.operation_id)) in modules
    program = (
        "from client.api.payments import payment_apply\n"
        "from client.models import ApplyPaymentBody, PaymentStatus\n"
        "body = ApplyPaymentBody(pay_app_no='P', bgt_id='B', pay_amt='1.00', use_des='x')\n"
        "assert body.to_dict()['pay_amt'] == '1.00'\n"
        "assert PaymentStatus.PAID == 'paid'\n"
    )
    run(TOOLS / "bin" / "python", "-W", "error", "-c", program, folder=tmp_path)


def test_types_in_typescript(document: Path, tmp_path: Path) -> None:
    if shutil.which("node", path=PATH) is None:
        pytest.skip("there is no Node.js: make generators brings it")
    said = run("openapi-typescript", document, "--output", tmp_path / "api.d.ts", folder=tmp_path)
    assert "warn" not in said.lower(), said
    shutil.copy(PROGRAM, tmp_path)
    run("tsc", "--strict", "--noEmit", PROGRAM.name, folder=tmp_path)
