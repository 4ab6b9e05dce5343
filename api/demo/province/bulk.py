"""Bulk calls to one ledger, as a treasury's system makes them: thousands of items a request.

A demo asks only for what must be accepted, so a refusal ends it. A server that is busy (429, 503)
is asked again: every number is an idempotency key, so nothing is done twice by that.
"""

from collections.abc import Iterator, Sequence
from threading import Event
from time import monotonic
from typing import Any

import httpx
import msgspec

from api.demo.client import Json
from api.demo.stack import Stack
from ledger.errors import ConfigurationError

TIMEOUT_S = 300.0
SETTLE_TIMEOUT_S = 900.0
BUSY_PAUSE_S = 0.5
UNDER_WAY = ("signed", "sent")
BUSY = frozenset({429, 503})
PAGE_SIZE = "1000"
POLL_FIRST_S, POLL_MAX_S = 0.05, 0.5


class DemoStopped(Exception):
    """The demo was told to end; nothing more is asked for."""


class _Result(msgspec.Struct):
    status: str
    problem: Any = None


class _Results(msgspec.Struct):
    results: tuple[_Result, ...] = ()  # a single act has none


class _Answered(msgspec.Struct):
    clear_no: str = ""
    refund_no: str = ""


class _Event(msgspec.Struct):
    position: int
    type: str
    payload: _Answered


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_results = msgspec.json.Decoder(_Results).decode
_encode = msgspec.json.Encoder().encode


class BulkClient:
    """The persons of one ledger, used by one thread; ``stop`` ends whatever it waits for."""

    def __init__(self, stack: Stack, ledger: str, stop: Event) -> None:
        self._stop = stop
        self._base = f"/v1/ledgers/{ledger}"
        self._http = httpx.Client(base_url=stack.url, timeout=TIMEOUT_S, trust_env=False)
        self._tokens = stack.tokens

    def close(self) -> None:
        self._http.close()

    def bulk(self, person: str, path: str, body: Any) -> int:
        """Sends a bulk call, or a single act; gives how many items there were, all accepted.

        Args:
            path: within the ledger, or a whole one that begins with ``/v1/``.

        Raises:
            ConfigurationError: an item was refused.
        """
        answer = self._answer("POST", person, path, _encode(body))
        answered = _decode_results(answer.content)
        for result in answered.results:
            if result.status == "refused":
                raise ConfigurationError(f"{self._base} {path}: {result.problem}")
        return len(answered.results)

    def post(self, person: str, path: str, body: Json) -> Json:
        answer: Json = self._answer("POST", person, path, _encode(body)).json()
        return answer

    def get(self, path: str, **query: str) -> Json:
        answer: Json = self._answer("GET", "经办", path, None, query).json()
        return answer

    def pages(self, path: str) -> Iterator[Json]:
        """Every item of a list as it stands now."""
        head = str(self.position())
        query = {"page_size": PAGE_SIZE}
        while True:
            page = self._answer("GET", "经办", path, None, query, head).json()
            yield from page["items"]
            if not page["next_cursor"]:
                return
            query = {"cursor": page["next_cursor"]}

    def wait_handed_over(self) -> None:
        """Until the next year's ledger has what this year's has left.

        Raises:
            ConfigurationError: it has not in time.
        """
        deadline, pause_s = monotonic() + SETTLE_TIMEOUT_S, POLL_FIRST_S
        while self.get("/year-end")["state"] != "handed_over":
            self.pause(pause_s)
            pause_s = min(POLL_MAX_S, pause_s * 1.5)
            if monotonic() > deadline:
                raise ConfigurationError(f"{self._base} was not handed over to the next year")

    def wait_settled(self, numbers: Sequence[str], filters: Sequence[dict[str, str]]) -> None:
        """Until the bank has answered for all payments.

        It answers in order, so the last one is asked after, which stands in the books themselves;
        then the read model, brought up to that moment, must list nothing that is still under way.

        Args:
            numbers: of the payments, in the order in which they were signed.
            filters: what of the list must be empty.

        Raises:
            ConfigurationError: they are not answered in time.
        """
        deadline, pause_s = monotonic() + SETTLE_TIMEOUT_S, POLL_FIRST_S
        last = f"/payments/{numbers[-1]}"
        while self.get(last)["status"] in UNDER_WAY or not self._none_listed(filters):
            self.pause(pause_s)
            pause_s = min(POLL_MAX_S, pause_s * 1.5)
            if monotonic() > deadline:
                raise ConfigurationError(f"{self._base}{last} did not settle")

    def _none_listed(self, filters: Sequence[dict[str, str]]) -> bool:
        """Whether these lists are empty, as of now."""
        head = str(self.position())
        answers = (
            self._answer("GET", "经办", "/payments", None, {"page_size": "1", **query}, head)
            for query in filters
        )
        return not any(answer.json()["items"] for answer in answers)

    def wait_followed(self, paths: Sequence[str]) -> None:
        """Until the read models behind these paths have seen all that is in the books."""
        head = str(self.position())
        for path in paths:
            self._answer("GET", "经办", path, None, {}, head)

    def position(self) -> int:
        """Where the ledger stands."""
        return int(self.get("")["position"])

    def wait_refunded(self, refund_nos: Sequence[str], after: int) -> None:
        """Until the bank's notices say that the money of these refunds is back.

        Args:
            after: a position before they were asked for.

        Raises:
            ConfigurationError: the bank refuses one, or does not answer in time.
        """
        self._wait_answered(set(refund_nos), after, "payment.refunded", "payment.refund_refused")

    def wait_cleared(self, clear_nos: Sequence[str], after: int) -> None:
        """Until the central bank has answered every claim of these clearings.

        Args:
            after: a position before the clearings were requested.

        Raises:
            ConfigurationError: one was rejected, or is not answered in time.
        """
        self._wait_answered(set(clear_nos), after, "clearing.cleared", "clearing.rejected")

    def _wait_answered(self, open_: set[str], after: int, answered: str, refused: str) -> None:
        """The ledger's events say so, and are read once."""
        deadline, pause_s = monotonic() + SETTLE_TIMEOUT_S, POLL_FIRST_S
        while open_:
            page = self._answer("GET", "经办", "/events", None, {"after": str(after)}).content
            for line in page.splitlines():
                event = _decode_event(line)
                after = event.position
                if event.type == refused:
                    raise ConfigurationError(f"{refused}: {event.payload}")
                if event.type == answered:
                    open_ -= {event.payload.clear_no, event.payload.refund_no}
            if not page and open_:
                self.pause(pause_s)
                pause_s = min(POLL_MAX_S, pause_s * 1.5)
            if monotonic() > deadline:
                raise ConfigurationError(f"not answered: {sorted(open_)[:9]}")

    def pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise DemoStopped

    def _answer(
        self,
        method: str,
        person: str,
        path: str,
        content: bytes | None,
        query: dict[str, str] | None = None,
        position: str = "0",
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._tokens[person]}",
            "Content-Type": "application/json",
        }
        if method == "GET":
            headers["X-Min-Position"] = position
        else:
            headers["Prefer"] = "return=minimal"  # of what was accepted, nothing is read here
        whole = path if path.startswith("/v1/") else self._base + path
        deadline = monotonic() + SETTLE_TIMEOUT_S
        while not self._stop.is_set():
            answer = self._http.request(
                method, whole, content=content, params=query, headers=headers
            )
            if answer.status_code not in BUSY or monotonic() > deadline:
                if answer.is_error:
                    raise ConfigurationError(f"{method} {whole}: {answer.text[:500]}")
                return answer
            self.pause(float(answer.headers.get("Retry-After", BUSY_PAUSE_S)))
        raise DemoStopped
