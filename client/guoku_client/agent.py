"""A key behind a signing agent 签名代理: a program at this machine that shows what it signs.

The agent is asked on the loopback address (the server's docs/sign-agent.md). It reads what it is
given, asks its owner, and makes the digest itself, so it is given the documents and not digests
alone.
"""

import base64
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from guoku_client.errors import SigningError, UnexpectedAnswer
from guoku_client.signing import ToSign

AGENT_URL = "http://127.0.0.1:9171"
_ANSWER_S = 150.0  # the agent waits two minutes for its owner's word


class _Key(msgspec.Struct):
    cert_serial: str
    public_key: str


class _Paired(msgspec.Struct):
    token: str


class _Signed(msgspec.Struct):
    signatures: list[str]


class _Declined(msgspec.Struct):
    code: str = ""
    detail: str = ""


class AgentSigner:
    """Signs by an agent; its owner is asked once for all vouchers of a portion.

    Args:
        code: the pairing code that stands in the agent's terminal.
        cert_serial: where the agent was not told it.

    Raises:
        SigningError: no agent answers, it has another code, or nobody says under which certificate
            the key is registered.
    """

    def __init__(
        self,
        code: str,
        cert_serial: str = "",
        *,
        url: str = AGENT_URL,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=url, timeout=_ANSWER_S, trust_env=False, transport=transport
        )
        self._token = ""
        self._token = self._ask("POST", "pair", _Paired, {"code": code}).token
        key = self._ask("GET", "key", _Key)
        self.cert_serial = cert_serial or key.cert_serial
        self.public_key = bytes.fromhex(key.public_key)
        if not self.cert_serial:
            raise SigningError("under which certificate? The agent does not know: cert_serial=")

    def sign(self, content: bytes, digest: bytes) -> bytes:
        return self.sign_all([ToSign(content, digest)])[0]

    def sign_all(self, documents: Sequence[ToSign]) -> list[bytes]:
        """DER of (r, s) of each, all or none; raises SigningError where its owner declines."""
        asked = [
            {"content": _text(each.content), "digest": each.digest.hex()}
            | ({"under": [_text(one) for one in each.under]} if each.under else {})
            for each in documents
        ]
        signed = self._ask("POST", "sign", _Signed, {"documents": asked}).signatures
        if len(signed) != len(documents):
            raise UnexpectedAnswer("the agent has signed something else")
        return [base64.b64decode(signature) for signature in signed]

    def _ask(self, method: str, act: str, kind: type[Any], body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = self._http.request(method, f"/v1/{act}", json=body, headers=headers)
        except httpx.TransportError as error:
            raise SigningError(f"no signing agent at {self._http.base_url}: {error}") from None
        try:
            if answer.is_success:
                return msgspec.json.decode(answer.content, type=kind)
            declined = msgspec.json.decode(answer.content, type=_Declined)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise UnexpectedAnswer("what answers is no signing agent", answer.status_code) from None
        raise SigningError(f"the agent signs nothing: {declined.detail} ({declined.code})")

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
