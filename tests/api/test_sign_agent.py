"""The signing agent: what it shows, what it refuses to sign, and who may ask it."""

import base64
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.cli.sign_agent import app
from api.sign_agent.devices import KeyFileDevice, device_named
from ledger.errors import ConfigurationError
from ledger.gm import sm3
from ledger.gm.default import default_provider
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import Tree
from payments.manifest import ManifestText, leaf_of
from payments.messages import voucher_5214
from tests.support.signing_agent import PAGE, NewDevice, RunningAgent, signing_agent
from tests.support.vouchers_5214 import voucher_of

DEVICE = NewDevice()
NONCE = b"guoku-session-1.1767225600.00112233445566778899aabbccddeeff.ab12"
ACT = (
    "guoku/act/1\n440000000-2026\npayment.approve\nSQ-1\nzhang.san\n"
    '{"pay_amt":"1680.32","payee_acct_name":"样例\u202e公司\\u001b[2J"}\n'
).encode()


@pytest.fixture
def agent() -> Iterator[RunningAgent]:
    with signing_agent(DEVICE) as running:
        yield running


def _verifies(content: bytes, signature: str) -> bool:
    der = base64.b64decode(signature)
    return default_provider().verify(DEVICE.public_key, content, der)


# ---- what is signed


def test_it_shows_how_much_to_whom_and_signs_when_its_owner_agrees(agent: RunningAgent) -> None:
    content = voucher_5214.build(voucher_of())
    page = agent.paired()
    answer = agent.ask("sign", {"documents": [agent.document(content)]}, **page)
    [signature] = answer.json()["signatures"]
    assert _verifies(content, signature)
    told = "\n".join(agent.saw)
    assert PAGE in told
    assert "W002626000001 1,234.56 元 → 乙文具有限公司" in told
    agent.agrees = False
    declined = agent.ask("sign", {"documents": [agent.document(content)]}, **page)
    assert (declined.status_code, declined.json()["code"]) == (403, "forbidden")


def test_a_manifest_is_signed_for_just_the_vouchers_that_come_with_it(agent: RunningAgent) -> None:
    vouchers = [
        voucher_5214.build(voucher_of(voucher_no=f"00000{n}", id=str(n))) for n in range(25)
    ]
    tree = Tree([leaf_of(sm3(each)) for each in vouchers])
    text = ManifestText("440000000-2026", "treasury", 25, tree.root).written().encode()
    page = agent.paired()
    answer = agent.ask("sign", {"documents": [agent.document(text, vouchers)]}, **page)
    [signature] = answer.json()["signatures"]
    assert _verifies(text, signature)
    assert any("440000000-2026" in line for line in agent.saw)
    assert any("其余 5 张" in line for line in agent.saw)
    for under in (vouchers[:-1], vouchers[::-1], []):
        refused = agent.ask("sign", {"documents": [agent.document(text, under)]}, **page)
        assert refused.json()["detail"] == "the manifest is not over these vouchers"


def test_a_login_and_an_act_are_read_as_what_they_are(agent: RunningAgent) -> None:
    asked = {"documents": [agent.document(NONCE), agent.document(ACT)]}
    signatures = agent.ask("sign", asked, **agent.paired()).json()["signatures"]
    assert all(map(_verifies, (NONCE, ACT), signatures))
    told = "\n".join(agent.saw)
    assert "登录 log in · 1" in told
    assert "pay_amt: 1680.32" in told
    assert "样例·公司·[2J" in told, "a name neither turns the writing nor moves the cursor"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        sm3(b"a voucher"),
        b"guoku-session-1. pay 1000000.00",
        b"guoku/manifest/2\n440000000-2026\ntreasury\n1\nAAAA\n",
        b"guoku/act/1\n440000000-2026\npayment.approve\nSQ-1\n{}\n",
        b'<?xml version="1.0" encoding="GBK"?><Voucher></Voucher>',
    ],
)
def test_what_nobody_can_read_is_not_signed(agent: RunningAgent, content: bytes) -> None:
    page = agent.paired()
    refused = agent.ask("sign", {"documents": [agent.document(content)]}, **page)
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed")
    assert agent.saw == []


def test_a_digest_of_something_else_is_not_signed(agent: RunningAgent) -> None:
    page = agent.paired()
    one, other = agent.document(NONCE), agent.document(ACT)
    for digest in (other["digest"], "ab", "ab" * 32):
        asked = {"documents": [one | {"digest": digest}]}
        refused = agent.ask("sign", asked, **page).json()
        assert refused["pointer"] == "/documents/0/digest"
    assert agent.saw == []


# ---- who may ask


def test_only_a_page_that_was_paired(agent: RunningAgent) -> None:
    asked = {"documents": [agent.document(NONCE)]}
    page = agent.paired()
    assert agent.ask("key", **page).json() == {
        "principal": "zhang.san",
        "cert_serial": "7",
        "public_key": DEVICE.public_key.hex(),
    }
    bearer = page["Authorization"]
    for headers in (
        {"Origin": PAGE},
        {"Origin": PAGE, "Authorization": "Bearer x"},
        {"Authorization": bearer},  # a token is its page's
    ):
        assert agent.ask("sign", asked, **headers).status_code == 401
    for headers in (
        {"Origin": "https://evil.example", "Authorization": bearer},
        {"Origin": "null", "Authorization": bearer},
        page | {"Host": "evil.example"},  # whose name was made to lead to 127.0.0.1
        page | {"Host": f"evil.example:{agent.server.server_port}"},
    ):
        assert agent.ask("sign", asked, **headers).status_code == 403
    assert agent.saw == []


def test_a_browser_is_told_which_page_may_ask(agent: RunningAgent) -> None:
    with httpx.Client(base_url=agent.url, trust_env=False) as browser:
        asks = {"Access-Control-Request-Method": "POST"}
        ours = browser.options("/v1/sign", headers={"Origin": PAGE, **asks})
        other = browser.options("/v1/sign", headers={"Origin": "https://evil.example", **asks})
        form = browser.post("/v1/pair", data={"code": agent.codes[-1]}, headers={"Origin": PAGE})
    assert ours.headers["access-control-allow-origin"] == PAGE
    assert other.status_code == 403
    assert "access-control-allow-origin" not in other.headers
    assert form.status_code == 400, "a form can be sent without asking first"


def test_a_code_is_not_found_by_trying(agent: RunningAgent) -> None:
    first = agent.codes[-1]
    tried = [agent.ask("pair", {"code": "0" * 7}, Origin=PAGE).status_code for _ in range(6)]
    assert tried == [401] * 5 + [429]
    assert agent.codes[-1] != first, "after five there is another code"
    agent.now = 61.0
    assert agent.ask("pair", {"code": first}, Origin=PAGE).status_code == 401
    assert agent.ask("pair", {"code": agent.codes[-1]}, Origin=PAGE).status_code == 200


def test_a_body_has_an_end(agent: RunningAgent) -> None:
    connection = HTTPConnection("127.0.0.1", agent.server.server_port)
    headers = {"Content-Length": str(1 << 40), "Content-Type": "application/json"}
    connection.request("POST", "/v1/pair", headers=headers)
    assert connection.getresponse().status == 413
    connection.close()


# ---- where the key is


def test_a_key_file_is_sealed(tmp_path: Path) -> None:
    path = tmp_path / "own.keys"
    keys = KeyStore(path, "correct horse", iterations=1_000)
    public_key = keys.create("principal/zhang.san")
    provider = default_provider()
    device = KeyFileDevice(keys, "principal/zhang.san", provider)
    assert device.public_key == public_key
    assert provider.verify(public_key, NONCE, device.sign(NONCE, b""))
    assert keys.private_key("principal/zhang.san").secret not in path.read_bytes()
    with pytest.raises(ConfigurationError):
        KeyFileDevice(KeyStore(path, "another", iterations=1_000), "principal/zhang.san", provider)


def test_without_a_terminal_nobody_is_asked_for_the_passphrase(tmp_path: Path) -> None:
    # The question stood in the output that a program reads as JSON.
    file = tmp_path / "sign-agent.keys"
    asked = ["key", "--principal", "zhang.san", "--key-file", str(file)]
    made = CliRunner().invoke(app, asked, env={"GUOKU_SIGN_AGENT_PASSPHRASE": ""})
    assert isinstance(made.exception, ConfigurationError)
    assert "GUOKU_SIGN_AGENT_PASSPHRASE" in str(made.exception)
    assert made.output == ""
    assert not file.exists()


def test_a_device_is_made_by_its_maker() -> None:
    made = device_named("tests.support.signing_agent:NewDevice")
    assert len(made.public_key.point) == 64
    for place in ("tests.support.signing_agent:none", "none_such:make", "builtins:object", "x"):
        with pytest.raises(ConfigurationError):
            device_named(place)


class _LyingDevice(NewDevice):
    def sign(self, content: bytes, digest: bytes) -> bytes:
        return super().sign(content + b" ", digest)


def test_what_a_device_gives_is_verified() -> None:
    with signing_agent(_LyingDevice()) as agent:
        asked = {"documents": [agent.document(NONCE)]}
        assert agent.ask("sign", asked, **agent.paired()).json()["code"] == "signature_invalid"
