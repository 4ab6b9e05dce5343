"""A treasury for the tests over HTTP: the real program on a real socket, people with tokens."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import TypeAdapter

from accounting.handing_over import HandingOver
from api.http.app import DIRECT, RESOURCES, create_app
from api.http.problems import MEDIA_TYPE, Problem
from api.http.routes import Operation
from api.server import bind, url_of
from api.settings import Settings
from api.tokens import create_token
from api.treasury import Treasury, treasury_on
from division import certificates
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.approvals import SetApprovalPolicy
from ledger.deciding.principals import OPERATOR
from ledger.money import parse_yuan
from ledger.postgres.database import Database
from ledger.writing.submitting import submit_to
from payments.messages import receipt_5214, refund_notices, voucher_5214
from payments.messages.envelope import (
    RECEIPT,
    SEND,
    VoucherBody,
    add_signature,
    build_envelope,
    parse_envelope,
)
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.messages.refund_notices import NoticeLine, RefundNotice
from payments.messages.vt_codes import NoticeCode
from payments.receipts.bringing_returns import BringingReturns
from projections.core.runner import Runner
from tests.support.bookkeeper import ELEMENTS, PAYEE
from tests.support.waiting import HANG_S, wait_until
from transfers.delivering import Delivering

OPERATIONS = (
    *DIRECT,
    *(
        route
        for resource in RESOURCES
        for route in resource.router.routes
        if isinstance(route, Operation)
    ),
)
_PROBLEM = TypeAdapter(Problem)
CHECKED_BYTES_MAX = 200_000
ONE_PERSON = {"approval_policy": {"*": []}}  # of a ledger whose tests are about something else
BYTES_MAX = 2 * 1024 * 1024
ROLES = {
    "maker": ("treasury_maker",),
    "checker": ("treasury_checker",),
    "unit": ("unit",),
    "unit_checker": ("unit_checker",),
    "accountant": ("accountant",),
    "accountant_checker": ("accountant_checker",),
    "officer": ("security_officer",),
    "signer": ("treasury",),
    "first": ("finance_first",),
    "second": ("finance_second",),
    "auditor": ("auditor",),
    "ops": ("ops",),
    "admin": ("admin",),
    "bank": ("bank",),
}


def method_of(operation: Operation) -> str:
    """The one method of an operation."""
    [method] = operation.methods or ()
    return method


@cache
def _shape(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def require_published(method: str, path: str, answer: httpx.Response) -> None:
    """Every answer that a test gets is of the shape that the document has for it."""
    if answer.headers.get("content-type") == MEDIA_TYPE:
        _PROBLEM.validate_json(answer.content)
        return
    if not answer.is_success or answer.headers.get("content-type") != "application/json":
        return
    for operation in OPERATIONS:
        if method_of(operation) == method and operation.path_regex.fullmatch(path):
            usual = operation.status_code or 200
            told = operation.responses.get(answer.status_code, {}).get("model")
            assert told or answer.status_code == usual, path
            if len(answer.content) < CHECKED_BYTES_MAX:
                _shape(told or operation.response_model).validate_json(answer.content)
            return  # the first that fits is the one that answers


class HttpTreasury:
    """Calls the server as one of the persons of ``ROLES``; ``ledger`` is a ledger of its own."""

    _serial = count(1)

    def __init__(self, treasury: Treasury, url: str) -> None:
        self.treasury = treasury
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=HANG_S, trust_env=False)
        self.tokens = {name: self.token(name, *roles) for name, roles in ROLES.items()}
        self.ledger = ""

    def token(self, principal: str, *roles: str, division: str = "44") -> str:
        with self.treasury.pool.connection() as connection:
            return create_token(
                connection, principal, roles, division, self.treasury.sequencer.conditions
            )

    def open(self) -> "HttpTreasury":
        body = {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级", **ONE_PERSON}
        self.ledger = self.ok(self.post("/v1/ledgers", body, "admin"))["ledger"]
        return self

    def alone_in_divisions(self) -> "HttpTreasury":
        """From now on one person is enough for what is done to a division."""
        alone = SetApprovalPolicy(approval_policy={"*": ()})
        conditions = self.treasury.sequencer.conditions
        with self.treasury.pool.connection() as connection:
            for division in ("", "44"):
                record(connection, standing_ledger(division), [alone], conditions, by=OPERATOR)
        return self

    # ---- calling

    def call(self, method: str, path: str, person: str = "maker", **request: Any) -> httpx.Response:
        """``…`` at the head of a path stands for the ledger."""
        path = path.replace("…", f"/v1/ledgers/{self.ledger}", 1)
        headers = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        headers |= request.pop("headers", {})
        answer = self.client.request(method, path, headers=headers, **request)
        require_published(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, person: str = "auditor", **query: Any) -> httpx.Response:
        headers = query.pop("headers", {})
        return self.call("GET", path, person, params=query, headers=headers)

    def post(self, path: str, body: Any = None, person: str = "maker", **more: Any) -> Any:
        return self.call("POST", path, person, json={} if body is None else body, **more)

    def ok(self, response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json()

    def figure(self, name: str) -> float:
        """A figure of ``/metrics``, by its name with its labels; 0 where it was never counted."""
        text = self.get("/metrics", "ops").text
        found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    # ---- acting

    def number(self, prefix: str = "P") -> str:
        return f"{prefix}-{next(self._serial):06d}"

    def indicator(self, amount: str = "1000000.00", **more: Any) -> str:
        bgt_id = self.number("B")
        body = {"bgt_id": bgt_id, "amount": amount, **ELEMENTS, **more}
        self.ok(self.post("…/indicators", body))
        return bgt_id

    def payment(self, bgt_id: str, amount: str = "100.00", **more: Any) -> dict[str, Any]:
        """A body for ``POST …/payments`` with a number of its own."""
        return {
            "pay_app_no": self.number(),
            "bgt_id": bgt_id,
            "pay_amt": amount,
            "use_des": "办公用品",
            **PAYEE,
            **more,
        }

    def applied(self, bgt_id: str, amount: str = "100.00", **more: Any) -> str:
        body = self.payment(bgt_id, amount, **more)
        self.ok(self.post("…/payments", body))
        return str(body["pay_app_no"])

    def signed(self, bgt_id: str, amount: str = "100.00", **more: Any) -> str:
        """A payment applied for, approved and signed."""
        number = self.applied(bgt_id, amount, **more)
        self.ok(self.post(f"…/payments/{number}/approve", person="checker"))
        asked = {"pay_app_nos": [number], "role": "treasury"}
        [result] = self.ok(self.post("…/payments:sign", asked, "signer"))["results"]
        assert result["status"] == "created", result
        return number

    def receipt_for(self, number: str, *failed: str, day: date | None = None) -> bytes:
        """The bank's message for a signed payment; the lines ``failed`` were not paid."""
        [sent] = parse_envelope(self.get(f"…/payments/{number}/voucher").content)
        voucher = voucher_5214.parse(sent.voucher, vt_code=sent.vt_code)
        lines = tuple(
            DetailOutcome(id=line.id, x_pay_amt=0, x_add_word="账号户名不符")
            if line.id in failed
            else DetailOutcome(id=line.id, x_pay_amt=line.pay_amt)
            for line in voucher.details
        )
        outcome = VoucherOutcome(
            x_pay_date=day or voucher.vou_date, x_agent_business_no=f"J{number}", details=lines
        )
        body = VoucherBody(
            adm_div_code=sent.adm_div_code,
            st_year=sent.st_year,
            vt_code=sent.vt_code,
            voucher_no=sent.voucher_no,
            voucher_flag=RECEIPT,
            voucher=receipt_5214.answer(sent.voucher, voucher, outcome),
        )
        return self.message_of_the_bank(body)

    def message_of_the_bank(self, body: VoucherBody, bank: str = "102") -> bytes:
        """What a bank has signed, on its way to us."""
        return self.message_of(body, f"bank/{bank}")

    def message_of(self, body: VoucherBody, subject: str) -> bytes:
        """Likewise, of whoever has a certificate of this subject."""
        keys, provider = self.treasury.keys, self.treasury.provider
        public_key = keys.create(subject)
        with self.treasury.pool.connection() as connection:
            certificate = certificates.enrol(
                connection,
                subject,
                public_key,
                self.treasury.sequencer.conditions,
                at=datetime.now(UTC) - timedelta(minutes=1),
            )
        key = keys.private_key(subject)
        return build_envelope(
            [
                add_signature(
                    body,
                    no="bank",
                    sn=certificate.serial,
                    sign=lambda document: provider.sign(key, document),
                )
            ]
        )

    def notice_for(
        self,
        number: str,
        amount: str,
        line: str = "",
        *,
        day: date | None = None,
        vt_code: NoticeCode = "2203",
        bank: str = "102",
        change: Callable[[bytes], bytes] = bytes,
        **changed: Any,
    ) -> bytes:
        """The bank's notice that money of a payment, or of one line, came back.

        Args:
            change: of the document, before it is signed.
            changed: other fields of the notice.
        """
        payment = self.get(f"…/payments/{number}").json()
        fen, serial = parse_yuan(amount), next(self._serial)
        accounts = {d["pay_detail_id"]: d["payee_acct_no"] for d in payment["details"]}
        line = line or next(iter(accounts))
        detail = NoticeLine(
            id=line, pay_amt=fen, voucher_no=number, payee_acct_no=accounts.get(line, "")
        )
        notice = RefundNotice(
            **{
                "vt_code": vt_code,
                "adm_div_code": "440000",
                "st_year": "2026",
                "voucher_no": f"{bank}20260302{serial:04d}",
                "ori_bill_no": payment["pay_cert_no"],
                "original_voucher_no": payment["pay_cert_no"],
                "serial": f"T{serial:08d}",
                "pay_amt": fen,
                "pay_date": day or date.fromisoformat(payment["receipt"]["xpay_date"]),
                "remark": "收款人退回",
                "details": (detail,),
                **changed,
            }
        )
        body = VoucherBody(
            adm_div_code="440000",
            st_year=2026,
            vt_code=vt_code,
            voucher_no=notice.voucher_no,
            voucher_flag=SEND,
            voucher=change(refund_notices.build(notice)),
        )
        return self.message_of_the_bank(body, bank)

    def returned(self, number: str, amount: str, line: str = "", **more: Any) -> dict[str, Any]:
        """Money of a payment comes back: the bank says so; gives the payment after it."""
        [result] = self.ok(self.deliver(self.notice_for(number, amount, line, **more)))["results"]
        assert result["status"] == "created", result
        return dict(self.get(f"…/payments/{number}").json())

    def deliver(self, message: bytes) -> httpx.Response:
        return self.call("POST", "/v1/bank/receipts", "bank", content=message)

    def paid(self, bgt_id: str, amount: str = "100.00", **more: Any) -> str:
        number = self.signed(bgt_id, amount, **more)
        [result] = self.ok(self.deliver(self.receipt_for(number)))["results"]
        assert result["status"] == "created", result
        return number

    def figures(self, bgt_id: str) -> dict[str, str]:
        return dict(self.ok(self.get(f"…/indicators/{bgt_id}")))


@contextmanager
def served(app: Any, port: int = 0) -> Iterator[str]:
    """The application on a socket of 127.0.0.1, in a thread, its connections bounded as ever."""
    bound = bind("127.0.0.1", port)
    bound.listen()  # who asks before the server has begun waits, and is not refused
    services = getattr(app, "services", None)  # a witness has none
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="auto" if services is None else services.connections.protocol,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive(), "the server to listen")
    try:
        yield url_of(bound)
    finally:
        server.should_exit = True
        thread.join(HANG_S)
        bound.close()


@contextmanager
def http_treasury_on(database: Database, **more: Any) -> Iterator[HttpTreasury]:
    """A treasury with an open ledger; ``more`` are settings of the server."""
    with TemporaryDirectory(prefix="guoku-http-") as folder:
        bounds = {"request_bytes_max": BYTES_MAX, "read_wait_s": HANG_S, **more}
        settings = Settings(**{"data": Path(folder), **bounds})
        with treasury_on(settings, database) as treasury:
            runner = Runner(treasury.pool, poll_ms=50)
            treasury.sequencer.on_commit(runner.wake)
            runner.start()
            handing_over = HandingOver(
                treasury.pool, submit_to(treasury.sequencer), treasury.charts
            )
            treasury.sequencer.on_commit(handing_over.committed)
            handing_over.start()
            delivering = Delivering(treasury.pool, submit_to(treasury.sequencer))
            treasury.sequencer.on_commit(delivering.committed)
            delivering.start()
            returns = BringingReturns(treasury.pool, submit_to(treasury.sequencer), treasury.now)
            treasury.sequencer.on_commit(returns.committed)
            returns.start()
            background = SimpleNamespace(
                runner=runner,
                dispatcher=None,
                sealer=None,
                cosigners=[],
                children=[],
                recordings=[],
            )
            try:
                with served(create_app(treasury, background)) as url:
                    yield HttpTreasury(treasury, url).open()
            finally:
                delivering.stop()
                returns.stop()
                handing_over.stop()
                runner.close()


@pytest.fixture(scope="module")
def http(module_database: Database) -> Iterator[HttpTreasury]:
    """With an open ledger, for all tests of a module; each makes indicators of its own."""
    with http_treasury_on(module_database) as opened:
        yield opened
