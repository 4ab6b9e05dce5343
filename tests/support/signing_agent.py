"""A signing agent of the tests: the real one on a free port, its owner a list of what he saw."""

import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from api.sign_agent.agent import KeyHolder, SigningAgent
from api.sign_agent.devices import SigningDevice
from api.sign_agent.pairing import Pairing
from api.sign_agent.server import AgentServer
from api.sign_agent.shown import ShownDocument, in_words
from guoku_client import KeyFileSigner
from ledger.gm import PublicKey
from ledger.gm.default import default_provider
from ledger.gm.signature import signer_digest

PAGE = "https://treasury.example"
ZHANG_SAN = KeyHolder("zhang.san", "7")


class NewDevice:
    """A device with a key of its own."""

    def __init__(self) -> None:
        self._key = default_provider().generate_key()
        self.public_key: PublicKey = default_provider().public_key(self._key)

    def sign(self, content: bytes, digest: bytes) -> bytes:
        return default_provider().sign(self._key, content)


class OwnedDevice:
    """A device with the key of a file of the client's."""

    def __init__(self, signer: KeyFileSigner) -> None:
        self._signer = signer
        self.public_key = PublicKey(signer.public_key)

    def sign(self, content: bytes, digest: bytes) -> bytes:
        return self._signer.sign(content, digest)


class RunningAgent:
    """An agent that runs; ``agrees`` is what its owner says, ``saw`` what he was shown."""

    def __init__(
        self, device: SigningDevice, port: int, origins: Sequence[str], holder: KeyHolder
    ) -> None:
        self.agrees, self.now = True, 0.0
        self.saw: list[str] = []
        self.codes: list[str] = []
        self._device = device
        agent = SigningAgent(device, holder, default_provider(), self._agree)
        pairing = Pairing(self.codes.append, lambda: self.now)
        self.server = AgentServer(agent, pairing, origins, port, lambda: self.now)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _agree(self, documents: Sequence[ShownDocument], asked_by: str) -> bool:
        self.saw += in_words(documents, asked_by)
        return self.agrees

    def document(self, content: bytes, under: Sequence[bytes] = ()) -> dict[str, Any]:
        """As a page asks for its signature."""
        sm3 = default_provider().sm3
        e = sm3(signer_digest(self._device.public_key, sm3) + content)
        below = [base64.b64encode(each).decode() for each in under]
        return {"content": base64.b64encode(content).decode(), "digest": e.hex(), "under": below}

    def ask(self, act: str, body: Any = None, **headers: str) -> httpx.Response:
        method = "GET" if body is None else "POST"
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            return client.request(method, f"/v1/{act}", json=body, headers=headers)

    def paired(self, origin: str = PAGE) -> dict[str, str]:
        """The headers of a page that was paired."""
        token = self.ask("pair", {"code": self.codes[-1]}, Origin=origin).json()["token"]
        return {"Authorization": f"Bearer {token}", "Origin": origin}


@contextmanager
def signing_agent(
    device: SigningDevice | None = None,
    *,
    port: int = 0,
    origins: Sequence[str] = (PAGE,),
    holder: KeyHolder = ZHANG_SAN,
) -> Iterator[RunningAgent]:
    running = RunningAgent(device or NewDevice(), port, origins, holder)
    thread = threading.Thread(target=running.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield running
    finally:
        running.server.shutdown()
        thread.join()
        running.server.server_close()
