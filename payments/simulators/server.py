"""A simulator as a process of its own: one address that takes envelopes, one that shows figures."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ledger.errors import Code, GuokuError, RequestError
from ledger.money import yuan
from payments.delivery.bank_client import INQUIRIES_PATH, Inquiry, VoucherProblem
from payments.messages.reader import SIZE_MAX
from payments.simulators.counterparty import Counterparty, CounterpartyConfig
from payments.simulators.outage import OUTAGE_PATH, OutageSwitch, OutageTold
from payments.simulators.receipt_poster import ReceiptPoster

T = TypeVar("T")


def create_app(counterparty: Counterparty, path: str, more: Sequence[BaseRoute] = ()) -> Starlette:
    """The ASGI application; ``path`` is where envelopes are posted."""
    faults = counterparty.config.faults
    chance = random.Random(faults.seed)  # noqa: S311
    outage = OutageSwitch()

    async def take_in(request: Request) -> Response:
        try:
            message = await _read(request)
            acknowledgements = await run_in_threadpool(counterparty.take_in, message)
        except GuokuError as error:
            return _answer(error.code.status, _problem(error))
        if faults.ack_delay_s:
            await asyncio.sleep(faults.ack_delay_s)
        if chance.random() < faults.drop_ack_rate:
            return _answer(
                504, VoucherProblem(Code.UNAVAILABLE.text, 504, "the acknowledgement is lost")
            )
        return _answer(200, acknowledgements)

    async def inquire(request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await _read(request), type=Inquiry)
        except msgspec.MsgspecError as error:
            problem = RequestError(Code.MALFORMED, str(error))
            return _answer(problem.code.status, _problem(problem))
        return _answer(200, await run_in_threadpool(counterparty.inquire, asked.voucher_nos))

    async def figures(_request: Request) -> Response:
        shown = await run_in_threadpool(counterparty.book.figures)
        return _answer(
            200,
            {
                "status": "ok",
                "subject": counterparty.config.subject,
                "vouchers": shown.vouchers,
                "paid_amt": yuan(shown.paid_fen),
                "receipts_owed": shown.receipts_owed,
                "receipts_refused": shown.receipts_refused,
            },
        )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        poster = ReceiptPoster(counterparty)
        poster.start()
        try:
            yield
        finally:
            await run_in_threadpool(poster.stop)
            counterparty.close()

    routes = [
        Route(path, outage.before(take_in), methods=["POST"]),
        Route(INQUIRIES_PATH, outage.before(inquire), methods=["POST"]),
        Route("/healthz", figures, methods=["GET"]),
        Route(OUTAGE_PATH, act_of(OutageTold, outage.tell), methods=["POST"]),
        *more,
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def act_of(body: type[T], act: Callable[[T], object]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint by which a test tells a simulator what to do: a JSON body, a JSON answer."""

    async def endpoint(request: Request) -> Response:
        try:
            told = msgspec.json.decode(await _read(request) or b"{}", type=body)
            return _answer(200, await run_in_threadpool(act, told))
        except msgspec.MsgspecError as error:
            return _answer(400, _problem(RequestError(Code.MALFORMED, str(error))))
        except GuokuError as error:
            return _answer(error.code.status, _problem(error))

    return endpoint


def run(app: Starlette, config: CounterpartyConfig) -> None:
    """Serves until the process is told to end."""
    uvicorn.run(app, host=config.host, port=config.port, access_log=False, log_config=None)


async def _read(request: Request) -> bytes:
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > SIZE_MAX:
            raise RequestError(Code.TOO_MANY_ITEMS, f"a message is at most {SIZE_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _problem(error: GuokuError) -> VoucherProblem:
    return VoucherProblem(error.code.text, error.code.status, error.detail)


def _answer(status: int, body: object) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
