"""A way to the real server that loses answers: the request has arrived, and nobody hears of it."""

from collections.abc import Iterable

import httpx


class LossyTransport(httpx.BaseTransport):
    """Loses the answers to the requests at these places, counted from 0; keeps what was sent."""

    def __init__(self, *lost: int) -> None:
        self._real = httpx.HTTPTransport()
        self._lost = frozenset(lost)
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        place = len(self.sent)
        self.sent.append(request)
        response = self._real.handle_request(request)
        if place in self._lost:
            response.read()  # it has been done and answered
            raise httpx.ReadError("the connection was reset", request=request)
        return response

    def close(self) -> None:
        self._real.close()


class AsyncLossyTransport(httpx.AsyncBaseTransport):
    """Likewise for an event loop."""

    def __init__(self, *lost: int) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self._lost = frozenset(lost)
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        place = len(self.sent)
        self.sent.append(request)
        response = await self._real.handle_async_request(request)
        if place in self._lost:
            await response.aread()
            raise httpx.ReadError("the connection was reset", request=request)
        return response

    async def aclose(self) -> None:
        await self._real.aclose()


def bodies(sent: Iterable[httpx.Request]) -> list[bytes]:
    return [request.content for request in sent]
