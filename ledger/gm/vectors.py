"""The known answers of the standards, for the self-test and the tests.

SM2: GB/T 32918.5-2017 appendix A.2 (the recommended curve, identity 1234567812345678). SM3: GB/T
32905-2016 appendix A. SM4: GB/T 32907-2016 appendix A.
"""

from typing import NamedTuple


class Sm2Signature(NamedTuple):
    """One signature with everything on the way to it; all bytes big-endian."""

    private_key: bytes
    public_key: bytes
    message: bytes
    za: bytes
    e: bytes
    nonce: int
    r: int
    s: int
    der: bytes


class Sm4Block(NamedTuple):
    """One block enciphered ``rounds`` times in a row under the same key."""

    key: bytes
    plaintext: bytes
    rounds: int
    ciphertext: bytes


_R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
_S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"

SM2_SIGNATURE = Sm2Signature(
    private_key=bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"),
    public_key=bytes.fromhex(
        "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    ),
    message=b"message digest",
    za=bytes.fromhex("B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"),
    e=bytes.fromhex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"),
    nonce=0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21,
    r=int(_R, 16),
    s=int(_S, 16),
    der=bytes.fromhex(f"3046022100{_R}022100{_S}"),
)

SM3_DIGESTS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"abc",
        bytes.fromhex("66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0"),
    ),
    (
        b"abcd" * 16,
        bytes.fromhex("DEBE9FF92275B8A138604889C18E5A4D6FDB70E5387E5765293DCBA39C0C5732"),
    ),
    # Not in the standard, computed from it: the empty message, where padding is all there is.
    (
        b"",
        bytes.fromhex("1AB21D8355CFA17F8E61194831E81A8F22BEC8C728FEFB747ED035EB5082AA2B"),
    ),
)

_SM4_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
SM4_ONCE = Sm4Block(_SM4_KEY, _SM4_KEY, 1, bytes.fromhex("681EDF34D206965E86B3E94F536E4246"))
SM4_MILLION = Sm4Block(
    _SM4_KEY, _SM4_KEY, 1_000_000, bytes.fromhex("595298C7C6FD271F0402F804C33D3F66")
)
