"""A client who does not give up: he asks until he has an answer, whatever happens on the way.

Some of his questions he cuts off himself: after half the body, or before the answer, so that he
does not know what became of them. He then asks the same again, of whichever server is there.
"""

import random
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from tests.support.waiting import HANG_S

PATIENCE_S = 3.0  # for one answer; then it is not known
PAUSE_S = 0.05
NOT_NOW = frozenset({429, 502, 503, 504})
CUT_RATE, AGAIN_RATE = 0.06, 0.1


class Answer(NamedTuple):
    status: int
    body: Any

    @property
    def code(self) -> str:
        """ "" where it was taken."""
        return "" if self.status < 400 else str(self.body["code"])


@dataclass
class Tally:
    """What all callers have come to know, counted; what cannot be is written down."""

    answers: int = 0
    unknown: int = 0
    commits: dict[tuple[str, int], str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, body: Any) -> None:
        """Counts an answer, and keeps where the ledger says that it has written it."""
        with self.lock:
            self.answers += 1
            commit = body.get("commit") if isinstance(body, dict) else None
            if not commit:
                return
            place = commit["ledger"], commit["position"]
            if self.commits.setdefault(place, commit["digest"]) != commit["digest"]:
                self.faults.append(f"two events were acknowledged at {place}")

    def left_in_doubt(self) -> None:
        with self.lock:
            self.unknown += 1

    def fault(self, text: str) -> None:
        with self.lock:
            self.faults.append(text)


class Servers:
    """The addresses of the servers that run now; whoever starts one says so."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}

    def any(self, chance: random.Random) -> str:
        """One of them, or an address where nobody listens while there is none."""
        urls = list(self.urls.values())
        return chance.choice(urls) if urls else "http://127.0.0.1:9"


class Caller:
    """Asks as one of several persons; each thread has its own."""

    def __init__(
        self, servers: Servers, tokens: dict[str, str], tally: Tally, chance: random.Random
    ) -> None:
        self._servers = servers
        self._tokens = tokens
        self._tally = tally
        self._chance = chance
        self._http = httpx.Client(trust_env=False)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> Answer:
        return self._until_known("GET", path, "auditor", b"")

    def post(self, path: str, body: Any, person: str, patience_s: float = PATIENCE_S) -> Answer:
        """The answer to an act. What was taken is sometimes asked for again: it is replayed."""
        content = msgspec.json.encode(body)
        known = self._until_known("POST", path, person, content, patience_s)
        if not known.code and self._chance.random() < AGAIN_RATE:
            again = self._until_known("POST", path, person, content, patience_s)
            if again.code:
                self._tally.fault(f"{person} {path} was taken, and then refused {again.body}")
        return known

    def upload(self, path: str, lines: Iterable[Any], person: str, patience_s: float) -> Answer:
        """The answer to a file of lines."""
        content = b"\n".join(map(msgspec.json.encode, lines))
        return self._until_known("POST", path, person, content, patience_s, "application/x-ndjson")

    def _until_known(
        self,
        method: str,
        path: str,
        person: str,
        content: bytes,
        patience_s: float = PATIENCE_S,
        media: str = "application/json",
    ) -> Answer:
        deadline = monotonic() + HANG_S
        while (answer := self._ask(method, path, person, content, patience_s, media)) is None:
            self._tally.left_in_doubt()
            assert monotonic() < deadline, f"no answer to {method} {path} in {HANG_S} s"
            threading.Event().wait(PAUSE_S)
        self._tally.answered(answer.body)
        return answer

    def _ask(
        self, method: str, path: str, person: str, content: bytes, patience_s: float, media: str
    ) -> Answer | None:
        """One attempt; None where its outcome is not known, or it is to come again."""
        url = self._servers.any(self._chance)
        headers = {"Authorization": f"Bearer {self._tokens[person]}"}
        if content:
            headers["Content-Type"] = media
            if self._chance.random() < CUT_RATE:
                self._cut_off(method, url, path, headers, content)
                return None
        try:
            response = self._http.request(
                method, url + path, headers=headers, content=content, timeout=patience_s
            )
        except httpx.HTTPError:
            return None
        if response.status_code in NOT_NOW:
            return None
        if response.status_code >= 500:
            self._tally.fault(f"{method} {path}: {response.status_code} {response.text}")
        if response.headers.get("content-type") == "application/x-ndjson":
            return Answer(response.status_code, response.text.splitlines())
        return Answer(response.status_code, response.json())

    def _cut_off(
        self, method: str, url: str, path: str, headers: dict[str, str], content: bytes
    ) -> None:
        """Sends all of it, or half of the body, and goes without listening."""
        address = urlsplit(url)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(content)}", "", ""]
        sent = content if self._chance.random() < 0.7 else content[: len(content) // 2]
        try:
            place = (address.hostname or "", address.port or 0)
            with socket.create_connection(place, timeout=PATIENCE_S) as connection:
                connection.sendall("\r\n".join(lines).encode() + sent)
        except OSError:
            pass  # likewise not known
