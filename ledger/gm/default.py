"""Which provider this process uses, and the test it passes first."""

import logging
import threading

from ledger.errors import ConfigurationError
from ledger.gm.gmssl_provider import GmsslProvider
from ledger.gm.keys import PrivateKey, PublicKey
from ledger.gm.openssl import OpenSSLProvider
from ledger.gm.provider import SM4_BLOCK_BYTES, Provider
from ledger.gm.vectors import SM2_SIGNATURE, SM3_DIGESTS, SM4_ONCE

_log = logging.getLogger(__name__)
_choosing = threading.Lock()
_chosen: Provider | None = None


def default_provider() -> Provider:
    """OpenSSL if there is one with SM2, SM3 and SM4, else gmssl; the same at every call.

    The first call in a process runs :func:`self_test`. Raises ConfigurationError if it fails: a
    library that computes wrongly is a matter for a person, not for silently taking another.
    """
    global _chosen
    if _chosen is None:
        with _choosing:
            if _chosen is None:
                provider = _choose()
                self_test(provider)
                _chosen = provider
    return _chosen


def sm3(data: bytes) -> bytes:
    """The SM3 digest of the data, 32 bytes (GB/T 32905), by the default provider."""
    return (_chosen or default_provider()).sm3(data)


def self_test(provider: Provider) -> None:
    """Checks a provider against the standards' known answers (``ledger.gm.vectors``).

    Raises ConfigurationError that names the first operation with a wrong result.
    """
    for passed, operation in (
        (_digests_well(provider), "SM3"),
        (_enciphers_well(provider), "SM4"),
        (_derives_well(provider), "SM2 key"),
        (_verifies_well(provider), "SM2 verification"),
        (_signs_well(provider), "SM2 signature"),
    ):
        if not passed:
            raise ConfigurationError(f"{provider.name} fails the {operation} self-test")


def _choose() -> Provider:
    try:
        return OpenSSLProvider()
    except ConfigurationError as error:
        _log.warning("SM2 falls back to gmssl, 20 to 40 times slower: %s", error.detail)
        return GmsslProvider()


def _digests_well(provider: Provider) -> bool:
    return all(provider.sm3(message) == digest for message, digest in SM3_DIGESTS)


def _enciphers_well(provider: Provider) -> bool:
    # With an iv of zeros the first block of CBC is the bare block of the standard.
    key, iv, data = SM4_ONCE.key, bytes(SM4_BLOCK_BYTES), SM4_ONCE.plaintext
    ciphertext = provider.sm4_cbc_encrypt(key, iv, data)
    return (
        ciphertext[:SM4_BLOCK_BYTES] == SM4_ONCE.ciphertext
        and provider.sm4_cbc_decrypt(key, iv, ciphertext) == data
    )


def _derives_well(provider: Provider) -> bool:
    key = PrivateKey(SM2_SIGNATURE.private_key)
    return provider.public_key(key).point == SM2_SIGNATURE.public_key


def _verifies_well(provider: Provider) -> bool:
    key, message = PublicKey(SM2_SIGNATURE.public_key), SM2_SIGNATURE.message
    return provider.verify(key, message, SM2_SIGNATURE.der) and not provider.verify(
        key, message + b".", SM2_SIGNATURE.der
    )


def _signs_well(provider: Provider) -> bool:
    key, message = PrivateKey(SM2_SIGNATURE.private_key), SM2_SIGNATURE.message
    first, second = provider.sign(key, message), provider.sign(key, message)
    # Two equal signatures would mean a nonce used twice, which gives the key away.
    return first != second and provider.verify(provider.public_key(key), message, first)
