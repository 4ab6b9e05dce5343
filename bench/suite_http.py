"""http: payments posted one by one over 64 connections, beside an empty endpoint.

The real application (``guoku serve``) in its own process, the load generator in another, on
127.0.0.1. Every request is one payment, checked, decided, hashed, chained and committed before its
answer; a request is one item here, so requests/s is payments/s.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from urllib.parse import urlsplit

import msgspec

from api.demo.client import Client
from api.tokens import create_token
from bench.bookkeeping import DIVISION, INDICATOR_AMOUNT, YEAR
from bench.http_load import Answers, Load
from bench.measure import BenchError, Scale, Sheet, SuiteResult, Tell
from bench.program import serving
from ledger.store.database import connect, embedded_database
from ledger.store.embedded import EmbeddedPostgres

CONNECTIONS = 64
REQUESTS, EMPTY_REQUESTS, WARM_UP_REQUESTS = 3_000, 6_000, 500
TIMEOUT_S = 60.0
INDICATORS = 500
LEDGER = f"/v1/ledgers/{DIVISION}-{YEAR}"
ROLES = ("admin", "treasury_maker")

PAYMENTS = "guoku serve, a payment a request"
FOLLOWED = "guoku serve --with-projector, a payment a request"
EMPTY = "empty FastAPI endpoint, body read"
PARSED = "empty FastAPI endpoint, body parsed"

TIMED = {
    PAYMENTS: "from the first request to the last answer, and for each request from its last byte"
    f" sent to its answer, seen by the load generator; {CONNECTIONS} connections, closed loop",
    FOLLOWED: "the same with the read models kept up to date by the same process",
    EMPTY: "the same bodies, headers, connections and server (uvicorn, uvloop, httptools); the"
    " answer is {}",
    PARSED: "the same, the body parsed by FastAPI to a dict",
}

_serial = count(1)


class Target:
    """A URL that bodies are posted to."""

    def __init__(self, name: str, url: str, path: str, token: str, expected: str) -> None:
        self.name, self.path, self.token, self.expected = name, path, token, expected
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self.host, self.port = parts.hostname, parts.port

    def post(self, bodies: list[str]) -> Answers:
        """Posts all bodies from a process of its own; raises BenchError unless all succeed."""
        load = Load(
            host=self.host,
            port=self.port,
            path=self.path,
            token=self.token,
            bodies=bodies,
            connections=min(CONNECTIONS, len(bodies)),
            timeout_s=TIMEOUT_S,
        )
        done = subprocess.run(
            [sys.executable, "-m", "bench.http_load"],
            input=msgspec.json.encode(load),
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S * 2,
        )
        if done.returncode:
            raise BenchError(f"{self.name}: {done.stderr.decode().strip().splitlines()[-1:]}")
        answers = msgspec.json.decode(done.stdout, type=Answers)
        if answers.statuses != {self.expected: len(bodies)}:
            raise BenchError(f"{self.name}: answers by status {answers.statuses}")
        return answers


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    sheet = Sheet(tell)
    sheet.timed.update(TIMED)
    with _targets(server) as targets:
        for target in targets:
            tell(f"warm-up: {target.name}")
            target.post(_bodies(scale.count(WARM_UP_REQUESTS)))
        for _ in sheet.rounds(scale):
            for target in targets:
                tell(target.name)
                standard = EMPTY_REQUESTS if target.expected == "200" else REQUESTS
                answers = target.post(_bodies(scale.count(standard)))
                sheet.rate(target.name, answers.elapsed_s, requests=len(answers.waits_s))
                sheet.waits(target.name, answers.waits_s)
    for name, over in (("requests_to_empty", PAYMENTS), ("followed_requests_to_empty", FOLLOWED)):
        sheet.ratio(name, (over, "requests/s"), (EMPTY, "requests/s"))
    sheet.ratio("requests_to_empty_parsed", (PAYMENTS, "requests/s"), (PARSED, "requests/s"))
    p99 = {name: sheet.percentile_ms(name, 0.99) for name in (PAYMENTS, EMPTY)}
    sheet.ratio_of("p99_to_empty", p99[PAYMENTS] / p99[EMPTY])
    return sheet.result()


@contextmanager
def _targets(server: EmbeddedPostgres) -> Iterator[Sequence[Target]]:
    """The servers, up, with an open ledger."""
    settings = {
        "GUOKU_DATA": str(server.data_dir),
        "GUOKU_PORT": "0",
        "GUOKU_LOG_LEVEL": "warning",
    }
    with ExitStack() as stack:
        empty = stack.enter_context(serving("bench.empty_app", (), {}))
        alone = stack.enter_context(serving("api.cli", ("serve",), settings))
        token = _token(server)
        _open_ledger(alone, token)
        followed = stack.enter_context(
            serving("api.cli", ("serve", "--with-projector"), {**settings})
        )
        path = f"{LEDGER}/payments"
        yield (
            Target(EMPTY, empty, "/empty", token, "200"),
            Target(PAYMENTS, alone, path, token, "201"),
            Target(PARSED, empty, "/parsed", token, "200"),
            Target(FOLLOWED, followed, path, token, "201"),
        )


def _token(server: EmbeddedPostgres) -> str:
    with connect(embedded_database(server).app_conninfo) as connection:
        return create_token(connection, "bench", ROLES, DIVISION[:2])


def _open_ledger(url: str, token: str) -> None:
    with Client(url, token) as client:
        client.post(
            "/v1/ledgers", {"mof_div_code": DIVISION, "fiscal_year": YEAR, "name": "省本级"}
        )
        client.bulk(
            f"{LEDGER}/indicators:batch",
            [
                {
                    "bgt_id": f"ZB-{n:06d}",
                    "amount": INDICATOR_AMOUNT,
                    "agency_code": f"{101 + n % 200}001",
                    "pro_code": "440000260000000000001",
                    "exp_func_code": "2010102",
                    "gov_bgt_eco_code": "50201",
                    "dep_bgt_eco_code": "30201",
                    "fund_type_code": "111",
                    "bgt_type_code": "21",
                }
                for n in range(INDICATORS)
            ],
        )


def _bodies(number: int) -> list[str]:
    return [_body(next(_serial)) for _ in range(number)]


def _body(serial: int) -> str:
    fields = {
        "pay_app_no": f"SQ-440000-2026-{serial:08d}",
        "bgt_id": f"ZB-{serial % INDICATORS:06d}",
        "pay_amt": f"{1_000 + serial % 9_000}.00",
        "use_des": "购办公用品",
        "payee_acct_name": "广州样例办公用品有限公司",
        "payee_acct_no": f"62220000{serial:011d}",
        "payee_acct_bank_name": "样例银行广州分行",
    }
    return msgspec.json.encode(fields).decode()
