"""Posting messages to another installation's address over HTTP."""

from time import monotonic

import httpx

from ledger.errors import Code, UnavailableError

PATH = "/v1/transfers/messages"
MEDIA_TYPE = "application/vnd.guoku.transfers"
ANSWER_BYTES_MAX = 1024 * 1024
_SHOWN_MAX = 300


class HttpLink:
    """Posts; safe between threads. The environment's proxies are not used, and a redirect is not
    followed: the way of what is sent here is what two persons have agreed to."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._http = httpx.Client(timeout=timeout_s, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def post(self, url: str, body: bytes) -> bytes:
        """The answer's body.

        Raises:
            UnavailableError: no answer in time, or another one than 200.
        """
        began, answer = monotonic(), bytearray()
        try:
            with self._http.stream(
                "POST",
                url.rstrip("/") + PATH,
                content=body,
                headers={"Content-Type": MEDIA_TYPE},
            ) as response:
                for piece in response.iter_bytes():
                    answer += piece
                    if len(answer) > ANSWER_BYTES_MAX or monotonic() - began > self._timeout_s:
                        raise _unavailable("its answer does not end")
                status = response.status_code
        except httpx.HTTPError as error:
            raise _unavailable(str(error) or type(error).__name__) from error
        if status != httpx.codes.OK:
            shown = bytes(answer[:_SHOWN_MAX]).decode("utf-8", "replace")
            raise _unavailable(f"it answers {status}: {shown}")
        return bytes(answer)


def _unavailable(detail: str) -> UnavailableError:
    return UnavailableError(Code.UNAVAILABLE, f"the other installation: {detail}")
