"""SM2 keys as values: what a public and a private key are, and which bytes are one.

The curve is sm2p256v1 with the parameters of GB/T 32918.5-2017. A key object that exists is a
valid key: range and curve equation are checked when it is made, so no later step needs to.
"""

from dataclasses import dataclass, field

from ledger.errors import Code, RequestError

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

SCALAR_BYTES = 32
POINT_BYTES = 2 * SCALAR_BYTES
_UNCOMPRESSED = b"\x04"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A point of the curve: 64 bytes, X then Y, big-endian, without a leading 04.

    Raises RequestError (``malformed``) for another length, a coordinate not below the field prime,
    or a point that is not on the curve.
    """

    point: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.point, bytes) or len(self.point) != POINT_BYTES:
            raise RequestError(Code.MALFORMED, "an SM2 public key is 64 bytes, X then Y")
        x = int.from_bytes(self.point[:SCALAR_BYTES])
        y = int.from_bytes(self.point[SCALAR_BYTES:])
        # The cofactor is one, so a point that satisfies the equation is in the right group, and the
        # point at infinity has no such encoding.
        if x >= P or y >= P or (y * y - (x * x + A) * x - B) % P:
            raise RequestError(Code.MALFORMED, "this SM2 public key is not a point of the curve")

    @classmethod
    def from_encoded(cls, encoded: bytes) -> "PublicKey":
        """Reads the uncompressed form of GB/T 32918.1 §4.2.9: 04, then X and Y (65 bytes)."""
        if len(encoded) != POINT_BYTES + 1 or encoded[:1] != _UNCOMPRESSED:
            raise RequestError(Code.MALFORMED, "an encoded SM2 public key is 04 and then 64 bytes")
        return cls(bytes(encoded[1:]))

    @classmethod
    def from_hex(cls, text: str) -> "PublicKey":
        """Reads 128 hexadecimal digits. Raises RequestError (``malformed``) as the class does."""
        try:
            return cls(bytes.fromhex(text))
        except ValueError:
            detail = "a public key is 128 hexadecimal digits"
            raise RequestError(Code.MALFORMED, detail) from None

    def encoded(self) -> bytes:
        """The uncompressed form: 04, then X and Y (65 bytes)."""
        return _UNCOMPRESSED + self.point

    def hex(self) -> str:
        """The 64 bytes as 128 lower-case hexadecimal digits."""
        return self.point.hex()

    def __repr__(self) -> str:
        return f"PublicKey({self.point[:4].hex()}…{self.point[-4:].hex()})"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A secret scalar d, 1 <= d <= n-2, as 32 bytes big-endian. Its repr never shows it.

    Raises RequestError (``malformed``) for another length or range; n-1 is excluded because signing
    divides by 1+d (GB/T 32918.1 §6.1).
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != SCALAR_BYTES:
            raise RequestError(Code.MALFORMED, "an SM2 private key is 32 bytes")
        if not 1 <= int.from_bytes(self.secret) <= N - 2:
            raise RequestError(Code.MALFORMED, "this SM2 private key is out of range")
