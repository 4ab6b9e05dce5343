"""Bytes sealed under a passphrase: SM4-CBC, then HMAC-SM3, keys by PBKDF2-HMAC-SM3.

Layout, version 1, integers big-endian::

    magic "GKSEAL"  6   version  2   iterations  4   salt  16   iv  16   ciphertext  n   tag  32

The tag covers all that precedes it and is checked before anything is deciphered, so a wrong
passphrase and a damaged file look the same and teach an attacker nothing. The derivation is
RFC 8018 §5.2 with HMAC-SM3 (as GM/T 0091-2020 has it); its output is split into a cipher key and a
MAC key by HMAC-SM3 over two different labels.
"""

import hashlib
import hmac
import secrets
import struct
import unicodedata
from typing import NamedTuple

from ledger.errors import ConfigurationError
from ledger.gm.provider import SM4_BLOCK_BYTES, Provider

ITERATIONS = 600_000
# The bounds keep a damaged header from asking for an hour of work, or for none.
ITERATIONS_MIN, ITERATIONS_MAX = 1_000, 4_000_000
SALT_BYTES = 16

_MAGIC, _VERSION = b"GKSEAL", 1
_HEADER = struct.Struct(f">6sHI{SALT_BYTES}s{SM4_BLOCK_BYTES}s")
_TAG_BYTES = 32
_HMAC_BLOCK_BYTES = 64
_WRONG = "the passphrase is wrong or the file is damaged"


class SealKey(NamedTuple):
    """Keys derived from a passphrase for one salt and number of iterations; slow to make."""

    salt: bytes
    iterations: int
    cipher_key: bytes
    mac_key: bytes

    def __repr__(self) -> str:
        return "SealKey(…)"


def derive(provider: Provider, passphrase: str, salt: bytes, iterations: int) -> SealKey:
    """Derives the keys. Takes about half a second for the default number of iterations.

    Raises ConfigurationError if the passphrase is empty, the iterations are out of bounds, or this
    Python's hashlib has no SM3 (in pure Python the derivation would take hours).
    """
    if not passphrase:
        raise ConfigurationError("the passphrase of a key store may not be empty")
    if not ITERATIONS_MIN <= iterations <= ITERATIONS_MAX:
        raise ConfigurationError(_WRONG)
    # The same Chinese passphrase typed on two systems may come in two Unicode forms.
    secret = unicodedata.normalize("NFC", passphrase).encode()
    try:
        root = hashlib.pbkdf2_hmac("sm3", secret, salt, iterations)
    except ValueError as error:
        raise ConfigurationError(
            "this Python's hashlib has no SM3, which key stores need"
        ) from error
    cipher_key = hmac_sm3(provider, root, b"guoku seal 1 cipher")[:SM4_BLOCK_BYTES]
    return SealKey(salt, iterations, cipher_key, hmac_sm3(provider, root, b"guoku seal 1 mac"))


def read_salt(sealed: bytes) -> tuple[bytes, int]:
    """Salt and iterations from the header. Raises ConfigurationError if it is not one of ours."""
    if len(sealed) < _HEADER.size + SM4_BLOCK_BYTES + _TAG_BYTES or sealed[:6] != _MAGIC:
        raise ConfigurationError("not a sealed file, or one that was cut short")
    _, version, iterations, salt, _ = _HEADER.unpack_from(sealed)
    if version != _VERSION:
        raise ConfigurationError(f"sealed by a version {version} that this program does not know")
    return salt, iterations


def seal(provider: Provider, key: SealKey, plaintext: bytes) -> bytes:
    """The sealed form, with a new random iv."""
    iv = secrets.token_bytes(SM4_BLOCK_BYTES)
    body = _HEADER.pack(_MAGIC, _VERSION, key.iterations, key.salt, iv)
    body += provider.sm4_cbc_encrypt(key.cipher_key, iv, plaintext)
    return body + hmac_sm3(provider, key.mac_key, body)


def unseal(provider: Provider, key: SealKey, sealed: bytes) -> bytes:
    """The plaintext. Raises ConfigurationError if the tag is not right for this key."""
    body, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    if not hmac.compare_digest(hmac_sm3(provider, key.mac_key, body), tag):
        raise ConfigurationError(_WRONG)
    iv = body[_HEADER.size - SM4_BLOCK_BYTES : _HEADER.size]
    return provider.sm4_cbc_decrypt(key.cipher_key, iv, body[_HEADER.size :])


def hmac_sm3(provider: Provider, key: bytes, data: bytes) -> bytes:
    """HMAC (RFC 2104) with SM3, 32 bytes. Takes keys of at most 64 bytes."""
    assert len(key) <= _HMAC_BLOCK_BYTES, "longer keys would have to be hashed first"
    block = key.ljust(_HMAC_BLOCK_BYTES, b"\0")
    inner = provider.sm3(bytes(byte ^ 0x36 for byte in block) + data)
    return provider.sm3(bytes(byte ^ 0x5C for byte in block) + inner)
