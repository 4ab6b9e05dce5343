"""What a source of national cryptography (国密) must do, whatever it is made of.

Signing is SM2 with SM3 and the default identity (GB/T 32918.2, GB/T 35276), the digest SM3
(GB/T 32905), the cipher SM4-CBC with PKCS#7 padding (GB/T 32907, GB/T 17964).
"""

import secrets
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Protocol

from ledger.errors import Code, RequestError
from ledger.gm.keys import SCALAR_BYTES, N, PrivateKey, PublicKey
from ledger.gm.signature import decode_signature, encode_signature, signer_digest

SM4_BLOCK_BYTES = 16
KEYS_CACHED_MAX = 4096


class Provider(Protocol):
    """SM2, SM3 and SM4. Every method may be called from any thread."""

    @property
    def name(self) -> str:
        """What it is made of, for logs and ``guoku config``."""
        ...

    def generate_key(self) -> PrivateKey:
        """A new private key from the operating system's randomness."""
        ...

    def public_key(self, key: PrivateKey) -> PublicKey:
        """The public key that belongs to a private one."""
        ...

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        """An SM2 signature of the message, DER, at most 72 bytes; another one at each call."""
        ...

    def verify(self, public_key: PublicKey, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's for this message. Bad bytes are False, not errors."""
        ...

    def sm3(self, data: bytes) -> bytes:
        """The SM3 digest, 32 bytes."""
        ...

    def sm4_cbc_encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        """SM4-CBC with PKCS#7; key and iv 16 bytes. It does not authenticate: add a MAC."""
        ...

    def sm4_cbc_decrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        """The inverse. Raises RequestError for a wrong length or padding: check the MAC before."""
        ...


class DigestSigner(ABC):
    """The part of a provider that is the same for all: what is signed, and its encoding.

    What is left for a concrete provider is the operation on the 32-byte digest e, as in the device
    interface GM/T 0018 (SDF_InternalSign_ECC), so that a hardware port can be one too.
    """

    def __init__(self) -> None:
        # ZA depends on the key alone; with it cached, signing hashes little more than the message.
        self._signer_digest = lru_cache(KEYS_CACHED_MAX)(
            lambda public_key: signer_digest(public_key, self.sm3)
        )

    @abstractmethod
    def sm3(self, data: bytes) -> bytes: ...

    @abstractmethod
    def public_key(self, key: PrivateKey) -> PublicKey: ...

    @abstractmethod
    def sign_digest(self, key: PrivateKey, e: bytes) -> tuple[int, int]:
        """The pair (r, s) for a 32-byte digest."""

    @abstractmethod
    def verify_digest(self, public_key: PublicKey, e: bytes, r: int, s: int) -> bool:
        """Whether (r, s), both in 1..n-1, is right for the digest (GB/T 32918.2 §7.1)."""

    def generate_key(self) -> PrivateKey:
        return PrivateKey((1 + secrets.randbelow(N - 2)).to_bytes(SCALAR_BYTES))

    def message_digest(self, public_key: PublicKey, message: bytes) -> bytes:
        """e = SM3(ZA ‖ message), 32 bytes (GB/T 32918.2 §6.1, steps A1 and A2)."""
        return self.sm3(self._signer_digest(public_key) + message)

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        e = self.message_digest(self.public_key(key), message)
        return encode_signature(*self.sign_digest(key, e))

    def verify(self, public_key: PublicKey, message: bytes, signature: bytes) -> bool:
        pair = decode_signature(signature)
        if pair is None:
            return False
        return self.verify_digest(public_key, self.message_digest(public_key, message), *pair)


def check_sm4(key: bytes, iv: bytes) -> None:
    """Raises RequestError unless both are 16 bytes."""
    if len(key) != SM4_BLOCK_BYTES or len(iv) != SM4_BLOCK_BYTES:
        raise RequestError(Code.MALFORMED, "an SM4 key and iv are 16 bytes each")


def pad(data: bytes) -> bytes:
    """PKCS#7: 1 to 16 bytes, each saying how many they are."""
    count = SM4_BLOCK_BYTES - len(data) % SM4_BLOCK_BYTES
    return data + bytes((count,)) * count


def unpad(data: bytes) -> bytes:
    """Takes the padding off. Raises RequestError if it is not whole."""
    count = data[-1] if data else 0
    if not 1 <= count <= SM4_BLOCK_BYTES or data[-count:] != bytes((count,)) * count:
        raise RequestError(Code.MALFORMED, "the SM4 ciphertext does not decrypt to padded data")
    return data[:-count]
