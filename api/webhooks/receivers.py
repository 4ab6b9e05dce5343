"""Posting to receivers, one event at a time, over connections that are kept."""

from time import monotonic
from typing import NamedTuple

import httpcore

from api.webhooks.addresses import JudgedNetwork
from api.webhooks.messages import WebhookMessage

ANSWER_BYTES_MAX = 64 * 1024  # read, so that the connection can be kept; nothing is made of them
CONNECTIONS_MAX = 32
IDLE_S = 30.0

GONE = 410


class ReceiverAnswer(NamedTuple):
    """What a receiver said; status 0 where there was no answer at all."""

    status: int
    error: str = ""

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300


class Receivers:
    """Connections to receivers; safe between threads.

    Args:
        timeout_s: for each step of an exchange, and for its answer as a whole.
        allows_private: whether loopback and private addresses are connected to.
    """

    def __init__(self, *, timeout_s: float, allows_private: bool) -> None:
        self._timeout_s = timeout_s
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
        self._pool = httpcore.ConnectionPool(
            max_connections=CONNECTIONS_MAX,
            keepalive_expiry=IDLE_S,
            network_backend=JudgedNetwork(allows_private=allows_private),
        )

    def close(self) -> None:
        self._pool.close()

    def post(self, url: str, delivery: WebhookMessage) -> ReceiverAnswer:
        """Brings one event; a redirect is an answer like another, and not followed."""
        try:
            with self._pool.stream(
                "POST",
                url,
                headers=delivery.headers,
                content=delivery.body,
                extensions={"timeout": self._timeouts},
            ) as response:
                self._read(response)
                status = response.status
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
        ) as error:
            return ReceiverAnswer(0, str(error) or type(error).__name__)
        answer = ReceiverAnswer(status)
        return answer if answer.is_taken else ReceiverAnswer(status, f"answered {status}")

    def _read(self, response: httpcore.Response) -> None:
        """As much of the answer as is sensible; the rest goes with the connection."""
        size, until = 0, monotonic() + self._timeout_s
        for piece in response.iter_stream():
            size += len(piece)
            if size > ANSWER_BYTES_MAX or monotonic() > until:
                return
