"""What the suite ``http`` posts to: the servers, an open ledger behind each, and the bodies."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from api.demo.client import Client
from api.machine import now
from api.tokens import create_token
from bench.bookkeeping import DIVISION, INDICATOR_AMOUNT, YEAR
from bench.http_load import Answers, Load
from bench.measure import BenchError
from bench.program import serving
from bench.server import new_database
from ledger.postgres.database import Database, connect
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.writing.conditions import Conditions

TIMEOUT_S = 60.0
INDICATORS = 500
LEDGER = f"/v1/ledgers/{DIVISION}-{YEAR}"
MAKER, CHECKER = ("admin", "treasury_maker"), ("treasury_checker",)
NDJSON = "application/x-ndjson"
CREATED = '"status":"created"'

_serial = count(1)


class Server(NamedTuple):
    """A server with the tokens of its persons; "" where nobody asks for them.

    Attributes:
        other_maker: somebody else with the maker's rights, but not his share of the server.
    """

    url: str
    maker: str
    checker: str = ""
    other_maker: str = ""


class Servers(NamedTuple):
    """The contestants, each with a database of its own, so that none works for another."""

    empty: Server
    alone: Server
    followed: Server


@contextmanager
def servers(postgres: EmbeddedPostgres) -> Iterator[Servers]:
    """All of them, up, with an open ledger."""
    with ExitStack() as stack:
        empty = stack.enter_context(serving("bench.empty_app", (), {}))
        yield Servers(
            Server(empty, "gk_" + "x" * 43),  # a header as long as the others'
            stack.enter_context(books(postgres, "alone")),
            stack.enter_context(books(postgres, "followed", "--with-projector")),
        )


@contextmanager
def books(postgres: EmbeddedPostgres, name: str, *options: str) -> Iterator[Server]:
    """``guoku serve`` with an open ledger in a database of its own."""
    database = new_database(postgres, f"http_{name}")
    settings = {
        "GUOKU_DSN": database.owner_conninfo,
        "GUOKU_DATA": str(postgres.data_dir),
        "GUOKU_PORT": "0",
        "GUOKU_LOG_LEVEL": "warning",
    }
    persons = (("maker", MAKER), ("checker", CHECKER), ("other", MAKER))
    tokens = [_token(database, principal, roles) for principal, roles in persons]
    with serving("api.cli", ("serve", *options), settings) as url:
        server = Server(url, *tokens)
        _open_ledger(server)
        yield server


def _token(database: Database, principal: str, roles: Sequence[str]) -> str:
    with connect(database.app_conninfo) as connection:
        return create_token(connection, principal, roles, DIVISION[:2], Conditions(now))


def _open_ledger(server: Server) -> None:
    with Client(server.url, server.maker) as client:
        client.post(
            "/v1/ledgers",
            {
                "mof_div_code": DIVISION,
                "fiscal_year": YEAR,
                "name": "省本级",
                "approval_policy": {"*": []},
            },
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


class PostTarget(NamedTuple):
    """An address that bodies are posted to.

    Attributes:
        expected: status of every answer that counts.
        per_request: payments in a body; 0 where the answer is not one of items.
    """

    name: str
    url: str
    path: str
    token: str
    expected: str
    content_type: str = "application/json"
    per_request: int = 0

    def post(
        self, bodies: Sequence[str], *, connections: int, arrivals_per_s: float = 0.0
    ) -> Answers:
        """Posts all bodies from a process of its own; raises BenchError unless all succeed."""
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        load = Load(
            host=parts.hostname,
            port=parts.port,
            path=self.path,
            token=self.token,
            bodies=list(bodies),
            connections=min(connections, len(bodies)),
            timeout_s=TIMEOUT_S,
            content_type=self.content_type,
            arrivals_per_s=arrivals_per_s,
            counted=CREATED if self.per_request else "",
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
        try:
            answers = msgspec.json.decode(done.stdout, type=Answers)
        except msgspec.DecodeError:
            said = (done.stdout[-80:], done.stderr[-400:])
            raise BenchError(f"{self.name}: the load generator said {said}") from None
        if answers.statuses != {self.expected: len(bodies)}:
            raise BenchError(f"{self.name}: answers by status {answers.statuses}")
        if answers.counted != len(bodies) * self.per_request:
            raise BenchError(f"{self.name}: only {answers.counted} payments were accepted")
        return answers


# ---- bodies


def payments(number: int) -> list[str]:
    """So many payments, each with a number that was never used."""
    return [_payment(next(_serial)) for _ in range(number)]


def _payment(serial: int) -> str:
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


def lines(bodies: Sequence[str]) -> str:
    """Payments as one body, a line each."""
    return "\n".join(bodies)


def numbers(bodies: Sequence[str]) -> str:
    """The body that approves these payments."""
    asked = [msgspec.json.decode(body)["pay_app_no"] for body in bodies]
    return msgspec.json.encode({"pay_app_nos": asked}).decode()
