"""The agent on the loopback address: its three requests, and who may make them.

A web page of any site can have a browser ask 127.0.0.1. So a request must name this address itself
(a name that was made to lead here, DNS rebinding, is refused), come from a page that the agent was
started for, and bear the token that its user has paired it with.
"""

import json
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore
from typing import Any, TypeVar

import msgspec

from api.sign_agent.agent import DocumentAsked, SigningAgent
from api.sign_agent.pairing import Pairing, RateBound
from ledger.errors import AccessError, Code, GuokuError, RequestError

__all__ = ["AgentServer"]

LOOPBACK = "127.0.0.1"
BODY_BYTES_MAX = 32 << 20
CONNECTIONS_MAX = 16
SILENT_S = 30.0
REQUESTS_A_MINUTE = 300

T = TypeVar("T")


class PairRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The code that stands in the terminal."""

    code: str


class SignRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be signed, all or none."""

    documents: list[DocumentAsked]


_decode_pair = msgspec.json.Decoder(PairRequest).decode
_decode_sign = msgspec.json.Decoder(SignRequest).decode


class AgentServer(ThreadingHTTPServer):
    """Serves an agent on 127.0.0.1; ``port`` 0 takes any free one.

    Args:
        origins: the pages that may ask, such as ``https://treasury.example``. A program that is no
            browser says none, and pairs as a page does.
    """

    daemon_threads = True

    def __init__(
        self,
        agent: SigningAgent,
        pairing: Pairing,
        origins: Iterable[str],
        port: int,
        clock: Callable[[], float],
    ) -> None:
        self.agent, self.pairing, self.origins = agent, pairing, frozenset(origins)
        self.requests = RateBound(REQUESTS_A_MINUTE, clock)
        self._room = BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__((LOOPBACK, port), _Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    server: AgentServer
    protocol_version = "HTTP/1.1"
    timeout = SILENT_S

    def do_OPTIONS(self) -> None:
        """A browser asks before it lets a page ask."""
        try:
            self._require_place()
        except GuokuError as error:
            self._refuse(error)
        else:
            self._send(204, None)

    def do_GET(self) -> None:
        self._answer({"/v1/key": self._key})

    def do_POST(self) -> None:
        self._answer({"/v1/pair": self._pair, "/v1/sign": self._sign})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """What matters stands in the terminal already."""

    # ---- the requests

    def _key(self) -> dict[str, Any]:
        self._require_paired()
        holder, public_key = self.server.agent.holder, self.server.agent.public_key
        return {
            "principal": holder.principal,
            "cert_serial": holder.cert_serial,
            "public_key": public_key,
        }

    def _pair(self) -> dict[str, Any]:
        asked: PairRequest = self._body(_decode_pair)
        return {"token": self.server.pairing.pair(asked.code.strip(), self._origin())}

    def _sign(self) -> dict[str, Any]:
        self._require_paired()
        asked: SignRequest = self._body(_decode_sign)
        by = self._origin() or "本机程序 a program of this machine"
        return {"signatures": self.server.agent.sign(asked.documents, by)}

    # ---- who asks

    def _require_place(self) -> None:
        if self.headers.get("Host", "") not in self.server.hosts:
            raise AccessError(Code.FORBIDDEN, "ask 127.0.0.1 by this very name")
        if self._origin() not in ("", *self.server.origins):
            raise AccessError(Code.FORBIDDEN, "the agent was not started for this page")
        self.server.requests.take()

    def _require_paired(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        self.server.pairing.require(token if scheme == "Bearer" else "", self._origin())

    def _origin(self) -> str:
        return str(self.headers.get("Origin", ""))

    def _body(self, decode: Callable[[bytes], T]) -> T:
        """Only as JSON: a page's form cannot send that without asking first."""
        media = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        length = self.headers.get("Content-Length", "")
        if media != "application/json" or not length.isdecimal():
            raise RequestError(Code.MALFORMED, "a body of application/json is wanted")
        if int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            raise RequestError(Code.TOO_MANY_ITEMS, f"at most {BODY_BYTES_MAX} bytes")
        try:
            return decode(self.rfile.read(int(length)))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RequestError(Code.MALFORMED, str(error)) from None

    # ---- answers

    def _answer(self, acts: dict[str, Callable[[], dict[str, Any]]]) -> None:
        try:
            self._require_place()
            act = acts.get(self.path)
            if act is None:
                raise RequestError(Code.NOT_FOUND, "there is nothing here")
            self._send(200, act())
        except GuokuError as error:
            self._refuse(error)

    def _refuse(self, error: GuokuError) -> None:
        self.close_connection = True  # its body may not have been read
        told = {"code": error.code.text, "detail": error.detail, **error.extra}
        self._send(error.code.status, told)

    def _send(self, status: int, told: dict[str, Any] | None) -> None:
        body = b"" if told is None else json.dumps(told, ensure_ascii=False).encode()
        self.send_response(status)
        origin = self._origin()
        if origin in self.server.origins:
            self.send_header("Access-Control-Allow-Origin", origin)
            self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
            self.send_header("Access-Control-Allow-Private-Network", "true")
        self.send_header("Vary", "Origin")
        self.send_header("Cache-Control", "no-store")
        if told is not None:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
