"""The parties around a ledger, for the tests of the channel: real keys, real HTTP, real processes.

The receipt server stands where the treasury's API is: it shows certificates and takes receipts in,
with the real intake and the real write path behind it, and keeps every message for the test.
"""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import msgspec
import uvicorn
from psycopg_pool import ConnectionPool
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from division import certificates
from division.certificates import Certificate
from ledger.elements import stored_code_sets
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.reading.objects import read_document, read_objects
from ledger.writing.submitting import submit_to
from payments.delivery.contents import Destinations
from payments.delivery.dispatcher import Dispatcher
from payments.delivery.outgoing import voucher_body
from payments.delivery.proofs import read_proofs
from payments.delivery.sending import SendingPolicy
from payments.messages.envelope import VoucherBody
from payments.payment import PAYMENT, Payment
from payments.receipts.intake import Deliverer, ReceiptIntake
from payments.signing.fresh_documents import FreshDocuments
from payments.signing.service import SigningService
from payments.simulators.bank import BankConfig, run_bank
from payments.simulators.counterparty import CounterpartyConfig
from payments.simulators.pboc import PbocConfig, run_pboc
from tests.support import asking
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper
from tests.support.ports import free_port
from tests.support.waiting import HANG_S, wait_until

PASSPHRASE = "channel"
BANK, CENTRAL_BANK = "bank/102", "pboc/1"
FAST = SendingPolicy(
    timeout_s=HANG_S,
    first_retry_s=0.02,
    retry_cap_s=0.2,
    probe_cap_s=0.2,
    put_off_s=0.2,
    poll_s=0.02,
    senders=2,
)


class SigningTreasury:
    """A treasury on one ledger: its keys, its register of certificates, its signatures."""

    def __init__(self, keeper: Bookkeeper, folder: Path) -> None:
        self.keeper = keeper
        self.pool: ConnectionPool = keeper.pool
        self.folder = folder
        self.provider = default_provider()
        self.keys = KeyStore(folder / "keys", PASSPHRASE, iterations=1000)

    def certificate(self, subject: str, *, days: int = 365, begun_days_ago: int = 1) -> Certificate:
        """A certificate over the subject's key, which is made if need be."""
        begin = datetime.now(UTC) - timedelta(days=begun_days_ago)
        with self.pool.connection() as connection:
            return certificates.register(
                connection,
                subject,
                self.keys.create(subject),
                FREELY,
                not_before=begin,
                not_after=begin + timedelta(days=days),
            )

    def applied(self, count: int, prefix: str = "P", **more: Any) -> list[str]:
        """Payments of 1.00 each, applied for and approved."""
        numbers = [f"{prefix}{index}" for index in range(1, count + 1)]
        for number in numbers:
            self.keeper.apply(number, "B", "1.00", **more)
            self.keeper.approve(number)
        return numbers

    def sign(
        self,
        numbers: Sequence[str],
        role: str = "treasury",
        by: str = "signer",
        fresh: FreshDocuments | None = None,
    ) -> None:
        signing = self.signing(fresh)
        for outcome in signing.sign_and_submit(
            self.keeper.ledger_id, numbers, role, by, submit_to(self.keeper.sequencer)
        ):
            assert outcome.problem is None, str(outcome.problem)

    def signing(self, fresh: FreshDocuments | None = None) -> SigningService:
        return SigningService(
            self.pool,
            self.keys,
            self.provider,
            stored_code_sets.shipped,
            lambda: datetime.now(UTC),
            FREELY,
            fresh=fresh,
        )

    def signed(self, count: int, prefix: str = "P", **more: Any) -> list[str]:
        numbers = self.applied(count, prefix, **more)
        self.sign(numbers)
        return numbers

    def payments(self, numbers: Sequence[str]) -> dict[str, Payment]:
        with self.pool.connection() as connection:
            return read_objects(connection, self.keeper.ledger_id, PAYMENT, numbers)

    def body_of(self, number: str) -> VoucherBody:
        """A signed voucher as the bank is sent it."""
        key, payment = self.keeper.ledger_id, self.payments([number])[number]
        with self.pool.connection() as connection:
            digest = bytes.fromhex(payment.signatures[0].voucher_sm3)
            document = read_document(connection, key, digest)
            proofs = read_proofs(connection, key, (s.manifest_no for s in payment.signatures))
        assert document is not None
        return voucher_body(key, payment, document, proofs)

    def statuses(self, numbers: Sequence[str]) -> list[str]:
        payments = self.payments(numbers)
        return [payments[number].status for number in numbers]

    def dispatcher(
        self,
        bank_url: str,
        pboc_url: str = "",
        policy: Any = FAST,
        *,
        more_banks: Mapping[str, str] = MappingProxyType({}),
        **more: Any,
    ) -> Dispatcher:
        return Dispatcher(
            self.pool,
            self.keeper.sequencer,
            self.signing(),
            Destinations(banks={"102": bank_url, **more_banks}, pboc=pboc_url),
            policy,
            **more,
        )


class ReceiptServer:
    """Where receipts come in, over HTTP on 127.0.0.1; ``closed`` answers 503, ``ignores`` takes a
    message in and answers 503 all the same."""

    def __init__(self, treasury: SigningTreasury) -> None:
        self.treasury = treasury
        self.messages: list[bytes] = []
        self.refusals: list[str] = []
        self.closed = False
        self.ignores = False
        self._intake = ReceiptIntake(treasury.pool, treasury.provider, lambda: datetime.now(UTC))
        self._bank = Deliverer("bank", lambda _ledger_id: None)
        self._submit = submit_to(treasury.keeper.sequencer)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = Starlette(
            routes=[
                Route("/v1/certificates/{serial}", self._certificate),
                Route("/v1/bank/receipts", self._receipts, methods=["POST"]),
            ]
        )
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> "ReceiptServer":
        self._thread.start()
        wait_until(lambda: self._server.started)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    async def _certificate(self, request: Request) -> Response:
        with self.treasury.pool.connection() as connection:
            found = certificates.find(connection, request.path_params["serial"])
        if found is None:
            return Response(status_code=404)
        shown = msgspec.structs.asdict(found) | {"public_key": found.public_key.hex()}
        return Response(msgspec.json.encode(shown), media_type="application/json")

    async def _receipts(self, request: Request) -> Response:
        if self.closed or request.headers["Authorization"] != "Bearer receipts":
            return Response(status_code=503)
        results = await run_in_threadpool(self.take_in, await request.body())
        if self.ignores:
            return Response(status_code=503)
        return Response(msgspec.json.encode({"results": results}), media_type="application/json")

    def take_in(self, message: bytes) -> list[dict[str, Any]]:
        self.messages.append(message)
        results: list[dict[str, Any]] = []
        for _, _, outcome in self._intake.take_in(message, self._bank, self._submit):
            result: dict[str, Any] = {"status": outcome.status}
            if (problem := outcome.problem) is not None:
                self.refusals.append(problem.code.text)
                result["problem"] = {
                    "code": problem.code.text,
                    "status": problem.code.status,
                    "detail": problem.detail,
                }
            results.append(result)
        return results


class Simulator:
    """A simulator as a process of its own, that can be killed and started again on its data."""

    def __init__(self, run: Callable[[Any], None], config: CounterpartyConfig) -> None:
        self.run, self.config = run, config
        self.url = f"http://{config.host}:{config.port}"
        self._process: Any = None

    def start(self) -> "Simulator":
        spawn = multiprocessing.get_context("spawn")
        self._process = spawn.Process(target=self.run, args=(self.config,), daemon=True)
        self._process.start()
        wait_until(self._answers)
        return self

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.join()
            self._process = None

    def __enter__(self) -> "Simulator":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def figures(self) -> dict[str, Any]:
        shown: dict[str, Any] = asking.get(f"{self.url}/healthz").json()
        return shown

    def _answers(self) -> bool:
        try:
            return bool(self.figures())
        except httpx.TransportError:
            assert self._process.is_alive(), "the simulator ended"
            return False


def bank_config(treasury: SigningTreasury, treasury_url: str, **changed: Any) -> BankConfig:
    given: dict[str, Any] = {
        "port": free_port(),
        "data": treasury.folder / "bank",
        "guoku_url": treasury_url,
        "token": "receipts",
        "keystore": treasury.folder / "keys",
        "passphrase": PASSPHRASE,
        "cert_serial": treasury.certificate(BANK).serial,
        "bank_code": "102",
    }
    return BankConfig(**given | changed)


def pboc_config(treasury: SigningTreasury, treasury_url: str, **changed: Any) -> PbocConfig:
    given: dict[str, Any] = {
        "port": free_port(),
        "data": treasury.folder / "pboc",
        "guoku_url": treasury_url,
        "token": "receipts",
        "keystore": treasury.folder / "keys",
        "passphrase": PASSPHRASE,
        "cert_serial": treasury.certificate(CENTRAL_BANK).serial,
    }
    return PbocConfig(**given | changed)


def bank(treasury: SigningTreasury, treasury_url: str, **changed: Any) -> Simulator:
    return Simulator(run_bank, bank_config(treasury, treasury_url, **changed))


def central_bank(treasury: SigningTreasury, treasury_url: str, **changed: Any) -> Simulator:
    return Simulator(run_pboc, pboc_config(treasury, treasury_url, **changed))
