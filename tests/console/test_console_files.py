"""The console's files as a browser is given them: the policy, what is kept, what is compressed."""

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.http.console import POLICY, add_console

SCRIPT = b"console.log('a longer script than its name')" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><div id=app>", encoding="utf-8")
    (tmp_path / "assets" / "main-1a2b.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    return tmp_path


def client(folder: Path, root_path: str = "") -> TestClient:
    app = FastAPI()
    add_console(app, folder)
    return TestClient(app, follow_redirects=False, root_path=root_path)


def test_the_page_is_asked_for_each_time_and_an_asset_once(folder: Path) -> None:
    browser = client(folder)
    page, script = browser.get("/console/"), browser.get("/console/assets/main-1a2b.js")
    assert page.status_code == script.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    known = {"if-none-match": page.headers["etag"]}
    unchanged = browser.get("/console/", headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_nothing_of_another_host_and_nothing_inline(folder: Path) -> None:
    for path in ("/console/", "/console/assets/main-1a2b.js", "/console/none"):
        headers = client(folder).get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
    assert POLICY.startswith("default-src 'self';")
    assert "unsafe" not in POLICY
    elsewhere = [word for word in POLICY.split() if "http" in word]
    assert elsewhere == ["http://127.0.0.1:9171;"], "the agent at the signer's own machine"


@pytest.mark.parametrize(
    ("accepts", "encoded"),
    [("gzip, br", True), ("gzip;q=0.5", True), ("gzip;q=0", False), ("gzip;q=0.000", False),
     ("identity", False), ("", False)],
)  # fmt: skip
def test_what_was_compressed_goes_to_whoever_takes_it(
    folder: Path, accepts: str, encoded: bool
) -> None:
    asked = {"accept-encoding": accepts}
    answer = client(folder).get("/console/assets/main-1a2b.js", headers=asked)
    assert answer.content == SCRIPT
    assert answer.headers.get("content-encoding") == ("gzip" if encoded else None)
    assert answer.headers["vary"] == "Accept-Encoding"


def test_a_file_is_found_by_its_name_alone(folder: Path) -> None:
    (folder.parent / "secret").write_text("x", encoding="utf-8")
    browser = client(folder)
    for path in ("/console/../secret", "/console/%2e%2e/secret", "/console/assets/", "/console/x"):
        assert browser.get(path).status_code == 404, path
    assert browser.post("/console/").status_code == 405
    assert browser.head("/console/").content == b""


def test_an_address_without_its_stroke_leads_there(folder: Path) -> None:
    answer = client(folder).get("/console")
    assert (answer.status_code, answer.headers["location"]) == (308, "console/")


def test_behind_a_proxy_with_a_prefix(folder: Path) -> None:
    browser = client(folder, root_path="/treasury")
    assert browser.get("/treasury/console/assets/main-1a2b.js").status_code == 200


def test_a_console_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    browser = client(tmp_path)
    answer = browser.get("/console/")
    assert answer.status_code == 503
    assert "make console" in answer.text
    (tmp_path / "index.html").write_text("built", encoding="utf-8")
    assert browser.get("/console/").text == "built", "without a restart"
