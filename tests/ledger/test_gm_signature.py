"""SM2 keys as values and the encoding of signatures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Code, RequestError
from ledger.gm import PrivateKey, PublicKey
from ledger.gm.keys import GX, GY, N, P
from ledger.gm.signature import (
    PADDED_BYTES_MAX,
    SIGNATURE_BYTES_MAX,
    canonical,
    decode_signature,
    encode_signature,
)
from ledger.gm.vectors import SM2_SIGNATURE as KNOWN

IN_RANGE = st.integers(min_value=1, max_value=N - 1)
G = GX.to_bytes(32) + GY.to_bytes(32)


def refused(error: pytest.ExceptionInfo[RequestError]) -> bool:
    return error.value.code is Code.MALFORMED


@pytest.mark.parametrize(
    "point",
    [
        b"",
        G[:63],
        b"\x04" + G,
        G[:63] + bytes((G[63] ^ 1,)),
        bytes(64),
        G[32:] + G[:32],
        P.to_bytes(32) + G[32:],
        # The same residues as G's, written with a coordinate above the field prime.
        (GX + P).to_bytes(33)[-32:] + G[32:],
    ],
)
def test_what_is_no_point_of_the_curve_is_no_public_key(point: bytes) -> None:
    with pytest.raises(RequestError) as error:
        PublicKey(point)
    assert refused(error)


def test_a_coordinate_above_the_prime_is_refused_although_its_residue_fits() -> None:
    # x = 3 fits in 32 bytes with the prime added; the equation holds modulo the prime for both.
    small = next(x for x in range(1, 100) if _root(x) is not None)
    y = _root(small)
    assert y is not None
    PublicKey(small.to_bytes(32) + y.to_bytes(32))
    with pytest.raises(RequestError):
        PublicKey((small + P).to_bytes(32) + y.to_bytes(32))


def _root(x: int) -> int | None:
    """A y with (x, y) on the curve, if there is one; the prime is 3 modulo 4."""
    square = (x**3 - 3 * x + 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93) % P
    y = pow(square, (P + 1) // 4, P)
    return y if y * y % P == square else None


def test_the_uncompressed_form_of_a_public_key() -> None:
    assert PublicKey(G).encoded() == b"\x04" + G
    assert PublicKey.from_encoded(b"\x04" + G) == PublicKey(G)
    for encoded in (G, b"\x03" + G, b"\x04" + G + b"\0", b"\x02" + G[:32]):
        with pytest.raises(RequestError) as error:
            PublicKey.from_encoded(encoded)
        assert refused(error)


@pytest.mark.parametrize("scalar", [0, N - 1, N, N + 1, 2**256 - 1])
def test_a_private_key_out_of_range_is_refused(scalar: int) -> None:
    with pytest.raises(RequestError) as error:
        PrivateKey(scalar.to_bytes(32))
    assert refused(error)


@pytest.mark.parametrize("secret", [b"", b"\x01", bytes(31) + b"\x01\x01"])
def test_a_private_key_of_another_length_is_refused(secret: bytes) -> None:
    with pytest.raises(RequestError) as error:
        PrivateKey(secret)
    assert refused(error)


def test_the_ends_of_the_range_are_private_keys() -> None:
    assert PrivateKey((1).to_bytes(32)) != PrivateKey((N - 2).to_bytes(32))


def test_a_private_key_never_shows_itself() -> None:
    key = PrivateKey(KNOWN.private_key)
    for shown in (repr(key), str(key), f"{key}", repr([key])):
        assert "3945208f" not in shown.lower()
        assert repr(KNOWN.private_key)[2:10] not in shown


def test_the_encoding_of_the_standard() -> None:
    assert encode_signature(KNOWN.r, KNOWN.s) == KNOWN.der
    assert decode_signature(KNOWN.der) == (KNOWN.r, KNOWN.s)


@given(r=IN_RANGE, s=IN_RANGE)
def test_every_pair_in_range_is_written_and_read_back(r: int, s: int) -> None:
    signature = encode_signature(r, s)
    assert len(signature) <= SIGNATURE_BYTES_MAX
    assert decode_signature(signature) == (r, s)


@given(r=st.integers(1, 300), s=IN_RANGE, junk=st.binary(min_size=1, max_size=3))
def test_nothing_may_follow_or_be_missing(r: int, s: int, junk: bytes) -> None:
    signature = encode_signature(r, s)
    assert decode_signature(signature + junk) is None
    for end in range(len(signature)):
        assert decode_signature(signature[:end]) is None


@given(st.binary(max_size=80))
def test_whatever_is_read_is_written_the_same_way(signature: bytes) -> None:
    pair = decode_signature(signature)
    assert pair is None or encode_signature(*pair) == signature


@pytest.mark.parametrize("position", ["r", "s"])
@pytest.mark.parametrize("value", [0, N, N + 1])
def test_numbers_out_of_range_are_refused(position: str, value: int) -> None:
    pair = {"r": 1, "s": 1} | {position: value}
    assert decode_signature(encode_signature(**pair)) is None


@pytest.mark.parametrize(
    "form",
    [
        "30 07 02 02 00 01 02 01 01",  # r with a needless zero before it
        "30 07 02 01 01 02 02 00 01",  # s with a needless zero before it
        "30 06 02 01 81 02 01 01",  # r negative
        "30 81 06 02 01 01 02 01 01",  # long form of a short length
        "30 80 02 01 01 02 01 01 00 00",  # indefinite length
        "31 06 02 01 01 02 01 01",  # a SET
        "30 06 03 01 01 02 01 01",  # r a BIT STRING
        "30 06 02 01 01 04 01 01",  # s an OCTET STRING
        "30 06 02 00 02 02 01 01",  # r of no bytes
        "30 06 02 05 01 02 01 01",  # r longer than all
        "30 06 02 FF 01 02 01 01",
        "30 09 02 01 01 02 01 01 02 01 01",  # a third number
        "30 08 02 01 01 02 01 01 05 00",  # something after s inside the sequence
    ],
)
def test_other_encodings_are_refused(form: str) -> None:
    assert decode_signature(bytes.fromhex(form)) is None
    assert decode_signature(bytes.fromhex("30 06 02 01 01 02 01 01")) == (1, 1)


# ---- what banks write, read by its value


@pytest.mark.parametrize(
    "form",
    [
        "30 06 02 01 01 02 01 01",
        "30 07 02 02 00 01 02 01 01",  # a zero too many before r
        "30 08 02 01 01 02 03 00 00 01",  # two before s
        "30 81 06 02 01 01 02 01 01",  # a length written longer than need be
        "30 82 00 07 02 81 01 01 02 01 01",
        "30 06 02 01 01 02 01 01 00 00 00",  # filled up behind it
        "30 09 02 01 01 02 01 01 00 00 00",  # or inside
    ],
)
def test_a_banks_padding_changes_nothing_of_the_value(form: str) -> None:
    assert canonical(bytes.fromhex(form)) == bytes.fromhex("30 06 02 01 01 02 01 01")


@pytest.mark.parametrize(
    "form",
    [
        "",
        "30",
        "30 00",
        "30 80 02 01 01 02 01 01 00 00",  # no length
        "31 06 02 01 01 02 01 01",  # a SET
        "30 06 03 01 01 02 01 01",  # r a BIT STRING
        "30 06 02 00 02 02 01 01",  # r of no bytes
        "30 06 02 01 00 02 01 01",  # r is 0
        "30 06 02 05 01 02 01 01",  # r longer than all
        "30 09 02 01 01 02 01 01 02 01 01",  # a third number
        "30 08 02 01 01 02 01 01 05 00",  # something behind s
        "30 06 02 01 01 02 01 01 00 01",  # something behind it all
        "30 FF 02 01 01 02 01 01",
        "30 06 02 01 01 02 01 01" + " 00" * PADDED_BYTES_MAX,
    ],
)
def test_what_is_no_pair_of_numbers_is_none_for_a_bank_either(form: str) -> None:
    assert canonical(bytes.fromhex(form)) is None


@given(r=IN_RANGE, s=IN_RANGE, before=st.integers(0, 4), behind=st.integers(0, 40))
def test_every_padded_pair_is_the_pair(r: int, s: int, before: int, behind: int) -> None:
    numbers = [bytes(before) + n.to_bytes(33).lstrip(b"\0") for n in (r, s)]
    body = b"".join(bytes((2, len(number))) + number for number in numbers)
    padded = bytes((0x30, len(body))) + body + bytes(behind)
    assert canonical(padded) == encode_signature(r, s)


@given(st.binary(max_size=300))
def test_whatever_a_bank_writes_is_a_pair_in_range_or_nothing(signature: bytes) -> None:
    read = canonical(signature)
    assert read is None or decode_signature(read) is not None
