"""The client, for programs that wait and for event loops: a token, and how its calls are sent."""

import random
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Self, TypeVar

import anyio
import anyio.to_thread
import httpx

from guoku_client.call import Answer, Call, Many
from guoku_client.errors import NoAnswer, ServerError, error_from
from guoku_client.following import MEDIA_TYPE, EventStream, event_of, following
from guoku_client.retrying import Attempts, Retries
from guoku_client.shown import LedgerEvent

T = TypeVar("T")
TIMEOUT_S = 60.0
# before the request was on its way
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NEVER_SENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)  # nor will it ever be


class _Sending:
    """What both kinds share: how a call becomes a request, and what is made of its end."""

    def __init__(self, token: str, retries: Retries) -> None:
        self._authorization = {"Authorization": f"Bearer {token}"}
        self._retries = retries

    @property
    def streaming(self) -> dict[str, str]:
        return {"Accept": MEDIA_TYPE, **self._authorization}

    def attempts(self, call: Call[T]) -> Attempts:
        return Attempts(self._retries, time.monotonic, random.random, call.changes)

    def request(self, http: "httpx.Client | httpx.AsyncClient", call: Call[T]) -> httpx.Request:
        return http.build_request(
            call.method,
            call.path,
            params=call.shown_query(),
            content=call.body,
            headers={**call.sent_headers(), **self._authorization},
        )

    def wait_after_silence(self, attempts: Attempts, call: Call[T], lost: Exception) -> float:
        """Raises ServerError, where the time is over."""
        error = NoAnswer(f"no answer to {call.method} {call.path}: {lost!r}")
        if isinstance(lost, _NEVER_SENT):
            raise error
        return attempts.wait_after(error, arrived=not isinstance(lost, _NOT_SENT))

    def wait_after_answer(self, attempts: Attempts, response: httpx.Response) -> float:
        """Raises ServerError, where the answer is the answer, or the time is over."""
        error: ServerError = error_from(
            response.status_code, response.headers.get("content-type", ""), response.content
        )
        return attempts.wait_after(
            error,
            status=response.status_code,
            retry_after=response.headers.get("retry-after", ""),
        )


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)


class Client:
    """One person's way to a server; may be used by several threads.

    Args:
        url: ``https://host:port``, without a path.
        token: whose acts they are. It is shown nowhere.
        retries: how long a call goes on.
        timeout_s: of a single attempt.
        verify: the certificates that the server's is held against, True for the system's.
        transport: for tests, or a proxy: how httpx sends.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retries: Retries = Retries(),  # noqa: B008  (frozen)
        timeout_s: float = TIMEOUT_S,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._sending = _Sending(token, retries)
        self._http = httpx.Client(
            base_url=url, timeout=timeout_s, verify=verify, transport=transport, trust_env=False
        )

    def do(self, call: Call[T]) -> T:
        """Sends a call, repeats it as long as its answer is missing, and reads the answer.

        Raises:
            Problem: the server refuses it.
            NoAnswer: it has not answered in the time of ``retries``.
            UnexpectedAnswer: something else answers.
        """
        attempts = self._sending.attempts(call)
        while True:
            try:
                response = self._http.send(self._sending.request(self._http, call))
            except httpx.TransportError as lost:
                time.sleep(self._sending.wait_after_silence(attempts, call, lost))
                continue
            if response.is_success:
                return call.read(_answer(response))
            time.sleep(self._sending.wait_after_answer(attempts, response))

    def each(self, many: Many[T]) -> Iterator[T]:
        """Goes through a list or a batch; a part is asked for when it is come to. Raises as ``do``
        does: what was given out until then is done."""
        call = many.first()
        while call is not None:
            part = self.do(call)
            yield from part.items
            call = part.following()

    def follow(self, stream: EventStream) -> Iterator[LedgerEvent]:
        """The events of a ledger as they come, in order and without gaps, until somebody stops.

        A stream that breaks off is begun again behind the last event.

        Raises:
            Problem: the server refuses it.
            NoAnswer: it could not be had again in the time of ``retries``.
            UnexpectedAnswer: something else answers.
        """
        after, attempts = stream.after, None
        while True:
            call = following(stream, after)
            attempts = attempts or self._sending.attempts(call)
            try:
                with self._http.stream(
                    "GET", call.path, params=call.shown_query(), headers=self._sending.streaming
                ) as response:
                    if not response.is_success:
                        response.read()
                        time.sleep(self._sending.wait_after_answer(attempts, response))
                        continue
                    for line in response.iter_lines():
                        attempts = None  # it was had again
                        if (event := event_of(line)) is not None:
                            after = event.position
                            yield event
            except httpx.TransportError as lost:
                attempts = attempts or self._sending.attempts(call)
                time.sleep(self._sending.wait_after_silence(attempts, call, lost))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient:
    """The same for an event loop."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retries: Retries = Retries(),  # noqa: B008  (frozen)
        timeout_s: float = TIMEOUT_S,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._sending = _Sending(token, retries)
        self._http = httpx.AsyncClient(
            base_url=url, timeout=timeout_s, verify=verify, transport=transport, trust_env=False
        )

    async def do(self, call: Call[T]) -> T:
        """As :meth:`Client.do`. Cancelled, it may have been done: repeat the same call."""
        attempts = self._sending.attempts(call)
        while True:
            try:
                response = await self._http.send(self._sending.request(self._http, call))
            except httpx.TransportError as lost:
                await anyio.sleep(self._sending.wait_after_silence(attempts, call, lost))
                continue
            if response.is_success:
                return call.read(_answer(response))
            await anyio.sleep(self._sending.wait_after_answer(attempts, response))

    async def each(self, many: Many[T]) -> AsyncIterator[T]:
        """As :meth:`Client.each`. What computes, as a key in a file does, does so in a thread."""
        call = many.first()
        while call is not None:
            part = await self.do(call)
            for item in part.items:
                yield item
            if part.works:
                call = await anyio.to_thread.run_sync(part.following)
            else:
                call = part.following()

    async def follow(self, stream: EventStream) -> AsyncIterator[LedgerEvent]:
        """As :meth:`Client.follow`."""
        after, attempts = stream.after, None
        while True:
            call = following(stream, after)
            attempts = attempts or self._sending.attempts(call)
            try:
                async with self._http.stream(
                    "GET", call.path, params=call.shown_query(), headers=self._sending.streaming
                ) as response:
                    if not response.is_success:
                        await response.aread()
                        await anyio.sleep(self._sending.wait_after_answer(attempts, response))
                        continue
                    async for line in response.aiter_lines():
                        attempts = None
                        if (event := event_of(line)) is not None:
                            after = event.position
                            yield event
            except httpx.TransportError as lost:
                attempts = attempts or self._sending.attempts(call)
                await anyio.sleep(self._sending.wait_after_silence(attempts, call, lost))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
