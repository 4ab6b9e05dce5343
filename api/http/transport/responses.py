"""Answers that are bytes already: sent as they are, large ones piece by piece."""

import asyncio
from collections.abc import Sequence

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

SENDING_TIMEOUT_S = 60.0

log = structlog.get_logger(__name__)

_JSON = (b"content-type", b"application/json")


class JsonResponse(Response):
    """JSON that is encoded already."""

    def __init__(
        self, body: bytes, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON, *headers]

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """The two messages and nothing else; there are no tasks behind it."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body})


class JsonPieces(Response):
    """JSON in pieces, each sent when the caller has taken the ones before.

    So a caller who reads slowly holds the pieces and not a copy in the socket's buffer, and nobody
    else waits for one long write. Whoever does not read at all is cut off.
    """

    def __init__(
        self,
        pieces: Sequence[bytes],
        status: int = 200,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        self.status_code = status
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % sum(map(len, pieces))), _JSON, *headers]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        try:
            async with asyncio.timeout(SENDING_TIMEOUT_S):
                for piece in self._pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:  # the server closes the connection of an answer without an end
            log.warning("an answer was not taken in time", bytes=sum(map(len, self._pieces)))
