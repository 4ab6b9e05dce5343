"""A receiver of vouchers that answers as a test says."""

import socket
import threading
from collections.abc import Callable

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from payments.messages.envelope import VoucherBody, parse_envelope
from tests.support.waiting import wait_until


class Receiver:
    """Answers as a test says, over real HTTP, and keeps what came."""

    def __init__(self, answer: Callable[[list[VoucherBody]], Response]) -> None:
        self.came: list[list[str]] = []
        self.asked_at_once = 0
        self._asking = 0
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        app = Starlette(routes=[Route("/{path:path}", self._post, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    async def _post(self, request: Request) -> Response:
        bodies = parse_envelope(await request.body())
        self.came.append([body.voucher_no for body in bodies])
        self._asking += 1
        self.asked_at_once = max(self.asked_at_once, self._asking)
        try:
            return await run_in_threadpool(self._answer, bodies)
        finally:
            self._asking -= 1

    def __enter__(self) -> "Receiver":
        self._thread.start()
        wait_until(lambda: self._server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def accepting(bodies: list[VoucherBody]) -> Response:
    results = [{"voucher_no": body.voucher_no, "status": "accepted"} for body in bodies]
    return Response(msgspec.json.encode({"results": results}))
