"""SM2 with a key in a file, for development and for machines without a device. Over gmssl.

Of gmssl only the arithmetic of points and SM3 are used: its nonces come from a generator that is
none for keys, and it checks neither ranges nor encodings. So the nonce is of ``secrets``, and what
is signed (GB/T 32918.2 §5.5, §6.1) and how it is written (GB/T 35276) is ours. A signature takes
some milliseconds, in steps that depend on the key: keys of real value belong in a device.
"""

import base64
import hashlib
import os
import secrets
import stat
from pathlib import Path

from gmssl import sm3 as gmssl_sm3
from gmssl.sm2 import CryptSM2, default_ecc_table

from guoku_client.errors import SigningError

SIGNER_ID = b"1234567812345678"  # the identity that GB/T 35276 gives where there is no other
SCALAR_BYTES, POINT_BYTES = 32, 64
N = int(default_ecc_table["n"], 16)
_A, _B = (bytes.fromhex(default_ecc_table[name]) for name in ("a", "b"))
_G = bytes.fromhex(default_ecc_table["g"])

_INTEGER, _OCTETS, _SEQUENCE, _BITS, _PUBLIC = 0x02, 0x04, 0x30, 0x03, 0xA1
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")  # 1.2.840.10045.2.1
_CURVE = bytes.fromhex("06082a811ccf5501822d")  # 1.2.156.10197.1.301, sm2p256v1
_PEM_TYPES = ("PRIVATE KEY", "EC PRIVATE KEY", "SM2 PRIVATE KEY")


def sm3(data: bytes) -> bytes:
    """The SM3 digest, 32 bytes (GB/T 32905): of hashlib where its OpenSSL has it."""
    try:
        return hashlib.new("sm3", data).digest()
    except ValueError:
        return bytes.fromhex(gmssl_sm3.sm3_hash(list(data)))


def signing_digest(public_key: bytes, content: bytes) -> bytes:
    """e = SM3(ZA ‖ content), 32 bytes: what a signature by this key (64 bytes, x‖y) is over."""
    identity = (len(SIGNER_ID) * 8).to_bytes(2, "big") + SIGNER_ID
    return sm3(sm3(identity + _A + _B + _G + public_key) + content)


class Sm2Key:
    """A private key. Its repr does not show it.

    Raises:
        SigningError: the scalar is not in 1..n-2.
    """

    def __init__(self, secret: int) -> None:
        if not 1 <= secret <= N - 2:
            raise SigningError("the private key is out of range")
        self._secret = secret
        self.public_key = bytes.fromhex(CryptSM2("", "")._kg(secret, _G.hex()))

    def __repr__(self) -> str:
        return f"<Sm2Key {self.public_key[:4].hex()}…>"

    def sign_digest(self, digest: bytes) -> bytes:
        """DER of (r, s) over a 32-byte e; another one at each call."""
        crypt = CryptSM2(f"{self._secret:064x}", "")
        while True:
            nonce = 1 + secrets.randbelow(N - 1)
            pair: str | None = crypt.sign(digest, f"{nonce:064x}")
            if pair is not None:  # else another nonce is needed
                r, s = (int(pair[at : at + 64], 16) for at in (0, 64))
                return _element(_SEQUENCE, _integer(r) + _integer(s))

    def pem(self) -> str:
        """PKCS#8, as ``openssl pkey`` reads it."""
        secret = self._secret.to_bytes(SCALAR_BYTES, "big")
        point = _element(_PUBLIC, _element(_BITS, b"\x00\x04" + self.public_key))
        key = _element(_SEQUENCE, _integer(1) + _element(_OCTETS, secret) + point)
        algorithm = _element(_SEQUENCE, _EC_KEY + _CURVE)
        whole = _element(_SEQUENCE, _integer(0) + algorithm + _element(_OCTETS, key))
        text = base64.b64encode(whole).decode("ascii")
        lines = [text[at : at + 64] for at in range(0, len(text), 64)]
        return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])


def new_key_file(path: Path | str) -> Sm2Key:
    """Makes a key and its file, which its owner alone may read; never over another file."""
    key = Sm2Key(1 + secrets.randbelow(N - 2))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as opened:
        opened.write(key.pem())
    return key


def read_key_file(path: Path | str) -> Sm2Key:
    """The key of a PEM file, PKCS#8 or SEC 1, not enciphered.

    Raises:
        SigningError: others than its owner may read the file; it is enciphered, of another curve,
            or no such file at all.
    """
    path = Path(path)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SigningError(f"{path} can be read by others than its owner: chmod 600")
    text = path.read_text(encoding="ascii", errors="replace")
    for name in _PEM_TYPES:
        _, begins, rest = text.partition(f"-----BEGIN {name}-----")
        body, ends, _ = rest.partition(f"-----END {name}-----")
        if begins and ends:
            try:
                return _key_of(base64.b64decode("".join(body.split()), validate=True))
            except (ValueError, IndexError):
                raise SigningError(f"{path} holds no SM2 key that is not enciphered") from None
    raise SigningError(f"{path} holds no private key in PEM that is not enciphered")


def _key_of(whole: bytes) -> Sm2Key:
    """Raises ValueError for what is neither PKCS#8 nor SEC 1 of this curve."""
    fields = _fields(_only(whole, _SEQUENCE))
    if fields[0] == (_INTEGER, b"\x00"):
        if fields[1] != (_SEQUENCE, _EC_KEY + _CURVE):
            raise ValueError("another curve")
        fields = _fields(_only(fields[2][1], _SEQUENCE))
    elif all(content != _CURVE for _, content in fields[2:]):
        raise ValueError("another curve, or none that is named")
    (tag, secret) = fields[1]
    if fields[0] != (_INTEGER, b"\x01") or tag != _OCTETS or len(secret) != SCALAR_BYTES:
        raise ValueError("no EC private key")
    return Sm2Key(int.from_bytes(secret, "big"))


# ---- DER, as much of it as keys and signatures have


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    head = bytes((tag, size)) if size < 128 else bytes((tag, 0x81, size))  # none is longer
    return head + content


def _integer(value: int) -> bytes:
    return _element(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _fields(content: bytes) -> list[tuple[int, bytes]]:
    """The elements that stand one behind the other: their tags and contents."""
    found, at = [], 0
    while at < len(content):
        tag, size, begins = content[at], content[at + 1], at + 2
        if size & 0x80:
            begins += size & 0x7F
            size = int.from_bytes(content[at + 2 : begins], "big")
        at = begins + size
        if at > len(content):
            raise ValueError("cut off")
        found.append((tag, content[begins:at]))
    return found


def _only(data: bytes, tag: int) -> bytes:
    [(found, content)] = _fields(data)
    if found != tag:
        raise ValueError("another element")
    return content
