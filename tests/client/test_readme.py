"""The examples of client/README.md, one after the other, as somebody would copy them."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import re
from pathlib import Path
from typing import Any

import pytest

from ledger.gm import PublicKey
from tests.support.http_server import HttpTreasury, http
from tests.support.own_keys import enrolled
from tests.support.paths import ROOT

PAGE = ROOT / "client" / "README.md"


def test_the_examples_work(
    http: HttpTreasury,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUOKU_URL", http.url)
    for person in ("maker", "checker", "signer"):
        monkeypatch.setenv(f"{person.upper()}_TOKEN", http.tokens[person])

    def register(public_key: bytes) -> str:
        return enrolled(http, "signer", PublicKey(public_key)).serial

    names: dict[str, Any] = {"register": register}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 6
    for number, block in enumerate(blocks):
        exec(compile(block, f"README.md, block {number}", "exec"), names)
    said = capsys.readouterr().out
    assert "FZ-14 insufficient_indicator Have the indicator raised" in said
    assert "ledger.opened" in said
