"""A small client of the public API, as a treasury system would write one."""

from collections.abc import Iterator, Sequence
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import httpx

from ledger.errors import ConfigurationError

TIMEOUT_S = 60.0
SETTLE_TIMEOUT_S = 120.0
POLL_S = 0.05
PAGE_SIZE = 1000

Json = dict[str, Any]


class Client:
    """Calls as one person; a problem document becomes an exception."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: object = None, **query: str) -> Json:
        """The JSON answer of an accepted call.

        Raises:
            ConfigurationError: when it was refused; the demo only asks what must be accepted.
        """
        response = self._http.request(method, path, json=body, params=query)
        answer: Json = response.json()
        if response.is_error:
            raise ConfigurationError(f"{method} {path}: {answer.get('code')}: {answer}")
        return answer

    def post(self, path: str, body: object = None, **query: str) -> Json:
        return self.call("POST", path, body if body is not None else {}, **query)

    def get(self, path: str, **query: str) -> Json:
        return self.call("GET", path, **query)

    def refused(self, path: str, body: object) -> str:
        """The code a call is refused with, "" if it was accepted."""
        response = self._http.post(path, json=body)
        return str(response.json().get("code", "")) if response.is_error else ""

    def bulk(self, path: str, body: object) -> Sequence[Json]:
        """Results of a bulk call, all of which must be accepted."""
        results: list[Json] = self.post(path, body)["results"]
        _require_accepted(path, results)
        return results

    def done(self, path: str, body: object) -> None:
        """Asks for one act, or for a bulk of them, all of which must be accepted."""
        _require_accepted(path, self.post(path, body).get("results", ()))

    def pages(self, path: str, **query: str) -> Iterator[Json]:
        """Every item of a list."""
        page = self.get(path, page_size=str(PAGE_SIZE), **query)
        yield from page["items"]
        while page["next_cursor"]:
            page = self.get(path, cursor=page["next_cursor"])
            yield from page["items"]

    def wait_settled(self, ledger: str) -> None:
        """Until no voucher is on its way to the bank or back any more."""
        self._wait(f"{ledger}/payments", ("signed", "sent"))

    def wait_cleared(self, ledger: str, clear_no: str) -> Json:
        """Until the central bank has answered every claim of a clearing."""
        deadline = monotonic() + SETTLE_TIMEOUT_S
        while (clearing := self.get(f"{ledger}/clearings/{clear_no}"))["status"] == "requested":
            _give_up_after(deadline, clear_no)
        return clearing

    def wait_refunded(self, ledger: str, pay_app_no: str, refund_no: str) -> None:
        """Until the bank has said that the money of a refund is back."""
        deadline, path = monotonic() + SETTLE_TIMEOUT_S, f"{ledger}/payments/{pay_app_no}"
        while not any(
            refund["refund_no"] == refund_no and refund["state"] == "received"
            for refund in self.get(path)["refunds"]
        ):
            _give_up_after(deadline, refund_no)

    def _wait(self, path: str, statuses: Sequence[str]) -> None:
        deadline = monotonic() + SETTLE_TIMEOUT_S
        for status in statuses:
            while self.get(path, status=status, page_size="1")["items"]:
                _give_up_after(deadline, path)


def _require_accepted(path: str, results: Sequence[Json]) -> None:
    for result in results:
        if result["status"] == "refused":
            raise ConfigurationError(f"{path}: {result}")


def _give_up_after(deadline: float, what: str) -> None:
    if monotonic() > deadline:
        raise ConfigurationError(f"{what} did not settle within {SETTLE_TIMEOUT_S:.0f} s")
    sleep(POLL_S)
