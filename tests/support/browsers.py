"""Persons at browsers, with a token or a key of their own, and the sessions that they begin."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.http import authentication
from division import certificates
from ledger.gm import PrivateKey
from tests.support.at_machine import FREELY
from tests.support.http_server import HttpTreasury, require_published
from tests.support.waiting import HANG_S

CSRF = "X-CSRF-Token"


class Browser:
    """It keeps the cookie and sends it with everything, whoever has asked for that."""

    def __init__(self, http: HttpTreasury) -> None:
        self.http = http
        self.client = httpx.Client(base_url=http.url, timeout=HANG_S, trust_env=False)
        self.csrf = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        path = path.replace("…", f"/v1/ledgers/{self.http.ledger}", 1)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.request(method, path, json=body, headers=headers)
        require_published(method, path.partition("?")[0], answer)
        return answer

    def write(self, path: str, body: Any, method: str = "POST") -> httpx.Response:
        return self.ask(method, path, body, **{CSRF: self.csrf})

    def log_in(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask("POST", "/v1/sessions", body)
        assert answer.status_code == 201, answer.text
        session = dict(answer.json())
        self.csrf = session["csrf"]
        return session

    def as_person(self, person: str) -> dict[str, Any]:
        return self.log_in({"token": self.http.tokens[person]})

    def code(self, path: str = "…") -> str:
        """Of a read; "" where it is answered."""
        answer = self.ask("GET", path)
        return "" if answer.is_success else str(answer.json()["code"])

    def end(self) -> httpx.Response:
        return self.ask("DELETE", "/v1/sessions/current", **{CSRF: self.csrf})

    @property
    def secret(self) -> str:
        return self.client.cookies["guoku_session"]


class KeyHolder:
    """A person with a key and a certificate of his own."""

    def __init__(self, http: HttpTreasury, *roles: str) -> None:
        self.http, self.name = http, http.number("person").lower()
        http.tokens[self.name] = http.token(self.name, *roles)
        self.provider = http.treasury.provider
        self.key = self.provider.generate_key()
        self.serial = self.certificate(self.key)

    def certificate(self, key: PrivateKey, name: str = "") -> str:
        now = datetime.now(UTC)
        with self.http.treasury.pool.connection() as connection:
            return certificates.register(
                connection,
                f"principal/{name or self.name}",
                self.provider.public_key(key),
                FREELY,
                not_before=now - timedelta(minutes=1),
                not_after=now + timedelta(days=365),
            ).serial

    def nonce(self) -> str:
        answer = self.http.post("/v1/sessions/nonce", {"principal": self.name}, "")
        return str(self.http.ok(answer)["nonce"])

    def signed(self, nonce: str, key: PrivateKey | None = None) -> str:
        signature = self.provider.sign(key or self.key, nonce.encode())
        return base64.b64encode(signature).decode("ascii")

    def login(self) -> dict[str, str]:
        nonce = self.nonce()
        return {
            "principal": self.name,
            "nonce": nonce,
            "signature": self.signed(nonce),
            "cert_serial": self.serial,
        }


@pytest.fixture
def browser(http: HttpTreasury) -> Browser:
    return Browser(http)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of a caller is asked anew at every call, as it is after five seconds."""
    monkeypatch.setattr(authentication, "REMEMBERED_S", 0.0)


def refused(answer: httpx.Response, code: str) -> bool:
    return not answer.is_success and answer.json()["code"] == code
