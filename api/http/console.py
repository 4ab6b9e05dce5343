"""The console 控制台: the built page for officials, served beside the API it asks.

The page asks the public API with the rights of who is logged in, and nothing else; here are only
its files. They are built by ``make console`` into ``api/console`` and lie in the wheel, so a server
needs no Node. Names of assets carry a hash of their content, so a browser keeps them for good; the
page itself is asked for each time. No script, style or picture comes from another host, and none
stands in the page itself: the policy says so to the browser.
"""

import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

import anyio.to_thread
from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.sign_agent import AGENT_PORT

CONSOLE = "/console"
BUILT = Path(__file__).parent.parent / "console"
PAGE = "index.html"
ASSETS = "assets/"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # the smaller one first
POLICY = (
    "default-src 'self';"
    f" connect-src 'self' http://127.0.0.1:{AGENT_PORT};"  # the signer's own agent
    " object-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
_SAFE = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>国库控制台</title>
<h1>控制台尚未构建</h1>
<p>此服务未附带控制台的页面文件。请在源码目录运行 <code>make console</code>，然后重新加载本页。
接口不受影响，说明见 <a href="../docs">/docs</a>。</p>
<h1 lang="en">The console has not been built</h1>
<p lang="en">This server came without the files of the console. Run <code>make console</code> in the
source folder and reload. The API is not affected; it is described at
<a href="../docs">/docs</a>.</p></html>"""


class ConsoleFile(NamedTuple):
    """A file of the console; ``encoded`` are its compressed forms by content coding."""

    body: bytes
    media_type: str
    etag: str
    encoded: dict[str, bytes]

    @classmethod
    def read(cls, path: Path) -> "ConsoleFile":
        body = path.read_bytes()
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if media_type.startswith("text/"):
            media_type += "; charset=utf-8"
        encoded = {
            coding: form.read_bytes()
            for coding, suffix in ENCODINGS
            if (form := path.with_name(path.name + suffix)).exists()
        }
        return cls(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"', encoded)


class Console:
    """Answers for the built files under ``folder``; without any, with a page that says so.

    A file is found by its name among those that were built, never by a path that somebody sends.
    """

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder
        self._files: dict[str, ConsoleFile] = {}

    async def __call__(self, request: Request) -> Response:
        return await self.answer(request.path_params["path"], request.headers)

    async def answer(self, path: str, headers: Headers) -> Response:
        """The file at this path below the console's address."""
        name = path or PAGE
        if name not in self._files:
            self._files = await anyio.to_thread.run_sync(self._read)
        if PAGE not in self._files:
            return HTMLResponse(_NOT_BUILT, 503, {"cache-control": "no-store", **_SAFE})
        found = self._files.get(name)
        if found is None:
            return Response("not found", 404, _SAFE, "text/plain")
        return _answer(name, found, headers)

    def _read(self) -> dict[str, ConsoleFile]:
        compressed = tuple(suffix for _, suffix in ENCODINGS)
        return {
            path.relative_to(self._folder).as_posix(): ConsoleFile.read(path)
            for path in self._folder.rglob("*")
            if path.is_file() and path.suffix not in compressed
        }


def _answer(name: str, file: ConsoleFile, asked: Headers) -> Response:
    headers = {
        "etag": file.etag,
        "vary": "Accept-Encoding",
        "cache-control": _FOR_GOOD if name.startswith(ASSETS) else "no-cache",
        **_SAFE,
    }
    if file.etag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body, accepted = file.body, _accepted(asked.get("accept-encoding", ""))
    for coding, form in file.encoded.items():
        if coding in accepted:
            body, headers["content-encoding"] = form, coding
            break
    return Response(body, headers=headers, media_type=file.media_type)


def _accepted(accept_encoding: str) -> set[str]:
    """The content codings that a browser names and does not decline by ``q=0``."""
    accepted = set()
    for each in accept_encoding.split(","):
        coding, _, quality = each.replace(" ", "").partition(";q=")
        if quality.rstrip("0") not in ("", "0.") or not quality:
            accepted.add(coding.lower())
    return accepted


def add_console(app: FastAPI, folder: Path = BUILT) -> None:
    """Serves ``/console/``; without the stroke at its end a browser is sent there."""

    async def to_page(_request: Request) -> RedirectResponse:
        # relative: a proxy may serve all of it under a prefix of its own
        return RedirectResponse("console/", 308)

    app.add_route(CONSOLE, to_page, include_in_schema=False)
    app.add_route(f"{CONSOLE}/{{path:path}}", Console(folder).__call__, include_in_schema=False)
