"""What an SM2 signature signs, and how it is written down.

The digest is e = SM3(ZA ‖ message) with ZA binding the signer's identity and public key
(GB/T 32918.2 §5.5 and §6.1). The form is SEQUENCE { r INTEGER, s INTEGER } in DER (GB/T 35276), 8
to 72 bytes. Of our own signatures only the one canonical encoding is read: one that could be
written in two ways could be stored twice under two digests. Those of banks are also read by their
value, however they are padded (docs/decisions/0018-bank-messages-as-they-come.md).
"""

from collections.abc import Callable

from ledger.gm.keys import GX, GY, SCALAR_BYTES, A, B, N, PublicKey

#: The default identity of GB/T 35276; every product in the field uses it.
SIGNER_ID = b"1234567812345678"
SIGNATURE_BYTES_MAX = 72
PADDED_BYTES_MAX = 256  # of one that is read by its value

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


def canonical(signature: bytes) -> bytes | None:
    """The canonical encoding of a signature that is read by its value; None where it has none.

    Taken are zeros before an integer, too many or too few (an integer is never negative here);
    lengths that are written longer than need be; zeros behind the integers or behind the sequence.
    What else stands there is refused: it would be something that nobody has looked at.
    """
    if decode_signature(signature) is not None:
        return signature
    if len(signature) > PADDED_BYTES_MAX:
        return None
    sequence = _element(signature, 0, _SEQUENCE)
    if sequence is None or any(signature[sequence[1] :]):
        return None
    content = signature[sequence[0] : sequence[1]]
    first = _element(content, 0, _INTEGER)
    second = first and _element(content, first[1], _INTEGER)
    if first is None or second is None or any(content[second[1] :]):
        return None
    r, s = (int.from_bytes(content[slice(*place)]) for place in (first, second))
    return encode_signature(r, s) if 1 <= r < N and 1 <= s < N else None


def _element(data: bytes, at: int, tag: int) -> tuple[int, int] | None:
    """Where the content of the element at this place begins and ends; None where none is whole."""
    if len(data) < at + 2 or data[at] != tag:
        return None
    begin, length = at + 2, data[at + 1]
    if length > 0x80:  # as many bytes of length follow
        begin, length = begin + length - 0x80, int.from_bytes(data[begin : begin + length - 0x80])
    elif length == 0x80:  # the indefinite form of BER
        return None
    end = begin + length
    return (begin, end) if begin < end <= len(data) else None


def _encode_integer(value: int) -> bytes:
    # One bit more than the number needs: DER integers are signed.
    size = value.bit_length() // 8 + 1
    return bytes((_INTEGER, size)) + value.to_bytes(size)
