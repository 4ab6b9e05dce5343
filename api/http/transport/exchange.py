"""One request and its answer, as uvicorn has them, but for what every payment would pay for.

uvicorn writes an answer in two pieces, its head and its body, and looks at each header by itself.
An answer that says its length first and whose body comes whole, as nearly all do, is written here
in one piece, its head looked at as one. Whatever else is sent goes uvicorn's way.
"""

import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_ENDS = b"\r\nconnection: "  # an answer that says what becomes of the connection
HEAD_CAME_S = "guoku.head_came_s"  # in the scope of a request whose body came later
_WITHOUT_BODY = frozenset({204, 304})
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # in no header; nor are ends of lines


class Exchange(RequestResponseCycle):
    """A request that has come, and what is answered."""

    _start: dict[str, Any] | None = None  # the head of an answer whose body has not come yet
    _is_told = False  # that its body has come, which is told once

    def note_head(self, came_s: float) -> None:
        """The body has not come with the head, which came then by the loop's clock."""
        scope: Any = self.scope
        scope[HEAD_CAME_S] = came_s

    async def send(self, message: Any) -> None:
        """Takes a message of the answer; raises RuntimeError for a head that is none."""
        if message["type"] == "http.response.start":  # instead of one that is kept, if any
            self._start = message if _says_length(message) else None
            if self._start is not None and not self.response_started:
                return
        elif self._start is not None:
            start, self._start = self._start, None
            if answer := self._whole(start, message):
                self._write(answer)
                return
            await super().send(start)  # type: ignore[arg-type]
        await super().send(message)

    def _whole(self, start: dict[str, Any], message: dict[str, Any]) -> bytes:
        """The answer as it is written; b"" where uvicorn has to see to something beside."""
        body, status = message.get("body", b""), start["status"]
        if (
            message.get("more_body", False)
            or start["headers"][0][1] != b"%d" % len(body)
            or status in _WITHOUT_BODY
            or self.scope["method"] == "HEAD"
            or not self.keep_alive
            or self.disconnected
            or self.flow.write_paused
        ):
            return b""
        lines = self._lines(start)
        return b"" if _ENDS in lines else b"%b%b\r\n%b" % (STATUS_LINE[status], lines, body)

    def _lines(self, start: dict[str, Any]) -> bytes:
        headers = [*self.default_headers, *start["headers"]]
        lines = b"".join([b"%b: %b\r\n" % (name, value) for name, value in headers])
        ends = lines.count(b"\n"), lines.count(b"\r")
        if ends != (len(headers), len(headers)) or _CONTROL.search(lines) is not None:
            raise RuntimeError("a header of an answer holds what no header does")
        return lines

    def _write(self, answer: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(answer)
        self.message_event.set()
        self.on_response()

    async def receive(self) -> Any:
        """What has come of the request: its whole body at once, where it has come."""
        if self.more_body or self._is_told or self.disconnected or self.response_complete:
            return await super().receive()
        self._is_told = True
        self.waiting_for_100_continue = False
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        self.flow.resume_reading()
        return {"type": "http.request", "body": body, "more_body": False}


def _says_length(message: Any) -> bool:
    headers = message.get("headers")
    return bool(headers) and headers[0][0] == b"content-length"
