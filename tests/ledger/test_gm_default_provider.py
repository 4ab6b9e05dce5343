"""Which provider is used: libcrypto where it passes, gmssl where there is none, by all threads."""

import logging
import os
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import gm
from ledger.errors import ConfigurationError
from ledger.gm import PrivateKey, PublicKey, default, libcrypto, openssl
from ledger.gm.gmssl_provider import GmsslProvider
from ledger.gm.keys import N
from ledger.gm.openssl import OpenSSLProvider
from ledger.gm.signature import encode_signature
from ledger.gm.vectors import SM2_SIGNATURE as KNOWN
from ledger.gm.vectors import SM3_DIGESTS
from tests.support.gm_providers import NATIVE, PUBLIC_KEY, both, key_of
from tests.support.waiting import HANG_S


def test_threads_share_a_provider() -> None:
    provider = OpenSSLProvider()

    def sign_and_verify(index: int) -> bool:
        key = key_of(1 + index % 7)
        message = index.to_bytes(4)
        return provider.verify(provider.public_key(key), message, provider.sign(key, message))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(sign_and_verify, range(400)))


def test_parsed_keys_are_bounded_and_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssl, "KEYS_CACHED_MAX", 4)
    provider = OpenSSLProvider()
    made, freed = [], []

    class Counted(openssl._Key):
        def __init__(self, handle: int, free: object) -> None:
            made.append(handle)
            super().__init__(handle, lambda h: (freed.append(h), provider._lib.EVP_PKEY_free(h)))

    monkeypatch.setattr(openssl, "_Key", Counted)
    for scalar in range(1, 21):
        provider.sign(key_of(scalar), b"m")
    assert len(made) == 20
    assert len(freed) == 16


def test_a_refused_signature_leaves_no_error_behind_for_ssl() -> None:
    bad = encode_signature(KNOWN.r, KNOWN.s - 1)
    assert not NATIVE.verify(PUBLIC_KEY, KNOWN.message, bad)
    d, t = int.from_bytes(KNOWN.private_key), 99
    s = -t * d % N
    assert not NATIVE.verify_digest(PUBLIC_KEY, KNOWN.e, (t - s) % N, s)
    assert NATIVE._lib.ERR_get_error() == 0
    ssl.create_default_context()


@pytest.mark.parametrize("path", list(libcrypto.candidates()))
def test_every_libcrypto_on_this_machine_passes_or_says_why_not(path: str) -> None:
    try:
        provider = OpenSSLProvider(path)
    except ConfigurationError as error:
        pytest.skip(error.detail)
    gm.self_test(provider)


def test_the_library_that_python_uses_comes_first() -> None:
    found = list(libcrypto.candidates())
    assert found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("path", ["/nonexistent/libcrypto.so.3", "libm.so.6", os.devnull])
def test_what_is_no_libcrypto_is_a_configuration_error(path: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        libcrypto.load(path)


# Choosing


def test_the_default_is_native_and_the_same_each_time() -> None:
    assert isinstance(gm.default_provider(), OpenSSLProvider)
    assert gm.default_provider() is gm.default_provider()
    assert "OpenSSL" in gm.default_provider().name


def test_without_libcrypto_gmssl_takes_over_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(libcrypto, "candidates", lambda: iter(["/nonexistent/libcrypto.so"]))
    monkeypatch.setattr(default, "_chosen", None)
    with caplog.at_level(logging.WARNING):
        assert isinstance(gm.default_provider(), GmsslProvider)
    assert "/nonexistent/libcrypto.so" in caplog.text


@both
def test_both_providers_pass_the_self_test(provider: gm.Provider) -> None:
    gm.self_test(provider)


class Wrong(OpenSSLProvider):
    """A provider with one fault at a time."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def sm3(self, data: bytes) -> bytes:
        return bytes(32) if self.fault == "SM3" else super().sm3(data)

    def sm4_cbc_encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        return super().sm4_cbc_encrypt(bytes(16) if self.fault == "SM4" else key, iv, data)

    def public_key(self, key: PrivateKey) -> PublicKey:
        return super().public_key(key_of(1) if self.fault == "SM2 key" else key)

    def verify(self, public_key: PublicKey, message: bytes, signature: bytes) -> bool:
        return self.fault == "SM2 verification" or super().verify(public_key, message, signature)

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        return KNOWN.der if self.fault == "SM2 signature" else super().sign(key, message)


@pytest.mark.parametrize("fault", ["SM3", "SM4", "SM2 key", "SM2 verification", "SM2 signature"])
def test_the_self_test_catches(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=f"fails the {fault} self-test"):
        gm.self_test(Wrong(fault))
    monkeypatch.setattr(default, "_chosen", None)
    monkeypatch.setattr(default, "OpenSSLProvider", lambda: Wrong(fault))
    with pytest.raises(ConfigurationError):
        gm.default_provider()


def test_a_fresh_process_needs_nothing_but_the_import() -> None:
    program = "from ledger import gm; print(gm.sm3(b'abc').hex())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=HANG_S
    )
    assert done.stdout.strip() == SM3_DIGESTS[0][1].hex()
    assert done.stderr == ""
