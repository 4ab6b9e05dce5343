"""Signing with the client: a key in a file, vouchers singly and by manifest, a server that lies."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import asyncio
import base64
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import msgspec
import pytest

from api.sign_agent.agent import KeyHolder
from guoku_client import (
    AgentSigner,
    AsyncClient,
    Client,
    KeyFileSigner,
    Ledger,
    Retries,
    ShowingSigner,
    Signer,
    SigningError,
    Voucher,
    new_key_file,
)
from guoku_client import sm2 as client_sm2
from ledger.gm import PublicKey
from ledger.gm.default import default_provider
from ledger.gm.gmssl_provider import GmsslProvider
from ledger.gm.vectors import SM2_SIGNATURE, SM3_DIGESTS
from tests.support.http_server import HttpTreasury, http
from tests.support.lossy import AsyncLossyTransport, LossyTransport
from tests.support.own_keys import approved, enrolled
from tests.support.signing_agent import NewDevice, signing_agent

POLICY = {"roles": ["treasury"], "pay_bank_code": "102"}
MANIFESTS = {**POLICY, "signing": "manifest"}
AT_ONCE = Retries(first_wait_s=0.0)


class OwnKey:
    """A signer of the treasury with a key file of his own."""

    def __init__(self, http: HttpTreasury, folder: Path) -> None:
        self.name = http.number("keyholder").lower()
        http.tokens[self.name] = http.token(self.name, "treasury")
        key = new_key_file(folder / "key.pem")
        certificate = enrolled(http, self.name, PublicKey(key.public_key))
        self.signer: Signer = KeyFileSigner(folder / "key.pem", certificate.serial)
        self.url, self.token = http.url, http.tokens[self.name]

    def client(self, *lost: int) -> Client:
        transport = LossyTransport(*lost)
        return Client(self.url, self.token, retries=AT_ONCE, transport=transport)


@pytest.fixture
def own_key(http: HttpTreasury, tmp_path: Path) -> OwnKey:
    return OwnKey(http, tmp_path)


# ---- the key and its arithmetic


def test_the_digest_is_that_of_the_standard() -> None:
    vector = SM2_SIGNATURE
    assert client_sm2.signing_digest(vector.public_key, vector.message) == vector.e
    assert all(client_sm2.sm3(data) == digest for data, digest in SM3_DIGESTS)
    key = client_sm2.Sm2Key(int.from_bytes(vector.private_key))
    assert key.public_key == vector.public_key
    assert vector.private_key.hex() not in repr(key)


def test_both_providers_verify_what_a_key_file_signs(tmp_path: Path) -> None:
    key = new_key_file(tmp_path / "key.pem")
    signer = KeyFileSigner(tmp_path / "key.pem", "1")
    assert signer.public_key == key.public_key
    content = "拨付凭证".encode("gbk")
    signatures = {
        signer.sign(content, client_sm2.signing_digest(key.public_key, content)) for _ in range(3)
    }
    assert len(signatures) == 3, "a nonce is never used twice"
    public_key = PublicKey(key.public_key)
    for signature in signatures:
        assert default_provider().verify(public_key, content, signature)
        assert GmsslProvider().verify(public_key, content, signature)
        assert not default_provider().verify(public_key, content + b" ", signature)


def test_a_key_file_is_its_owners_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    new_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        new_key_file(path)
    path.chmod(0o640)
    with pytest.raises(SigningError, match="chmod 600"):
        KeyFileSigner(path, "1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n????\n-----END PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    ],
)
def test_what_is_no_key_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SigningError):
        KeyFileSigner(path, "1")


@pytest.mark.skipif(which("openssl") is None, reason="there is no openssl")
def test_openssl_reads_our_key_files_and_we_read_its(tmp_path: Path) -> None:
    ours, theirs, sec1, other = (tmp_path / f"{name}.pem" for name in "abcd")
    key = new_key_file(ours)

    def openssl(*arguments: str | Path) -> bytes:
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = openssl("pkey", "-in", ours, "-pubout", "-outform", "DER")
    assert shown.endswith(b"\x04" + key.public_key)
    curve = ("-algorithm", "EC", "-pkeyopt")
    openssl("genpkey", *curve, "ec_paramgen_curve:SM2", "-out", theirs)
    openssl("ec", "-in", theirs, "-out", sec1)
    openssl("genpkey", *curve, "ec_paramgen_curve:P-256", "-out", other)
    for path in (theirs, sec1, other):
        path.chmod(0o600)
    shown = openssl("pkey", "-in", theirs, "-pubout", "-outform", "DER")
    for path in (theirs, sec1):
        assert shown.endswith(KeyFileSigner(path, "1").public_key)
    with pytest.raises(SigningError):
        KeyFileSigner(other, "1")


# ---- vouchers


def test_vouchers_are_signed_each_by_itself_though_an_answer_is_lost(
    http: HttpTreasury, own_key: OwnKey
) -> None:
    """Five payments in portions of two; one is unknown; the first submission's answer is lost."""
    bgt_id = http.indicator()
    numbers = [approved(http, bgt_id) for _ in range(4)]
    seen: list[Voucher] = []
    with own_key.client(1) as client:
        signing = Ledger(http.ledger).sign_with(
            own_key.signer, [*numbers, "P-none"], "treasury", review=seen.extend, size=2
        )
        results = {result.number: result for result in client.each(signing)}
    assert [results[number].status for number in numbers] == ["replayed"] * 2 + ["created"] * 2
    refused = results["P-none"].problem
    assert refused is not None
    assert refused.code == "payment_not_found"
    assert [voucher.pay_app_no for voucher in seen] == numbers
    assert all(voucher.pay_cert_no.encode() in voucher.content for voucher in seen)
    for number in numbers:
        [signature] = http.ok(http.get(f"…/payments/{number}"))["signatures"]
        assert (signature["by"], signature["custody"]) == (own_key.name, "own")
        http.ok(http.deliver(http.receipt_for(number)))


def test_a_manifest_is_signed_once_for_many(http: HttpTreasury, own_key: OwnKey) -> None:
    http.ok(http.call("PUT", "…/signature-policy", "admin", json=MANIFESTS))
    bgt_id = http.indicator()
    numbers = [approved(http, bgt_id) for _ in range(5)]

    async def sign() -> list[str]:
        transport = AsyncLossyTransport(1)
        async with AsyncClient(
            own_key.url, own_key.token, retries=AT_ONCE, transport=transport
        ) as client:
            signing = Ledger(http.ledger).sign_with(own_key.signer, numbers, "treasury")
            return [result.status async for result in client.each(signing)]

    try:
        assert asyncio.run(sign()) == ["replayed"] * 5
    finally:
        http.ok(http.call("PUT", "…/signature-policy", "admin", json=POLICY))
    signatures = [http.ok(http.get(f"…/payments/{n}"))["signatures"][0] for n in numbers]
    assert len({signature["manifest_no"] for signature in signatures}) == 1


def test_an_agent_shows_many_at_once_and_signs_them(http: HttpTreasury) -> None:
    """By voucher and by manifest; what its owner declines is not signed."""
    name = http.number("agentowner").lower()
    http.tokens[name] = http.token(name, "treasury")
    device = NewDevice()
    serial = enrolled(http, name, device.public_key).serial
    bgt_id = http.indicator()
    numbers = [approved(http, bgt_id) for _ in range(4)]
    books = Ledger(http.ledger)
    with (
        signing_agent(device, holder=KeyHolder(name, serial)) as agent,
        Client(http.url, http.tokens[name]) as client,
        AgentSigner(agent.codes[-1], url=agent.url) as signer,
    ):
        assert isinstance(signer, ShowingSigner)
        with pytest.raises(SigningError, match="not the code"):
            AgentSigner("00", url=agent.url)
        agent.agrees = False
        with pytest.raises(SigningError, match="not agreed"):
            list(client.each(books.sign_with(signer, numbers[:2], "treasury")))
        agent.agrees, agent.saw = True, []
        singly = list(client.each(books.sign_with(signer, numbers[:2], "treasury")))
        http.ok(http.call("PUT", "…/signature-policy", "admin", json=MANIFESTS))
        try:
            agent.saw.clear()
            together = list(client.each(books.sign_with(signer, numbers[2:], "treasury")))
        finally:
            http.ok(http.call("PUT", "…/signature-policy", "admin", json=POLICY))
    assert [result.status for result in (*singly, *together)] == ["created"] * 4
    assert any("合计 total: 200.00 元" in line for line in agent.saw)
    assert any(http.ledger in line for line in agent.saw), "a manifest says of which ledger"
    with pytest.raises(SigningError, match="no signing agent"):
        AgentSigner("00", url=agent.url)


def test_who_looks_at_a_voucher_may_refuse_it(http: HttpTreasury, own_key: OwnKey) -> None:
    number = approved(http, http.indicator(), "123.45")

    def review(vouchers: Sequence[Voucher]) -> None:
        for voucher in vouchers:
            if b"123.45" in voucher.content:
                raise SigningError(f"{voucher.pay_app_no} is not what was agreed")

    signing = Ledger(http.ledger).sign_with(own_key.signer, [number], "treasury", review=review)
    with own_key.client() as client, pytest.raises(SigningError, match="agreed"):
        list(client.each(signing))
    assert http.ok(http.get(f"…/payments/{number}"))["status"] == "approved"


def _other_digest(told: dict[str, Any]) -> None:
    told["items"][0]["digest"] = "00" * 32


def _other_voucher(told: dict[str, Any]) -> None:
    """The bytes of another voucher, whose digest fits the first."""
    told["items"][0]["voucher"] = base64.b64encode(b"<Voucher>9999999.00</Voucher>").decode()


def _foreign_manifest(told: dict[str, Any]) -> None:
    """A manifest of something else, whose digest is its own."""
    text = "guoku/manifest/2\n440000000-2026\ntreasury\n1\n" + "A" * 43 + "=\n"
    told["manifest"] = {"text": text, "digest": "00" * 32, "pay_app_nos": [_number_of(told)]}


def _number_of(told: dict[str, Any]) -> str:
    return str(told["items"][0]["pay_app_no"])


@pytest.mark.parametrize("lie", [_other_digest, _other_voucher, _foreign_manifest])
def test_a_server_that_lies_gets_no_signature(
    http: HttpTreasury, own_key: OwnKey, lie: Callable[[dict[str, Any]], None]
) -> None:
    number = approved(http, http.indicator())

    class Lying(LossyTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            told = msgspec.json.decode(response.read())
            lie(told)
            return httpx.Response(response.status_code, json=told, request=request)

    transport = Lying()
    with Client(own_key.url, own_key.token, transport=transport) as client:
        signing = Ledger(http.ledger).sign_with(own_key.signer, [number], "treasury")
        with pytest.raises(SigningError):
            list(client.each(signing))
    assert len(transport.sent) == 1, "nothing was handed in"
