"""Every provider against the standards' known answers, against each other, and against forgers."""

import os

import pytest

from ledger import gm
from ledger.errors import Code, RequestError
from ledger.gm import PrivateKey, openssl
from ledger.gm.keys import N
from ledger.gm.openssl import OpenSSLProvider
from ledger.gm.provider import DigestSigner
from ledger.gm.sealed import hmac_sm3
from ledger.gm.signature import decode_signature, encode_signature, signer_digest
from ledger.gm.vectors import SM2_SIGNATURE as KNOWN
from ledger.gm.vectors import SM3_DIGESTS, SM4_MILLION, SM4_ONCE, Sm4Block
from ledger.integrity.merkle import leaf_hash
from tests.support.gm_providers import BEGINNING_04, FALLBACK, KEY, NATIVE, PUBLIC_KEY, both, key_of


def x_of(scalar: int) -> int:
    return int.from_bytes(NATIVE.public_key(key_of(scalar)).point[:32])


# Known answers


@both
def test_sm3_known_answers(provider: DigestSigner) -> None:
    for message, digest in SM3_DIGESTS:
        assert provider.sm3(message) == digest


def test_sm3_without_hashlib_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssl, "_sm3_of_hashlib", lambda: None)
    provider = OpenSSLProvider()
    assert provider._hash is None
    for message, digest in SM3_DIGESTS:
        assert provider.sm3(message) == digest


def test_sm3_is_the_same_everywhere_around_its_block_size() -> None:
    for size in (55, 56, 57, 63, 64, 65, 119, 120, 128):
        data = bytes(range(size))
        assert NATIVE.sm3(data) == FALLBACK.sm3(data) == gm.sm3(data)


def test_sm3_is_the_same_where_data_is_hashed_in_pieces() -> None:
    for size in (2_047, 2_048, 4_094, 4_095, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1):
        data = bytes(index % 251 for index in range(size))
        assert NATIVE.sm3(data) == FALLBACK.sm3(data)
        assert leaf_hash(data) == FALLBACK.sm3(b"\x00" + data)


def enciphered(provider: DigestSigner, block: Sm4Block) -> bytes:
    """CBC over the block and then zeros enciphers its own output again and again."""
    data = block.plaintext + bytes(16 * (block.rounds - 1))
    out = provider.sm4_cbc_encrypt(block.key, bytes(16), data)  # type: ignore[attr-defined]
    return out[16 * (block.rounds - 1) : 16 * block.rounds]


@both
def test_sm4_known_answer(provider: DigestSigner) -> None:
    assert enciphered(provider, SM4_ONCE) == SM4_ONCE.ciphertext


def test_sm4_a_million_times() -> None:
    assert enciphered(NATIVE, SM4_MILLION) == SM4_MILLION.ciphertext


@pytest.mark.slow
def test_sm4_a_million_times_in_pure_python() -> None:
    assert enciphered(FALLBACK, SM4_MILLION) == SM4_MILLION.ciphertext


@both
def test_sm2_known_answer(provider: DigestSigner) -> None:
    assert provider.public_key(KEY) == PUBLIC_KEY
    assert signer_digest(PUBLIC_KEY, provider.sm3) == KNOWN.za
    assert provider.message_digest(PUBLIC_KEY, KNOWN.message) == KNOWN.e
    assert provider.verify(PUBLIC_KEY, KNOWN.message, KNOWN.der)


def test_sm2_known_signature_with_the_known_nonce() -> None:
    assert FALLBACK.sign_digest_with(KEY, KNOWN.e, KNOWN.nonce) == (KNOWN.r, KNOWN.s)


@pytest.mark.parametrize("nonce", [0, N, -1])
def test_a_nonce_out_of_range_is_refused(nonce: int) -> None:
    with pytest.raises(RequestError):
        FALLBACK.sign_digest_with(KEY, KNOWN.e, nonce)


def test_hmac_sm3_agrees_with_the_standard_library() -> None:
    import hmac

    for key in (b"", b"k", b"k" * 63, b"k" * 64):
        expected = hmac.new(key, b"a message", "sm3").digest()
        assert hmac_sm3(NATIVE, key, b"a message") == expected


# One provider against the other


@pytest.mark.parametrize("scalar", [1, 2, 3, *BEGINNING_04, N // 2, N - 2])
def test_providers_agree_on_keys_and_signatures(scalar: int) -> None:
    key = key_of(scalar)
    public_key = NATIVE.public_key(key)
    assert FALLBACK.public_key(key) == public_key
    message = f"支付凭证 {scalar}".encode()
    assert NATIVE.verify(public_key, message, FALLBACK.sign(key, message))
    assert FALLBACK.verify(public_key, message, NATIVE.sign(key, message))
    assert not FALLBACK.verify(public_key, message + b" ", NATIVE.sign(key, message))


def test_providers_agree_on_random_keys() -> None:
    for index in range(4):
        key = (NATIVE if index % 2 else FALLBACK).generate_key()
        message = os.urandom(index * 50)
        signature = FALLBACK.sign(key, message)
        public_key = FALLBACK.public_key(key)
        assert public_key == NATIVE.public_key(key)
        assert NATIVE.verify(public_key, message, signature), (key.secret, message, signature)


def test_the_keys_beginning_04_do_begin_so() -> None:
    for scalar in BEGINNING_04:
        assert NATIVE.public_key(key_of(scalar)).hex().startswith("04")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 64])
def test_providers_agree_on_sm4(size: int) -> None:
    key, iv, data = os.urandom(16), os.urandom(16), os.urandom(size)
    ciphertext = NATIVE.sm4_cbc_encrypt(key, iv, data)
    assert len(ciphertext) == size // 16 * 16 + 16
    assert FALLBACK.sm4_cbc_encrypt(key, iv, data) == ciphertext
    assert FALLBACK.sm4_cbc_decrypt(key, iv, ciphertext) == data
    assert NATIVE.sm4_cbc_decrypt(key, iv, ciphertext) == data


@both
def test_sm4_refuses_wrong_lengths_and_padding(provider: gm.Provider) -> None:
    key = iv = bytes(16)
    # Deciphered, the first block is zeros: no padding ends in a zero.
    unpadded = provider.sm4_cbc_encrypt(key, iv, bytes(16))[:16]
    for bad_key, bad_iv, data in (
        (key[:15], iv, bytes(16)),
        (key, iv + b"\0", bytes(16)),
        (key, iv, bytes(15)),
        (key, iv, b""),
        (key, iv, unpadded),
    ):
        with pytest.raises(RequestError) as error:
            provider.sm4_cbc_decrypt(bad_key, bad_iv, data)
        assert error.value.code is Code.MALFORMED
    with pytest.raises(RequestError):
        provider.sm4_cbc_encrypt(key + b"\0", iv, b"")


# Forgers


@both
@pytest.mark.parametrize("field", ["r", "s"])
@pytest.mark.parametrize("value", [0, 1, N - 1, N, N + 1])
def test_boundary_numbers_do_not_verify(provider: gm.Provider, field: str, value: int) -> None:
    pair = {"r": KNOWN.r, "s": KNOWN.s} | {field: value}
    assert not provider.verify(PUBLIC_KEY, KNOWN.message, encode_signature(**pair))


@both
def test_r_plus_s_equal_to_n_does_not_verify(provider: DigestSigner) -> None:
    assert not provider.verify(PUBLIC_KEY, KNOWN.message, encode_signature(KNOWN.r, N - KNOWN.r))
    # Then t = 0 and t·P = O. These digests would suit whoever took O for no term, or for P itself.
    d, s = int.from_bytes(KNOWN.private_key), 12345
    for taken in (s, s + d):
        e = ((N - s - x_of(taken)) % N).to_bytes(32)
        assert not provider.verify_digest(PUBLIC_KEY, e, N - s, s)


@both
def test_a_signature_that_leads_to_infinity_does_not_verify(provider: DigestSigner) -> None:
    """Whoever knows d can choose t with s·G + t·P = O; there is no x to compare then."""
    d, t = int.from_bytes(KNOWN.private_key), 12345
    s = -t * d % N
    r = (t - s) % N
    # The second digest would suit whoever took two opposite points for two equal ones.
    for e in (KNOWN.e, ((r - x_of(2 * s)) % N).to_bytes(32)):
        assert not provider.verify_digest(PUBLIC_KEY, e, r, s)


@both
def test_a_signature_whose_two_points_are_equal_verifies(provider: DigestSigner) -> None:
    """s·G = t·P is legitimate, and the sum is then a doubling."""
    d, t = int.from_bytes(KNOWN.private_key), 12345
    s = t * d % N
    r = (t - s) % N
    e = ((r - x_of(2 * s)) % N).to_bytes(32)
    assert provider.verify_digest(PUBLIC_KEY, e, r, s)
    assert not provider.verify_digest(PUBLIC_KEY, ((int.from_bytes(e) + 1) % N).to_bytes(32), r, s)


def test_no_bit_of_a_signature_may_change() -> None:
    for index in range(len(KNOWN.der) * 8):
        changed = bytearray(KNOWN.der)
        changed[index // 8] ^= 1 << index % 8
        assert not NATIVE.verify(PUBLIC_KEY, KNOWN.message, bytes(changed)), index


def test_the_fallback_refuses_changed_bits_as_well() -> None:
    for index in (3, 8 * 3, 8 * 20, 8 * 38, 8 * 60, len(KNOWN.der) * 8 - 1):
        changed = bytearray(KNOWN.der)
        changed[index // 8] ^= 1 << index % 8
        assert not FALLBACK.verify(PUBLIC_KEY, KNOWN.message, bytes(changed)), index


def test_no_bit_of_a_message_may_change() -> None:
    for index in range(len(KNOWN.message) * 8):
        changed = bytearray(KNOWN.message)
        changed[index // 8] ^= 1 << index % 8
        assert not NATIVE.verify(PUBLIC_KEY, bytes(changed), KNOWN.der), index


@both
def test_another_key_does_not_verify(provider: gm.Provider) -> None:
    other = provider.public_key(key_of(42))
    assert not provider.verify(other, KNOWN.message, KNOWN.der)


@both
@pytest.mark.parametrize("length", [0, 1, 7, 64, 71, 73, 1000])
def test_other_lengths_do_not_verify(provider: gm.Provider, length: int) -> None:
    signature = (KNOWN.der * 15)[:length]
    assert not provider.verify(PUBLIC_KEY, KNOWN.message, signature)


@both
def test_an_empty_message_and_a_long_one_can_be_signed(provider: gm.Provider) -> None:
    for message in (b"", b"\0" * 5000):
        assert provider.verify(PUBLIC_KEY, message, provider.sign(KEY, message))


# Nonces


def nonce_of(key: PrivateKey, signature: bytes) -> int:
    """From s = (k − r·d)/(1+d): k = s + (r+s)·d. Only the key's owner can do this."""
    pair = decode_signature(signature)
    assert pair is not None
    r, s = pair
    return (s + (r + s) * int.from_bytes(key.secret)) % N


@pytest.mark.parametrize(
    ("provider", "count"), [(NATIVE, 500), (FALLBACK, 40)], ids=["openssl", "gmssl"]
)
def test_nonces_are_fresh_and_fill_their_range(provider: gm.Provider, count: int) -> None:
    nonces = [nonce_of(KEY, provider.sign(KEY, b"the same message")) for _ in range(count)]
    assert len(set(nonces)) == count
    # All below a quarter, or all even, would be a generator that does not fill 1..n-1; by
    # chance the shorter list is so once in 2**39 runs.
    assert max(nonces) > N // 4
    assert {nonce % 2 for nonce in nonces} == {0, 1}


def test_the_fallback_does_not_use_the_package_s_own_nonces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(_: object) -> str:
        raise AssertionError("random.choice used for a nonce")

    monkeypatch.setattr("gmssl.func.choice", forbidden)
    monkeypatch.setattr("gmssl.sm2.choice", forbidden)
    assert FALLBACK.verify(PUBLIC_KEY, b"m", FALLBACK.sign(KEY, b"m"))


# The native provider's handling of OpenSSL
