"""The API as commands of the command line ask it: over HTTP, in the name of who has the token."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

PART_BYTES = 1 << 20
ERRORS_PRINTED_MAX = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {".csv": "text/csv", ".xlsx": XLSX, ".ndjson": "application/x-ndjson"}

Json = dict[str, Any]


class ApiClient:
    """The API at an address, or the one of the settings.

    Attributes:
        token: of who asks, where no other one is said.
    """

    def __init__(self, url: str, token: str) -> None:
        """Raises ConfigurationError without a token."""
        import httpx

        from api.cli.session import load_settings
        from api.tls import own_url, tls_files, trusting
        from ledger.errors import ConfigurationError

        self.token = token
        if not token:
            raise ConfigurationError("a token is needed: --token or GUOKU_TOKEN")
        settings = load_settings()
        self.http = httpx.Client(
            base_url=url or own_url(settings),
            timeout=httpx.Timeout(30.0, read=600.0),
            trust_env=False,
            verify=True if url else trusting(tls_files(settings)),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, path: str, token: str, **request: Any) -> Json:
        """The answer; a problem document, and an address where nobody answers, as our errors."""
        import httpx

        from ledger.errors import BY_TEXT, Code, GuokuError, UnavailableError

        headers = {"Authorization": f"Bearer {token}", **request.pop("headers", {})}
        try:
            response = self.http.request(method, path, headers=headers, **request)
        except httpx.TransportError as error:
            detail = f"{self.http.base_url} does not answer: {error}"
            raise UnavailableError(Code.UNAVAILABLE, detail) from None
        try:
            answer: Json = response.json()
        except ValueError:
            answer = {"detail": f"HTTP {response.status_code}"}
        if response.is_error:
            code = BY_TEXT.get(answer.get("code", ""), Code.UNAVAILABLE)
            raise GuokuError(code, _with_errors(answer))
        return answer

    def upload(
        self, path: str, file: Path, progress: Callable[[int], None], **request: Any
    ) -> Json:
        """A file, in parts; ``progress`` is told the bytes of each as it has gone."""
        media = MEDIA.get(file.suffix.lower()) or mimetypes.guess_type(file)[0] or "text/csv"
        return self.call(
            "POST",
            path,
            self.token,
            content=_parts(file, progress),
            headers={"Content-Type": media, "Content-Length": str(file.stat().st_size)},
            **request,
        )


def _with_errors(answer: Json) -> str:
    """The problem in words, with the first lines of an error report."""
    lines = [str(answer.get("detail", ""))]
    for error in answer.get("errors", ())[:ERRORS_PRINTED_MAX]:
        column = f" {error['column']}" if error["column"] else ""
        lines.append(f"  line {error['line']}{column}: {error['detail']}")
    return "\n".join(lines)


def sm3_of(file: Path) -> str:
    digest = hashlib.new("sm3")
    for part in _parts(file, lambda _: None):
        digest.update(part)
    return digest.hexdigest()


def _parts(file: Path, progress: Callable[[int], None]) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while part := opened.read(PART_BYTES):
            yield part
            progress(len(part))
