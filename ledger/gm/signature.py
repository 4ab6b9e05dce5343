"""What an SM2 signature signs, and how it is written down.

The digest is e = SM3(ZA ‖ message) with ZA binding the signer's identity and public key
(GB/T 32918.2 §5.5 and §6.1). The form is SEQUENCE { r INTEGER, s INTEGER } in DER (GB/T 35276), 8
to 72 bytes. Only the one canonical encoding is read: a signature that could be written in two ways
could be stored twice under two digests.
"""

from collections.abc import Callable

from ledger.gm.keys import GX, GY, SCALAR_BYTES, A, B, N, PublicKey

#: The default identity of GB/T 35276; every product in the field uses it.
SIGNER_ID = b"1234567812345678"
SIGNATURE_BYTES_MAX = 72

_SEQUENCE, _INTEGER = 0x30, 0x02
_ZA_PREFIX = (
    (len(SIGNER_ID) * 8).to_bytes(2)
    + SIGNER_ID
    + b"".join(value.to_bytes(SCALAR_BYTES) for value in (A, B, GX, GY))
)


def signer_digest(key: PublicKey, sm3: Callable[[bytes], bytes]) -> bytes:
    """ZA, 32 bytes: the digest of the identity, the curve and the signer's public key."""
    return sm3(_ZA_PREFIX + key.point)


def encode_signature(r: int, s: int) -> bytes:
    """DER of the pair; both in 1..n-1."""
    body = _encode_integer(r) + _encode_integer(s)
    return bytes((_SEQUENCE, len(body))) + body


def decode_signature(signature: bytes) -> tuple[int, int] | None:
    """The pair (r, s), both in 1..n-1, or None if the bytes are not its one canonical encoding."""
    if not 8 <= len(signature) <= SIGNATURE_BYTES_MAX:
        return None
    if signature[0] != _SEQUENCE or signature[1] != len(signature) - 2:
        return None
    r_end = 4 + signature[3]
    if r_end + 2 > len(signature) or signature[2] != _INTEGER or signature[r_end] != _INTEGER:
        return None
    r = int.from_bytes(signature[4:r_end])
    s = int.from_bytes(signature[r_end + 2 :])
    if not (1 <= r < N and 1 <= s < N):
        return None
    # Writing it again and comparing refuses every other encoding there is: padded, negative, a
    # length that disagrees, trailing bytes.
    return (r, s) if encode_signature(r, s) == signature else None


def _encode_integer(value: int) -> bytes:
    # One bit more than the number needs: DER integers are signed.
    size = value.bit_length() // 8 + 1
    return bytes((_INTEGER, size)) + value.to_bytes(size)
