"""What stands in front of a simulated bank and, told so, answers in its place for a while.

Nothing reaches the bank meanwhile, no voucher is taken in, and none is paid; but for
``lost-answers``: there the bank does what it is asked, and what it says of it is lost on the way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

OUTAGE_PATH = "/sim/outage"
STEP_S = 0.05

Endpoint = Callable[[Request], Awaitable[Response]]
OutageKind = Literal[
    "none", "bare-400", "html-200", "html-502", "error-500", "silence", "lost-answers"
]
_ANSWERS: dict[str, tuple[int, str, str]] = {
    "bare-400": (400, "text/plain", "Bad Request"),
    "html-200": (200, "text/html", "<html><body>Please sign in</body></html>"),
    "html-502": (502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "error-500": (500, "text/plain", "Internal Server Error"),
    "lost-answers": (504, "text/plain", "Gateway Timeout"),
}


class OutageTold(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is told: ``none`` ends an outage; without ``for_s`` (seconds) it lasts until then."""

    kind: OutageKind
    for_s: float | None = None


class OutageSwitch:
    """Whether there is an outage, and what is answered then."""

    def __init__(self) -> None:
        self._kind: OutageKind = "none"
        self._ends_at = float("inf")

    def tell(self, told: OutageTold) -> OutageTold:
        self._kind = told.kind
        self._ends_at = float("inf") if told.for_s is None else monotonic() + told.for_s
        return told

    @property
    def kind(self) -> OutageKind:
        return self._kind if monotonic() < self._ends_at else "none"

    def before(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, reached where there is no outage."""

        async def reached(request: Request) -> Response:
            if (kind := self.kind) == "lost-answers":
                await endpoint(request)
                return _said_in_its_place(kind)
            instead = await self._answer()
            return await endpoint(request) if instead is None else instead

        return reached

    async def _answer(self) -> Response | None:
        """What is answered in the bank's place, None where there is no outage.

        Silence holds the line, and breaks it when the outage is over.
        """
        was_silent = False
        while self.kind == "silence":
            was_silent = True
            await asyncio.sleep(STEP_S)
        if was_silent:
            return Response(status_code=504)
        kind = self.kind
        return _said_in_its_place(kind) if kind in _ANSWERS else None


def _said_in_its_place(kind: str) -> Response:
    status, media_type, body = _ANSWERS[kind]
    return Response(body, status, media_type=media_type)
