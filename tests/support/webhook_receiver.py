"""A receiver of webhooks on a socket: it verifies what comes, and answers as it is told."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import orjson
from standardwebhooks import Webhook

from ledger.gm import PublicKey, default_provider


class Received(NamedTuple):
    """An event as it came: ``id`` is the webhook-id, ``status`` what was answered."""

    id: str
    event: dict[str, Any]
    status: int

    @property
    def place(self) -> tuple[str, int]:
        ledger, _, position = self.id.partition(".")
        return ledger, int(position)


Answering = Callable[[str, int], int]  # webhook-id and how many requests came before: a status


class Receiver:
    """``answers`` says the status of each request; 0 hangs up without any, behind having taken it,
    so that it comes twice. Whatever is not signed as it should be is in ``unsound``."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self.public_key: PublicKey | None = None
        self.answers: Answering = lambda _id, _before: 204
        self.received: list[Received] = []
        self.unsound: list[str] = []
        self.headers: dict[str, str] = {}
        self.body = b""
        self._lock = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.headers, self.body = headers, body
        self._verify(headers, body)
        with self._lock:
            status = self.answers(headers["webhook-id"], len(self.received))
            event = orjson.loads(body)
            self.received.append(Received(headers["webhook-id"], event, status))
        return status

    def _verify(self, headers: dict[str, str], body: bytes) -> None:
        message_id = headers["webhook-id"]
        try:
            if self.secret:
                Webhook(self.secret).verify(body, headers)
            if self.public_key is not None:
                signed = f"{message_id}.{headers['webhook-timestamp']}.".encode() + body
                signature = base64.b64decode(headers["guoku-signature"])
                assert default_provider().verify(self.public_key, signed, signature)
        except Exception as error:
            self.unsound.append(f"{message_id}: {error!r}")

    def taken(self) -> list[Received]:
        """What it has, in the order in which it came; what was not answered, too."""
        return [each for each in self.received if each.status in (0, 204)]

    def places(self, ledger: str) -> list[int]:
        """The positions of a ledger's events as they were taken, each once."""
        found = (each.place for each in self.taken())
        return list(dict.fromkeys(position for name, position in found if name == ledger))


@contextmanager
def receiving(port: int = 0, *, after: Receiver | None = None) -> Iterator[Receiver]:
    """A receiver on 127.0.0.1; ``after``: in the place of an earlier one, with what that was told
    before anybody posts to it."""
    receiver = Receiver()
    if after is not None:
        receiver.secret, receiver.public_key = after.secret, after.public_key
        receiver.answers = after.answers

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            if len(body := self.rfile.read(length)) < length:
                self.close_connection = True  # whoever sends it was killed
                return
            status = receiver.take({k.lower(): v for k, v in self.headers.items()}, body)
            if not status:
                self.close_connection = True
                return
            self.send_response_only(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
