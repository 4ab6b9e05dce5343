"""The fallback provider: the pure Python package gmssl, with its hazards fenced off.

It works wherever Python does, at a hundred signatures a second, and its arithmetic does not take
constant time: it is for machines without a usable libcrypto, and to check the native one against.
What is fenced off here:

- its nonces come from a non-cryptographic generator: ours come from ``secrets``, in 1..n-1;
- its constructor strips every leading 0 and 4 of a public key: it is never given one;
- its verification ends with coordinates that were never normalised when sG = tP, and fails on the
  point at infinity: we only use its point arithmetic, and treat both cases;
- it checks no range, encoding, padding or curve equation: PublicKey, PrivateKey and
  ledger.gm.signature do.
"""

import secrets
from functools import lru_cache
from importlib.metadata import version

from gmssl import sm3 as gmssl_sm3
from gmssl.sm2 import CryptSM2
from gmssl.sm4 import SM4_DECRYPT, SM4_ENCRYPT, CryptSM4

from ledger.errors import Code, RequestError
from ledger.gm.keys import GX, GY, SCALAR_BYTES, N, PrivateKey, PublicKey
from ledger.gm.provider import (
    KEYS_CACHED_MAX,
    SM4_BLOCK_BYTES,
    DigestSigner,
    check_sm4,
    pad,
    unpad,
)

_G = GX.to_bytes(SCALAR_BYTES) + GY.to_bytes(SCALAR_BYTES)


class GmsslProvider(DigestSigner):
    """SM2, SM3 and SM4 by gmssl. Safe to share between threads: it holds no state but keys."""

    name = f"gmssl {version('gmssl')}"

    def __init__(self) -> None:
        super().__init__()
        self._public_key = lru_cache(KEYS_CACHED_MAX)(self._derive)

    def __repr__(self) -> str:
        return f"<GmsslProvider {self.name}>"

    def public_key(self, key: PrivateKey) -> PublicKey:
        return self._public_key(key)

    def sign_digest(self, key: PrivateKey, e: bytes) -> tuple[int, int]:
        while True:
            pair = self.sign_digest_with(key, e, 1 + secrets.randbelow(N - 1))
            if pair is not None:
                return pair

    def sign_digest_with(self, key: PrivateKey, e: bytes, nonce: int) -> tuple[int, int] | None:
        """The pair for a given nonce in 1..n-1, or None if another nonce is needed.

        For known answers only: whoever signs twice with one nonce gives the private key away.
        """
        if not 1 <= nonce < N:
            raise RequestError(Code.MALFORMED, "an SM2 nonce is in 1..n-1")
        signed: str | None = CryptSM2(key.secret.hex(), "").sign(e, f"{nonce:064x}")
        if signed is None:
            return None
        return int(signed[: 2 * SCALAR_BYTES], 16), int(signed[2 * SCALAR_BYTES :], 16)

    def verify_digest(self, public_key: PublicKey, e: bytes, r: int, s: int) -> bool:
        t = (r + s) % N
        if t == 0:
            return False
        x = _sum_x(_multiply(s, _G), _multiply(t, public_key.point))
        return x is not None and (int.from_bytes(e) + x) % N == r

    def sm3(self, data: bytes) -> bytes:
        # A list of its own, because gmssl appends its padding to what it is given.
        return bytes.fromhex(gmssl_sm3.sm3_hash(list(data)))

    def sm4_cbc_encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        check_sm4(key, iv)
        cipher, block, out = _sm4(key, SM4_ENCRYPT), iv, bytearray()
        padded = pad(data)
        for start in range(0, len(padded), SM4_BLOCK_BYTES):
            block = _one_block(cipher, _xor(block, padded[start : start + SM4_BLOCK_BYTES]))
            out += block
        return bytes(out)

    def sm4_cbc_decrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        check_sm4(key, iv)
        if len(data) % SM4_BLOCK_BYTES:
            raise RequestError(Code.MALFORMED, "an SM4-CBC ciphertext is a multiple of 16 bytes")
        cipher, previous, out = _sm4(key, SM4_DECRYPT), iv, bytearray()
        for start in range(0, len(data), SM4_BLOCK_BYTES):
            block = data[start : start + SM4_BLOCK_BYTES]
            out += _xor(previous, _one_block(cipher, block))
            previous = block
        return unpad(bytes(out))

    @staticmethod
    def _derive(key: PrivateKey) -> PublicKey:
        return PublicKey(_multiply(int.from_bytes(key.secret), _G))


def _multiply(scalar: int, point: bytes) -> bytes:
    """scalar·point for 1 <= scalar < n and a point of the curve; both points are 64 bytes."""
    curve = CryptSM2("", "")
    return bytes.fromhex(curve._kg(scalar, point.hex()))


def _sum_x(left: bytes, right: bytes) -> int | None:
    """The x coordinate of left + right, or None if the sum is the point at infinity."""
    if left[:SCALAR_BYTES] == right[:SCALAR_BYTES]:
        if left != right:
            return None
        return int.from_bytes(_multiply(2, left)[:SCALAR_BYTES])
    curve = CryptSM2("", "")
    # It wants the first point with its third coordinate, the second without.
    total = curve._convert_jacb_to_nor(curve._add_point(f"{left.hex()}{1:064x}", right.hex()))
    return int(total[: 2 * SCALAR_BYTES], 16)


def _sm4(key: bytes, mode: int) -> CryptSM4:
    cipher = CryptSM4()
    cipher.set_key(key, mode)
    return cipher


def _one_block(cipher: CryptSM4, block: bytes) -> bytes:
    return bytes(cipher.one_round(cipher.sk, block))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
