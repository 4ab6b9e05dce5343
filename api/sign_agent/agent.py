"""What the agent does when it is asked, whatever way the question came."""

import base64
import binascii
from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

import msgspec

from api.sign_agent.devices import SigningDevice
from api.sign_agent.shown import ShownDocument, shown
from ledger.errors import AccessError, Code, RequestError, UnavailableError
from ledger.gm import Provider
from ledger.gm.signature import canonical, signer_digest

__all__ = ["DocumentAsked", "KeyHolder", "SigningAgent"]

DOCUMENTS_MAX = 1000


class DocumentAsked(msgspec.Struct, forbid_unknown_fields=True):
    """A document to sign: its bytes in base64, the digest e (hex) where whoever asks has one, with
    which ours has to agree, and the vouchers under a manifest, in base64."""

    content: str
    digest: str = ""
    under: list[str] = []


class KeyHolder(NamedTuple):
    """Whose key it is, and under which certificate it is registered."""

    principal: str
    cert_serial: str


class SigningAgent:
    """Holds a key and signs what its owner agrees to; safe between threads, one thing at a time.

    Args:
        agree: shows what is to be signed to the person, with who asks, and says whether he agrees.
    """

    def __init__(
        self,
        device: SigningDevice,
        holder: KeyHolder,
        provider: Provider,
        agree: Callable[[Sequence[ShownDocument], str], bool],
    ) -> None:
        self.holder = holder
        self._device = device
        self._provider = provider
        self._agree = agree
        self._one = Lock()

    @property
    def public_key(self) -> str:
        """128 hex digits, x‖y."""
        return self._device.public_key.hex()

    def sign(self, asked: Sequence[DocumentAsked], asked_by: str) -> list[str]:
        """A signature each, base64 of DER (r, s): of all or of none.

        Raises:
            RequestError: ``malformed``: none, or too many; one that cannot be read, or whose digest
                is another.
            UnavailableError: ``busy``: something else is being looked at.
            AccessError: ``forbidden``: the person has declined, or has not answered.
        """
        if not 1 <= len(asked) <= DOCUMENTS_MAX:
            detail = f"a request holds 1 to {DOCUMENTS_MAX} documents"
            raise RequestError(Code.MALFORMED, detail, pointer="/documents")
        documents, digests = [], []
        for index, each in enumerate(asked):
            pointer = f"/documents/{index}"
            document = shown(
                _bytes(each.content, pointer), [_bytes(u, pointer) for u in each.under]
            )
            digest = self._digest(document.content)
            if each.digest and digest.hex() != each.digest.lower():
                detail = "the digest is not that of the document, or of another key"
                raise RequestError(Code.MALFORMED, detail, pointer=f"{pointer}/digest")
            documents.append(document)
            digests.append(digest)
        if not self._one.acquire(blocking=False):
            raise UnavailableError(Code.BUSY, "something else is being looked at")
        try:
            if not self._agree(documents, asked_by):
                raise AccessError(Code.FORBIDDEN, "the person has not agreed")
            return [
                self._signature(document.content, digest)
                for document, digest in zip(documents, digests, strict=True)
            ]
        finally:
            self._one.release()

    def _digest(self, content: bytes) -> bytes:
        sm3 = self._provider.sm3
        return sm3(signer_digest(self._device.public_key, sm3) + content)

    def _signature(self, content: bytes, digest: bytes) -> str:
        der = canonical(self._device.sign(content, digest))
        if der is None or not self._provider.verify(self._device.public_key, content, der):
            raise RequestError(Code.SIGNATURE_INVALID, "the device's signature does not verify")
        return base64.b64encode(der).decode("ascii")


def _bytes(text: str, pointer: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(Code.MALFORMED, "it is not base64", pointer=pointer) from None
