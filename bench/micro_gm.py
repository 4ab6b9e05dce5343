"""Micro benchmarks of national cryptography: ``pytest bench/micro_gm.py``.

Not collected by ``pytest`` alone, and nothing is asserted about time. The message has 400 bytes,
as a payment's event has.
"""

from collections.abc import Callable
from typing import Any

import pytest

from ledger.gm import PrivateKey, Provider
from ledger.gm.gmssl_provider import GmsslProvider
from ledger.gm.openssl import OpenSSLProvider
from ledger.gm.vectors import SM2_SIGNATURE

MESSAGE = bytes(range(200)) * 2
KEY = PrivateKey(SM2_SIGNATURE.private_key)
IV = bytes(16)

Benchmark = Callable[..., Any]


@pytest.fixture(params=[OpenSSLProvider, GmsslProvider], ids=["openssl", "gmssl"])
def provider(request: pytest.FixtureRequest) -> Provider:
    made: Provider = request.param()
    return made


def test_sm2_sign(benchmark: Benchmark, provider: Provider) -> None:
    signature = benchmark(provider.sign, KEY, MESSAGE)
    assert provider.verify(provider.public_key(KEY), MESSAGE, signature)


def test_sm2_verify(benchmark: Benchmark, provider: Provider) -> None:
    signature = provider.sign(KEY, MESSAGE)
    assert benchmark(provider.verify, provider.public_key(KEY), MESSAGE, signature)


def test_sm3(benchmark: Benchmark, provider: Provider) -> None:
    assert len(benchmark(provider.sm3, MESSAGE)) == 32


def test_sm4_cbc_encrypt(benchmark: Benchmark, provider: Provider) -> None:
    ciphertext = benchmark(provider.sm4_cbc_encrypt, IV, IV, MESSAGE)
    assert provider.sm4_cbc_decrypt(IV, IV, ciphertext) == MESSAGE


def test_sm4_cbc_decrypt(benchmark: Benchmark, provider: Provider) -> None:
    ciphertext = provider.sm4_cbc_encrypt(IV, IV, MESSAGE)
    assert benchmark(provider.sm4_cbc_decrypt, IV, IV, ciphertext) == MESSAGE
