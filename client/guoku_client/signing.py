"""Signing with one's own key 自持密钥签章: ask what is to be signed, sign it here, hand it in.

The server is not believed: e is made anew of the bytes, a manifest of the vouchers that it is said
to be over. The key is a :class:`Signer`'s; it is never sent, nor seen by this module. How it works
on the wire is in the server's docs/signing.md.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from guoku_client.batches import Result, matched
from guoku_client.call import Answer, Call, Many, Part, acting, decoded
from guoku_client.errors import SigningError, UnexpectedAnswer, problem_from
from guoku_client.sm2 import Sm2Key, read_key_file, signing_digest, sm3

PREPARED_MAX = 1000
PORTION_VOUCHERS = 500
_HEADING = "guoku/manifest/2"


class Voucher(NamedTuple):
    """What is about to be signed: the bytes are the 5214 of docs/evoucher.md, XML in GBK."""

    pay_app_no: str
    pay_cert_no: str
    content: bytes


Review = Callable[[Sequence[Voucher]], None]


class ToSign(NamedTuple):
    """Something to sign: its bytes, e of them, and the vouchers under it if it is a manifest."""

    content: bytes
    digest: bytes
    under: tuple[bytes, ...] = ()


class Signer(Protocol):
    """A key, wherever it lies: a file, a UKey (SKF_ECCSignData), a card (SDF_InternalSign_ECC)."""

    @property
    def cert_serial(self) -> str:
        """Of the certificate under which the key is registered with the division."""
        ...

    @property
    def public_key(self) -> bytes:
        """64 bytes, x‖y."""
        ...

    def sign(self, content: bytes, digest: bytes) -> bytes:
        """DER of (r, s) over ``digest``, e of ``content``; a device that hashes by itself takes
        ``content``."""
        ...


@runtime_checkable
class ShowingSigner(Signer, Protocol):
    """One that shows what it signs to its owner, and asks him once for many: an agent."""

    def sign_all(self, documents: Sequence[ToSign]) -> list[bytes]:
        """DER of (r, s) of each, in order; all or none."""
        ...


class KeyFileSigner:
    """Signs with a key of a PEM file (:func:`guoku_client.sm2.new_key_file` makes one).

    Raises:
        SigningError: as :func:`guoku_client.sm2.read_key_file` does.
    """

    def __init__(self, path: Path | str, cert_serial: str) -> None:
        self._key: Sm2Key = read_key_file(path)
        self.cert_serial = cert_serial

    @property
    def public_key(self) -> bytes:
        return self._key.public_key

    def sign(self, content: bytes, digest: bytes) -> bytes:
        return self._key.sign_digest(digest)


class _Prepared(msgspec.Struct, kw_only=True):
    pay_app_no: str
    pay_cert_no: str = ""
    voucher: str = ""
    digest: str = ""
    problem: dict[str, Any] | None = None


class _Manifest(msgspec.Struct):
    text: str
    digest: str
    pay_app_nos: list[str]


class _Preparation(msgspec.Struct):
    items: list[_Prepared]
    manifest: _Manifest | None


_decoder = msgspec.json.Decoder(_Preparation)


class OwnSignatures:
    """Signs the vouchers of payments in a role, portion by portion.

    Args:
        path: of the ledger.
        ledger: its name.
        review: is shown the vouchers of a portion before they are signed; what it raises ends it.
    """

    def __init__(
        self, path: str, ledger: str, role: str, signer: Signer, review: Review | None
    ) -> None:
        self._path, self._ledger, self._role = path, ledger, role
        self._signer, self._review = signer, review

    def of(self, numbers: Iterable[str], size: int) -> Many[Result[str]]:
        """A result each; those that may not be signed stand first in their portion."""
        if not 1 <= size <= PREPARED_MAX:
            raise ValueError(f"a request holds 1 to {PREPARED_MAX} vouchers")
        source = iter(numbers)
        return Many(lambda: self._prepare(source, size))

    def _prepare(self, source: Iterator[str], size: int) -> Call[Part[Result[str]]] | None:
        numbers = list(islice(source, size))
        if not numbers:
            return None

        def read(answer: Answer) -> Part[Result[str]]:
            prepared = decoded(_decoder, answer)
            if [item.pay_app_no for item in prepared.items] != numbers:
                raise UnexpectedAnswer("what is prepared is not what was asked for")
            refused = [
                Result(item.pay_app_no, item.pay_app_no, "refused", problem_from(item.problem))
                for item in prepared.items
                if item.problem is not None
            ]

            def following() -> Call[Part[Result[str]]] | None:
                if len(refused) == len(numbers):
                    return self._prepare(source, size)
                return self._submit(prepared, source, size)

            return Part(refused, following, works=True)

        asked = {
            "pay_app_nos": numbers,
            "role": self._role,
            "cert_serial": self._signer.cert_serial,
        }
        return acting(f"{self._path}/payments:prepare-signature", read, asked)

    def _submit(
        self, prepared: _Preparation, source: Iterator[str], size: int
    ) -> Call[Part[Result[str]]]:
        sound = [item for item in prepared.items if item.problem is None]
        vouchers = [Voucher(i.pay_app_no, i.pay_cert_no, _bytes_of(i.voucher)) for i in sound]
        if self._review is not None:
            self._review(vouchers)
        numbers = [voucher.pay_app_no for voucher in vouchers]
        if prepared.manifest is not None:
            body = self._manifest(prepared.manifest, vouchers)
        else:
            documents = [
                self._to_sign(voucher.content, item.digest)
                for voucher, item in zip(vouchers, sound, strict=True)
            ]
            signatures = self._signatures(documents)
            body = {
                "items": [
                    {"pay_app_no": number, "signature": signature}
                    for number, signature in zip(numbers, signatures, strict=True)
                ]
            }

        def read(answer: Answer) -> Part[Result[str]]:
            results = list(matched(answer, numbers, str))
            return Part(results, lambda: self._prepare(source, size))

        return acting(f"{self._path}/payments:submit-signature", read, body)

    def _manifest(self, manifest: _Manifest, vouchers: Sequence[Voucher]) -> dict[str, Any]:
        numbers = [voucher.pay_app_no for voucher in vouchers]
        under = tuple(voucher.content for voucher in vouchers)
        text = manifest_text(self._ledger, self._role, under)
        if manifest.pay_app_nos != numbers or manifest.text != text:
            raise SigningError("the manifest is not that of the vouchers that come with it")
        [signature] = self._signatures([self._to_sign(text.encode(), manifest.digest, under)])
        return {"manifest": {"text": text, "pay_app_nos": numbers}, "signature": signature}

    def _to_sign(self, content: bytes, digest: str, under: tuple[bytes, ...] = ()) -> ToSign:
        e = signing_digest(self._signer.public_key, content)
        if e.hex() != digest.lower():
            raise SigningError("the digest is not that of the bytes, or of another key")
        return ToSign(content, e, under)

    def _signatures(self, documents: Sequence[ToSign]) -> list[str]:
        if isinstance(self._signer, ShowingSigner):
            signed = self._signer.sign_all(documents)
        else:
            signed = [self._signer.sign(each.content, each.digest) for each in documents]
        return [base64.b64encode(each).decode("ascii") for each in signed]


def manifest_text(ledger: str, role: str, documents: Sequence[bytes]) -> str:
    """The text that is signed for many (docs/history-format.md, "Manifest"): it holds the root of
    the Merkle tree of RFC 9162 over SM3( 00 ‖ SM3( document ) )."""
    root = base64.b64encode(_root([sm3(b"\x00" + sm3(each)) for each in documents])).decode()
    return "\n".join((_HEADING, ledger, role, str(len(documents)), root, ""))


def _root(level: list[bytes]) -> bytes:
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sm3(b"\x01" + left + right) for left, right in pairs]
        level = above + level[2 * len(above) :]  # one that is left over goes up as it is
    return level[0]


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise UnexpectedAnswer("a voucher is not base64") from None
