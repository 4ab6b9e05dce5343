"""Taking a request's body in: bounded in bytes and, unless it is small, in time."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from ledger.errors import Code, RequestError

PROMPT_BYTES_MAX = 64 * 1024  # a body up to this size is no burden, however slowly it comes


def receive_body(
    receive: Receive,
    declared: bytes | None,
    *,
    bytes_max: int,
    timeout_s: float,
    hold: Callable[[int], None],
) -> Awaitable[bytes]:
    """The whole body, to be awaited.

    Args:
        declared: the Content-Length header; None without one.
        hold: told of every piece before it is kept; may refuse it.

    Raises:
        RequestError: ``too_many_items`` beyond ``bytes_max``, ``malformed`` for a length that is
            none, or where the body has not come within ``timeout_s``.
        ClientDisconnect: the caller has hung up before the end.
    """
    if declared is not None and not declared.isdigit():
        raise RequestError(Code.MALFORMED, "Content-Length is a number")
    size = int(declared) if declared else 0
    if size > bytes_max:
        raise too_large(bytes_max)
    if 0 < size <= PROMPT_BYTES_MAX:
        return _receive(receive, bytes_max, hold)
    return _receive_in_time(receive, bytes_max, hold, timeout_s)


async def _receive_in_time(
    receive: Receive, bytes_max: int, hold: Callable[[int], None], timeout_s: float
) -> bytes:
    try:
        async with asyncio.timeout(timeout_s):
            return await _receive(receive, bytes_max, hold)
    except TimeoutError:
        raise RequestError(
            Code.MALFORMED, f"the body did not come within {timeout_s:g} s"
        ) from None


async def _receive(receive: Receive, bytes_max: int, hold: Callable[[int], None]) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise too_large(bytes_max)
        hold(len(part))
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(bytes_max: int) -> RequestError:
    return RequestError(Code.TOO_MANY_ITEMS, f"a body has at most {bytes_max} bytes")
